"""Checks every operator's axis rule by cutting: constants feed one node, whose output a matrix reads.

    operator_rules.py [--only TEXT] [--seeds N]

ONNX's own operator cases become models in which the floating-point inputs are weights. The node's first output is
laid out flat and multiplied by a matrix, so that every axis the rule lets go can go. What coppice cuts must equal the
original with zeros in the place of what is cut.
"""
import collections
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import harness
import invariant
import operator_cases as oc

FLOATS = {TensorProto.FLOAT: np.float32, TensorProto.DOUBLE: np.float64}


def consumed(model, outputs, random):
    """A copy whose floating-point outputs are each read by a matrix; None where there is none."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    infos = list(copy.graph.output)
    del copy.graph.output[:]
    for info, array in zip(infos, outputs):
        shape, kind = oc.shape_of(array), info.type.tensor_type.elem_type
        if not shape or kind not in FLOATS or not 1 < np.prod(shape) < 100_000:
            continue
        count = int(np.prod(shape))
        matrix = random.standard_normal((count, 3)).astype(FLOATS[kind])
        copy.graph.initializer.append(numpy_helper.from_array(matrix, f"{info.name}/matrix"))
        copy.graph.initializer.append(numpy_helper.from_array(np.array([1, -1], np.int64), f"{info.name}/flat"))
        copy.graph.node.append(
            helper.make_node("Reshape", [info.name, f"{info.name}/flat"], [f"{info.name}/row"], f"{info.name}/reshape"))
        copy.graph.node.append(
            helper.make_node("MatMul", [f"{info.name}/row", f"{info.name}/matrix"], [f"{info.name}/y"],
                             f"{info.name}/product"))
        copy.graph.output.append(helper.make_tensor_value_info(f"{info.name}/y", kind, [1, 3]))
    return copy if copy.graph.output else None


def is_float(info, held):
    return held.data_type in (*FLOATS, TensorProto.FLOAT16, TensorProto.BFLOAT16)


def check(coppice, model, inputs, outputs, seed, folder, keeps_integers):
    """(outcome, number of groups) of one case."""
    random = np.random.default_rng(seed)
    wrapped = consumed(model, outputs, random)
    if wrapped is None:
        return "no float output", 0
    constant = oc.with_constants(wrapped, inputs, (lambda i, h: True) if keeps_integers else is_float)
    feed = {info.name: array for info, array in zip(model.graph.input, inputs)
            if info.name in {i.name for i in constant.graph.input}}
    path = folder / "case.onnx"
    onnx.save(constant, path)
    try:
        onnx.checker.check_model(constant, full_check=True)
        if not harness.is_finite(harness.run(path, feed)):
            return "not finite", 0
        if any(node.op_type == "Dropout" and len(node.input) > 2 for node in model.graph.node):
            return "random", 0
    except Exception:  # ONNX Runtime lacks the operator, or the type of it
        return "not run by ONNX Runtime", 0
    try:
        error, groups = invariant.error_of(coppice, path, feed, folder, ratio=0.5, seed=seed)
    except AssertionError as problem:
        if "not finite" in str(problem):
            return "not finite", 0
        return f"FAILED: {problem}", 0
    except Exception as problem:
        return f"FAILED: {type(problem).__name__}: {str(problem)[:200]}", 0
    if groups == 0:
        return "nothing cut", 0
    return ("cut" if error <= harness.BOUND else f"FAILED: error {error:.1e}"), groups


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", help="cases whose name holds this")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    coppice = harness.Coppice(arguments.coppice, timeout=60)
    tally, groups, failures, cut, uncut = collections.Counter(), 0, [], set(), set()
    for name, model, inputs, outputs in oc.cases(arguments.only):
        for seed in range(arguments.seeds):
            for keeps_integers in (True, False):
                with harness.scratch() as folder:
                    outcome, count = check(coppice, model, inputs, outputs, seed, pathlib.Path(folder), keeps_integers)
                groups += count
                tally[outcome.split(":")[0]] += 1
                operator = model.graph.node[0].op_type
                if outcome == "cut":
                    cut.add(operator)
                elif outcome == "nothing cut":
                    uncut.add(operator)
                if outcome.startswith("FAILED"):
                    failures.append(name)
                    print(f"{name} (seed {seed}, {'constant' if keeps_integers else 'given'} integers): {outcome}",
                          flush=True)
    print(f"operators with something cut: {len(cut)}; never: {', '.join(sorted(uncut - cut))}")
    print(", ".join(f"{count} {outcome}" for outcome, count in tally.most_common()) + f"; {groups} groups cut")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
