"""One-node models of attention in its spellings, with data: (name, model, inputs, bound on the relative error)."""
import numpy as np
from onnx import TensorProto, helper

MICROSOFT = "com.microsoft"
BOUND = 2e-5


def node(name, op, feed, outputs=1, domain="", opset=17, bound=BOUND, types=None, **attributes):
    """A model of one node that reads all of `feed` in order; a value of None leaves an input out."""
    if op == "QLinearSoftmax":
        attributes["opset"] = opset
        opset = max(opset, 13)
    names = [key if value is not None else "" for key, value in feed.items()]
    feed = {key: value for key, value in feed.items() if value is not None}
    results = [f"out{index}" for index in range(outputs)] if isinstance(outputs, int) else outputs
    graph = helper.make_graph(
        [helper.make_node(op, names, results, domain=domain, **attributes)], name,
        [helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
         for key, value in feed.items()],
        [helper.make_tensor_value_info(key, kind, None)
         for key, kind in zip([r for r in results if r], types or [TensorProto.FLOAT] * len(results))])
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return name, helper.make_model(graph, opset_imports=imports, ir_version=10), feed, bound


class Data:
    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)

    def floats(self, *shape, scale=1.0):
        return (self.random.standard_normal(shape) * scale).astype(np.float32)

    def flags(self, *shape, dtype=np.int32):
        values = (self.random.random(shape) < 0.7).astype(dtype)
        values[..., 0] = 1
        return values


def cases():
    yield from multi_head()
    yield from projected()
    yield from standard()
    yield from grouped()
    yield from rotary()


def multi_head():
    d = Data(1)
    b, t, s, h, w, v = 2, 5, 7, 3, 8, 4
    base = {"q": d.floats(b, t, h * w), "k": d.floats(b, s, h * w), "v": d.floats(b, s, h * v)}

    def case(name, feed, outputs=1, **attributes):
        return node(f"multihead_{name}", "MultiHeadAttention", feed, outputs, MICROSOFT, num_heads=h, **attributes)

    none = {"bias": None, "mask": None}
    yield case("plain", base)
    yield case("scaled", base, scale=0.3)
    yield case("biased", base | {"bias": d.floats(h * (2 * w + v))})
    yield case("lengths", base | {"bias": None, "mask": np.array([3, 7], np.int32)})
    yield case("flags", base | {"bias": None, "mask": d.flags(b, s)})
    yield case("square_flags", base | {"bias": None, "mask": d.flags(b, t, s)})
    yield case("added", base | none | {"added": d.floats(1, h, t, s)})
    yield case("added_once", base | none | {"added": d.floats(b, 1, t, s)})
    yield case("causal", {"q": d.floats(b, s, h * w), "k": base["k"], "v": base["v"]}, unidirectional=1)
    apart = {"q": base["q"], "k": d.floats(b, h, s, w), "v": d.floats(b, h, s, v)}
    yield case("apart", apart)
    yield case("packed", {"q": d.floats(b, t, h, 3, w)})
    yield case("packed_keys", {"q": base["q"], "k": d.floats(b, s, h, 2, w)})
    equal = base | {"v": d.floats(b, s, h * w)} | none | {"added": None}
    past = {"past_key": d.floats(b, h, 4, w), "past_value": d.floats(b, h, 4, w)}
    yield case("past", equal | past, 3)
    yield case("past_biased", equal | past | {"bias": d.floats(h * 3 * w)}, 3)
    yield case("present", equal, 3)
    long = {"q": d.floats(1, 150, h * w), "k": d.floats(1, 150, h * w), "v": d.floats(1, 150, h * w)}
    yield case("long", long)
    yield case("long_causal", long, unidirectional=1)


def projected():
    d = Data(2)
    b, t, i, h, w = 2, 6, 10, 2, 8
    base = {"x": d.floats(b, t, i), "w": d.floats(i, 3 * h * w, scale=0.3), "b": d.floats(3 * h * w)}

    def case(name, feed, outputs=1, **attributes):
        return node(f"attention_{name}", "Attention", feed, outputs, MICROSOFT, num_heads=h, **attributes)

    yield case("plain", base)
    yield case("unbiased", base | {"b": None})
    yield case("scaled", base, scale=0.2)
    yield case("causal", base, unidirectional=1)
    yield case("flags", base | {"mask": d.flags(b, t)})
    yield case("filtered", base | {"mask": d.flags(b, t)}, mask_filter_value=-1.5)
    yield case("square_flags", base | {"mask": d.flags(b, t, t)})
    yield case("lengths", base | {"mask": np.array([3, 6], np.int32)})
    yield case("ends", base | {"mask": np.array([3, 6, 1, 0], np.int32)})
    yield case("added", base | {"mask": None, "past": None, "added": d.floats(b, h, t, t)})
    yield case("present", base, 2)
    yield case("past", base | {"mask": None, "past": d.floats(2, b, h, 3, w)}, 2)
    yield case("past_causal", base | {"mask": d.flags(b, t + 3), "past": d.floats(2, b, h, 3, w)}, 2, unidirectional=1)
    narrow = base | {"w": d.floats(i, 2 * h * w + h * 4), "b": d.floats(2 * h * w + h * 4)}
    yield case("narrow_values", narrow, qkv_hidden_sizes=[h * w, h * w, h * 4])


def standard():
    d = Data(3)
    b, t, s, h, g, w, v = 2, 4, 6, 4, 2, 8, 8
    flat = {"q": d.floats(b, t, h * w), "k": d.floats(b, s, g * w), "v": d.floats(b, s, g * v)}
    split = {"q": d.floats(b, h, t, w), "k": d.floats(b, g, s, w), "v": d.floats(b, g, s, v)}
    heads = {"q_num_heads": h, "kv_num_heads": g}

    def case(name, feed, outputs=1, **attributes):
        return node(f"standard_{name}", "Attention", feed, outputs, opset=23, **attributes)

    yield case("flat", flat, **heads)
    yield case("split", split)
    yield case("scaled", split, scale=0.1)
    yield case("causal", split, is_causal=1)
    yield case("mask", split | {"mask": d.floats(t, s)})
    yield case("mask4", split | {"mask": d.floats(b, h, t, s)})
    yield case("bool", split | {"mask": d.flags(t, s, dtype=np.bool_)})
    yield case("bool3", split | {"mask": d.flags(h, t, s, dtype=np.bool_)})
    yield case("softcap", split | {"mask": d.floats(t, s)}, softcap=0.7)
    past = {"mask": None, "past_key": d.floats(b, g, 3, w), "past_value": d.floats(b, g, 3, v)}
    yield case("past", split | past, 3)
    yield case("past_flat", flat | past, 3, **heads)
    for mode in range(4):
        yield case(f"scores{mode}", split | {"mask": d.floats(t, s)}, ["out0", "", "", "out3"],
                   qk_matmul_output_mode=mode, softcap=0.7)


def grouped():
    d = Data(4)
    b, h, g, w = 2, 4, 2, 16

    def feed(t, past, ends, total, packed=False):
        own = {"q": d.floats(b, t, (h + 2 * g) * w), "k": None, "v": None} if packed else {
            "q": d.floats(b, t, h * w), "k": d.floats(b, t, g * w), "v": d.floats(b, t, g * w)}
        return own | {
            "past_key": d.floats(b, g, past, w), "past_value": d.floats(b, g, past, w),
            "ends": np.array(ends, np.int32), "total": np.array(total, np.int32)}

    angles = np.outer(np.arange(32), 1 / 100 ** (np.arange(w // 2) / (w // 2)))
    rotations = {"cos": np.cos(angles).astype(np.float32), "sin": np.sin(angles).astype(np.float32)}

    def case(name, inputs, **attributes):
        return node(f"grouped_{name}", "GroupQueryAttention", inputs, 3, MICROSOFT, num_heads=h, kv_num_heads=g,
                    **attributes)

    yield case("prompt", feed(6, 0, [5, 5], 6))
    yield case("rotated", feed(6, 0, [5, 5], 6) | rotations, do_rotary=1)
    yield case("interleaved", feed(6, 0, [5, 5], 6) | rotations, do_rotary=1, rotary_interleaved=1)
    yield case("packed", feed(6, 0, [5, 5], 6, True) | rotations, do_rotary=1)
    yield case("step", feed(1, 8, [8, 8], 9) | rotations, do_rotary=1)
    yield case("step_uneven", feed(1, 8, [4, 8], 9) | rotations, do_rotary=1)
    yield case("window", feed(6, 0, [5, 5], 6), local_window_size=3)
    yield case("capped", feed(6, 0, [5, 5], 6), softcap=0.5)
    yield case("smooth", feed(6, 0, [5, 5], 6), smooth_softmax=1)
    yield case("scaled", feed(6, 0, [5, 5], 6), scale=0.11)
    nothing = {"cos": None, "sin": None, "positions": None}
    yield case("added", feed(6, 0, [5, 5], 6) | nothing | {"added": d.floats(b, h, 6, 6)})
    yield case("sinks", feed(6, 0, [5, 5], 6) | nothing | {"added": None, "sink": d.floats(h)})


def rotary():
    d = Data(5)
    b, t, h, w = 2, 5, 3, 8
    tables = {"cos": d.floats(20, w // 2), "sin": d.floats(20, w // 2)}
    listed = {"positions": np.array([[0, 1, 2, 3, 4], [7, 8, 9, 10, 11]], np.int64)}
    first = {"positions": np.array([3], np.int64)}
    for name, x, attributes in [
        ("flat", d.floats(b, t, h * w), {"num_heads": h}), ("split", d.floats(b, h, t, w), {})]:
        for interleaved in (0, 1):
            tail = f"{name}{interleaved}"
            yield node(f"rotary_contrib_{tail}", "RotaryEmbedding", {"x": x} | listed | tables, 1, MICROSOFT,
                       interleaved=interleaved)
            yield node(f"rotary_{tail}", "RotaryEmbedding", {"x": x} | tables | listed, opset=23,
                       interleaved=interleaved, **attributes)
            part = {key: value[:, :2] for key, value in tables.items()}
            yield node(f"rotary_part_{tail}", "RotaryEmbedding", {"x": x} | part | listed, opset=23,
                       interleaved=interleaved, rotary_embedding_dim=4, **attributes)
    yield node("rotary_first", "RotaryEmbedding", {"x": d.floats(b, t, h * w)} | first | tables, 1, MICROSOFT)
    own = {key: d.floats(b, t, w // 2) for key in tables}
    yield node("rotary_own", "RotaryEmbedding", {"x": d.floats(b, h, t, w)} | own, opset=23)
