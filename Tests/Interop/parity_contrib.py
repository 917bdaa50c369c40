"""Runs operators of quantized, fused and attention models, and functions, by coppice and compares with ONNX Runtime.

    parity_contrib.py [--only TEXT]

Floating-point results are held to a bound on the error relative to the largest number, integers to a number of steps.
Cases ONNX Runtime has no kernel for are skipped.
"""
import concurrent.futures
import pathlib

import numpy as np
import onnx
import onnxruntime

import contrib_attention_cases
import contrib_function_cases
import contrib_fused_cases
import contrib_quantized_cases
import harness

FAMILIES = [contrib_attention_cases, contrib_quantized_cases, contrib_fused_cases, contrib_function_cases]


def expected_of(model, feed):
    """What ONNX Runtime gives, by output name; None where it has no kernel."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return dict(zip([info.name for info in session.get_outputs()], session.run(None, feed)))
    except Exception:  # not computed on processors, or only for other layouts
        return None


def difference(expected, found, bound):
    """What is wrong with an output, or None."""
    expected = np.asarray(expected)
    if expected.shape != found.shape:
        return f"shape {found.shape}, expected {expected.shape}"
    if expected.dtype != found.dtype:
        return f"type {found.dtype}, expected {expected.dtype}"
    if expected.dtype.kind != "f":
        steps = np.abs(expected.astype(np.int64) - found.astype(np.int64)).max(initial=0)
        return None if steps <= bound else f"off by {steps}"
    same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0, np.abs(expected - found)).max(initial=0)
    error /= max(1, np.abs(np.where(np.isfinite(expected), expected, 0)).max(initial=0))
    return None if error <= bound else f"error {error:.1e}, more than {bound:g}"


def check(binary, case):
    """(name, problem) of one case; the problem is "skipped" where there is nothing to compare with."""
    name, model, feed, bound = case
    expected = expected_of(model, feed)
    if expected is None:
        return name, "skipped"
    coppice = harness.Coppice(binary)
    with harness.scratch() as place:
        place = pathlib.Path(place)
        onnx.save(model, place / "model.onnx")
        np.savez(place / "x.npz", **feed)
        result = coppice.run("infer", place / "model.onnx", "--input", place / "x.npz", "-o", place / "y.npz")
        if result.returncode != 0:
            return name, " ".join(result.stderr.split())[-200:]
        found = np.load(place / "y.npz")
        for output, array in expected.items():
            problem = f"{output} is missing" if output not in found else difference(array, found[output], bound)
            if problem:
                return name, problem
    return name, None


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    arguments = parser.parse_args()
    cases = [case for family in FAMILIES for case in family.cases() if arguments.only in case[0]]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: check(arguments.coppice, case), cases))
    problems = [(name, problem) for name, problem in results if problem not in (None, "skipped")]
    for name, problem in problems:
        print(f"failed   {name}: {problem}")
    skipped = sum(problem == "skipped" for _, problem in results)
    print(f"contrib cases: {len(results) - len(problems) - skipped} of {len(results)} agree, {skipped} skipped, "
          f"{len(problems)} failed")
    raise SystemExit(bool(problems))


if __name__ == "__main__":
    main()
