"""Random networks over images [1, C, 6, 6], block after block."""
import numpy as np
from onnx import TensorProto, helper

from graph_builder import Blocks, GraphBuilder

SIZE = 6


class ImageBlocks(Blocks):
    """Every block takes a value and its channels and returns a value and its channels."""

    # Parts

    def conv(self, x, i, o, kernel=3, group=1):
        inputs = [x, self.weight(o, i // group, kernel, kernel)]
        if self.chance(0.7):
            inputs.append(self.vector(o))
        return self.add("Conv", *inputs, group=group, pads=[kernel // 2] * 4)

    def batch_norm(self, x, c):
        return self.add("BatchNormalization", x, self.vector(c, 0.5, 1.5), self.vector(c), self.vector(c),
                        self.vector(c, 0.5, 1.5))

    def activation(self, x, c):
        kind = self.pick("Relu", "Sigmoid", "HardSwish", "LeakyRelu", "PRelu", "Clip", "swish", None)
        if kind is None:
            return x
        if kind == "swish":
            return self.add("Mul", x, self.add("Sigmoid", x))
        if kind == "PRelu":
            return self.add("PRelu", x, self.weight(c, 1, 1))
        return self.add(kind, x)

    # Blocks

    def plain_block(self, x, c):
        o = self.pick(6, 9, 12)
        return self.activation(self.batch_norm(self.conv(x, c, o), o), o), o

    def residual_block(self, x, c):
        y = self.activation(self.batch_norm(self.conv(x, c, 12), 12), 12)
        return self.add("Add", x, self.conv(y, 12, c)), c

    def grouped_block(self, x, c):
        x, c = self.conv(x, c, 12, kernel=1), 12
        return self.conv(self.activation(self.conv(x, c, 24, group=self.pick(2, 3, 4)), 24), 24, 10, kernel=1), 10

    def depthwise_block(self, x, c):
        wide = self.activation(self.batch_norm(self.conv(x, c, 2 * c, kernel=1), 2 * c), 2 * c)
        deep = self.activation(self.conv(wide, 2 * c, 2 * c, group=2 * c), 2 * c)
        return self.conv(deep, 2 * c, c, kernel=1), c

    def multiplier_block(self, x, c):
        """Depthwise with two outputs a channel."""
        return self.conv(self.conv(x, c, 2 * c, group=c), 2 * c, 8, kernel=1), 8

    def transposed_block(self, x, c):
        if self.chance(0.5):
            x, c = self.conv(x, c, 8, kernel=1), 8
            w = self.weight(8, 3, 3, 3)
            return self.add("ConvTranspose", x, w, self.vector(6), group=2, pads=[1] * 4), 6
        return self.add("ConvTranspose", x, self.weight(c, 7, 3, 3), self.vector(7), pads=[1] * 4), 7

    def split_block(self, x, c):
        wide = self.conv(x, c, 20)
        if self.chance(0.5):
            a, b = self.add("Split", wide, self.ints(8, 12), outputs=2, axis=1)
        else:
            a = self.add("Slice", wide, self.ints(0), self.ints(8), self.ints(1))
            b = self.add("Slice", wide, self.ints(8), self.ints(2**31 - 1), self.ints(1))
        return self.add("Concat", self.activation(b, 12), a, axis=1), 20

    def dense_block(self, x, c):
        for _ in range(2):
            x, c = self.add("Concat", x, self.conv(self.batch_norm(x, c), c, 4), axis=1), c + 4
        return x, c

    def squeeze_block(self, x, c):
        """Squeeze and excitation, as convolutions or as matrices behind a Squeeze or a Flatten."""
        pooled = self.add("GlobalAveragePool", x)
        if self.chance(0.5):
            s = self.conv(self.add("Relu", self.conv(pooled, c, 6, kernel=1)), 6, c, kernel=1)
        else:
            flat = self.add("Squeeze", pooled, self.ints(2, 3)) if self.chance(0.5) else self.add("Flatten", pooled)
            s = self.add("Relu", self.add("Gemm", flat, self.weight(c, 6), self.vector(6)))
            s = self.add("Gemm", s, self.weight(c, 6), self.vector(c), transB=1)
            s = self.add("Unsqueeze", self.add("Unsqueeze", s, self.ints(2)), self.ints(3))
        return self.add("Mul", x, self.add("Sigmoid", s)), c

    def gated_block(self, x, c):
        gate = self.add("Sigmoid", self.conv(x, c, 16, kernel=1))
        return self.conv(self.add("Mul", self.conv(x, c, 16, kernel=1), gate), 16, c, kernel=1), c

    def shuffle_block(self, x, c):
        """Channel shuffle between grouped convolutions."""
        y = self.conv(x, c, 16, kernel=1, group=1)
        y = self.add("Reshape", y, self.ints(1, 2, 8, SIZE, SIZE))
        y = self.add("Transpose", y, perm=[0, 2, 1, 3, 4])
        y = self.add("Reshape", y, self.ints(1, -1, SIZE, SIZE))
        return (self.conv(y, 16, 16, group=2), 16) if self.chance(0.5) else (y, 16)

    def halves_block(self, x, c):
        """As ShuffleNet: one half passes, the other is worked on, then they are shuffled."""
        x = self.conv(x, c, 16, kernel=1)
        a, b = self.add("Split", x, self.ints(8, 8), outputs=2, axis=1)
        b = self.activation(self.conv(b, 8, 8), 8)
        y = self.add("Reshape", self.add("Concat", a, b, axis=1), self.ints(1, 2, 8, SIZE, SIZE))
        y = self.add("Transpose", y, perm=[0, 2, 1, 3, 4])
        return self.add("Reshape", y, self.ints(1, 16, SIZE, SIZE)), 16

    def pooled_block(self, x, c):
        a = self.add("MaxPool", x, kernel_shape=[3, 3], pads=[1] * 4)
        b = self.add("AveragePool", x, kernel_shape=[3, 3], pads=[1] * 4)
        return self.conv(self.add("Concat", a, b, x, axis=1), 3 * c, 8, kernel=1), 8

    def padded_block(self, x, c):
        """A shortcut that is padded with channels of zero."""
        y = self.conv(x, c, c + 4)
        padded = self.add("Pad", x, self.ints(0, 2, 0, 0, 0, 2, 0, 0))
        return self.add("Add", padded, y), c + 4

    def pixels_block(self, x, c):
        y = self.add("SpaceToDepth", x, blocksize=2)
        y = self.conv(y, 4 * c, 32, kernel=1)
        return self.add("DepthToSpace", y, blocksize=2, mode=self.pick("DCR", "CRD")), 8

    def resized_block(self, x, c):
        small = self.conv(self.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), c, c)
        scales = self.raw(np.array([1, 1, 2, 2], "float32"), "scales")
        return self.add("Add", x, self.add("Resize", small, "", scales, mode="nearest")), c

    def affine_block(self, x, c):
        """Normalization taken apart into arithmetic."""
        x = self.add("Sub", x, self.store(self.random.standard_normal((1, c, 1, 1)).astype("float32")))
        x = self.add("Mul", x, self.store(self.random.uniform(0.5, 1.5, (c, 1, 1)).astype("float32")))
        return self.add("Add", self.conv(x, c, c), self.weight(c, 1, 1)), c

    def last_block(self, x, c):
        """Channels last, as TensorFlow has it."""
        y = self.add("MatMul", self.add("Transpose", x, perm=[0, 2, 3, 1]), self.weight(c, 14))
        y = self.add("MatMul", self.add("Relu", self.add("Add", y, self.vector(14))), self.weight(14, c))
        return self.add("Transpose", y, perm=[0, 3, 1, 2]), c

    def branch_block(self, x, c):
        """An If whose branches see the value outside and have weights of their own."""
        number = len(self.nodes)
        total = self.add("ReduceSum", x, keepdims=0)
        condition = self.add("Greater", total, self.raw(np.zeros((), "float32"), "zero"))
        branches = []
        for name in ("then", "else"):
            inner = ImageBlocks(GraphBuilder(self.random.integers(1 << 30), f"{name}{number}_"))
            y = inner.conv(inner.conv(x, c, 7, kernel=1), 7, c, kernel=1)
            branches.append(inner.graph(name, [], [helper.make_tensor_value_info(y, TensorProto.FLOAT, [None, c, SIZE, SIZE])]))
        return self.add("If", condition, then_branch=branches[0], else_branch=branches[1]), c

    # Whole networks

    def head(self, x, c):
        """The output and its shape."""
        if self.chance(0.2):
            return {self.conv(x, c, 3, kernel=1): [None, 3, SIZE, SIZE]}
        if self.chance(0.3):
            flat = self.add("Reshape", x, self.ints(1, -1))
            return {self.add("Gemm", flat, self.weight(c * SIZE * SIZE, 5), self.vector(5)): [None, 5]}
        flat = self.add("Flatten", self.add("GlobalAveragePool", x))
        return {self.add("Gemm", flat, self.weight(5, c), self.vector(5), transB=1): [None, 5]}


def image_model(seed):
    """(model, shapes of its inputs, names of its blocks)."""
    network = ImageBlocks(GraphBuilder(seed))
    x, c, names = network.conv("x", 3, 8), 8, []
    for _ in range(network.random.integers(1, 5)):
        names.append(network.pick(*network.blocks()))
        x, c = getattr(network, names[-1])(x, c)
    fixed = {"shuffle_block", "halves_block"} & set(names)  # their reshapes know the batch
    batch = 1 if fixed else network.pick("batch", 1)
    model = network.builder.model({"x": [batch, 3, SIZE, SIZE]}, network.head(x, c))
    return model, {"x": ([1, 3, SIZE, SIZE], "float32")}, names
