"""The central invariant as a property test: random small models, random keep sets.

    random_models.py [--count N] [--seed S] [--keep FOLDER] [--only-generate]

Every failure prints its seed and what the model is made of, and leaves the model in a folder. --seed S --count 1
makes it again.
"""
import collections
import os
import pathlib

import numpy as np
import onnx

import harness
import invariant
from random_images import image_model
from random_sequences import sequence_model


def random_model(seed):
    """(model, shapes of its inputs, names of its blocks) of a seed."""
    return image_model(seed) if seed % 2 else sequence_model(seed)


def check(coppice, seed):
    """(error, groups, problem) of one seed."""
    model, shapes, _ = random_model(seed)
    random = np.random.default_rng(seed)
    with harness.scratch() as name:
        folder = pathlib.Path(name)
        onnx.save(model, folder / "model.onnx")
        try:
            error, groups = invariant.error_of(
                coppice, folder / "model.onnx", harness.inputs(shapes, seed), folder,
                ratio=round(float(random.uniform(0.2, 0.7)), 2), seed=seed, kinds="all" if seed % 4 < 3 else
                "channel,ffn,head,hidden,other")
        except Exception as problem:  # a refusal, an invalid graph, a wrong plan: all findings
            return None, 0, f"{type(problem).__name__}: {str(problem)[:250]}"
    return error, groups, None if error <= harness.BOUND else f"error {error:.1e}"


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--count", type=int, default=150, help="models to try")
    parser.add_argument("--seed", type=int, default=0, help="the first model's seed")
    parser.add_argument("--keep", default=str(harness.CACHE / "failed"), help="where failing models go")
    parser.add_argument("--only-generate", action="store_true", help="check the models themselves, without coppice")
    arguments = parser.parse_args()
    coppice = harness.Coppice(arguments.coppice, timeout=60)
    worst, groups, failed, used = 0.0, 0, 0, collections.Counter()
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        model, shapes, names = random_model(seed)
        used.update(names)
        if arguments.only_generate:
            onnx.checker.check_model(model, full_check=True)
            outputs = harness.run(model, harness.inputs(shapes, seed))
            error, problem = 0.0, None if harness.is_finite(outputs) else "outputs are not finite"
        else:
            error, count, problem = check(coppice, seed)
            groups += count
        worst = max(worst, error or 0.0)
        if problem:
            failed += 1
            place = pathlib.Path(arguments.keep) / f"seed{seed}.onnx"
            place.parent.mkdir(parents=True, exist_ok=True)
            onnx.save(model, place)
            print(f"FAILED seed {seed} ({', '.join(names)}): {problem}\n  model: {os.path.relpath(place)}", flush=True)
    print("blocks: " + ", ".join(f"{name.removesuffix('_block')} {count}" for name, count in sorted(used.items())))
    print(f"{arguments.count} models, {groups} groups cut, worst error {worst:.1e} of {harness.BOUND:.0e}, {failed} failed")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
