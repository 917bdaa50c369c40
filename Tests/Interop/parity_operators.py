"""Runs ONNX's own operator cases by coppice and compares with the outputs they come with.

    parity_operators.py [--newest] [--only TEXT] [--list]

The cases are those of Debian's libonnx-testdata, or the newest ones, which the installed onnx package makes itself.
A case passes where every output has the expected type, shape and numbers (1e-3 relative, 1e-5 absolute; integers
exactly). Coppice names what it cannot run before it starts, with exit code 3: such cases are counted and listed, and
fail the check only where the operator is one coppice says it computes.
"""
import collections
import concurrent.futures
import pathlib
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

import harness

CASES = pathlib.Path("/usr/share/libonnx-testdata/data/node")
AIM = 0.6


def tensor(path):
    """A tensor of a case; None for sequences and optionals."""
    proto = onnx.TensorProto()
    try:
        proto.ParseFromString(path.read_bytes())
        if proto.data_type in (0, onnx.TensorProto.STRING, onnx.TensorProto.BFLOAT16):
            return None
        array = numpy_helper.to_array(proto)
        # What numpy has no type for cannot be handed over in its files.
        return array if array.dtype.kind in "fiub" and array.dtype.isbuiltin == 1 else None
    except Exception:  # a file that holds something else than a tensor
        return None


def stored_cases(only):
    """(name, model, inputs by name, outputs by name) of the cases in files; no inputs where not all are tensors."""
    for path in sorted(CASES.glob("*/model.onnx")):
        if only not in path.parent.name:
            continue
        model, data = onnx.load(path), path.parent / "test_data_set_0"
        inputs = {info.name: tensor(data / f"input_{index}.pb") for index, info in enumerate(model.graph.input)}
        outputs = {info.name: tensor(data / f"output_{index}.pb") for index, info in enumerate(model.graph.output)}
        yield path.parent.name, model, *checked(model, inputs, outputs)


def made_cases(only):
    """The same of the cases the onnx package makes."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    for case in sorted(cases, key=lambda case: case.name):
        if only not in case.name or case.model is None:
            continue
        given, expected = case.data_sets[0]
        inputs = {info.name: array(value) for info, value in zip(case.model.graph.input, given)}
        outputs = {info.name: array(value) for info, value in zip(case.model.graph.output, expected)}
        yield case.name, case.model, *checked(case.model, inputs, outputs)


def array(value):
    """An array of a case; None for what is none or cannot be handed over."""
    if isinstance(value, onnx.TensorProto):
        value = numpy_helper.to_array(value)
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        return None
    return value if value.dtype.kind in "fiub" and value.dtype.isbuiltin == 1 else None


def checked(model, inputs, outputs):
    """The arrays of a case; (None, None) where it has something else than tensors."""
    ends = [*model.graph.input, *model.graph.output]
    if any(info.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16 for info in ends):
        return None, None
    if any(value is None for value in [*inputs.values(), *outputs.values()]):
        return None, None
    return inputs, outputs


def difference(expected, found):
    """What is wrong with an output, or None."""
    if expected.dtype.name in ("float16", "bfloat16"):
        expected, found = expected.astype(np.float32), found.astype(np.float32)
        tolerance = dict(rtol=4e-3, atol=1e-3)
    else:
        tolerance = dict(rtol=1e-3, atol=1e-5)
    if expected.shape != found.shape:
        return f"shape {found.shape}, expected {expected.shape}"
    if expected.dtype != found.dtype:
        return f"type {found.dtype}, expected {expected.dtype}"
    if expected.dtype.kind in "iub":
        return None if (expected == found).all() else f"{int((expected != found).sum())} elements differ"
    if not np.allclose(expected, found, equal_nan=True, **tolerance):
        return f"largest difference {np.nanmax(np.abs(expected - found)):.3g}"
    return None


def run(binary, case):
    """(case, outcome, detail): passed, failed, refused (named before it starts) or not tensors."""
    coppice = harness.Coppice(binary)
    name, model, inputs, expected = case
    operator = model.graph.node[0].op_type if model.graph.node else ""
    if inputs is None:
        return name, "other", operator
    with harness.scratch() as place:
        place = pathlib.Path(place)
        onnx.save(model, place / "model.onnx")
        np.savez(place / "x.npz", **inputs)
        result = coppice.run("infer", place / "model.onnx", "--input", place / "x.npz", "-o", place / "y.npz")
        if result.returncode != 0:
            message = " ".join(result.stderr.split())[-200:]
            return name, "refused" if "cannot run" in message else "failed", f"{operator}: {message}"
        found = np.load(place / "y.npz")
        for output, numbers in expected.items():
            if output not in found:
                return name, "failed", f"{operator}: output {output} is missing"
            wrong = difference(numbers, found[output])
            if wrong and not is_random(operator):
                return name, "failed", f"{operator}: {output}: {wrong}"
    return name, "passed", operator


def is_random(operator):
    """Outputs of these need only have the right type and shape."""
    return operator in ("Bernoulli", "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Dropout")


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--newest", action="store_true", help="the cases the onnx package makes")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--list", action="store_true", help="list the refused cases too")
    arguments = parser.parse_args()
    cases = (made_cases if arguments.newest else stored_cases)(arguments.only)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: run(arguments.coppice, case), cases))
    counts = collections.Counter(outcome for _, outcome, _ in results)
    for name, outcome, detail in results:
        if outcome == "failed" or (arguments.list and outcome == "refused"):
            print(f"{outcome:8} {name}: {detail}")
    passed = counts["passed"]
    print(f"operator cases: {passed} of {len(results)} passed ({passed / max(len(results), 1):.0%}), "
          f"{counts['refused']} refused by name, {counts['other']} without tensors, {counts['failed']} failed")
    raise SystemExit(counts["failed"] > 0 or (not arguments.only and passed < AIM * len(results)))


if __name__ == "__main__":
    main()
