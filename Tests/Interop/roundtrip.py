"""Loading and writing a model loses nothing: the copy is the same message.

    roundtrip.py [--short] [--only NAME,...]

Uses `coppice copy`, which loads a model and writes it untouched, on the zoo (where it is there), the trained models and
the made ones (external data, types few models have, functions, unknown fields).
"""
import filecmp
import pathlib

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
        unset = made_content.unset_fields(onnx.load(path) for _, path in made) if made else []
        # External data is loaded into the messages that are looked at here.
        unset = [name for name in unset if name not in ("onnx.TensorProto.data_location", "onnx.TensorProto.external_data")]
        report.row("all fields of the schema", "in some made model", f"unset: {', '.join(unset)}" if unset else None)
    report.finish()


if __name__ == "__main__":
    main()
