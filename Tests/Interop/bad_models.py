"""Models that are broken, each in one way: name and what makes the file in a folder."""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import made_models
from made_models import field, small

BROKEN = {}


def broken(function):
    """Registers a maker by its name; it returns a model, or bytes, or the path of what it wrote itself."""
    BROKEN[function.__name__] = function
    return function


def write(name, folder):
    """Makes one of them; returns its path."""
    made = BROKEN[name](folder)
    path = folder / "model.onnx"
    if isinstance(made, onnx.ModelProto):
        made = made.SerializeToString()
    if isinstance(made, bytes):
        path.write_bytes(made)
    return path


def variant(change):
    model = small()
    change(model.graph)
    return model


# The encoding


@broken
def truncated_in_the_middle(folder):
    encoded = small().SerializeToString()
    return encoded[:len(encoded) // 2]


@broken
def truncated_at_the_start(folder):
    return small().SerializeToString()[:9]


@broken
def bit_flipped_in_a_tag(folder):
    encoded = bytearray(small().SerializeToString())
    encoded[0] ^= 7  # the wire type of the first field
    return bytes(encoded)


@broken
def bit_flipped_in_a_length(folder):
    model = small()
    graph = bytearray(model.graph.SerializeToString())
    graph[1] ^= 0x40  # the length of the first node
    model.ClearField("graph")
    return model.SerializeToString() + field(7, bytes(graph))


@broken
def garbage(folder):
    return np.random.default_rng(3).bytes(5000)


@broken
def text(folder):
    return b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n"


@broken
def empty_file(folder):
    return b""


@broken
def zeros(folder):
    return bytes(4096)


@broken
def deep_nesting(folder, levels=20_000):
    """An If inside an If inside an If: NodeProto.attribute = 5, AttributeProto.g = 6, GraphProto.node = 1."""
    heads, size = [], 0
    for level in range(levels):
        graph_size = size
        attribute = field(1, b"then_branch") + b"\xa0\x01\x05"
        head = attribute + made_models.varint(6 << 3 | 2) + made_models.varint(graph_size)
        node_head = field(4, b"If") + made_models.varint(5 << 3 | 2) + made_models.varint(len(head) + graph_size)
        body = len(node_head) + len(head) + graph_size
        opening = made_models.varint(1 << 3 | 2) + made_models.varint(body)
        heads.append(opening + node_head + head)
        size = len(heads[-1]) + size
    model = small()
    model.ClearField("graph")
    return model.SerializeToString() + field(7, b"".join(reversed(heads)))


# Tensors


@broken
def raw_data_too_short(folder):
    return variant(lambda g: setattr(g.initializer[0], "raw_data", g.initializer[0].raw_data[:-4]))


@broken
def raw_data_too_long(folder):
    return variant(lambda g: setattr(g.initializer[0], "raw_data", g.initializer[0].raw_data + bytes(4)))


@broken
def raw_data_missing(folder):
    return variant(lambda g: g.initializer[0].ClearField("raw_data"))


@broken
def float_data_too_short(folder):
    def change(graph):
        graph.initializer[1].ClearField("raw_data")
        graph.initializer[1].float_data.extend([1.0] * 3)
    return variant(change)


def with_dims(*dims):
    def change(graph):
        del graph.initializer[0].dims[:]
        graph.initializer[0].dims.extend(dims)
    return variant(change)


@broken
def negative_dim(folder):
    return with_dims(-16, -3, 3, 3)


@broken
def overflowing_dims(folder):
    return with_dims(1 << 40, 1 << 40, 3, 3)


@broken
def absurd_dim(folder):
    return with_dims((1 << 63) - 1, 1)


@broken
def absurd_rank(folder):
    return with_dims(*[1] * 100_000)


@broken
def unknown_dtype(folder):
    return variant(lambda g: setattr(g.initializer[0], "data_type", 99))


@broken
def undefined_dtype(folder):
    return variant(lambda g: setattr(g.initializer[0], "data_type", 0))


# External data


def external(folder, change):
    """A model with external data after changing the entries {key: value} of its first tensor."""
    path = made_models.save_external(small(), folder / "model.onnx")
    model = onnx.load(path, load_external_data=False)
    tensor = model.graph.initializer[0]
    entries = {entry.key: entry.value for entry in tensor.external_data}
    change(entries)
    del tensor.external_data[:]
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    return model


@broken
def external_missing(folder):
    model = external(folder, lambda entries: None)
    os.remove(folder / "model.onnx.data")
    return model


@broken
def external_short(folder):
    model = external(folder, lambda entries: None)
    os.truncate(folder / "model.onnx.data", 1000)
    return model


@broken
def external_offset_outside(folder):
    return external(folder, lambda entries: entries.update(offset=1 << 40))


@broken
def external_offset_overflows(folder):
    return external(folder, lambda entries: entries.update(offset=(1 << 63) - 8))


@broken
def external_offset_negative(folder):
    return external(folder, lambda entries: entries.update(offset=-4096))


@broken
def external_offset_is_no_number(folder):
    return external(folder, lambda entries: entries.update(offset="twelve"))


@broken
def external_length_wrong(folder):
    return external(folder, lambda entries: entries.update(length=12))


@broken
def external_without_location(folder):
    return external(folder, lambda entries: entries.pop("location"))


def outside(folder):
    """A file that exists and is long enough, but is none of the model's business."""
    target = folder.parent / (folder.name + "-outside.bin")
    target.write_bytes(bytes(100_000))
    return target


@broken
def external_absolute(folder):
    return external(folder, lambda entries: entries.update(location=str(outside(folder)), offset=0))


@broken
def external_in_parent(folder):
    return external(folder, lambda entries: entries.update(location=f"../{outside(folder).name}", offset=0))


@broken
def external_in_parent_hidden(folder):
    (folder / "inner").mkdir()
    return external(
        folder, lambda entries: entries.update(location=f"inner/../../{outside(folder).name}", offset=0))


@broken
def external_symlink_to_file(folder):
    (folder / "weights.bin").symlink_to(outside(folder))
    return external(folder, lambda entries: entries.update(location="weights.bin", offset=0))


@broken
def external_symlink_to_folder(folder):
    (folder / "weights").symlink_to(folder.parent)
    return external(folder, lambda entries: entries.update(location=f"weights/{outside(folder).name}", offset=0))


@broken
def external_is_a_folder(folder):
    (folder / "weights").mkdir()
    return external(folder, lambda entries: entries.update(location="weights", offset=0))


@broken
def external_is_a_device(folder):
    return external(folder, lambda entries: entries.update(location="/dev/zero", offset=0))


@broken
def external_is_a_pipe(folder):
    os.mkfifo(folder / "pipe")
    return external(folder, lambda entries: entries.update(location="pipe", offset=0))


# The graph


@broken
def cycle(folder):
    return variant(lambda g: g.node[1].input.__setitem__(0, "c"))


@broken
def self_cycle(folder):
    return variant(lambda g: g.node[1].input.__setitem__(0, "b"))


@broken
def duplicate_value_name(folder):
    return variant(lambda g: g.node[2].output.__setitem__(0, "b"))


@broken
def duplicate_initializer(folder):
    return variant(lambda g: g.initializer.add().CopyFrom(g.initializer[0]))


@broken
def duplicate_input(folder):
    return variant(lambda g: g.input.add().CopyFrom(g.input[0]))


@broken
def missing_value_name(folder):
    return variant(lambda g: g.node[2].input.__setitem__(0, "nowhere"))


@broken
def missing_weight(folder):
    return variant(lambda g: g.initializer.pop(0))


@broken
def missing_output(folder):
    return variant(lambda g: setattr(g.output[0], "name", "nowhere"))


@broken
def no_graph(folder):
    model = small()
    model.ClearField("graph")
    return model


@broken
def empty_graph(folder):
    return variant(lambda g: g.Clear())


# Shapes that contradict each other


@broken
def channels_contradict(folder):
    wrong = np.zeros((16, 5, 3, 3), np.float32)
    return variant(lambda g: g.initializer[2].CopyFrom(numpy_helper.from_array(wrong, "second.weight")))


@broken
def bias_contradicts(folder):
    wrong = np.zeros(7, np.float32)
    return variant(lambda g: g.initializer[1].CopyFrom(numpy_helper.from_array(wrong, "first.bias")))


@broken
def matrices_contradict(folder):
    wrong = np.zeros((10, 17), np.float32)
    return variant(lambda g: g.initializer[4].CopyFrom(numpy_helper.from_array(wrong, "head.weight")))


@broken
def declared_shape_contradicts(folder):
    declared = helper.make_tensor_value_info("a", TensorProto.FLOAT, ["batch", 5, 8, 8])
    return variant(lambda g: g.value_info.append(declared))


@broken
def group_contradicts(folder):
    return variant(lambda g: g.node[2].attribute.append(helper.make_attribute("group", 5)))


@broken
def group_is_zero(folder):
    return variant(lambda g: g.node[2].attribute.append(helper.make_attribute("group", 0)))


@broken
def broadcast_contradicts(folder):
    def change(graph):
        graph.initializer.append(numpy_helper.from_array(np.zeros((9, 1, 1), np.float32), "odd"))
        graph.node[1].CopyFrom(helper.make_node("Add", ["a", "odd"], ["b"], name="act"))
    return variant(change)
