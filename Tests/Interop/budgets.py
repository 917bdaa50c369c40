"""Prunes models of the zoo to budgets and checks that these hold, are used up, and that the results run.

    budgets.py [--only NAME,...] [--share 0.5] [--scope global,group,isomorphic]

Parameters and MACs are those `coppice inspect` counts in the result, size is that of the file. Each has to be at most the
budget and at least the budget less one percent of the original, unless the tool itself said that rounding and
protections allow nothing nearer. The outputs have to keep their shapes and types.
"""
import pathlib
import time

import onnx

import catalog
import harness

MODELS = ["tv_resnet50", "tv_mobilenet_v2", "hf_bert_base", "tv_vit_b_16"]
QUANTITIES = {"macs": "macs", "params": "parameters", "size": None}


def amount(coppice, path, quantity):
    key = QUANTITIES[quantity]
    return path.stat().st_size if key is None else coppice.json("inspect", path)[key]


def check(coppice, model, quantity, arguments, scope, report):
    path, feed = model.path(), model.feed()
    name = f"{model.name} {scope}"
    with harness.scratch() as folder:
        output = pathlib.Path(folder) / "pruned.onnx"
        start = time.perf_counter()
        told = coppice.run("prune", path, f"--{quantity}", f"{100 * arguments.share:g}%", "--scope", scope, "-o", output)
        seconds = time.perf_counter() - start
        if told.returncode != 0:
            expected = "refused" if told.returncode == 4 else None
            return report.row(name, f"{quantity:7}", None if expected else told.stderr[-200:], told.stderr.strip()[-160:])
        before, after = (amount(coppice, p, quantity) for p in (path, output))
        share, problem = after / before, None
        if after > arguments.share * before:
            problem = "over the budget"
        elif share < arguments.share - 0.01 and "as near as" not in told.stderr:
            problem = "more than one percent below the budget"
        onnx.checker.check_model(str(output))
        problem = problem or harness.compare_contract(harness.run(path, feed), harness.run(output, feed))
        report.row(name, f"{quantity:7} {100 * share:7.3f}% of {before:13,} in {seconds:5.2f}s", problem)


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", help="check these, divided by commas")
    parser.add_argument("--share", type=float, default=0.5, help="what may remain")
    parser.add_argument("--scope", default="global", help="scopes, divided by commas")
    arguments = parser.parse_args()
    coppice, report = harness.Coppice(arguments.coppice), harness.Report()
    names = arguments.only.split(",") if arguments.only else MODELS
    for model in catalog.zoo(None if names == ["all"] else names):
        for scope in arguments.scope.split(","):
            for quantity in QUANTITIES:
                check(coppice, model, quantity, arguments, scope, report)
    report.finish()


if __name__ == "__main__":
    main()
