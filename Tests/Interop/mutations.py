"""Changes to models, from single bits to whole operators, that a fuzzer makes.

Most mutants of random bytes end in the reader. Those that change fields of the message keep it a message, and those
that know ONNX keep weights as long as their shapes say, so that they reach shape inference, axes and pruning.
"""
import re

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

BYTES = [0, 1, 2, 7, 8, 10, 16, 18, 26, 34, 42, 58, 127, 128, 200, 254, 255]
NUMBERS = [0, 1, -1, 2, 3, 4, 5, 7, 8, 16, 63, 64, 65, 255, 256, 1000, 65536, 1 << 24, (1 << 31) - 1, 1 << 31, -(1 << 31),
           1 << 32, 1 << 40, 1 << 62, (1 << 63) - 1, -(1 << 63), -2, -3, -4, -5]
SIZES = [0, 1, 2, 3, 4, 5, 8, 16, 17, 32]
REALS = [0.0, -0.0, 1.0, -1.0, 1e-45, 1e38, -1e38, float("inf"), float("-inf"), float("nan"), 0.5, 1e10, 2.0, 3.0]
TEXTS = ["", "x", "y", "NOTSET", "SAME_UPPER", "VALID", "reverse", "bidirectional", "ij,jk->ik", "...i,...->", "ai.onnx",
         "com.microsoft", "n" * 100_000, "\u0000", "ünïcode", "axis", "pads", "group", "perm"]
WIDTHS = {TensorProto.FLOAT: 4, TensorProto.INT64: 8, TensorProto.INT32: 4, TensorProto.FLOAT16: 2, TensorProto.INT8: 1,
          TensorProto.UINT8: 1, TensorProto.BOOL: 1, TensorProto.DOUBLE: 8, TensorProto.BFLOAT16: 2}
LARGEST_TENSOR = 1 << 22
CONTRIB = ["BiasAdd", "BiasGelu", "BiasSplitGelu", "EmbedLayerNormalization", "FusedConv", "FusedGemm", "FusedMatMul",
           "GroupNorm", "MultiHeadAttention", "Attention", "QLinearAdd", "QLinearConcat", "QLinearSigmoid", "QGemm",
           "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "QuickGelu", "FastGelu", "GroupQueryAttention",
           "QLinearGlobalAveragePool", "RotaryEmbedding", "QAttention", "DynamicQuantizeMatMul", "MatMulNBits"]


def known_operators():
    """{operator: names of its attributes}, for all that onnx and ONNX Runtime know and Coppice may."""
    found = {schema.name: list(schema.attributes) for schema in onnx.defs.get_all_schemas() if not schema.domain}
    return found | {name: ["epsilon", "num_heads", "activation", "axis", "groups"] for name in CONTRIB}


def mutant(random, models, operators):
    """One model, as bytes, after some mutations of one kind or another."""
    if random.random() < 0.35:
        return lone_operator(random, operators).SerializeToString()
    data = pick(random, models)
    kind = random.random()
    if kind < 0.75:
        try:
            model = onnx.ModelProto.FromString(data)
        except DecodeError:
            return change_bytes(random, data, models)
        for _ in range(int(random.integers(1, 5))):
            if kind < 0.5:
                change_graph(random, model, operators)
            else:
                change_field(random, model, models)
        return model.SerializeToString()
    return change_bytes(random, data, models)


def pick(random, choices):
    return choices[int(random.integers(len(choices)))]


def number(random):
    return pick(random, NUMBERS) if random.random() < 0.7 else int(random.integers(-20, 70))


# Bytes


def change_bytes(random, data, models):
    data = bytearray(data)
    for _ in range(random.integers(1, 9)):
        if not data:
            break
        place, length = int(random.integers(len(data))), int(random.integers(1, 17))
        kind = random.integers(8)
        if kind <= 1:
            data[place] ^= 1 << random.integers(8)
        elif kind == 2:
            data[place] = pick(random, BYTES)
        elif kind == 3:
            data[place:place + length] = random.bytes(length)
        elif kind == 4:
            del data[place:place + length]
        elif kind == 5:
            data[place:place] = data[place:place + length] * int(random.integers(1, 4))
        elif kind == 6:
            data[place:place] = b"\xff" * int(random.integers(1, 11)) + b"\x01"  # numbers that overflow
        elif random.random() < 0.1:
            del data[place:]
        else:
            other = pick(random, models)
            start = int(random.integers(len(other)))
            data[place:place + length] = other[start:start + length]
    return bytes(data)


def change_text(random, text):
    """A plan, or any JSON, after a few changes: other numbers, pieces cut, doubled or nested."""
    for _ in range(int(random.integers(1, 5))):
        numbers = [match.span() for match in re.finditer(r"-?\d+(\.\d+)?", text)]
        kind, place, length = random.integers(6), int(random.integers(len(text) + 1)), int(random.integers(1, 40))
        if kind <= 1 and numbers:
            start, end = pick(random, numbers)
            text = text[:start] + pick(random, [str(number(random)), "1e400", "-0", "0.5", "null", '"7"']) + text[end:]
        elif kind == 2:
            text = text[:place] + text[place + length:]
        elif kind == 3:
            text = text[:place] + text[place:place + length] * 2 + text[place + length:]
        elif kind == 4:
            opening = pick(random, ["[", "{", '{"a":', '"', "\\u", "\\ud800"])
            text = text[:place] + opening * pick(random, [1, 2, 10, 5000]) + text[place:]
        else:
            text = text[:place] + pick(random, ["\u0000", "\ufffd", ",", ":", "]", "}", "true", "\n"]) + text[place:]
    return text


# Fields of any message


def messages(message, found, limit=5000):
    """All messages in a message."""
    found.append(message)
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE and len(found) < limit:
            for child in value if is_repeated(field) else [value]:
                messages(child, found, limit)
    return found


def is_repeated(field):
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED


def change_field(random, model, models):
    """A field of a message anywhere: cleared, set, doubled, exchanged."""
    every = messages(model, [])
    message = pick(random, every)
    fields = list(message.DESCRIPTOR.fields) if random.random() < 0.3 else [f for f, _ in message.ListFields()]
    if not fields:
        return
    field = pick(random, fields)
    if random.random() < 0.1:
        message.ClearField(field.name)
    elif is_repeated(field):
        change_list(random, field, getattr(message, field.name), every)
    elif field.type == field.TYPE_MESSAGE:
        same = [m for m in every if m.DESCRIPTOR.full_name == field.message_type.full_name]
        if same:
            try_copy(getattr(message, field.name), pick(random, same))
    else:
        try:
            setattr(message, field.name, scalar(random, field, getattr(message, field.name), every))
        except ValueError:
            pass  # a number that does not fit, or a name that is no text


def change_list(random, field, values, every):
    kind, count = random.integers(4), len(values)
    if kind == 0 and count:
        del values[int(random.integers(count))]
    elif field.type == field.TYPE_MESSAGE:
        same = [m for m in every if m.DESCRIPTOR.full_name == field.message_type.full_name]
        if kind == 1 and count > 1:
            first, second = (int(i) for i in random.integers(count, size=2))
            kept = type(values[first])()
            kept.CopyFrom(values[first])
            try_copy(values[first], values[second])
            try_copy(values[second], kept)
        elif same:
            try_copy(values.add(), pick(random, same))
    else:
        try:
            value = scalar(random, field, values[0] if count else None, every)
            if kind == 1 and count:
                values[int(random.integers(count))] = value
            elif kind == 2:
                values.extend([value] * int(random.integers(1, 70)))
            else:
                values.insert(int(random.integers(count + 1)), value)
        except ValueError:
            pass


def try_copy(target, source):
    """Copies a message, unless it would grow without end."""
    if source.ByteSize() < 1 << 20:
        kept = type(source)()
        kept.CopyFrom(source)
        target.CopyFrom(kept)


def scalar(random, field, old, every):
    if field.type == field.TYPE_STRING:
        texts = [m.name for m in every if hasattr(m, "name")] if random.random() < 0.6 else TEXTS
        return pick(random, texts) if texts else ""
    if field.type == field.TYPE_BYTES:
        return (old or b"")[:int(random.integers(20))] + random.bytes(int(random.integers(9)))
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return pick(random, REALS)
    if field.type == field.TYPE_ENUM:
        return int(random.integers(0, 25))
    return number(random)


# What ONNX means


def change_graph(random, model, operators):
    """A change after which the message is still a model, if a wrong one."""
    graphs = [m for m in messages(model, []) if m.DESCRIPTOR.name == "GraphProto"]
    graph = pick(random, graphs)
    pick(random, [resize_tensor, resize_tensor, fill_tensor, fill_tensor, change_attribute, change_attribute, rewire,
                  rewire, change_operator, double_node, drop_initializer, declare, declare, change_opset,
                  drop_node, retype_tensor])(random, model, graph, operators)


def tensors(graph):
    found = list(graph.initializer)
    for node in graph.node:
        found += [attribute.t for attribute in node.attribute if attribute.HasField("t")]
    return found


def fit(tensor):
    """Makes raw data as long as shape and type say, where that is not too long."""
    width = WIDTHS.get(tensor.data_type)
    if width is None or tensor.data_location == TensorProto.EXTERNAL:
        return
    size = width
    for extent in tensor.dims:
        size *= max(extent, 0)
    if size <= LARGEST_TENSOR:
        for name in ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data"):
            tensor.ClearField(name)
        tensor.raw_data = (tensor.raw_data + bytes(size))[:size]


def resize_tensor(random, model, graph, operators):
    every = tensors(graph)
    if not every:
        return
    tensor = pick(random, every)
    kind, rank = random.integers(4), len(tensor.dims)
    if kind == 0 or rank == 0:
        tensor.dims.insert(int(random.integers(rank + 1)), pick(random, SIZES))
    elif kind == 1:
        del tensor.dims[int(random.integers(rank))]
    else:
        tensor.dims[int(random.integers(rank))] = pick(random, SIZES)
    fit(tensor)


def retype_tensor(random, model, graph, operators):
    every = tensors(graph)
    if every:
        tensor = pick(random, every)
        tensor.data_type = int(random.integers(1, 27))
        fit(tensor)


def fill_tensor(random, model, graph, operators):
    """New contents: shapes, axes, indices and sizes of windows are tensors too."""
    every = [tensor for tensor in tensors(graph) if tensor.data_type in (TensorProto.INT64, TensorProto.INT32)]
    if not every or random.random() < 0.2:
        every = tensors(graph)
    if not every:
        return
    tensor = pick(random, every)
    fit(tensor)
    kind = {TensorProto.INT64: np.int64, TensorProto.INT32: np.int32, TensorProto.FLOAT: np.float32}.get(tensor.data_type)
    if kind is None or not tensor.raw_data:
        return
    values = np.frombuffer(tensor.raw_data, kind).copy()
    for _ in range(int(random.integers(1, 4))):
        place = int(random.integers(len(values)))
        if kind is np.float32:
            values[place] = pick(random, REALS)
        else:
            values[place] = np.array(number(random)).astype(kind)
    tensor.raw_data = values.tobytes()


def change_attribute(random, model, graph, operators):
    if not graph.node:
        return
    node = pick(random, graph.node)
    if not node.attribute or random.random() < 0.3:
        known = [name for name in operators.get(node.op_type, []) if all(a.name != name for a in node.attribute)]
        if known:
            value = pick(random, [number(random), [number(random) for _ in range(int(random.integers(7)))] or [1],
                                  pick(random, REALS), pick(random, TEXTS)])
            node.attribute.append(onnx.helper.make_attribute(pick(random, known), value))
        return
    attribute = pick(random, node.attribute)
    if attribute.type == attribute.INT:
        attribute.i = number(random)
    elif attribute.type == attribute.INTS:
        kind, count = random.integers(3), len(attribute.ints)
        if kind == 0 and count:
            del attribute.ints[int(random.integers(count))]
        elif kind == 1 or not count:
            attribute.ints.insert(int(random.integers(count + 1)), number(random))
        else:
            attribute.ints[int(random.integers(count))] = number(random)
    elif attribute.type == attribute.FLOAT:
        attribute.f = pick(random, REALS)
    elif attribute.type == attribute.STRING:
        attribute.s = pick(random, TEXTS).encode()
    elif random.random() < 0.2:
        node.attribute.remove(attribute)


def values_of(graph):
    names = [value.name for value in graph.input] + [tensor.name for tensor in graph.initializer]
    for node in graph.node:
        names += node.output
    return [name for name in names if name] or [""]


def rewire(random, model, graph, operators):
    if not graph.node:
        return
    node, names = pick(random, graph.node), values_of(graph)
    kind, count = random.integers(6), len(node.input)
    if kind == 0 and count:
        del node.input[int(random.integers(count))]
    elif kind == 1:
        node.input.insert(int(random.integers(count + 1)), pick(random, names))
    elif kind == 2 and count:
        node.input[int(random.integers(count))] = ""
    elif kind == 3:
        node.output.append("" if random.random() < 0.3 else f"fresh{random.integers(1 << 30)}")
    elif kind == 4 and graph.output:
        pick(random, graph.output).name = pick(random, names)
    elif count:
        node.input[int(random.integers(count))] = pick(random, names)


def change_operator(random, model, graph, operators):
    if graph.node:
        node = pick(random, graph.node)
        node.op_type = pick(random, list(operators))
        node.domain = "com.microsoft" if node.op_type in CONTRIB else ""


def double_node(random, model, graph, operators):
    if graph.node:
        copy = graph.node.add()
        copy.CopyFrom(pick(random, graph.node))
        for place in range(len(copy.output)):
            copy.output[place] = f"fresh{random.integers(1 << 30)}"
        if copy.output and random.random() < 0.7:  # and somebody reads it
            reader = pick(random, graph.node)
            if reader.input:
                reader.input[int(random.integers(len(reader.input)))] = copy.output[0]


def drop_node(random, model, graph, operators):
    """Removes a node; whoever read it reads its input."""
    if not graph.node:
        return
    node = pick(random, graph.node)
    if node.input and node.output:
        source, target = node.input[0], node.output[0]
        graph.node.remove(node)
        for other in graph.node:
            for place, name in enumerate(other.input):
                if name == target:
                    other.input[place] = source
        for output in graph.output:
            if output.name == target:
                output.name = source


def drop_initializer(random, model, graph, operators):
    if graph.initializer:
        tensor = pick(random, graph.initializer)
        if random.random() < 0.5:  # becomes an input instead
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
        graph.initializer.remove(tensor)


def declare(random, model, graph, operators):
    """Another shape for an input, an output or a value between."""
    infos = [info for info in [*graph.input, *graph.output, *graph.value_info] if info.type.HasField("tensor_type")]
    if not infos or random.random() < 0.2:
        info = graph.value_info.add()
        info.name = pick(random, values_of(graph))
        info.type.tensor_type.elem_type = TensorProto.FLOAT
    else:
        info = pick(random, infos)
    dims = info.type.tensor_type.shape.dim
    kind = random.integers(5)
    if kind == 0 and dims:
        del dims[int(random.integers(len(dims)))]
    elif kind == 1 or not dims:
        dims.add().dim_value = number(random)
    elif kind == 2:
        pick(random, dims).dim_param = pick(random, ["batch", "n", "", "2*n", "a"])
    elif kind == 3:
        info.type.tensor_type.ClearField("shape")
    else:
        pick(random, dims).dim_value = number(random)


def change_opset(random, model, graph, operators):
    if model.opset_import:
        pick(random, model.opset_import).version = int(random.integers(0, 30)) if random.random() < 0.8 else number(random)


# One operator alone


def lone_operator(random, operators):
    """A convolution, any operator with any inputs and attributes, and something that reads it."""
    def weight(name, shape):
        return onnx.numpy_helper.from_array(np.ones(shape, np.float32), name)

    helper = onnx.helper
    name = pick(random, list(operators))
    rank = int(random.integers(5))
    shape = [pick(random, [1, 2, 3, 4, 6, "n", "m"]) for _ in range(rank)]
    kernel = [pick(random, [1, 1, 2, 3])] * 2
    initializers = [weight("w", [8, 4, *kernel]), weight("v", [8, 8, 1, 1]), weight("u", [pick(random, [4, 8]), 6])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 6, 6]),
              helper.make_tensor_value_info("z", TensorProto.FLOAT, shape)]
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"])]
    sources = ["c", "c", "c", "z", ""]
    for index in range(int(random.integers(1, 6))):
        count = int(random.integers(5))
        kind = random.integers(4)
        if kind == 0:
            values = np.array([pick(random, SIZES) for _ in range(count)], np.float32)
        elif kind == 1:
            values = np.array([pick(random, REALS) for _ in range(count)], np.float32)
        elif kind == 2:
            values = np.array([pick(random, [0, 1, -1, 2, 4, 8, 6]) for _ in range(count)], np.int64)
        else:
            values = np.array([number(random) for _ in range(count)]).astype(np.int64)
        if count == 1 and random.random() < 0.5:
            values = values.reshape(())
        if count == 4 and random.random() < 0.3:
            values = values.reshape(2, 2)
        initializers.append(onnx.numpy_helper.from_array(values, f"k{index}"))
        sources.append(f"k{index}")
    first = "c" if random.random() < 0.6 else pick(random, sources)
    node = helper.make_node(
        name, [first] + [pick(random, sources) for _ in range(int(random.integers(6)))],
        [f"y{index}" for index in range(int(random.integers(1, 4)))],
        domain="com.microsoft" if name in CONTRIB else "")
    for attribute in dict.fromkeys(operators[name]):
        if random.random() < 0.5:
            value = pick(random, [number(random), pick(random, [0, 1, -1, 2, 4]), pick(random, REALS), pick(random, TEXTS),
                                  [number(random) for _ in range(int(random.integers(1, 6)))],
                                  [pick(random, [0, 1, 2, 4]) for _ in range(int(random.integers(1, 6)))]])
            node.attribute.append(helper.make_attribute(attribute, value))
    # Readers of few demands, so that most get to the axes; some take every axis away, which lets channels go.
    readers = [helper.make_node("ReduceMean", ["y0"], ["e"], keepdims=0), helper.make_node("MatMul", ["y0", "u"], ["e"]),
               helper.make_node("Conv", ["y0", "v"], ["e"]), helper.make_node("Add", ["y0", "c"], ["e"]),
               helper.make_node("Relu", ["y0"], ["e"])]
    reader = readers[0 if random.random() < 0.6 else int(random.integers(len(readers)))]
    nodes += [node, reader]
    outputs = [onnx.ValueInfoProto(name=name) for name in ("e", "y0")[:pick(random, [1, 1, 2])]]
    graph = helper.make_graph(nodes, "lone", inputs, outputs, initializers)
    if random.random() < 0.2:
        declare(random, None, graph, operators)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", int(random.integers(7, 24))), helper.make_opsetid("com.microsoft", 1)],
        ir_version=8)
