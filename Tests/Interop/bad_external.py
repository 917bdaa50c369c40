"""Models whose external data is broken, or leads where a model has no business."""
import os

import onnx

import made_models
from broken import broken
from made_models import small


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


@broken
def external_length_huge(folder):
    return external(folder, lambda entries: entries.update(length=(1 << 63) - 1))


@broken
def external_length_negative(folder):
    return external(folder, lambda entries: entries.update(length=-1728))


@broken
def external_location_empty(folder):
    return external(folder, lambda entries: entries.update(location=""))


@broken
def external_is_the_folder_itself(folder):
    return external(folder, lambda entries: entries.update(location="."))


@broken
def external_is_empty(folder):
    model = external(folder, lambda entries: None)
    os.truncate(folder / "model.onnx.data", 0)
    return model


@broken
def external_symlink_to_a_device(folder):
    (folder / "weights.bin").symlink_to("/dev/zero")
    return external(folder, lambda entries: entries.update(location="weights.bin", offset=0))


@broken
def external_symlinks_in_a_circle(folder):
    (folder / "weights.bin").symlink_to("other.bin")
    (folder / "other.bin").symlink_to("weights.bin")
    return external(folder, lambda entries: entries.update(location="weights.bin", offset=0))


@broken
def external_with_backslashes(folder):
    return external(folder, lambda entries: entries.update(location="..\\outside.bin", offset=0))


@broken
def external_name_is_very_long(folder):
    return external(folder, lambda entries: entries.update(location="w" * 10_000, offset=0))


@broken
def external_and_raw(folder):
    model = external(folder, lambda entries: None)
    model.graph.initializer[0].raw_data = bytes(16 * 3 * 3 * 3 * 4)
    return model


@broken
def external_strings(folder):
    model = external(folder, lambda entries: None)
    model.graph.initializer[0].data_type = onnx.TensorProto.STRING
    return model


@broken
def external_in_an_attribute(folder):
    """Constants of nodes are under the same rules."""
    model = external(folder, lambda entries: entries.update(location=str(outside(folder)), offset=0))
    tensor = model.graph.initializer.pop(0)
    node = onnx.helper.make_node("Constant", [], [tensor.name])
    attribute = node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR)
    attribute.t.CopyFrom(tensor)
    model.graph.node.insert(0, node)
    return model
