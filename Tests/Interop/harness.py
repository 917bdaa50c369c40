"""What the checks share: running coppice, running models, comparing outputs, zeroing what a plan removes."""
import json
import subprocess
import zlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

ort.set_default_logger_severity(4)


def run_coppice(coppice, *arguments):
    """Runs the tool; returns (exit code, standard output, standard error)."""
    result = subprocess.run([coppice, *map(str, arguments)], capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


def session(model):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    source = model if isinstance(model, (str, bytes)) else model.SerializeToString()
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def inputs(shapes):
    """Deterministic inputs for {name: (shape, dtype)}: normal numbers, small token ids."""
    feed = {}
    for name, (shape, dtype) in shapes.items():
        random = np.random.default_rng(zlib.crc32(name.encode()))
        if "float" in dtype:
            feed[name] = random.standard_normal(shape).astype(dtype)
        else:
            feed[name] = random.integers(0, 50, shape).astype(dtype)
    return feed


def run(model, feed):
    running = session(model)
    return running.run(None, {i.name: feed[i.name] for i in running.get_inputs() if i.name in feed})


def relative_error(expected, found):
    """Largest difference over all outputs, relative to each output's own scale (at least 0.01)."""
    worst = 0.0
    for a, b in zip(expected, found):
        if a.shape != b.shape:
            return float("inf")
        if a.size == 0 or a.dtype.kind not in "fiub":
            continue
        a, b = a.astype(np.float64), b.astype(np.float64)
        if not np.isfinite(b).all():
            return float("inf")
        worst = max(worst, float(np.abs(a - b).max() / max(np.abs(a).max(), 0.01)))
    return worst


def parameters(model):
    """Elements of the float tensors, initializers and Constant nodes alike."""
    total = 0
    for tensor in constants(model).values():
        if tensor.data_type in (1, 10, 11, 16):
            total += int(np.prod(tensor.dims))
    return total


def constants(model):
    """The model's constant tensors by the name plans call them."""
    found = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    found[node.output[0]] = attribute.t
    return found


def zeroed(model, plan):
    """A copy of the model with exactly the plan's removed slices set to zero."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    tensors = constants(copy)
    arrays = {}
    users = {}
    for entry in plan["removed"]:
        key = (entry["tensor"], entry.get("node"))
        if key not in arrays:
            arrays[key] = np.array(numpy_helper.to_array(tensors[entry["tensor"]]))
        place = [slice(None)] * arrays[key].ndim
        place[entry["axis"]] = entry["indices"]
        arrays[key][tuple(place)] = 0
        users[key] = entry.get("node")
    for (name, node), array in arrays.items():
        if node is None:
            tensors[name].CopyFrom(numpy_helper.from_array(array, tensors[name].name))
            continue
        fresh = f"{name}@{node}"
        copy.graph.initializer.append(numpy_helper.from_array(array, fresh))
        aliases = {name}
        for candidate in copy.graph.node:
            if candidate.op_type == "Identity" and candidate.input[0] in aliases:
                aliases.add(candidate.output[0])
        for candidate in copy.graph.node:
            label = candidate.name or f"{candidate.op_type} → {candidate.output[0]}"
            if label == node:
                for index, value in enumerate(candidate.input):
                    if value in aliases:
                        candidate.input[index] = fresh
    return copy


def check_invariant(coppice, path, feed, folder, ratio=0.3, seed=1):
    """Plans a random removal of exact groups; returns the error of the pruned model against the zeroed original."""
    plan_path, output = folder / "plan.json", folder / "pruned.onnx"
    code, _, error = run_coppice(
        coppice, "plan", path, "--ratio", ratio, "--kinds", "all", "--round-to", 1, "--criterion", "random",
        "--seed", seed, "--exact-only", "-o", plan_path, "--force")
    if code == 7:
        return 0.0
    assert code == 0, error
    code, _, error = run_coppice(coppice, "apply", path, "--plan", plan_path, "-o", output, "--force")
    assert code == 0, error
    plan = json.loads(plan_path.read_text())
    model = onnx.load(path)
    pruned = onnx.load(output)
    if pruned.ByteSize() < 1 << 30:
        onnx.checker.check_model(pruned, full_check=True)
    return relative_error(run(zeroed(model, plan), feed), run(str(output), feed))
