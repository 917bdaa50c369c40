"""The networks of this folder before they are trained: ONNX graphs with weights drawn from a seed.

Each function returns a model whose first axis, the batch, is free.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Network:
    """A graph being built, node by node; every method returns the name of what it made."""

    def __init__(self, name, seed):
        self.name, self.random = name, np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def weight(self, name, array, kind=np.float32):
        self.weights.append(numpy_helper.from_array(np.asarray(array, kind), name))
        return name

    def normal(self, name, shape, deviation):
        return self.weight(name, self.random.standard_normal(shape) * deviation)

    def constant(self, name, array):
        """A number or an array that no training changes."""
        return self.node("Constant", [], name, value=numpy_helper.from_array(np.asarray(array, np.float32)))

    def node(self, operator, inputs, name, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def convolution(self, x, channels, out, name, kernel=3, stride=1, group=1):
        fan_in = channels // group * kernel * kernel
        weight = self.normal(f"{name}.weight", (out, channels // group, kernel, kernel), (2 / fan_in) ** 0.5)
        return self.node("Conv", [x, weight], name, kernel_shape=[kernel, kernel], strides=[stride, stride],
                         pads=[kernel // 2] * 4, group=group)

    def batch_norm(self, x, channels, name):
        parts = {"scale": 1, "bias": 0, "mean": 0, "var": 1}
        inputs = [self.weight(f"{name}.{key}", np.full(channels, value)) for key, value in parts.items()]
        return self.node("BatchNormalization", [x, *inputs], name)

    def conv_block(self, x, channels, out, name, rectify=True, **options):
        x = self.convolution(x, channels, out, f"{name}.conv", **options)
        x = self.batch_norm(x, out, f"{name}.norm")
        return self.node("Relu", [x], f"{name}.relu") if rectify else x

    def linear(self, x, width, out, name, deviation=None):
        deviation = (1 / width) ** 0.5 if deviation is None else deviation
        weight = self.normal(f"{name}.weight", (width, out), deviation)
        x = self.node("MatMul", [x, weight], f"{name}.matmul")
        return self.node("Add", [x, self.weight(f"{name}.bias", np.zeros(out))], name)

    def classifier(self, x, width, classes):
        x = self.node("Flatten", [self.node("GlobalAveragePool", [x], "pool")], "flatten")
        weight = self.normal("head.weight", (classes, width), (1 / width) ** 0.5)
        return self.node("Gemm", [x, weight, self.weight("head.bias", np.zeros(classes))], "logits", transB=1)

    def layer_norm(self, x, width, name):
        scale, bias = self.weight(f"{name}.scale", np.ones(width)), self.weight(f"{name}.bias", np.zeros(width))
        return self.node("LayerNormalization", [x, scale, bias], name, axis=-1)

    def attention(self, x, width, heads, name, mask=None):
        size = width // heads
        shape = self.weight(f"{name}.heads", [0, 0, heads, size], np.int64)
        parts = {}
        for part in "qkv":
            y = self.linear(x, width, width, f"{name}.{part}")
            y = self.node("Reshape", [y, shape], f"{name}.{part}.split")
            parts[part] = self.node("Transpose", [y], f"{name}.{part}.t", perm=[0, 2, 3, 1] if part == "k" else [0, 2, 1, 3])
        scores = self.node("MatMul", [parts["q"], parts["k"]], f"{name}.scores")
        scores = self.node("Mul", [scores, self.constant(f"{name}.scale", size**-0.5)], f"{name}.scaled")
        if mask:
            scores = self.node("Add", [scores, mask], f"{name}.masked")
        y = self.node("MatMul", [self.node("Softmax", [scores], f"{name}.softmax", axis=-1), parts["v"]], f"{name}.mix")
        y = self.node("Transpose", [y], f"{name}.back", perm=[0, 2, 1, 3])
        y = self.node("Reshape", [y, self.weight(f"{name}.merge", [0, 0, width], np.int64)], f"{name}.merged")
        return self.linear(y, width, width, f"{name}.o", deviation=0.5 * width**-0.5)

    def transformer_block(self, x, width, heads, name, mask=None):
        y = self.attention(self.layer_norm(x, width, f"{name}.norm1"), width, heads, f"{name}.attention", mask)
        x = self.node("Add", [x, y], f"{name}.add1")
        y = self.linear(self.layer_norm(x, width, f"{name}.norm2"), width, 4 * width, f"{name}.up")
        y = self.node("Gelu", [y], f"{name}.gelu")
        y = self.linear(y, 4 * width, width, f"{name}.down", deviation=0.5 * (4 * width) ** -0.5)
        return self.node("Add", [x, y], f"{name}.add2")

    def model(self, inputs, outputs):
        """inputs and outputs: {name: (type, shape)}, a free axis by its name."""
        infos = [[helper.make_tensor_value_info(n, t, s) for n, (t, s) in side.items()] for side in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, self.name, *infos, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9,
                                  producer_name="coppice-models")
        onnx.checker.check_model(model, full_check=True)
        return model


IMAGE = {"image": (TensorProto.FLOAT, ["batch", 1, 28, 28])}
DIGIT = {"image": (TensorProto.FLOAT, ["batch", 8, 8])}
CLASSES = {"logits": (TensorProto.FLOAT, ["batch", 10])}


def scaled(channels, width):
    """That share of the channels, one at least."""
    return max(1, round(channels * width))


def fashion_resnet(seed=0, width=1, stem_stride=1):
    """A residual CNN for 28×28 images: a stem at full size, then two stages of two blocks, each at half of it.

    width is the share of the channels that all layers have; a stem of stride 2 halves all sizes.
    """
    net = Network("fashion_resnet", seed)
    channels = scaled(16, width)
    x = net.conv_block("image", 1, channels, "stem", stride=stem_stride)
    for stage, out in enumerate((scaled(32, width), scaled(48, width))):
        for block in range(2):
            name, stride = f"stage{stage}.block{block}", 1 if block else 2
            y = net.conv_block(x, channels, out, f"{name}.a", stride=stride)
            y = net.conv_block(y, out, out, f"{name}.b", rectify=False)
            if stride != 1 or channels != out:
                x = net.conv_block(x, channels, out, f"{name}.skip", rectify=False, kernel=1, stride=stride)
            x, channels = net.node("Relu", [net.node("Add", [x, y], f"{name}.add")], f"{name}.relu"), out
    net.classifier(x, channels, 10)
    return net.model(IMAGE, CLASSES)


def inverted_residuals(net, x, width, stem_stride):
    """A stem and inverted residuals as MobileNetV2 has them, with one of stride 2 among them, and a classifier."""
    channels, last = scaled(16, width), scaled(128, width)
    x = net.conv_block(x, 1, channels, "stem", stride=stem_stride)
    for index, (whole, stride) in enumerate(((16, 1), (24, 1), (40, 2), (40, 1), (64, 1))):
        name, hidden, out = f"block{index}", channels * 4, scaled(whole, width)
        y = net.conv_block(x, channels, hidden, f"{name}.expand", kernel=1)
        y = net.conv_block(y, hidden, hidden, f"{name}.depthwise", stride=stride, group=hidden)
        y = net.conv_block(y, hidden, out, f"{name}.project", rectify=False, kernel=1)
        x = net.node("Add", [x, y], f"{name}.add") if stride == 1 and channels == out else y
        channels = out
    net.classifier(net.conv_block(x, channels, last, "last", kernel=1), last, 10)


def fashion_mobilenet(seed=0, width=1):
    """A depthwise CNN for 28×28 images; width is the share of the channels that all layers have."""
    net = Network("fashion_mobilenet", seed)
    inverted_residuals(net, "image", width, stem_stride=2)
    return net.model(IMAGE, CLASSES)


def digits_mobilenet(seed=0, width=1):
    """The same for 8×8 digits, whose stem keeps their size."""
    net = Network("digits_mobilenet", seed)
    image = net.node("Reshape", ["image", net.weight("image.shape", [0, 1, 8, 8], np.int64)], "image.reshape")
    inverted_residuals(net, image, width, stem_stride=1)
    return net.model(DIGIT, CLASSES)


def digits_transformer(seed=0, width=64, heads=4, layers=2):
    """A transformer encoder that reads an 8×8 digit as 16 patches of 2×2 pixels."""
    net = Network("digits_transformer", seed)
    split = net.weight("patch.split", [0, 4, 2, 4, 2], np.int64)
    x = net.node("Reshape", ["image", split], "patch.reshape")
    x = net.node("Transpose", [x], "patch.transpose", perm=[0, 1, 3, 2, 4])
    x = net.node("Reshape", [x, net.weight("patch.merge", [0, 16, 4], np.int64)], "patch.tokens")
    x = net.linear(x, 4, width, "patch.embed")
    x = net.node("Add", [x, net.normal("position", (1, 16, width), 0.02)], "embedded")
    for layer in range(layers):
        x = net.transformer_block(x, width, heads, f"layer{layer}")
    x = net.node("ReduceMean", [net.layer_norm(x, width, "norm"), net.weight("mean.axes", [1], np.int64)], "mean",
                 keepdims=0)
    net.linear(x, width, 10, "logits")
    return net.model(DIGIT, CLASSES)


def king_james(seed=0, symbols=64, length=64, width=64, heads=4, layers=2):
    """A character language model: a causal transformer over 64 characters."""
    net = Network("king_james", seed)
    x = net.node("Gather", [net.normal("embedding", (symbols, width), 0.1), "tokens"], "embed", axis=0)
    x = net.node("Add", [x, net.normal("position", (1, length, width), 0.02)], "embedded")
    mask = net.constant("mask", np.triu(np.full((length, length), -1e9), 1)[None, None])
    for layer in range(layers):
        x = net.transformer_block(x, width, heads, f"layer{layer}", mask)
    net.linear(net.layer_norm(x, width, "norm"), width, symbols, "logits")
    return net.model({"tokens": (TensorProto.INT64, ["batch", length])},
                     {"logits": (TensorProto.FLOAT, ["batch", length, symbols])})
