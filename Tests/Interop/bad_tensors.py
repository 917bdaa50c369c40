"""Models whose encoding or tensors are broken."""
import numpy as np

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
