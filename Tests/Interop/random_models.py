"""The central invariant on random small models: pruned equals the original with the removed slices zeroed.

    random_models.py --coppice PATH [--count N] [--seed S]
"""
import argparse
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import harness


class Builder:
    """Grows a random network over [1, C, H, W] or [1, S, E] tensors."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers = [], []

    def pick(self, *choices):
        return choices[self.random.integers(len(choices))]

    def weight(self, *shape):
        name = f"w{len(self.initializers)}"
        data = self.random.standard_normal(shape).astype(np.float32) * 0.5
        self.initializers.append(numpy_helper.from_array(data, name))
        return name

    def ints(self, *values):
        name = f"i{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def add(self, operator, *inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=f"n{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    # Networks over images

    def conv(self, x, i, o, kernel=3, group=1, bias=True):
        inputs = [x, self.weight(o, i // group, kernel, kernel)] + ([self.weight(o)] if bias else [])
        return self.add("Conv", *inputs, group=group, pads=[kernel // 2] * 4)

    def norm(self, x, c):
        var = numpy_helper.from_array(self.random.uniform(0.5, 1.5, c).astype(np.float32), f"w{len(self.initializers)}")
        self.initializers.append(var)
        return self.add("BatchNormalization", x, self.weight(c), self.weight(c), self.weight(c), var.name)

    def image_block(self, x, c):
        kind = self.pick("residual", "grouped", "depthwise", "split", "concat", "squeeze", "shuffle", "gated")
        if kind == "residual":
            y = self.add("Relu", self.norm(self.conv(x, c, 12, bias=False), 12))
            return self.add("Add", x, self.conv(y, 12, c)), c
        if kind == "grouped":
            return self.add("Relu", self.conv(x, c, 24, group=4)), 24
        if kind == "depthwise":
            return self.conv(self.add("Relu", self.conv(x, c, c, group=c)), c, 16, kernel=1), 16
        if kind == "split":
            wide = self.conv(x, c, 20)
            a, b = self.add("Split", wide, self.ints(8, 12), outputs=2, axis=1)
            return self.add("Concat", self.add("Relu", b), a, axis=1), 20
        if kind == "concat":
            return self.add("Concat", self.conv(x, c, 8), x, self.conv(x, c, 4, kernel=1), axis=1), c + 12
        if kind == "squeeze":
            s = self.add("Relu", self.conv(self.add("GlobalAveragePool", x), c, 6, kernel=1))
            return self.add("Mul", x, self.add("Sigmoid", self.conv(s, 6, c, kernel=1))), c
        if kind == "gated":
            a = self.conv(x, c, 16, kernel=1)
            b = self.add("Sigmoid", self.conv(x, c, 16, kernel=1))
            return self.conv(self.add("Mul", a, b), 16, c, kernel=1), c
        wide = self.conv(x, c, 16, kernel=1)
        y = self.add("Reshape", wide, self.ints(1, 2, 8, 6, 6))
        y = self.add("Transpose", y, perm=[0, 2, 1, 3, 4])
        return self.add("Reshape", y, self.ints(1, -1, 6, 6)), 16

    def image(self):
        x, c = self.conv("x", 3, 8), 8
        for _ in range(self.random.integers(1, 5)):
            x, c = self.image_block(x, c)
            if self.random.random() < 0.5:
                x = self.norm(x, c)
        x = self.add("Flatten", self.add("GlobalAveragePool", x))
        y = self.add("Gemm", x, self.weight(5, c), self.weight(5), transB=1)
        return y, [1, 3, 6, 6]

    # Networks over sequences

    def linear(self, x, i, o):
        return self.add("Add", self.add("MatMul", x, self.weight(i, o)), self.weight(o))

    def heads(self, x, count, width, dynamic):
        if dynamic:
            batch = self.add("Gather", self.add("Shape", x), self.ints(0), axis=0)
            length = self.add("Gather", self.add("Shape", x), self.ints(1), axis=0)
            shape = self.add("Concat", batch, length, self.ints(count), self.ints(width), axis=0)
        else:
            shape = self.ints(1, 7, count, width)
        return self.add("Transpose", self.add("Reshape", x, shape), perm=[0, 2, 1, 3])

    def attention(self, x, e):
        kv, repeat, d = self.pick(1, 2, 4), self.pick(1, 2), 6
        h, dynamic = kv * repeat, self.random.random() < 0.5
        q = self.heads(self.linear(x, e, h * d), h, d, dynamic)
        k = self.heads(self.linear(x, e, kv * d), kv, d, dynamic)
        v = self.heads(self.linear(x, e, kv * d), kv, d, dynamic)
        if repeat > 1:
            k, v = (self.repeat(t, kv, repeat, d) for t in (k, v))
        scores = self.add("MatMul", q, self.add("Transpose", k, perm=[0, 1, 3, 2]))
        mixed = self.add("MatMul", self.add("Softmax", scores, axis=-1), v)
        mixed = self.add("Transpose", mixed, perm=[0, 2, 1, 3])
        return self.linear(self.add("Reshape", mixed, self.ints(1, 7, h * d)), h * d, e)

    def repeat(self, x, kv, repeat, d):
        x = self.add("Unsqueeze", x, self.ints(2))
        x = self.add("Expand", x, self.ints(1, kv, repeat, 7, d))
        return self.add("Reshape", x, self.ints(1, kv * repeat, 7, d))

    def sequence_block(self, x, e):
        kind = self.pick("attention", "ffn", "swiglu", "lstm", "norm", "conv")
        if kind == "attention":
            return self.add("Add", x, self.attention(x, e))
        if kind == "ffn":
            return self.add("Add", x, self.linear(self.add("Erf", self.linear(x, e, 20)), 20, e))
        if kind == "swiglu":
            gate, up = self.linear(x, e, 18), self.linear(x, e, 18)
            gated = self.add("Mul", self.add("Mul", gate, self.add("Sigmoid", gate)), up)
            return self.add("Add", x, self.linear(gated, 18, e))
        if kind == "lstm":
            both = self.pick(1, 2)
            t = self.add("Transpose", x, perm=[1, 0, 2])
            h = 5
            y, *_ = self.add(
                "LSTM", t, self.weight(both, 4 * h, e), self.weight(both, 4 * h, h), self.weight(both, 8 * h),
                outputs=3, hidden_size=h, direction="bidirectional" if both == 2 else "forward")
            y = self.add("Transpose", y, perm=[2, 0, 1, 3])
            y = self.add("Reshape", y, self.ints(1, 7, both * h))
            return self.linear(y, both * h, e)
        if kind == "norm":
            return self.add("LayerNormalization", x, self.weight(e), self.weight(e), axis=-1)
        y = self.add("Transpose", x, perm=[0, 2, 1])
        y = self.add("Conv", y, self.weight(14, e, 3), self.weight(14), pads=[1, 1])
        y = self.add("Conv", self.add("Relu", y), self.weight(e, 14, 1))
        return self.add("Transpose", y, perm=[0, 2, 1])

    def sequence(self):
        e = 12
        x = self.linear("x", 5, e)
        for _ in range(self.random.integers(1, 5)):
            x = self.sequence_block(x, e)
        return self.linear(x, e, 3), [1, 7, 5]

    def model(self):
        output, shape = self.image() if self.random.random() < 0.5 else self.sequence()
        graph = helper.make_graph(
            self.nodes, "random", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, 5] if len(shape) == 4 else [1, 7, 3])], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return model, {"x": (shape, "float32")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--coppice", required=True)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    worst, failed = 0.0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        model, shapes = Builder(seed).model()
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            onnx.save(model, folder / "model.onnx")
            feed = harness.inputs(shapes)
            try:
                error = harness.check_invariant(
                    arguments.coppice, folder / "model.onnx", feed, folder, ratio=0.4, seed=seed)
            except Exception as problem:
                print(f"seed {seed}: {type(problem).__name__}: {str(problem)[:300]}")
                failed += 1
                continue
        worst = max(worst, error)
        if error > 1e-4:
            print(f"seed {seed}: error {error:.2e}")
            failed += 1
    print(f"worst error {worst:.1e}")
    print(f"{arguments.count - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
