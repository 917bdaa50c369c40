"""Loading and writing a model loses nothing: the copy is the same message.

    roundtrip.py [--short] [--only NAME,...]

Uses `coppice copy`, which loads a model and writes it untouched, on the zoo (where it is there), the trained models and
the made ones (external data, types few models have, functions, unknown fields).
"""
import filecmp
import pathlib

import numpy as np
import onnx

import catalog
import harness
import made_content
import made_models


def compare(coppice, path, output):
    """(whether the bytes are the same, what differs or None)."""
    coppice("copy", path, "-o", output)
    if filecmp.cmp(path, output, shallow=False) and not output.with_name(output.name + ".data").exists():
        return True, None
    a, b = onnx.load(path), onnx.load(output)
    if canonical(a) != canonical(b):
        return False, f"differs in {difference(a, b)}"
    return False, None


def canonical(model):
    """The bytes of a message with its fields in the order of their numbers; a comparison of them knows of numbers that
    are none, negative zeros and unknown fields."""
    return model.SerializeToString(deterministic=True)


def difference(a, b, place="model"):
    """The first field in which two messages differ."""
    fields = {field.name: field for field, _ in a.ListFields()} | {field.name: field for field, _ in b.ListFields()}
    for name, field in fields.items():
        x, y = getattr(a, name), getattr(b, name)
        if x == y or repr(x) == repr(y):
            continue
        if hasattr(x, "ListFields"):
            return difference(x, y, f"{place}.{name}")
        if hasattr(x, "__len__") and not isinstance(x, (str, bytes)):
            if len(x) != len(y):
                return f"{place}.{name}: {len(y)} instead of {len(x)}"
            index = next(i for i, (p, q) in enumerate(zip(x, y)) if p != q)
            if hasattr(x[index], "ListFields"):
                return difference(x[index], y[index], f"{place}.{name}[{index}]")
            return f"{place}.{name}[{index}]"
        return f"{place}.{name}"
    return f"{place} (unknown fields or defaults written out)"


def beyond_two_gigabytes(coppice, folder):
    """What is wrong with the copy of a model of 2.4 GB in one file, which protobuf cannot hold; or None."""
    count, width = 3, 200_000_000  # floats, all zeros but the first
    tensors = []
    for index in range(count):
        head = onnx.TensorProto(name=f"w{index}", data_type=onnx.TensorProto.FLOAT, dims=[width]).SerializeToString()
        tensors.append(head + made_models.varint(9 << 3 | 2) + made_models.varint(4 * width))
    heads = [made_models.varint(5 << 3 | 2) + made_models.varint(len(head) + 4 * width) + head for head in tensors]
    nodes = [onnx.helper.make_node("Relu", [f"w{index}"], [f"y{index}"]) for index in range(count)]
    outputs = [onnx.helper.make_tensor_value_info(f"y{index}", onnx.TensorProto.FLOAT, [width]) for index in range(count)]
    rest = onnx.helper.make_graph(nodes, "large", [], outputs).SerializeToString()
    size = len(rest) + sum(map(len, heads)) + count * 4 * width
    model = onnx.helper.make_model(onnx.GraphProto(), opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    model.ClearField("graph")
    path, output = folder / "large.onnx", folder / "copy" / "large-copy.onnx"
    with open(path, "wb") as file:
        file.write(model.SerializeToString() + made_models.varint(7 << 3 | 2) + made_models.varint(size) + rest)
        for index, head in enumerate(heads):
            start = file.seek(0, 1) + len(head)
            file.write(head + np.float32(index + 1).tobytes())
            file.truncate(start + 4 * width)
            file.seek(start + 4 * width)
    coppice("copy", path, "-o", output)
    data = output.with_name(output.name + ".data")
    copy = onnx.load(output, load_external_data=False)
    for index, tensor in enumerate(copy.graph.initializer):
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if entries["location"] != data.name or int(entries["length"]) != 4 * width or tensor.HasField("raw_data"):
            return f"{tensor.name} is at {entries}"
        with open(data, "rb") as file:
            file.seek(int(entries["offset"]))
            if np.frombuffer(file.read(8), np.float32).tolist() != [index + 1, 0]:
                return f"{tensor.name} has other numbers"
    return None if len(copy.graph.initializer) == count else "tensors are missing"


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--short", action="store_true", help="check a few small models of the zoo")
    parser.add_argument("--only", help="check these, divided by commas")
    arguments = parser.parse_args()
    if arguments.only:
        models = catalog.named(arguments.only.split(","))
    else:
        models = catalog.real() + catalog.zoo(catalog.SHORT if arguments.short else None)
    coppice, report = harness.Coppice(arguments.coppice), harness.Report()
    with harness.scratch() as name:
        folder = pathlib.Path(name)
        made = [] if arguments.only else made_models.write_all(folder / "made")
        for name, path in [(model.name, model.path) for model in models] + made:
            output = folder / "copy" / f"{name}.onnx"
            output.parent.mkdir(exist_ok=True)
            try:
                is_same, problem = compare(coppice, path() if callable(path) else path, output)
                note = "byte for byte" if is_same else "same message "
            except Exception as error:  # whatever goes wrong is the finding
                note, problem = "             ", f"{type(error).__name__}: {str(error)[:200]}"
            report.row(name, note, problem)
            for left in output.parent.iterdir():
                left.unlink()
        if not arguments.short and not arguments.only:
            report.row("beyond_two_gigabytes", "external data", beyond_two_gigabytes(coppice, folder))
        unset = made_content.unset_fields(onnx.load(path) for _, path in made) if made else []
        # External data is loaded into the messages that are looked at here.
        unset = [name for name in unset if name not in ("onnx.TensorProto.data_location", "onnx.TensorProto.external_data")]
        report.row("all fields of the schema", "in some made model", f"unset: {', '.join(unset)}" if unset else None)
    report.finish()


if __name__ == "__main__":
    main()
