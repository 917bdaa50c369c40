"""Models that went through ONNX Runtime's own optimizer and quantizers."""
import logging
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

import contrib_blocks as blocks
import harness
from graph_builder import GraphBuilder

IMAGE = {"x": ([1, 3, 12, 12], "float32")}
# The quantizers advise what these models do not need.
logging.getLogger().setLevel(logging.ERROR)
# One quantization step more or less: sums in another order fall to the other side of a rounding now and then.
ONE_STEP = 2e-2


def image(seed):
    """A convolutional network with a residual, a concatenation, a depthwise block and poolings."""
    b = GraphBuilder(seed)

    def conv(t, i, o, kernel=3, group=1):
        weight = b.random.standard_normal((o, i // group, kernel, kernel)) / np.sqrt(i // group * kernel**2) * 1.5
        bias = b.raw(b.random.uniform(-0.3, 0.3, o).astype(np.float32), "b")
        return b.add("Conv", t, b.raw(weight.astype(np.float32)), bias, pads=[kernel // 2] * 4,
                     kernel_shape=[kernel, kernel], group=group)
    x = b.add("Relu", conv("x", 3, 16))
    y = conv(b.add("Relu", conv(x, 16, 12)), 12, 16)
    x = b.add("Relu", b.add("Add", y, x))
    x = b.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    left, right = b.add("LeakyRelu", conv(x, 16, 10), alpha=0.1), b.add("Relu", conv(x, 16, 14, 1))
    x = b.add("Concat", left, right, axis=1)
    x = conv(b.add("Relu", conv(x, 24, 24, 3, 24)), 24, 20, 1)
    x = b.add("AveragePool", b.add("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    gate = b.add("Sigmoid", conv(x, 20, 20, 1))
    x = b.add("GlobalAveragePool", b.add("Mul", x, gate))
    x = b.add("Flatten", x)
    x = b.add("Relu", b.add("Gemm", x, blocks.matrix(b, 20, 18), blocks.vector(b, 18)))
    x = b.add("Gemm", x, blocks.matrix(b, 18, 4), blocks.vector(b, 4))
    graph = b.graph("image", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 12, 12])],
                    [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 4])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Readings(CalibrationDataReader):
    """A few random inputs to calibrate with."""

    def __init__(self, shapes):
        feeds = [harness.inputs({"x": shapes["x"]}, seed) for seed in range(100, 104)]
        self._feeds = iter(feeds)

    def get_next(self):
        return next(self._feeds, None)


def through(model, step):
    """What a step that goes from file to file makes of a model."""
    with tempfile.TemporaryDirectory() as name:
        before, after = pathlib.Path(name) / "before.onnx", pathlib.Path(name) / "after.onnx"
        onnx.save(model, before)
        step(str(before), str(after))
        return onnx.load(after)


def optimized(model, level):
    """As the runtime's graph optimizer writes it at a level."""
    def step(before, after):
        options = ort.SessionOptions()
        options.graph_optimization_level = level
        options.optimized_model_filepath = after
        options.log_severity_level = 4
        ort.InferenceSession(before, options, providers=["CPUExecutionProvider"])
    return through(model, step)


def static(model, shapes, format, **options):
    return through(model, lambda before, after: quantize_static(
        before, after, Readings(shapes), quant_format=format, **options))


def dynamic(model, **options):
    options["extra_options"] = {"DefaultTensorType": TensorProto.FLOAT}
    return through(model, lambda before, after: quantize_dynamic(before, after, **options))


def models(sequence, shapes):
    """(name, model of a seed, kinds to be found, inputs, bound) of each."""
    extended = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    everything = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    signed = {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8}
    unsigned = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QUInt8}
    channel = {"channel"}
    yield "image_fused", lambda s: optimized(image(s), extended), channel, IMAGE, harness.BOUND
    for name, options in (("signed", signed), ("unsigned", unsigned), ("per_channel", signed | {"per_channel": True})):
        yield (f"image_qdq_{name}", lambda s, o=options: static(image(s), IMAGE, QuantFormat.QDQ, **o), channel, IMAGE,
               ONE_STEP)
        yield (f"image_integers_{name}", lambda s, o=options: static(image(s), IMAGE, QuantFormat.QOperator, **o),
               channel, IMAGE, ONE_STEP)
    yield ("image_qdq_optimized", lambda s: optimized(static(image(s), IMAGE, QuantFormat.QDQ, **unsigned), everything),
           channel, IMAGE, ONE_STEP)
    yield "image_dynamic", lambda s: dynamic(image(s), weight_type=QuantType.QUInt8), channel, IMAGE, ONE_STEP
    for name, kinds in (("attention_plain", {"head", "head-width"}), ("multihead_plain", {"head", "head-width"}),
                        ("feedforward", {"ffn"}), ("grouped_rotated", {"kv-group"})):
        yield f"{name}_dynamic", lambda s, n=name: dynamic(sequence(n, s)), kinds, shapes, ONE_STEP
        yield (f"{name}_dynamic_per_channel", lambda s, n=name: dynamic(sequence(n, s), per_channel=True), kinds, shapes,
               ONE_STEP)
    yield ("feedforward_qdq", lambda s: static(sequence("feedforward", s), shapes, QuantFormat.QDQ, **signed), {"ffn"},
           shapes, ONE_STEP)
    yield ("multihead_plain_fused", lambda s: optimized(sequence("multihead_plain", s), everything),
           {"head", "head-width"}, shapes, harness.BOUND)
