"""Prunes every model of the zoo and checks that the result is valid, runs, and is as small as it should be.

    zoo.py [--short] [--only NAME,...] [--jobs N]

Three times for each model, at --ratio 0.5 with L2: default kinds, --kinds all, and --kinds all --round-to 1. The result
has to pass onnx.checker's full check and give outputs of the original's shapes and types on the same inputs, finite
where the original's are. With --round-to 1 it has to lose what ../shared/zoo/dimensions.json says less 1 point, with the
defaults what ../shared/zoo/torch_pruning.json says less 2 points; the models that failed there have to prune. Two
models may be refused; none may be wrong.
"""
import concurrent.futures
import multiprocessing
import os
import pathlib
import time

import onnx

import catalog
import harness

VARIANTS = {"default": [], "all": ["--kinds", "all"], "all/1": ["--kinds", "all", "--round-to", "1"]}
ALLOWED_REFUSALS = 2


class Row:
    """What came of one model and variant."""

    def __init__(self, variant):
        self.variant = variant
        self.removed = self.told = self.seconds = None
        self.problem = self.refused = None

    def columns(self):
        def share(value):
            return "     –" if value is None else f"{100 * value:5.1f}%"
        seconds = "      –" if self.seconds is None else f"{self.seconds:6.2f}s"
        return f"{self.variant:8} removed {share(self.removed)} (told {share(self.told)}) {seconds}"


def prune(coppice, path, output, row, before, expected, feed):
    """Prunes once and fills in the row."""
    start = time.perf_counter()
    try:
        summary = coppice.json(
            "prune", path, "--ratio", 0.5, "--criterion", "l2", "-o", output, *VARIANTS[row.variant])
    except harness.Refused as refusal:
        row.refused = str(refusal)
        return
    row.seconds = time.perf_counter() - start
    row.told = 1 - summary["after"]["parameters"] / summary["before"]["parameters"]
    onnx.checker.check_model(str(output), full_check=True)
    row.removed = 1 - harness.parameters(onnx.load(output)) / before
    row.problem = harness.compare_contract(expected, harness.run(output, feed))


def check(binary, name):
    """The rows of one model."""
    (model,) = catalog.named([name])
    coppice, path, feed, rows = harness.Coppice(binary), model.path(), model.feed(), []
    before, expected = harness.parameters(onnx.load(path)), harness.run(path, feed)
    with harness.scratch() as folder:
        for variant in VARIANTS:
            row, output = Row(variant), pathlib.Path(folder) / "pruned.onnx"
            try:
                prune(coppice, path, output, row, before, expected, feed)
            except Exception as problem:  # whatever the checker or the runtime says is the finding
                row.problem = f"WRONG: {type(problem).__name__}: {str(problem)[:200]}"
            output.unlink(missing_ok=True)
            rows.append(row)
    return rows


class Bars:
    """How much has to go."""

    def __init__(self):
        self.prototype = catalog.zoo_figures("dimensions")
        peers = catalog.zoo_figures("torch_pruning")
        self.pruned, self.failed = peers["pruned"], peers["failed"]

    def missed(self, name, row):
        """What a row falls short of, or None."""
        if row.removed is None:
            has_bar = row.variant == "default" and (name in self.pruned or name in self.failed)
            return f"has to prune: {row.refused}" if row.refused and has_bar else None
        if row.variant == "all/1" and name in self.prototype:
            bar = self.prototype[name]["removed"]
            if row.removed < bar - 0.01:
                return f"the prototype removes {100 * bar:.1f}%"
        if row.variant == "default" and name in self.pruned:
            bar = self.pruned[name]["removed"]
            if row.removed < bar - 0.02:
                return f"Torch-Pruning removes {100 * bar:.1f}%"
        if row.variant == "default" and name in self.failed and row.removed <= 0:
            return "nothing was pruned"
        return None


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--short", action="store_true", help="check a few small models")
    parser.add_argument("--only", help="check these, divided by commas")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    if not catalog.has_zoo():
        raise SystemExit(f"error: there is no zoo at {os.path.relpath(catalog.ZOO)}")
    names = arguments.only.split(",") if arguments.only else catalog.SHORT if arguments.short else None
    os.environ["INTEROP_THREADS"] = "1" if arguments.jobs > 1 else "0"
    report, bars = harness.Report(), Bars()
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs, multiprocessing.get_context("spawn")) as pool:
        jobs = [(model.name, pool.submit(check, arguments.coppice, model.name)) for model in catalog.zoo(names)]
        for name, job in jobs:
            for row in job.result():
                report.row(name, row.columns(), row.problem or bars.missed(name, row), row.refused)
    report.finish(0 if arguments.short else ALLOWED_REFUSALS)


if __name__ == "__main__":
    main()
