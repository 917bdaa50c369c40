"""Models that between them hold everything a ModelProto can: every type in every spelling, every field of every message."""
import onnx
from onnx import TensorProto, TypeProto, helper, numpy_helper

import made_models
from made_models import field

# Numbers of the types that this version of onnx knows.
TYPES = [number for name, number in TensorProto.DataType.items() if number]


def values_of(kind):
    """Five elements: an odd count, so that packed types end in the midst of a byte."""
    if kind == TensorProto.STRING:
        return [b"one", b"", b"\xff\xfe no text", "ünï".encode(), b"five"]
    if kind in (TensorProto.COMPLEX64, TensorProto.COMPLEX128):
        return [1 + 2j, -3j, 0, 0.5, 1e-3j]
    return [1, 0, 1, 1, 0]


def with_all_types():
    """Every element type, typed and raw."""
    model = made_models.small()
    for kind in TYPES:
        name = TensorProto.DataType.Name(kind).lower()
        typed = helper.make_tensor(f"{name}.typed", kind, [5], values_of(kind))
        model.graph.initializer.append(typed)
        model.graph.initializer.append(helper.make_tensor(f"{name}.empty", kind, [0, 3], []))
        if kind != TensorProto.STRING:
            raw = numpy_helper.from_array(numpy_helper.to_array(typed), f"{name}.raw")
            model.graph.initializer.append(raw)
    numbers = helper.make_tensor("odd_numbers", TensorProto.FLOAT, [4], [float("nan"), float("inf"), -0.0, 1e-45])
    model.graph.initializer.append(numbers)
    model.graph.initializer.append(helper.make_tensor("scalar", TensorProto.FLOAT, [], [3.0]))
    model.ir_version = 13
    return model


def value(name, shape=(2,), kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def with_control_flow():
    """If, Loop and Scan, bodies that read the graph around them, and names that a body uses anew."""
    def branch(name, operator):
        weight = numpy_helper.from_array(numpy_helper.to_array(helper.make_tensor("w", 1, [10], [2.0] * 10)), "head.bias")
        return helper.make_graph([helper.make_node(operator, ["y", "head.bias"], [f"{name}.out"])], name, [],
                                 [value(f"{name}.out", ("batch", 10))], [weight])

    model = made_models.small()
    graph = model.graph
    graph.initializer.append(helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
    graph.initializer.append(helper.make_tensor("trips", TensorProto.INT64, [], [3]))
    graph.node.append(helper.make_node(
        "If", ["yes"], ["chosen"], name="if", then_branch=branch("then", "Add"), else_branch=branch("else", "Mul")))
    loop = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["goes"]), helper.make_node("Add", ["state", "y"], ["next"])], "loop",
        [value("turn", (), TensorProto.INT64), value("going", (), TensorProto.BOOL), value("state", ("batch", 10))],
        [value("goes", (), TensorProto.BOOL), value("next", ("batch", 10))])
    graph.node.append(helper.make_node("Loop", ["trips", "yes", "chosen"], ["looped"], name="loop", body=loop))
    scan = helper.make_graph(
        [helper.make_node("Add", ["sum", "row"], ["total"]), helper.make_node("Identity", ["total"], ["each"])], "scan",
        [value("sum", (10,)), value("row", (10,))], [value("total", (10,)), value("each", (10,))])
    graph.initializer.append(helper.make_tensor("start", TensorProto.FLOAT, [10], [0.0] * 10))
    graph.node.append(helper.make_node(
        "Scan", ["start", "looped"], ["sums", "rows"], name="scan", body=scan, num_scan_inputs=1))
    graph.output.append(value("rows", ("batch", 10)))
    return model


def with_all_fields():
    """Every field of every message somewhere."""
    model = made_models.with_everything_around()
    graph, node = model.graph, model.graph.node[0]
    for message, name in [(graph, "graph"), (node, "node"), (graph.initializer[0], "tensor"), (graph.input[0], "input"),
                          (model.functions[0], "function")]:
        message.metadata_props.add(key=f"of {name}", value="✓")
    graph.initializer[0].doc_string, graph.input[0].doc_string, node.doc_string = "of a tensor", "of an input", "of a node"
    model.functions[0].doc_string, model.functions[0].overload = "of a function", "one"
    node.overload = "two"
    graph.input[0].type.denotation = "IMAGE"
    graph.input[0].type.tensor_type.shape.dim[1].denotation = "DATA_CHANNEL"
    add_attributes(graph.node[-2])
    add_types(graph)
    add_devices(model, node)
    function = model.functions[0]
    function.attribute.append("required")
    function.attribute_proto.append(helper.make_attribute("optional", 3))
    function.node[0].attribute.add(name="alpha", ref_attr_name="required", type=onnx.AttributeProto.FLOAT)
    function.value_info.append(value("p"))
    training = model.training_info[0]
    training.algorithm.name = "step"
    training.initialization_binding.add(key="head.bias", value="start")
    training.algorithm.initializer.append(helper.make_tensor("rate", TensorProto.FLOAT, [1], [0.1]))
    graph.initializer[3].segment.begin, graph.initializer[3].segment.end = 0, 16
    return model


def add_attributes(node):
    """Attributes of every type, some of them empty."""
    tensor = helper.make_tensor("t", TensorProto.FLOAT, [1], [1.0])
    raw = numpy_helper.from_array(numpy_helper.to_array(tensor), "raw")
    indices = numpy_helper.from_array(numpy_helper.to_array(helper.make_tensor("i", TensorProto.INT64, [1], [4])), "i")
    sparse = helper.make_sparse_tensor(raw, indices, [8])
    graph = helper.make_graph([helper.make_node("Identity", ["y"], ["v"])], "inner", [], [value("v")])
    kind = helper.make_tensor_type_proto(TensorProto.FLOAT, [1, "n"])
    for name, content in {
            "a.float": 1.5, "a.int": -3, "a.zero": 0, "a.string": b"\xff\x00", "a.tensor": raw, "a.typed": tensor,
            "a.sparse": sparse, "a.type": kind, "a.floats": [1.5, -0.0], "a.ints": [1, -1], "a.strings": [b"", b"\xff"],
            "a.tensors": [tensor, raw], "a.graphs": [graph], "a.sparses": [sparse, sparse],
            "a.types": [kind, kind]}.items():
        node.attribute.append(helper.make_attribute(name, content, doc_string="of an attribute"))
    for name, kind in onnx.AttributeProto.AttributeType.items():
        if name.endswith("S"):
            node.attribute.add(name=f"a.empty.{name}", type=kind)
    # Two payloads, one of them of a field that the reader does not interpret.
    both = node.attribute.add(name="a.contradicts", type=onnx.AttributeProto.INT, i=5)
    both.sparse_tensor.CopyFrom(sparse)
    untyped = node.attribute.add(name="a.untyped", i=5)
    untyped.sparse_tensors.add().CopyFrom(sparse)


def add_types(graph):
    """Values that are no tensors."""
    element = helper.make_tensor_type_proto(TensorProto.FLOAT, ["n"])
    opaque = TypeProto()
    opaque.opaque_type.domain, opaque.opaque_type.name = "org.example", "Thing"
    for name, kind in {
            "sequence": helper.make_sequence_type_proto(element), "optional": helper.make_optional_type_proto(element),
            "map": helper.make_map_type_proto(TensorProto.STRING, element), "opaque": opaque,
            "sparse": helper.make_sparse_tensor_type_proto(TensorProto.FLOAT, [3])}.items():
        graph.value_info.append(helper.make_value_info(f"of.{name}", kind))
    graph.value_info.append(helper.make_tensor_value_info("of.no.rank", TensorProto.FLOAT, None))
    graph.value_info.add(name="of.no.type")


def add_devices(model, node):
    """How a model is laid out over devices, where this version of onnx has that."""
    if not hasattr(model, "configuration"):
        return
    model.configuration.add(name="two", num_devices=2, device=["cpu:0", "cpu:1"])
    place = node.device_configurations.add(configuration_id="two", pipeline_stage=1)
    sharding = place.sharding_spec.add(tensor_name="first.weight", device=[0, 1])
    sharding.index_to_device_group_map.add(key=0, value=[0, 1])
    sharded = sharding.sharded_dim.add(axis=0)
    sharded.simple_sharding.add(dim_value=16, num_shards=2)
    sharded.simple_sharding.add(dim_param="n", num_shards=2)


def with_unknown_fields_everywhere():
    """A field of number 900 or more at the end of every message, nested ones included."""
    def extend(message):
        encoded = b""
        for descriptor, content in message.ListFields():
            if descriptor.type != descriptor.TYPE_MESSAGE:
                alone = type(message)()
                if isinstance(content, (str, bytes, int, float)):
                    setattr(alone, descriptor.name, content)
                else:
                    getattr(alone, descriptor.name).extend(content)
                encoded += alone.SerializePartialToString()
                continue
            for child in [content] if hasattr(content, "ListFields") else content:
                encoded += field(descriptor.number, extend(child))
        return encoded + field(900, message.DESCRIPTOR.name.encode()) + made_models.varint(901 << 3) + b"\x05"

    return extend(with_all_fields())


def messages(descriptor, found):
    """Every type of message below one: {full name: descriptor}."""
    if descriptor.full_name not in found:
        found[descriptor.full_name] = descriptor
        for part in descriptor.fields:
            if part.message_type:
                messages(part.message_type, found)
    return found


def unset_fields(models):
    """Fields of the schema that none of some models sets."""
    unset = {(name, part.name) for name, descriptor in messages(onnx.ModelProto.DESCRIPTOR, {}).items()
             for part in descriptor.fields}

    def visit(message):
        for descriptor, content in message.ListFields():
            unset.discard((message.DESCRIPTOR.full_name, descriptor.name))
            if descriptor.type == descriptor.TYPE_MESSAGE:
                for child in [content] if hasattr(content, "ListFields") else content:
                    visit(child)

    for model in models:
        visit(model)
    return sorted(f"{message}.{name}" for message, name in unset)
