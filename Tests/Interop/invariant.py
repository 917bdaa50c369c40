"""The central invariant: a pruned model equals the original with exactly the removed slices set to zero.

    invariant.py [--zoo] [--real] [--short] [--only NAME,...] [--seeds N]

Plans the removal of random channels of every group whose removal coppice calls exact, applies the plan, and compares
with the zeroed original in ONNX Runtime. The bound is 1e-4 of the original's largest output (taken as at least 0.01).
"""
import concurrent.futures
import json
import multiprocessing
import os
import pathlib

import onnx

import catalog
import harness
import zeroing


def error_of(coppice, path, feed, folder, ratio=0.3, seed=1, kinds="all", full_check=True):
    """(relative error, removed groups) of a random plan; a model without exact groups has no error."""
    plan_path, output = folder / "plan.json", folder / "pruned.onnx"
    try:
        coppice("plan", path, "--ratio", ratio, "--kinds", kinds, "--round-to", 1, "--criterion", "random",
                "--seed", seed, "--exact-only", "-o", plan_path)
    except harness.Refused as refusal:
        if refusal.code == 7:
            return 0.0, 0
        raise
    coppice("apply", path, "--plan", plan_path, "-o", output)
    plan = json.loads(plan_path.read_text())
    assert all(group["exact"] for group in plan["groups"]), "--exact-only planned an approximate group"
    if full_check:
        onnx.checker.check_model(str(output), full_check=True)
    model = onnx.load(path)
    original = harness.run(path, feed)
    reference = zeroing.zeroed(model, plan)
    del model
    expected = harness.run(reference, feed)
    if harness.is_finite(original) and not harness.is_finite(expected):
        raise AssertionError("the zeroed original is not finite: some group called exact divides by what it removes")
    return harness.relative_error(expected, harness.run(output, feed), original), len(plan["groups"])


def check(binary, name, seed):
    """(error, groups, problem) of one model and seed."""
    (model,) = catalog.named([name])
    with harness.scratch() as folder:
        try:
            error, groups = error_of(
                harness.Coppice(binary), model.path(), model.feed(), pathlib.Path(folder), seed=seed)
        except Exception as problem:  # whatever goes wrong is the finding
            return None, 0, f"{type(problem).__name__}: {str(problem)[:200]}"
    return error, groups, None if error <= harness.BOUND else f"off by more than {harness.BOUND:g}"


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--zoo", action="store_true", help="check the zoo")
    parser.add_argument("--real", action="store_true", help="check the trained models")
    parser.add_argument("--short", action="store_true", help="check a few small models of these")
    parser.add_argument("--only", help="check these, divided by commas")
    parser.add_argument("--seeds", type=int, default=1, help="random plans for each model")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.only:
        models = catalog.named(arguments.only.split(","))
    else:
        models = catalog.zoo(catalog.SHORT if arguments.short else None) if arguments.zoo else []
        models += catalog.real(catalog.SHORT_REAL if arguments.short else None) if arguments.real else []
    os.environ["INTEROP_THREADS"] = "1" if arguments.jobs > 1 else "0"
    report, worst = harness.Report(), 0.0
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs, multiprocessing.get_context("spawn")) as pool:
        jobs = [(model.name, seed, pool.submit(check, arguments.coppice, model.name, seed))
                for model in models for seed in range(1, arguments.seeds + 1)]
        for name, seed, job in jobs:
            error, groups, problem = job.result()
            worst = max(worst, error or 0.0)
            shown = "      –" if error is None else f"{error:7.1e}"
            report.row(name, f"seed {seed}  {groups:4} groups  error {shown}", problem)
    print(f"worst error {worst:.1e}, allowed {harness.BOUND:.0e}")
    report.finish()


if __name__ == "__main__":
    main()
