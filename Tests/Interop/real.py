"""Trained models out of PyPI packages: half of every dimension goes, the rest is valid, runs and is as small as it should.

    real.py [--only NAME,...]

At --ratio 0.5 --kinds all --round-to 1. The invariant is checked on each too, and the default kinds for validity.
"""
import pathlib
import time

import onnx

import catalog
import harness
import invariant

# Share of the parameters that has to go: what a prototype of the analysis removes, less 2 points.
REMOVED = {
    "dnsmos_model_v8": 0.75, "open_nsfw": 0.75, "ppocr_cls": 0.69, "ppocr_det": 0.74, "ppocr_rec": 0.67, "u2netp": 0.75,
    "magika": 0.71, "silero_vad_16k_sequence": 0.48, "paraphrase_minilm_l3": 0.18,
}
VARIANTS = {"all/1": ["--kinds", "all", "--round-to", "1"], "default": []}


def prune(coppice, path, feed, output, variant):
    """(share removed, seconds, problem) of one pruning."""
    start = time.perf_counter()
    coppice("prune", path, "--ratio", 0.5, "--criterion", "l2", *VARIANTS[variant], "-o", output, "--json")
    seconds = time.perf_counter() - start
    onnx.checker.check_model(str(output), full_check=True)
    removed = 1 - harness.parameters(onnx.load(output)) / harness.parameters(onnx.load(path))
    return removed, seconds, harness.compare_contract(harness.run(path, feed), harness.run(output, feed))


def check(coppice, model, report):
    path, feed = model.path(), model.feed()
    for variant in VARIANTS:
        removed = seconds = None
        with harness.scratch() as folder:
            try:
                removed, seconds, problem = prune(coppice, path, feed, pathlib.Path(folder) / "pruned.onnx", variant)
            except Exception as error:  # a refusal is a failure here, and so is an invalid result
                problem = f"{type(error).__name__}: {str(error)[:200]}"
        bar = REMOVED[model.name]
        if problem is None and variant == "all/1" and removed < bar - 0.02:
            problem = f"the prototype removes {100 * bar:.0f}%"
        shown = "       –" if removed is None else f"{100 * removed:5.1f}% in {seconds:5.2f}s"
        report.row(model.name, f"{variant:9} removed {shown}", problem)
    with harness.scratch() as folder:
        try:
            error, groups = invariant.error_of(coppice, path, feed, pathlib.Path(folder))
            problem = None if error <= harness.BOUND else f"off by more than {harness.BOUND:g}"
            report.row(model.name, f"invariant {groups:4} groups, error {error:7.1e}", problem)
        except Exception as problem:
            report.row(model.name, "invariant", f"{type(problem).__name__}: {str(problem)[:200]}")


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", help="check these, divided by commas")
    arguments = parser.parse_args()
    coppice, report = harness.Coppice(arguments.coppice), harness.Report()
    for model in catalog.real(arguments.only.split(",") if arguments.only else None):
        check(coppice, model, report)
    report.finish()


if __name__ == "__main__":
    main()
