"""The original with exactly the slices set to zero that a plan removes: what a pruned model has to equal.

A tensor is named by its initializer, or by the output of the Constant node that holds it. An entry with a node is
about that node's use alone, which then gets a tensor of its own; the other uses keep the old one. Of a quantized tensor
(the integers that DequantizeLinear or a QLinear operator reads), zero is what its zero point stands for; scales
and zero points are left as they are, for they mean nothing without their integers.
"""
import numpy as np
import onnx
from onnx import numpy_helper

import harness

# Operator: {input with quantized numbers: input with its zero point}
ZERO_POINTS = {
    "DequantizeLinear": {0: 2},
    "QLinearConv": {0: 2, 3: 5},
    "QLinearMatMul": {0: 2, 3: 5},
    "ConvInteger": {0: 2, 1: 3},
    "MatMulInteger": {0: 2, 1: 3},
    "DynamicQuantizeMatMul": {1: 3},
    "QGemm": {0: 2, 3: 5},
    "QLinearAdd": {0: 2, 3: 5},
    "QLinearMul": {0: 2, 3: 5},
    "QAttention": {0: 6, 1: 7},
    "MatMulIntegerToFloat": {0: 4, 1: 5},
}
# Operator: inputs with scales and zero points
SCALES = {
    "DequantizeLinear": (1, 2),
    "QuantizeLinear": (1, 2),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "ConvInteger": (2, 3),
    "MatMulInteger": (2, 3),
    "DynamicQuantizeMatMul": (2, 3),
    "QGemm": (1, 2, 4, 5, 7, 8),
    "QLinearAdd": (1, 2, 4, 5, 6, 7),
    "QLinearMul": (1, 2, 4, 5, 6, 7),
    "QAttention": (3, 4, 6, 7),
    "MatMulIntegerToFloat": (2, 3, 4, 5),
}


class Tensors:
    """The constant tensors of a model by the names plans call them, and who uses them."""

    def __init__(self, model):
        self.model = model
        self.by_name, self.nodes, self.repeated = {}, [], set()
        self._visit(model.graph)
        self.alias = {}
        for node, _ in self.nodes:
            if node.op_type == "Identity" and node.input:
                self.alias[node.output[0]] = node.input[0]

    def _visit(self, graph):
        for tensor in graph.initializer:
            self._add(tensor.name, tensor)
        for node in graph.node:
            self.nodes.append((node, graph))
            if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value_floats":
                values = np.array(node.attribute[0].floats, np.float32)
                del node.attribute[:]
                node.attribute.append(onnx.helper.make_attribute("value", numpy_helper.from_array(values)))
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value":
                    self._add(node.output[0], attribute.t)
                if attribute.type == onnx.AttributeProto.GRAPH:
                    self._visit(attribute.g)
                for body in attribute.graphs:
                    self._visit(body)

    def _add(self, name, tensor):
        if name in self.by_name:
            self.repeated.add(name)
        self.by_name[name] = tensor

    def find(self, name):
        if name not in self.by_name:
            raise KeyError(f"the plan names {name!r}, which is no constant tensor of the model")
        if name in self.repeated:
            raise KeyError(f"the plan names {name!r}, which several graphs of the model define")
        return self.by_name[name]

    def source(self, value):
        """The value behind a chain of Identity nodes."""
        while value in self.alias:
            value = self.alias[value]
        return value

    def uses(self, name):
        """(node, input) of every use of a tensor, through Identity nodes too."""
        return [(node, index) for node, _ in self.nodes if node.op_type != "Identity"
                for index, value in enumerate(node.input) if value and self.source(value) == name]


def label(node):
    """What plans call a node."""
    if node.name:
        return node.name
    outputs = [output for output in node.output if output]
    return f"{node.op_type} → {outputs[0] if outputs else 'without outputs'}"


def zeroed(model, plan):
    """A copy of the model with the plan's removed slices set to zero."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    tensors = Tensors(copy)
    cuts = {}
    for entry in plan["removed"]:
        cuts.setdefault((entry["tensor"], entry.get("node")), []).append((entry["axis"], entry["indices"]))
    arrays = {key: cut_out(tensors, key[0], slices) for key, slices in cuts.items()}
    for (name, node), array in arrays.items():
        if array is None:
            continue
        if node is None:
            put(tensors.find(name), array)
        else:
            give_own(tensors, name, node, array)
    return copy


def cut_out(tensors, name, slices):
    """The tensor's numbers with the slices zeroed, or None where nothing changes."""
    roles = [(node, index) for node, index in tensors.uses(name)]
    if roles and all(index in SCALES.get(node.op_type, ()) for node, index in roles):
        return None
    array = harness.load_array(tensors.find(name))
    zero = zero_point(tensors, roles, array)
    for axis, indices in slices:
        if not 0 <= axis < array.ndim or not all(0 <= i < array.shape[axis] for i in indices):
            raise ValueError(f"the plan removes what {name!r} of shape {list(array.shape)} does not have: axis {axis}")
        place = (slice(None),) * axis + (list(indices),)
        array[place] = zero if np.ndim(zero) == 0 else np.broadcast_to(zero, array.shape)[place]
    return array


def zero_point(tensors, roles, array):
    """The number that stands for zero in a tensor, by its users: 0, a scalar, or one that broadcasts to it."""
    for node, index in roles:
        partner = ZERO_POINTS.get(node.op_type, {}).get(index)
        if partner is None or partner >= len(node.input) or not node.input[partner]:
            continue
        points = harness.load_array(tensors.find(tensors.source(node.input[partner])))
        if points.size == 1:
            return points.reshape(())
        axis = quantized_axis(node, array.ndim)
        if points.ndim == 1:
            return points.reshape([-1 if k == axis else 1 for k in range(array.ndim)])
        return np.repeat(points, array.shape[axis] // points.shape[axis], axis)  # blocks
    return np.zeros((), array.dtype)


def quantized_axis(node, rank):
    """The axis that per-channel scales of a node run along."""
    if node.op_type in ("QLinearConv", "ConvInteger"):
        return 0
    if node.op_type != "DequantizeLinear":
        return rank - 1
    return next((a.i for a in node.attribute if a.name == "axis"), 1) % rank


def put(tensor, array):
    """Overwrites a tensor's numbers, keeping its name and type."""
    fresh = numpy_helper.from_array(array, tensor.name)
    assert fresh.data_type == tensor.data_type
    tensor.CopyFrom(fresh)


def give_own(tensors, name, node_label, array):
    """Makes one node use numbers of its own in the place of a shared tensor."""
    users = [(node, index) for node, index in tensors.uses(name) if label(node) == node_label]
    if not users:
        raise KeyError(f"the plan names a use of {name!r} by {node_label!r}, which does not use it")
    if len({id(node) for node, _ in users}) > 1:
        raise KeyError(f"the plan names a use of {name!r} by {node_label!r}, and several nodes are called that")
    fresh = f"{name}@{node_label}"
    own = tensors.model.graph.initializer.add()
    own.CopyFrom(numpy_helper.from_array(array, fresh))
    for node, index in users:
        node.input[index] = fresh
