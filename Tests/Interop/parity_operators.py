"""Runs ONNX's own operator cases by coppice and compares with the outputs they come with.

    parity_operators.py [--only TEXT] [--list]

A case passes where every output has the expected type, shape and numbers (1e-3 relative, 1e-5 absolute; integers
exactly). Coppice names what it cannot run before it starts, with exit code 3: such cases are counted and listed, and
fail the check only where the operator is one coppice says it computes.
"""
import collections
import concurrent.futures
import pathlib

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


def case_arrays(folder, model):
    """(inputs by name, outputs by name) of a case; None where it has something else than tensors."""
    ends = [*model.graph.input, *model.graph.output]
    if any(info.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16 for info in ends):
        return None
    data = folder / "test_data_set_0"
    given = [info.name for info in model.graph.input]
    inputs = {name: tensor(data / f"input_{index}.pb") for index, name in enumerate(given)}
    outputs = {info.name: tensor(data / f"output_{index}.pb") for index, info in enumerate(model.graph.output)}
    if any(value is None for value in [*inputs.values(), *outputs.values()]):
        return None
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


def run(binary, folder):
    """(case, outcome, detail): passed, failed, refused (named before it starts) or not tensors."""
    coppice = harness.Coppice(binary)
    model = onnx.load(folder / "model.onnx")
    operator = model.graph.node[0].op_type if model.graph.node else ""
    arrays = case_arrays(folder, model)
    if arrays is None:
        return folder.name, "other", operator
    inputs, expected = arrays
    with harness.scratch() as place:
        place = pathlib.Path(place)
        np.savez(place / "x.npz", **inputs)
        result = coppice.run("infer", folder / "model.onnx", "--input", place / "x.npz", "-o", place / "y.npz")
        if result.returncode != 0:
            message = " ".join(result.stderr.split())[-200:]
            return folder.name, "refused" if "cannot run" in message else "failed", f"{operator}: {message}"
        found = np.load(place / "y.npz")
        for name, array in expected.items():
            if name not in found:
                return folder.name, "failed", f"{operator}: output {name} is missing"
            wrong = difference(array, found[name])
            if wrong and not is_random(operator):
                return folder.name, "failed", f"{operator}: {name}: {wrong}"
    return folder.name, "passed", operator


def is_random(operator):
    """Outputs of these need only have the right type and shape."""
    return operator in ("Bernoulli", "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Dropout")


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--list", action="store_true", help="list the refused cases too")
    arguments = parser.parse_args()
    folders = sorted(path.parent for path in CASES.glob("*/model.onnx") if arguments.only in path.parent.name)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda folder: run(arguments.coppice, folder), folders))
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
