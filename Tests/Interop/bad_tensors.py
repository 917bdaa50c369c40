"""Models whose encoding or tensors are broken."""
import numpy as np
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper

import made_models
from broken import broken, variant
from made_models import field, small


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


@broken
def overflowing_dims_beside_a_zero(folder):
    return variant(lambda g: (g.initializer[0].ClearField("raw_data"), g.initializer[0].ClearField("dims"),
                              g.initializer[0].dims.extend([0, 1 << 40, 1 << 40])))


@broken
def long_axis_of_nothing(folder):
    """No elements, but as many channels as no memory holds scores for."""
    return variant(lambda g: (g.initializer[0].ClearField("raw_data"), g.initializer[0].ClearField("dims"),
                              g.initializer[0].dims.extend([0, 1 << 40])))


@broken
def rank_of_thousands(folder):
    """One element in 5,000 axes: as long as its shape says, and nothing any runtime would take."""
    def change(graph):
        graph.initializer.append(numpy_helper.from_array(np.zeros((), np.float32), "deep"))
        graph.initializer[-1].dims.extend([1] * 5000)
        graph.node.append(helper.make_node("Relu", ["deep"], ["deeper"]))
    return variant(change)


@broken
def declared_rank_of_thousands(folder):
    return variant(lambda g: g.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, [1] * 5000)))


@broken
def raw_and_float_data(folder):
    return variant(lambda g: g.initializer[0].float_data.extend([1.0] * 432))


@broken
def float_data_of_integers(folder):
    def change(graph):
        graph.initializer.append(helper.make_tensor("odd", TensorProto.FLOAT, [2], [1.0, 2.0]))
        graph.initializer[-1].data_type = TensorProto.INT64
    return variant(change)


@broken
def float_data_of_an_empty_tensor_of_integers(folder):
    def change(graph):
        graph.initializer.append(helper.make_tensor("odd", TensorProto.INT64, [0], []))
        graph.initializer[-1].float_data.append(1.0)
    return variant(change)


@broken
def strings_in_raw_data(folder):
    def change(graph):
        graph.initializer.append(TensorProto(name="odd", data_type=TensorProto.STRING, dims=[1], raw_data=b"word"))
    return variant(change)


@broken
def half_of_packed_integers(folder):
    return variant(lambda g: g.initializer.append(
        TensorProto(name="odd", data_type=TensorProto.INT4, dims=[5], raw_data=bytes(2))))


@broken
def packed_integers_counted_singly(folder):
    return variant(lambda g: g.initializer.append(
        TensorProto(name="odd", data_type=TensorProto.INT4, dims=[4], int32_data=[1, 2, 3, 4])))


@broken
def integers_out_of_their_type(folder):
    return variant(lambda g: g.initializer.append(
        TensorProto(name="odd", data_type=TensorProto.INT8, dims=[1], int32_data=[1000])))


@broken
def sparse_of_negative_size(folder):
    return sparse(folder, dims=[-8])


@broken
def sparse_of_overflowing_size(folder):
    return sparse(folder, dims=[1 << 40, 1 << 40])


@broken
def sparse_without_values(folder):
    return sparse(folder, change=lambda tensor: tensor.ClearField("values"))


@broken
def sparse_without_name(folder):
    return sparse(folder, change=lambda tensor: tensor.values.ClearField("name"))


def sparse(folder, dims=(8,), change=lambda tensor: None):
    values = numpy_helper.from_array(np.array([1.5], np.float32), "sparse")
    indices = numpy_helper.from_array(np.array([1], np.int64), "sparse.indices")
    tensor = SparseTensorProto(values=values, indices=indices, dims=dims)
    change(tensor)
    return variant(lambda g: g.sparse_initializer.append(tensor))


@broken
def name_is_not_utf8(folder):
    return small().SerializeToString().replace(b"second.weight", b"second.\xff\xfe\xfdght")


@broken
def name_holds_a_terminal_command(folder):
    """Control characters of a name must not reach a terminal."""
    return variant(lambda g: g.node[1].input.__setitem__(0, "\x1b[2J\r\n\u2028gone"))


@broken
def name_is_very_long(folder):
    return variant(lambda g: g.node[1].input.__setitem__(0, "n" * 5_000_000))


@broken
def number_longer_than_64_bits(folder):
    return b"\x08" + b"\xff" * 10 + b"\x01" + small().SerializeToString()


@broken
def group_field(folder):
    """Wire types 3 and 4, which protobuf has given up."""
    return small().SerializeToString() + b"\xa3\x06\xa4\x06"


@broken
def field_number_zero(folder):
    return small().SerializeToString() + b"\x02\x00"
