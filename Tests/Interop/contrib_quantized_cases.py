"""One-node models of integers with scales, with data: (name, model, inputs, bound on the error, in steps of integers)."""
import numpy as np
from onnx import TensorProto

from contrib_attention_cases import MICROSOFT, Data, node

# One step, where the order of arithmetic before rounding is another one.
STEP = 1
EXACT = 0


class Bytes(Data):
    def bytes(self, *shape, dtype=np.uint8):
        info = np.iinfo(dtype)
        return self.random.integers(info.min, info.max + 1, shape).astype(dtype)


def scalar(value, dtype=np.float32):
    return np.array(value, dtype)


def q(name, value, scale, zero, dtype=np.uint8):
    """A quantized operand: the tensor, its scale and zero point."""
    return {name: value, f"{name}_scale": np.array(scale, np.float32), f"{name}_zero": np.array(zero, dtype)}


def scales(name, scale, zero, dtype=np.uint8):
    return {f"{name}_scale": np.array(scale, np.float32), f"{name}_zero": np.array(zero, dtype)}


def cases():
    yield from linear()
    yield from products()
    yield from convolutions()
    yield from elementwise()
    yield from pools()
    yield from bits()


def linear():
    d = Bytes(1)
    x = d.floats(2, 3, 4, scale=20)
    for dtype, kind in [(np.uint8, TensorProto.UINT8), (np.int8, TensorProto.INT8), (np.int16, TensorProto.INT16),
                        (np.uint16, TensorProto.UINT16)]:
        opset = 21 if dtype in (np.int16, np.uint16) else 19
        step = 0.25 if dtype in (np.uint8, np.int8) else 0.001
        yield node(f"quantize_{dtype.__name__}", "QuantizeLinear", {"x": x} | scales("s", step, 3, dtype),
                   opset=opset, types=[kind], bound=EXACT)
        yield node(f"dequantize_{dtype.__name__}", "DequantizeLinear",
                   {"x": d.bytes(2, 3, 4, dtype=dtype)} | scales("s", step, 3, dtype), opset=opset)
        vector = scales("s", np.full(3, step) * [1, 2, 3], [0, 1, 2], dtype)
        yield node(f"quantize_axis_{dtype.__name__}", "QuantizeLinear", {"x": x} | vector, opset=opset, axis=1,
                   types=[kind], bound=EXACT)
        yield node(f"dequantize_axis_{dtype.__name__}", "DequantizeLinear",
                   {"x": d.bytes(2, 3, 4, dtype=dtype)} | vector, opset=opset, axis=-2)
    ties = np.array([-0.5, 0.5, 1.5, 2.5, -1.5, 300, -300, 127.5], np.float32)
    yield node("quantize_ties", "QuantizeLinear", {"x": ties} | scales("s", 1, 0, np.int8), opset=13,
               types=[TensorProto.INT8], bound=EXACT)
    yield node("quantize_plain", "QuantizeLinear", {"x": ties, "s": scalar(1)}, opset=13,
               types=[TensorProto.UINT8], bound=EXACT)
    yield node("dequantize_int32", "DequantizeLinear", {"x": d.bytes(3, 4, dtype=np.int32) // 4096, "s": scalar(0.1)},
               opset=13)
    blocks = d.bytes(6, 4, dtype=np.int8)
    yield node("dequantize_blocks", "DequantizeLinear",
               {"x": blocks, "s": np.abs(d.floats(3, 4)), "z": d.bytes(3, 4, dtype=np.int8)}, opset=21, axis=0,
               block_size=2)
    yield node("quantize_blocks", "QuantizeLinear",
               {"x": d.floats(6, 4, scale=20), "s": np.abs(d.floats(3, 4)) + 0.1, "z": d.bytes(3, 4, dtype=np.int8)},
               opset=21, axis=0, block_size=2, types=[TensorProto.INT8], bound=EXACT)
    for name, data in [("plain", x), ("positive", np.abs(x)), ("negative", -np.abs(x))]:
        yield node(f"dynamic_{name}", "DynamicQuantizeLinear", {"x": data}, 3,
                   types=[TensorProto.UINT8, TensorProto.FLOAT, TensorProto.UINT8], bound=1e-6)


def products():
    d = Bytes(2)
    integer = [TensorProto.INT32]
    for name, a, b in [("flat", (5, 300), (300, 7)), ("batched", (2, 3, 9), (2, 9, 4)), ("shared", (2, 3, 9), (9, 4)),
                       ("broadcast", (2, 1, 3, 9), (3, 9, 4))]:
        for dtype in (np.uint8, np.int8):
            yield node(f"matmul_integer_{name}_{dtype.__name__}", "MatMulInteger",
                       {"a": d.bytes(*a), "b": d.bytes(*b, dtype=dtype), "az": scalar(120, np.uint8),
                        "bz": scalar(3, dtype)}, opset=10, types=integer, bound=EXACT)
            yield node(f"qlinear_matmul_{name}_{dtype.__name__}", "QLinearMatMul",
                       q("a", d.bytes(*a), 0.02, 120) | q("b", d.bytes(*b, dtype=dtype), 0.01, 3, dtype)
                       | scales("y", 0.9, 100), opset=10, types=[TensorProto.UINT8], bound=STEP)
    yield node("matmul_integer_plain", "MatMulInteger", {"a": d.bytes(4, 5), "b": d.bytes(5, 6)}, opset=10,
               types=integer, bound=EXACT)
    columns = np.abs(d.floats(7)) / 50
    b = d.bytes(300, 7, dtype=np.int8)
    yield node("qlinear_matmul_columns", "QLinearMatMul",
               q("a", d.bytes(5, 300), 0.02, 120) | q("b", b, columns, np.zeros(7), np.int8) | scales("y", 0.9, 100),
               opset=10, types=[TensorProto.UINT8], bound=STEP)
    float_scales = {"as": scalar(0.02), "bs": columns}
    zeros = {"az": scalar(120, np.uint8), "bz": d.bytes(7, dtype=np.int8)}
    yield node("matmul_integer_to_float", "MatMulIntegerToFloat",
               {"a": d.bytes(5, 300), "b": b} | float_scales | zeros | {"bias": d.floats(7)}, 1, MICROSOFT)
    yield node("dynamic_matmul", "DynamicQuantizeMatMul",
               {"a": d.floats(5, 300), "b": b, "bs": columns, "bz": zeros["bz"], "bias": d.floats(7)}, 1, MICROSOFT)
    yield node("qgemm", "QGemm",
               q("a", d.bytes(5, 30), 0.02, 120) | q("b", d.bytes(30, 7, dtype=np.int8), 0.01, 0, np.int8)
               | {"c": d.bytes(7, dtype=np.int32) // 2**20} | scales("y", 0.3, 100), 1, MICROSOFT,
               types=[TensorProto.UINT8], bound=STEP)
    yield node("qgemm_float", "QGemm",
               q("a", d.bytes(5, 30), 0.02, 120) | q("b", d.bytes(7, 30, dtype=np.int8), 0.01, 0, np.int8)
               | {"c": d.bytes(7, dtype=np.int32) // 2**20}, 1, MICROSOFT, transB=1)


def convolutions():
    d = Bytes(3)
    shapes = [("plain", (2, 4, 9, 8), (6, 4, 3, 3), {}), ("strided", (1, 4, 9, 8), (6, 4, 3, 3),
              {"strides": [2, 2], "pads": [1, 1, 1, 1]}), ("dilated", (1, 4, 9, 8), (6, 4, 3, 3), {"dilations": [2, 2]}),
              ("depthwise", (1, 4, 9, 8), (4, 1, 3, 3), {"group": 4, "pads": [1, 0, 1, 2]}),
              ("grouped", (1, 4, 9, 8), (6, 2, 3, 3), {"group": 2}), ("line", (2, 4, 9), (6, 4, 3), {}),
              ("same", (1, 4, 9, 8), (6, 4, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
              ("volume", (1, 2, 5, 6, 7), (3, 2, 2, 3, 3), {"pads": [1] * 6})]
    for name, x, w, attributes in shapes:
        yield node(f"conv_integer_{name}", "ConvInteger",
                   {"x": d.bytes(*x), "w": d.bytes(*w), "xz": scalar(7, np.uint8), "wz": scalar(9, np.uint8)},
                   opset=10, types=[TensorProto.INT32], bound=EXACT, **attributes)
        for dtype in (np.uint8, np.int8):
            feed = q("x", d.bytes(*x), 0.02, 120) | q("w", d.bytes(*w, dtype=dtype), 0.01, 3 * (dtype == np.uint8), dtype)
            yield node(f"qlinear_conv_{name}_{dtype.__name__}", "QLinearConv",
                       feed | scales("y", 0.2, 100) | {"b": d.bytes(w[0], dtype=np.int32) // 2**20}, opset=10,
                       types=[TensorProto.UINT8], bound=STEP, **attributes)
    w = d.bytes(6, 4, 3, 3, dtype=np.int8)
    yield node("qlinear_conv_channels", "QLinearConv",
               q("x", d.bytes(1, 4, 9, 8), 0.02, 120) | q("w", w, np.abs(d.floats(6)) / 50, np.zeros(6), np.int8)
               | scales("y", 0.2, 100), opset=10, types=[TensorProto.UINT8], bound=STEP)
    yield node("qlinear_conv_last", "QLinearConv",
               q("x", d.bytes(1, 9, 8, 4), 0.02, 120) | q("w", w, 0.01, 0, np.int8) | scales("y", 0.2, 100), 1, MICROSOFT,
               types=[TensorProto.UINT8], bound=STEP, channels_last=1)


def elementwise():
    d = Bytes(4)
    for dtype, kind in [(np.uint8, TensorProto.UINT8), (np.int8, TensorProto.INT8)]:
        tail = dtype.__name__
        a, b = d.bytes(2, 3, 4, dtype=dtype), d.bytes(3, 1, dtype=dtype)
        for op, y in [("QLinearAdd", 0.05), ("QLinearMul", 0.02)]:
            yield node(f"{op.lower()}_{tail}", op, q("a", a, 0.02, 10, dtype) | q("b", b, 0.03, 4, dtype)
                       | scales("y", y, 20, dtype), 1, MICROSOFT, types=[kind], bound=STEP)
        one = q("x", a, 0.05, 10, dtype) | scales("y", 1 / 256, 0 if dtype == np.uint8 else -128, dtype)
        yield node(f"qlinear_sigmoid_{tail}", "QLinearSigmoid", one, 1, MICROSOFT, types=[kind], bound=STEP)
        yield node(f"qlinear_leakyrelu_{tail}", "QLinearLeakyRelu",
                   q("x", a, 0.05, 10, dtype) | scales("y", 0.06, 3, dtype), 1, MICROSOFT, types=[kind], bound=STEP,
                   alpha=0.2)
        for opset in (9, 13):
            yield node(f"qlinear_softmax{opset}_{tail}", "QLinearSoftmax", one, 1, MICROSOFT, types=[kind], bound=STEP,
                       opset=opset, axis=1)
        yield node(f"qlinear_where_{tail}", "QLinearWhere",
                   {"c": d.flags(3, 4, dtype=np.bool_)} | q("a", a, 0.02, 10, dtype) | q("b", b, 0.03, 4, dtype)
                   | scales("y", 0.025, 20, dtype), 1, MICROSOFT, types=[kind], bound=STEP)
        yield node(f"qlinear_concat_{tail}", "QLinearConcat",
                   scales("y", 0.025, 20, dtype) | q("a", a, 0.02, 10, dtype)
                   | q("b", d.bytes(2, 5, 4, dtype=dtype), 0.025, 20, dtype), 1, MICROSOFT, types=[kind], bound=STEP,
                   axis=1)


def pools():
    d = Bytes(5)
    for dtype, kind in [(np.uint8, TensorProto.UINT8), (np.int8, TensorProto.INT8)]:
        tail = dtype.__name__
        x = q("x", d.bytes(2, 3, 8, 9, dtype=dtype), 0.05, 10, dtype) | scales("y", 0.04, 3, dtype)
        for name, attributes in [
            ("plain", {}), ("padded", {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
            ("counted", {"pads": [1, 1, 1, 1], "count_include_pad": 1}), ("ceil", {"strides": [2, 2], "ceil_mode": 1})]:
            yield node(f"qlinear_pool_{name}_{tail}", "QLinearAveragePool", x, 1, MICROSOFT, types=[kind], bound=STEP,
                       kernel_shape=[3, 3], **attributes)
        yield node(f"qlinear_pool_last_{tail}", "QLinearAveragePool", x, 1, MICROSOFT, types=[kind], bound=STEP,
                   kernel_shape=[2, 2], channels_last=1)
        yield node(f"nhwc_maximum_{tail}", "NhwcMaxPool", {"x": d.bytes(2, 7, 8, 5, dtype=dtype)}, 1, MICROSOFT,
                   types=[kind], bound=EXACT, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 1])
        for last in (0, 1):
            yield node(f"qlinear_global{last}_{tail}", "QLinearGlobalAveragePool", x, 1, MICROSOFT, types=[kind],
                       bound=STEP, channels_last=last)


def bits():
    d = Bytes(6)
    k, n, block = 40, 5, 16
    blocks = 3
    x = d.floats(2, 3, k)
    for bits in (4, 8):
        feed = {"x": x, "w": d.bytes(n, blocks, block * bits // 8), "s": d.floats(n * blocks)}
        attributes = {"K": k, "N": n, "bits": bits, "block_size": block}
        yield node(f"few_bits{bits}", "MatMulNBits", feed, 1, MICROSOFT, bound=1e-4, **attributes)
        points = {"z": d.bytes(n * ((blocks * bits + 7) // 8))}
        yield node(f"few_bits{bits}_points", "MatMulNBits", feed | points, 1, MICROSOFT, bound=1e-4, **attributes)
        yield node(f"few_bits{bits}_bias", "MatMulNBits", feed | {"z": None, "g": None, "b": d.floats(n)}, 1,
                   MICROSOFT, bound=1e-4, **attributes)
