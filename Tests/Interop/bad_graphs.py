"""Models whose graph is broken: names, order, shapes that contradict each other."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from broken import broken, variant
from made_models import small


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
def attribute_given_twice(folder):
    return variant(lambda g: g.node[0].attribute.append(helper.make_attribute("pads", [0, 0, 0, 0])))


@broken
def initializer_is_made_by_a_node(folder):
    return variant(lambda g: g.node[1].output.__setitem__(0, "first.bias"))


@broken
def input_is_made_by_a_node(folder):
    return variant(lambda g: g.node[1].output.__setitem__(0, "x"))


@broken
def cycle_through_a_body(folder):
    """An If whose branch reads what the If makes."""
    def change(graph):
        branch = helper.make_graph([helper.make_node("Relu", ["z"], ["r"])], "branch", [],
                                   [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)])
        graph.initializer.append(helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
        graph.node.append(helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch))
    return variant(change)


@broken
def body_is_read_from_outside(folder):
    """A value of a body is none of the graph around it."""
    def change(graph):
        branch = helper.make_graph([helper.make_node("Relu", ["y"], ["hidden"])], "branch", [],
                                   [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, None)])
        graph.initializer.append(helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
        graph.node.append(helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch))
        graph.node.append(helper.make_node("Relu", ["hidden"], ["q"]))
    return variant(change)


@broken
def constant_without_value(folder):
    return variant(lambda g: g.node.insert(0, helper.make_node("Constant", [], ["nothing"], name="empty")))


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
def declared_output_size_contradicts(folder):
    return variant(lambda g: g.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 7])))


@broken
def declared_output_rank_contradicts(folder):
    declared = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 10, 1])
    return variant(lambda g: g.output[0].CopyFrom(declared))


@broken
def declared_output_type_contradicts(folder):
    declared = helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["batch", 10])
    return variant(lambda g: g.output[0].CopyFrom(declared))


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
