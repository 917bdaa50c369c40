"""Batch normalizations folded into the convolutions before them: W' = W·s/√(v + ε), b' = b − m·s/√(v + ε)."""
import numpy as np
import onnx
from onnx import numpy_helper

from study import networks


def folded_path(name):
    """A network's file without batch normalization, which computes the same."""
    path = networks.CACHE / "models" / f"{name}-folded.onnx"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        onnx.save(folded(onnx.load(networks.model_path(name))), partial)
        partial.replace(path)
    return path


def folded(model):
    graph = model.graph
    arrays = {tensor.name: numpy_helper.to_array(tensor).astype(np.float64) for tensor in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    changed, gone = {}, set()
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        convolution = makers[norm.input[0]]
        if convolution.op_type != "Conv" or sum(convolution.output[0] in node.input for node in graph.node) != 1:
            raise ValueError(f"{norm.name} does not follow a convolution of its own")
        scale, bias, mean, variance = (arrays[name] for name in norm.input[1:5])
        epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
        factor = scale / np.sqrt(variance + epsilon)
        weight = convolution.input[1]
        before = arrays[convolution.input[2]] if len(convolution.input) > 2 else 0
        changed[weight] = arrays[weight] * factor[:, None, None, None]
        changed[f"{weight}.folded-bias"] = bias + (before - mean) * factor
        convolution.input[2:] = [f"{weight}.folded-bias"]
        convolution.output[0] = norm.output[0]
        gone.update(norm.input[1:5])
        graph.node.remove(norm)
    kept = [tensor for tensor in graph.initializer if tensor.name not in gone and tensor.name not in changed]
    kept += [numpy_helper.from_array(array.astype(np.float32), name) for name, array in changed.items()]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    onnx.checker.check_model(model, full_check=True)
    return model
