"""Data that would spoil a run hours after its start: found before training starts."""
import io
import struct
import zipfile
import zlib

import numpy as np
from onnx import TensorProto, helper

from bad_runs import CLASSES, FLOAT, LABELLED, SAMPLES, WIDTH, build, classifier, commands, data, refused_by, saved, weight
from bad_situations import refuses, situation
from failing import INVALID_MODEL, USAGE

SIDE = 6


# Pictures


def png(value):
    """A grey picture of one value."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([value]) * SIDE) * SIDE)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def picture_model():
    nodes = [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["y"])]
    return build(nodes, [("x", FLOAT, ["batch", 3, SIDE, SIDE])], [("y", FLOAT, ["batch", CLASSES])],
                 [("w", weight(3 * SIDE * SIDE, CLASSES))])


def pictures(folder, **changes):
    """A folder with a folder of four pictures for each class; `a_2` changes the third one of class `a`."""
    for kind in "abc":
        (folder / "pictures" / kind).mkdir(parents=True)
        for number in range(4):
            change = changes.get(f"{kind}_{number}", lambda content: content)
            (folder / "pictures" / kind / f"{number}.png").write_bytes(change(png(50 + 10 * number)))
    return folder / "pictures"


@situation
def picture_cut_off(binary, folder):
    """Its head is sound."""
    path = pictures(folder, b_2=lambda content: content[:50])
    return refused_by(binary, folder, picture_model(), path, LABELLED, ["b/2.png", "cannot be decoded", "complete"])


@situation
def picture_with_a_wrong_byte(binary, folder):
    path = pictures(folder, c_3=lambda content: content[:45] + bytes([content[45] ^ 0xFF]) + content[46:])
    return refused_by(binary, folder, picture_model(), path, LABELLED, ["c/3.png", "cannot be decoded"])


@situation
def picture_that_is_none(binary, folder):
    path = pictures(folder, a_1=lambda content: b"<html>not found</html>")
    return refused_by(binary, folder, picture_model(), path, LABELLED, ["a/1.png", "neither a PNG nor a JPEG"])


# Numbers


@situation
def data_beyond_single_precision(binary, folder):
    x = weight(SAMPLES, WIDTH).astype(np.float64)
    x[5, 1] = 1e300
    path = data(folder, x=x)
    return refused_by(binary, folder, classifier(), path, LABELLED, ["data.npz", "sample 5", "1e+300", "single precision"])


@situation
def ids_beyond_32_bits(binary, folder):
    """The model takes them as int32; what is left of this one there is a row of the table."""
    nodes = [helper.make_node("Cast", ["ids"], ["f"], to=FLOAT), helper.make_node("MatMul", ["f", "w"], ["y"])]
    model = build(nodes, [("ids", TensorProto.INT32, ["batch", 5])], [("y", FLOAT, ["batch", CLASSES])],
                  [("w", weight(5, CLASSES))])
    ids = np.zeros((SAMPLES, 5), np.int64)
    ids[3, 2] = (1 << 32) + 1
    path = data(folder, x=None, ids=ids)
    return refused_by(binary, folder, model, path, LABELLED, ["data.npz", "sample 3", "4294967297", "int32"])


@situation
def labels_beyond_64_bits(binary, folder):
    path = data(folder, label=lambda y: np.where(np.arange(SAMPLES) == 4, np.uint64(1 << 63), y.astype(np.uint64)))
    return refused_by(binary, folder, classifier(), path, LABELLED, ["data.npz", "sample 4", "label 9.22"])


@situation
def labels_all_ignored(binary, folder):
    path = data(folder, label=lambda y: np.full_like(y, -100))
    return refused_by(binary, folder, classifier(), path, LABELLED, ["data.npz", "-100", "nothing to learn from"])


@situation
def targets_that_are_no_probabilities(binary, folder):
    target = np.full((SAMPLES, CLASSES), 0.5, np.float32)
    target[6, 1] = -0.5
    lines = commands(binary, folder, saved(folder, classifier()), data(folder, label=target))
    command = [*lines["train"], "--loss", "bce"]
    return refuses(binary, folder, command, {INVALID_MODEL}, ["data.npz", "sample 6", "-0.5", "0 to 1"])


# Shapes of no elements, which no byte of a file stands behind


def hollow(folder, shape):
    """An archive whose x announces a shape."""
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    x = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) + 1) + head + b"\n"
    label = io.BytesIO()
    np.save(label, np.zeros(SAMPLES, np.int64))
    with zipfile.ZipFile(folder / "data.npz", "w") as archive:
        archive.writestr("x.npy", x)
        archive.writestr("label.npy", label.getvalue())
    return folder / "data.npz"


@situation
def more_samples_than_can_be(binary, folder):
    path = hollow(folder, (10**12, 0))
    return refused_by(binary, folder, classifier(), path, ("infer", *LABELLED), ["data.npz", "array x", "1000000000000"])


@situation
def sizes_whose_product_overflows(binary, folder):
    path = hollow(folder, (2**62, 0, 8))
    return refused_by(binary, folder, classifier(), path, ("infer", *LABELLED), ["data.npz", "array x"])


# Labels in a file of their own


def idx(path, array):
    """An array of bytes as an IDX file."""
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())
    return path


def idx_model():
    nodes = [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["y"])]
    return build(nodes, [("x", FLOAT, ["batch", 1, 2, 2])], [("y", FLOAT, ["batch", CLASSES])],
                 [("w", weight(4, CLASSES))])


def idx_files(folder):
    """Images of which no name tells where their labels are, and labels."""
    images = np.arange(SAMPLES * 4, dtype=np.uint8).reshape(SAMPLES, 2, 2)
    return (idx(folder / "seen.idx", images), idx(folder / "unseen.idx", images),
            idx(folder / "classes.idx", np.arange(SAMPLES, dtype=np.uint8) % CLASSES))


@situation
def images_without_labels(binary, folder):
    seen, _, _ = idx_files(folder)
    return refused_by(binary, folder, idx_model(), seen, LABELLED, ["seen.idx", "has no labels", "--labels FILE"])


@situation
def validation_without_labels_of_its_own(binary, folder):
    """Those of the training images are not taken for those of others."""
    seen, unseen, classes = idx_files(folder)
    command = commands(binary, folder, saved(folder, idx_model()), seen)["train"]
    command += ["--labels", classes, "--validation", unseen]
    return refuses(binary, folder, command, {INVALID_MODEL}, ["unseen.idx", "--validation-labels FILE"])


@situation
def validation_labels_out_of_range(binary, folder):
    seen, unseen, classes = idx_files(folder)
    others = idx(folder / "others.idx", np.full(SAMPLES, 7, np.uint8))
    command = commands(binary, folder, saved(folder, idx_model()), seen)["train"]
    command += ["--labels", classes, "--validation", unseen, "--validation-labels", others]
    return refuses(binary, folder, command, {INVALID_MODEL}, ["others.idx", "label 7"])


@situation
def table_with_a_header_that_is_said_to_be_none(binary, folder):
    (folder / "table.csv").write_text("a;b;c;d;label\n1;2;3;4;0\n")
    command = [binary, "eval", saved(folder, classifier()), "--data", folder / "table.csv", "--separator", ";"]
    outcome, problem = refuses(
        binary, folder, [*command, "--header", "no", "--label-column", "-1"], {INVALID_MODEL}, ["table.csv", "1:1", "'a'"])
    if problem:
        return outcome, problem
    return refuses(binary, folder, [*command, "--label-column", "9"], {USAGE}, ["table.csv", "has 5 columns"])
