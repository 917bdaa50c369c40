"""Runs the models of the zoo and the trained ones by coppice and compares with ONNX Runtime.

    parity_models.py [--short] [--only NAME,...]

The bar is 1e-3 of the model's largest output, for at least 95 % of the zoo; the worst case is printed.
"""
import concurrent.futures
import pathlib

import numpy as np

import catalog
import harness

BAR = 1e-3
SHARE = 0.95


def check(binary, model):
    """(name, relative error or None, problem)."""
    coppice = harness.Coppice(binary)
    try:
        path, feed = model.path(), model.feed()
        reference = harness.session(path)
        names = [output.name for output in reference.get_outputs()]
        expected = reference.run(names, {given.name: feed[given.name] for given in reference.get_inputs()})
        del reference
        with harness.scratch() as place:
            place = pathlib.Path(place)
            np.savez(place / "x.npz", **feed)
            coppice("infer", path, "--input", place / "x.npz", "-o", place / "y.npz")
            found = np.load(place / "y.npz")
            return model.name, harness.relative_error(expected, [found[name] for name in names], expected), None
    except Exception as problem:  # whatever goes wrong is the finding
        return model.name, None, f"{type(problem).__name__}: {str(problem)[:200]}"


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--short", action="store_true", help="a few models of every family")
    parser.add_argument("--only", default="", help="names, separated by commas")
    arguments = parser.parse_args()
    if arguments.only:
        models = catalog.named(arguments.only.split(","))
    elif arguments.short:
        models = catalog.zoo(catalog.SHORT) + catalog.real(catalog.SHORT_REAL)
    else:
        models = catalog.zoo() + catalog.real()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        results = list(pool.map(lambda model: check(arguments.coppice, model), models))
    good = [result for result in results if result[1] is not None and result[1] <= BAR]
    for name, error, problem in results:
        print(f"{name:34} {'' if error is None else f'{error:.1e}'} {problem or ('' if error <= BAR else 'off')}")
    errors = [error for _, error, _ in results if error is not None]
    print(f"forward parity: {len(good)} of {len(results)} within {BAR:g}; worst {max(errors, default=0):.1e}")
    raise SystemExit(len(good) < SHARE * len(results))


if __name__ == "__main__":
    main()
