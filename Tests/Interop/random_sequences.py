"""Random networks over sequences [1, 7, E], block after block: attention in its forms, gates, recurrence."""
import numpy as np

from onnx import TensorProto, helper

from graph_builder import Blocks, GraphBuilder

LENGTH, WIDTH = 7, 12


class SequenceBlocks(Blocks):
    """Every block takes and returns a value of width `WIDTH`."""

    # Parts

    def linear(self, x, i, o):
        if self.chance(0.2):  # a matrix stored the other way round
            y = self.add("MatMul", x, self.add("Transpose", self.weight(o, i), perm=[1, 0]))
        else:
            y = self.add("MatMul", x, self.weight(i, o))
        bias = self.vector(o)
        return self.add("Add", *self.pick((y, bias), (bias, y)))

    def size_of(self, x, axis, keep=True):
        """One size of a value as a vector of one, read at run time the way exporters write it."""
        whole = self.add("Shape", x)
        if self.chance(0.3):
            return self.add("Slice", whole, self.ints(axis), self.ints(axis + 1), self.ints(0))
        if self.chance(0.5):
            return self.add("Gather", whole, self.ints(axis), axis=0)
        scalar = self.add("Gather", whole, self.constant(np.array(axis, np.int64)), axis=0)
        return self.add("Unsqueeze", scalar, self.ints(0))

    def target(self, x, sizes, dynamic):
        """A shape, as a constant or put together at run time: `None` stands for the length, -1 for the rest."""
        if not dynamic:
            return self.ints(*[LENGTH if size is None else size for size in sizes])
        parts = [self.size_of(x, 0)] + [self.size_of(x, 1) if s is None else self.ints(s) for s in sizes[1:]]
        return self.add("Concat", *parts, axis=0)

    def heads(self, x, count, width, dynamic):
        sizes = [1, None, count, self.pick(-1, width)]
        y = self.add("Reshape", x, self.target(x, sizes, dynamic))
        return self.add("Transpose", y, perm=[0, 2, 1, 3])

    def repeat(self, x, count, repeat, width, dynamic):
        """Keys or values of grouped queries, once for every query head."""
        x = self.add("Unsqueeze", x, self.ints(2))
        if dynamic:
            sizes = [self.size_of(x, 0), self.ints(count), self.ints(repeat), self.size_of(x, 3), self.ints(width)]
            x = self.add("Expand", x, self.add("Concat", *sizes, axis=0))
        else:
            x = self.add("Expand", x, self.ints(1, count, repeat, LENGTH, width))
        return self.add("Reshape", x, self.ints(1, count * repeat, LENGTH, width))

    def scale(self, scores, q, width):
        """The division by the root of the head width: a number, or computed from the shape."""
        if self.chance(0.6):
            return self.add("Mul", scores, self.raw(np.array(width**-0.5, np.float32), "scale"))
        from_shape = self.add("Cast", self.size_of(q, 3), to=1)
        return self.add("Div", scores, self.add("Sqrt", from_shape))

    def mix(self, q, k, v, width):
        k = self.add("Transpose", k, perm=[0, 1, 3, 2])
        scores = self.scale(self.add("MatMul", q, k), q, width)
        return self.add("MatMul", self.add("Softmax", scores, axis=-1), v)

    def merged(self, mixed, count, width, dynamic):
        mixed = self.add("Transpose", mixed, perm=[0, 2, 1, 3])
        last = self.pick(-1, count * width)
        return self.add("Reshape", mixed, self.target(mixed, [1, None, last], dynamic))

    # Blocks

    def attention_block(self, x):
        """Multi-head or grouped-query attention with three projections."""
        groups, repeat, width = self.pick(1, 2, 3, 4), self.pick(1, 2, 3), self.pick(4, 6)
        count, dynamic = groups * repeat, self.chance(0.5)
        q = self.heads(self.linear(x, WIDTH, count * width), count, width, dynamic)
        k, v = (self.heads(self.linear(x, WIDTH, groups * width), groups, width, dynamic) for _ in range(2))
        if repeat > 1:
            k, v = (self.repeat(t, groups, repeat, width, dynamic) for t in (k, v))
        mixed = self.merged(self.mix(q, k, v, width), count, width, dynamic)
        return self.add("Add", x, self.linear(mixed, count * width, WIDTH))

    def joined_block(self, x):
        """Attention whose queries, keys and values come out of one matrix."""
        count, width = self.pick(2, 3, 4), self.pick(4, 5)
        wide = self.linear(x, WIDTH, 3 * count * width)
        if self.chance(0.5):
            y = self.add("Reshape", wide, self.ints(1, LENGTH, 3, count, width))
            y = self.add("Transpose", y, perm=[2, 0, 3, 1, 4])
            q, k, v = (self.add("Gather", y, self.constant(np.array(i, np.int64)), axis=0) for i in range(3))
        else:
            parts = self.add("Split", wide, self.ints(*[count * width] * 3), outputs=3, axis=-1)
            q, k, v = (self.heads(part, count, width, False) for part in parts)
        mixed = self.merged(self.mix(q, k, v, width), count, width, False)
        return self.add("Add", x, self.linear(mixed, count * width, WIDTH))

    def feedforward_block(self, x):
        inner = self.add(self.pick("Relu", "Erf", "Tanh"), self.linear(x, WIDTH, 20))
        return self.add("Add", x, self.linear(inner, 20, WIDTH))

    def gated_block(self, x):
        """SwiGLU, with two matrices or one that is split."""
        if self.chance(0.5):
            gate, up = self.linear(x, WIDTH, 18), self.linear(x, WIDTH, 18)
        else:
            gate, up = self.add("Split", self.linear(x, WIDTH, 36), self.ints(18, 18), outputs=2, axis=-1)
        gated = self.add("Mul", self.add("Mul", gate, self.add("Sigmoid", gate)), up)
        return self.add("Add", x, self.linear(gated, 18, WIDTH))

    def recurrent_block(self, x):
        kind, directions, h = self.pick("LSTM", "GRU", "RNN"), self.pick(1, 2), 5
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
        inputs = [self.add("Transpose", x, perm=[1, 0, 2]), self.weight(directions, gates * h, WIDTH),
                  self.weight(directions, gates * h, h), self.weight(directions, 2 * gates * h)]
        if self.chance(0.5):
            inputs += ["", self.raw(np.zeros((directions, 1, h), np.float32), "h0")]
        attributes = {"linear_before_reset": 1} if kind == "GRU" and self.chance(0.5) else {}
        y, last = self.add(
            kind, *inputs, outputs=2, hidden_size=h, direction="bidirectional" if directions == 2 else "forward",
            **attributes)
        y = self.add("Transpose", y, perm=[2, 0, 1, 3])
        y = self.linear(self.add("Reshape", y, self.ints(1, LENGTH, directions * h)), directions * h, WIDTH)
        if self.chance(0.5):
            last = self.add("Reshape", self.add("Transpose", last, perm=[1, 0, 2]), self.ints(1, 1, -1))
            y = self.add("Add", y, self.linear(last, directions * h, WIDTH))
        return y

    def norm_block(self, x):
        """Layer normalization, or the root mean square one taken apart."""
        if self.chance(0.6):
            return self.add("LayerNormalization", x, self.vector(WIDTH, 0.5, 1.5), self.vector(WIDTH), axis=-1)
        two, tiny = (self.raw(np.array(value, np.float32), "k") for value in (2, 1e-5))
        mean = self.add("ReduceMean", self.add("Pow", x, two), axes=[-1])
        root = self.add("Sqrt", self.add("Add", mean, tiny))
        return self.add("Mul", self.add("Div", x, root), self.vector(WIDTH, 0.5, 1.5))

    def conv_block(self, x):
        y = self.add("Transpose", x, perm=[0, 2, 1])
        y = self.add("Conv", y, self.weight(14, WIDTH, 3), self.vector(14), pads=[1, 1])
        y = self.add("Conv", self.add("Relu", y), self.weight(WIDTH, 14, 1))
        return self.add("Transpose", y, perm=[0, 2, 1])

    def einsum_block(self, x):
        y = self.add("Relu", self.add("Einsum", x, self.weight(WIDTH, 3, 5), equation="bse,ehd->bshd"))
        return self.add("Add", x, self.add("Einsum", y, self.weight(3, 5, WIDTH), equation="bshd,hde->bse"))

    def reshaped_block(self, x):
        """A detour through other ranks."""
        y = self.linear(x, WIDTH, 24)
        y = self.add("Reshape", y, self.ints(1, LENGTH, 4, 6))
        y = self.add("Reshape", self.add("Unsqueeze", y, self.ints(0)), self.ints(LENGTH, 4, 2, 3))
        y = self.add("Transpose", self.add("Relu", y), perm=[0, 2, 1, 3])
        y = self.add("Transpose", y, perm=[0, 2, 1, 3])
        return self.linear(self.add("Reshape", y, self.ints(1, LENGTH, 24)), 24, WIDTH)

    # Control flow

    def inner(self, name):
        """Blocks of a body that sees the values outside."""
        return SequenceBlocks(GraphBuilder(self.random.integers(1 << 30), f"{name}{len(self.nodes)}_"))

    def body(self, inner, name, inputs, outputs):
        def info(value, kind=TensorProto.FLOAT, shape=None):
            return helper.make_tensor_value_info(value, kind, shape)
        return inner.graph(name, [info(*i) if isinstance(i, tuple) else info(i) for i in inputs],
                           [info(*o) if isinstance(o, tuple) else info(o) for o in outputs])

    def cell(self, inner, x, states, h, outside):
        """One step of a recurrence over states of width h; its weights stand inside or outside of the body."""
        where = self if outside else inner
        if len(states) == 1:
            total = inner.add("Add", inner.add("MatMul", x, where.weight(WIDTH, h)),
                              inner.add("MatMul", states[0], where.weight(h, h)))
            return [inner.add("Tanh", inner.add("Add", total, where.vector(h)))]
        gates = inner.add("Add", inner.add("MatMul", x, where.weight(WIDTH, 4 * h)),
                          inner.add("MatMul", states[0], where.weight(h, 4 * h)))
        gates = inner.add("Split", inner.add("Add", gates, where.vector(4 * h)), inner.ints(h, h, h, h), outputs=4, axis=-1)
        i, f, o = (inner.add("Sigmoid", gate) for gate in gates[:3])
        kept, new = inner.add("Mul", f, states[1]), inner.add("Mul", i, inner.add("Tanh", gates[3]))
        c = inner.add("Add", kept, new)
        return [inner.add("Mul", o, inner.add("Tanh", c)), c]

    def cell_block(self, x):
        """A recurrence an exporter wrote as Scan or Loop."""
        h, count, steps = self.pick(5, 6), self.pick(1, 2), self.add("Transpose", x, perm=[1, 0, 2])
        first = [self.raw(np.zeros((1, h), np.float32), "h0") for _ in range(count)]
        if self.chance(0.3):
            shape = self.add("Concat", self.size_of(x, 0), self.ints(h), axis=0)
            first = [self.add("ConstantOfShape", shape) for _ in range(count)]
        inner, outside = self.inner("cell"), self.chance(0.5)
        states = [f"{inner.prefix}h{k}" for k in range(count)]
        shape = [1, h] if self.chance(0.5) else None
        infos = [(state, TensorProto.FLOAT, shape) for state in states]
        scans = self.chance(0.5)
        step = f"{inner.prefix}x"
        if not scans:
            number, go = f"{inner.prefix}i", f"{inner.prefix}go"
            step = inner.add("Gather", steps, number, axis=0)
        after = self.cell(inner, step, states, h, outside)
        y = inner.add("Identity", after[0])
        # ONNX Runtime wants to know the ranks of what the body of a Scan returns.
        results = [(state, TensorProto.FLOAT, [1, h] if scans else shape) for state in after] + [(y, TensorProto.FLOAT, [1, h])]
        if scans:
            graph = self.body(inner, "cell", infos + [step], results)
            last = self.add("Scan", *first, steps, outputs=count + 1, body=graph, num_scan_inputs=1)
        else:
            still = inner.add("Identity", go)
            graph = self.body(inner, "cell", [(number, TensorProto.INT64, []), (go, TensorProto.BOOL, [])] + infos,
                              [(still, TensorProto.BOOL, [])] + results)
            trips = self.constant(np.array(LENGTH, np.int64))
            last = self.add("Loop", trips, "", *first, outputs=count + 1, body=graph)
        y = self.linear(self.add("Transpose", last[-1], perm=[1, 0, 2]), h, WIDTH)
        if self.chance(0.5):
            y = self.add("Add", y, self.linear(last[0], h, WIDTH))
        return y

    def growing_block(self, x):
        """A loop whose state grows by one row an iteration, as a cache of keys does."""
        h, inner = 8, self.inner("grow")
        first = self.linear(self.add("Slice", x, self.ints(0), self.ints(1), self.ints(1)), WIDTH, h)
        number, go, state = (f"{inner.prefix}{name}" for name in ("i", "go", "cache"))
        row = inner.add("Unsqueeze", inner.add("Gather", x, number, axis=1), inner.ints(1))
        row = inner.linear(row, WIDTH, h)
        grown = inner.add("Concat", state, row, axis=1)
        graph = self.body(inner, "grow", [(number, TensorProto.INT64, []), (go, TensorProto.BOOL, []), state],
                          [(inner.add("Identity", go), TensorProto.BOOL, []), grown])
        last = self.add("Loop", self.constant(np.array(LENGTH - 1, np.int64)), "", first, outputs=1, body=graph)
        return self.add("Add", x, self.linear(last, h, WIDTH))

    def choice_block(self, x):
        """An If that chooses a hidden layer, sometimes a branch that could not even run."""
        h = 10
        known = self.chance(0.3)
        if known:
            condition = self.add("Equal", self.add("Squeeze", self.size_of(x, 1)), self.constant(np.array(3, np.int64)))
        else:
            total = self.add("ReduceSum", x, keepdims=0)
            condition = self.add("Greater", total, self.raw(np.zeros((), np.float32), "zero"))
        w = self.weight(WIDTH, h)
        branches = []
        for name in ("then", "else"):
            inner = self.inner(name)
            y = inner.add("MatMul", x, w if self.chance(0.5) else inner.weight(WIDTH, h))
            y = inner.add("Add", y, inner.vector(h))
            branches.append(self.body(inner, name, [], [inner.add(self.pick("Relu", "Tanh"), y)]))
        y = self.add("If", condition, then_branch=branches[0], else_branch=branches[1])
        return self.add("Add", x, self.linear(y, h, WIDTH))

    def experts_block(self, x):
        """Every expert runs; a router weighs them."""
        count = 3
        weights = self.add("Softmax", self.linear(x, WIDTH, count), axis=-1)
        y = self.add("MatMul", self.add("Unsqueeze", x, self.ints(1)), self.weight(count, WIDTH, 8))
        y = self.add("MatMul", self.add("Relu", y), self.weight(count, 8, WIDTH))
        weights = self.add("Unsqueeze", self.add("Transpose", weights, perm=[0, 2, 1]), self.ints(3))
        return self.add("ReduceSum", self.add("Mul", y, weights), self.ints(1), keepdims=0)


def sequence_model(seed):
    """(model, shapes of its inputs, names of its blocks)."""
    network = SequenceBlocks(GraphBuilder(seed))
    x, names = network.linear("x", 5, WIDTH), []
    for _ in range(network.random.integers(1, 5)):
        names.append(network.pick(*network.blocks()))
        x = getattr(network, names[-1])(x)
    model = network.builder.model({"x": [1, LENGTH, 5]}, {network.linear(x, WIDTH, 3): [1, LENGTH, 3]})
    return model, {"x": ([1, LENGTH, 5], "float32")}, names
