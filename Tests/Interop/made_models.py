"""Small models with what real files seldom have: external data, rare types, functions, bodies, unknown fields."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def small(channels=16, opset=17):
    """Two convolutions and a head: the model that others are made from."""
    random = np.random.default_rng(7)

    def weight(name, *shape):
        return numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "first.weight", "first.bias"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="act"),
        helper.make_node("Conv", ["b", "second.weight", "second.bias"], ["c"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"], name="pool"),
        helper.make_node("Flatten", ["d"], ["e"], name="flat"),
        helper.make_node("Gemm", ["e", "head.weight", "head.bias"], ["y"], name="head", transB=1),
    ]
    initializers = [
        weight("first.weight", channels, 3, 3, 3), weight("first.bias", channels),
        weight("second.weight", channels, channels, 3, 3), weight("second.bias", channels),
        weight("head.weight", 10, channels), weight("head.bias", 10)]
    graph = helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 10])], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def save_external(model, path, *, one_file=True):
    """Saves with every tensor outside the model; returns the path."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    onnx.save_model(copy, str(path), save_as_external_data=True, all_tensors_to_one_file=one_file,
                    location=path.name + ".data" if one_file else None, size_threshold=0)
    return path


def with_rare_types():
    """Tensors of every type that onnx can make here, carried along unused."""
    model = small()
    ones = {
        "half": (TensorProto.FLOAT16, [1.0, 2.0]), "double": (TensorProto.DOUBLE, [1.0, 2.0]),
        "bfloat": (TensorProto.BFLOAT16, [1.0, 2.0]), "float8": (TensorProto.FLOAT8E4M3FN, [1.0, 2.0]),
        "float8b": (TensorProto.FLOAT8E5M2, [1.0, 2.0]), "int4": (TensorProto.INT4, [1, -2, 3]),
        "uint4": (TensorProto.UINT4, [1, 2, 3]), "int8": (TensorProto.INT8, [1, -2]),
        "uint16": (TensorProto.UINT16, [1, 2]), "uint64": (TensorProto.UINT64, [1, 2]),
        "bool": (TensorProto.BOOL, [True, False]), "complex": (TensorProto.COMPLEX64, [1 + 2j, 3j]),
        "strings": (TensorProto.STRING, [b"one", b"two"])}
    for name, (kind, values) in ones.items():
        model.graph.initializer.append(helper.make_tensor(name, kind, [len(values)], values))
    model.graph.initializer.append(helper.make_tensor("scalar", TensorProto.FLOAT, [], [3.0]))
    model.graph.initializer.append(helper.make_tensor("empty", TensorProto.FLOAT, [0, 4], []))
    model.ir_version = 11
    return model


def with_everything_around():
    """Metadata, functions, training information, annotations, sparse tensors, documentation, bodies."""
    model = small()
    helper.set_model_props(model, {"author": "someone", "ünïcode": "✓"})
    model.producer_name, model.producer_version, model.domain = "maker", "1.2", "org.example"
    model.doc_string, model.graph.doc_string, model.model_version = "of a model", "of a graph", 3
    model.opset_import.append(helper.make_opsetid("org.example", 1))
    model.opset_import.append(helper.make_opsetid("com.unknown", 4))
    model.functions.append(helper.make_function(
        "org.example", "Twice", ["p"], ["q"], [helper.make_node("Add", ["p", "p"], ["q"])],
        [helper.make_opsetid("", 17)]))
    graph = model.graph
    graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, ["batch", 16, 8, 8]))
    annotation = graph.quantization_annotation.add(tensor_name="a")
    annotation.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="head.bias")
    values = numpy_helper.from_array(np.array([1.5, 2.5], np.float32), "sparse")
    indices = numpy_helper.from_array(np.array([1, 5], np.int64), "sparse.indices")
    graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [8]))
    body = helper.make_graph(
        [helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.ones(10, np.float32)))], "body", [],
        [helper.make_tensor_value_info("k", TensorProto.FLOAT, [10])])
    graph.node.append(helper.make_node("Strange", ["y"], ["z"], domain="com.unknown", body=body, level=3, note="n"))
    graph.node.append(helper.make_node("Twice", ["y"], ["w"], domain="org.example"))
    training = model.training_info.add()
    training.initialization.name = "start"
    training.update_binding.add(key="head.bias", value="updated")
    return model


def with_unknown_fields():
    """A model with fields that no schema of today has: number 900 in the model, 901 in the graph."""
    model = small()
    graph = model.graph.SerializeToString() + field(901, b"of a graph to come")
    rest = onnx.ModelProto()
    rest.CopyFrom(model)
    rest.ClearField("graph")
    return rest.SerializeToString() + field(7, graph) + field(900, b"of a model to come")


def unsorted():
    """A model whose nodes stand in the reverse order."""
    model = small()
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(nodes))
    return model


def with_typed_data():
    """Numbers in float_data instead of raw_data."""
    model = small()
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor).ravel().tolist()
        tensor.CopyFrom(helper.make_tensor(tensor.name, TensorProto.FLOAT, tensor.dims, values))
    return model


def field(number, payload):
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value):
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def all_models():
    """{name: model or its bytes} of all those without external data."""
    import made_content  # which makes its models from these

    return {
        "small": small(), "small_opset7": small(opset=7), "rare_types": with_rare_types(),
        "everything_around": with_everything_around(), "unknown_fields": with_unknown_fields(),
        "unsorted": unsorted(), "typed_data": with_typed_data(), "all_types": made_content.with_all_types(),
        "control_flow": made_content.with_control_flow(), "all_fields": made_content.with_all_fields(),
        "unknown_fields_everywhere": made_content.with_unknown_fields_everywhere()}


def write_all(folder):
    """Writes all of them; returns [(name, path)]."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, model in all_models().items():
        path = folder / f"{name}.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        paths.append((name, path))
    for name, one_file in (("external_one_file", True), ("external_many_files", False)):
        home = folder / name
        home.mkdir(exist_ok=True)
        paths.append((name, save_external(small(), home / f"{name}.onnx", one_file=one_file)))
    return paths
