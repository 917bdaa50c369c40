"""Grows a graph node by node, with weights where exporters put them: plain, shared, renamed, in nodes, quantized."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class GraphBuilder:
    """Nodes and initializers under construction, and the random source all choices come from."""

    def __init__(self, seed, prefix=""):
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers = [], []
        self.prefix = prefix
        self._shared = {}

    # Choosing

    def pick(self, *choices):
        return choices[self.random.integers(len(choices))]

    def chance(self, probability):
        return bool(self.random.random() < probability)

    # Nodes

    def add(self, operator, *inputs, outputs=1, **attributes):
        number = len(self.nodes)
        names = [f"{self.prefix}v{number}_{k}" for k in range(outputs)]
        name = f"{self.prefix}n{number}" if number % 7 else ""  # some exporters leave names out
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=name, **attributes))
        return names[0] if outputs == 1 else names

    def raw(self, array, name="w"):
        """An initializer with these numbers."""
        name = f"{self.prefix}{name}{len(self.initializers)}_{len(self.nodes)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def ints(self, *values):
        """An int64 vector, as an initializer or a Constant node."""
        array = np.array(values, np.int64)
        return self.raw(array, "i") if self.chance(0.6) else self.constant(array)

    def constant(self, array):
        return self.add("Constant", value=numpy_helper.from_array(array))

    # Weights

    def weight(self, *shape):
        """Random numbers of a shape, stored in a random way."""
        fan_in = max(1, int(np.prod(shape[1:])))
        array = (self.random.standard_normal(shape) / np.sqrt(fan_in) * 1.5).astype(np.float32)
        return self.store(array)

    def store(self, array):
        """Puts numbers where some exporter would."""
        way = self.random.random()
        if way < 0.7:
            return self.raw(array)
        if way < 0.8:
            return self.constant(array)
        if way < 0.88:
            name = self.raw(array)
            for _ in range(self.random.integers(1, 4)):
                name = self.add("Identity", name)
            return name
        if way < 0.91:
            return self.detour(array)
        if way < 0.94:
            return self.add("Cast", self.raw(array.astype(np.float16)), to=TensorProto.FLOAT)
        return self.quantized(array) if array.ndim > 1 else self.raw(array)

    def detour(self, array):
        """Numbers behind the shape operators some exporters leave in front of weights."""
        order = list(self.random.permutation(array.ndim))
        way = self.pick("transpose", "reshape", "squeeze", "unsqueeze", "scale", "half")
        if way == "transpose":
            return self.add("Transpose", self.raw(array.transpose(order)), perm=np.argsort(order).tolist())
        if way == "reshape":
            return self.add("Reshape", self.raw(array.reshape(-1)), self.ints(*array.shape))
        if way == "squeeze":
            return self.add("Squeeze", self.raw(array[None]), self.ints(0))
        if way == "unsqueeze" and len(array) == 1:  # a recurrence's weights, one direction
            return self.add("Unsqueeze", self.raw(array[0]), self.ints(0))
        if way == "scale":
            scale = np.float32(np.abs(array).max() / 100 + 1e-6)
            whole = self.add("Cast", self.raw(np.round(array / scale).astype(np.int8), "q"), to=TensorProto.FLOAT)
            return self.add("Mul", whole, self.raw(scale, "s"))
        name = self.add("Identity", self.raw(array.astype(np.float16).transpose(order)))
        name = self.add("Cast", name, to=TensorProto.FLOAT)
        return self.add("Transpose", name, perm=np.argsort(order).tolist())

    def quantized(self, array):
        """Integers, scales and zero points before a DequantizeLinear; per tensor or along the first axis."""
        unsigned, along = self.chance(0.5), self.chance(0.5)
        peak = np.abs(array.reshape(len(array), -1)).max(1) if along else np.abs(array).max(keepdims=False)
        scale = np.asarray(peak / 100 + 1e-6, np.float32)
        kind, low, high = (np.uint8, 0, 255) if unsigned else (np.int8, -128, 127)
        middle = 128 if unsigned else 3
        point = np.full(scale.shape, middle, kind)
        wide = scale.reshape([-1] + [1] * (array.ndim - 1)) if along else scale
        integers = np.clip(np.round(array / wide) + middle, low, high).astype(kind)
        inputs = [self.raw(integers, "q"), self.raw(scale, "s"), self.raw(point, "z")]
        return self.add("DequantizeLinear", *inputs, axis=0)

    def vector(self, size, low=-0.5, high=0.5):
        """A bias, scale or the like; sometimes one that other nodes use already, as exporters merge equal ones."""
        shared = self._shared.setdefault((size, low), [])
        if shared and self.chance(0.35):
            name = self.pick(*shared)
            return self.add("Identity", name) if self.chance(0.3) else name
        array = self.random.uniform(low, high, size).astype(np.float32)
        if self.chance(0.15):
            return self.constant(array)
        name = self.raw(array, "b")
        shared.append(name)
        return name

    # The end

    def graph(self, name, inputs, outputs):
        return helper.make_graph(self.nodes, name, inputs, outputs, self.initializers)

    def model(self, inputs, outputs, opset=17):
        """A model of {name: shape} in and {name: shape} out."""
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
        results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
        model = helper.make_model(
            self.graph("random", values, results), opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        onnx.checker.check_model(model)
        return model


class Blocks:
    """What networks are made of, over a graph builder."""

    def __init__(self, builder):
        self.builder = builder

    def __getattr__(self, name):
        return getattr(self.builder, name)

    def blocks(self):
        """The methods that build a block, by name."""
        return sorted(name for name in dir(type(self)) if name.endswith("_block"))
