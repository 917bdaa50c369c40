"""Models that cannot be run, and data that do not fit: named before anything runs, by every command that runs models."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bad_situations import refuses, situation
from failing import ANY_ERROR, INVALID_MODEL, USAGE, execute

CLASSES, WIDTH, SAMPLES = 3, 4, 12
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def build(nodes, inputs, outputs, weights=(), opset=17, domains=()):
    graph = helper.make_graph(nodes, "graph", [helper.make_tensor_value_info(*i) for i in inputs],
                              [helper.make_tensor_value_info(*o) for o in outputs],
                              [numpy_helper.from_array(array, name) for name, array in weights])
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def weight(*shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def classifier(middle=None, batch="batch", domains=()):
    """x · w, perhaps something in between, and y."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"], name="first"),
             middle or helper.make_node("Relu", ["h"], ["m"]),
             helper.make_node("Add", ["m", "b"], ["y"], name="last")]
    return build(nodes, [("x", FLOAT, [batch, WIDTH])], [("y", FLOAT, [batch, CLASSES])],
                 [("w", weight(WIDTH, CLASSES)), ("b", weight(CLASSES))], domains=domains)


def lookup():
    nodes = [helper.make_node("Gather", ["table", "ids"], ["e"]), helper.make_node("ReduceMean", ["e"], ["y"], axes=[1],
                                                                                   keepdims=0)]
    return build(nodes, [("ids", INT64, ["batch", 5])], [("y", FLOAT, ["batch", CLASSES])], [("table", weight(7, CLASSES))])


def data(folder, name="data.npz", **changes):
    """Sound data with some arrays changed; `None` leaves one out."""
    random = np.random.default_rng(2)
    arrays = {"x": random.standard_normal((SAMPLES, WIDTH)).astype(np.float32),
              "label": random.integers(0, CLASSES, SAMPLES)}
    for key, change in changes.items():
        arrays[key] = change(arrays.get(key)) if callable(change) else change
    np.savez(folder / name, **{key: array for key, array in arrays.items() if array is not None})
    return folder / name


def commands(binary, folder, model, path):
    """How each command is run on a model and data."""
    output = folder / "out"
    return {
        "infer": [binary, "infer", model, "--input", path, "-o", output.with_suffix(".npz")],
        "eval": [binary, "eval", model, "--data", path],
        "train": [binary, "train", model, "--data", path, "--lr", "0.1", "--batch", "4", "--steps", "3", "-o",
                  output.with_suffix(".onnx")],
        "gradients": [binary, "gradients", model, "--data", path, "-o", output.with_suffix(".npz")],
        "verify": [binary, "verify", model, model, "--input", path],
        "bench": [binary, "bench", model, "--runs", "1", "--warm-up", "0"],
        "bench --train": [binary, "bench", model, "--runs", "1", "--warm-up", "0", "--train"],
    }


LABELLED = ("eval", "train", "gradients")


def saved(folder, model):
    path = folder / "model.onnx"
    onnx.save(model, path)
    return path


def refuses_all(binary, folder, lines, codes, mentions):
    """Every one of these command lines is refused; returns the last outcome."""
    for line in lines:
        outcome, problem = refuses(binary, folder, line, codes, mentions)
        if problem:
            return outcome, f"{line[1]} … {line[-2]} {line[-1]}: {problem}"
    return outcome, None


def refused_by(binary, folder, model, path, names, mentions, codes=frozenset({INVALID_MODEL})):
    """All of these commands refuse a model and data in the same words."""
    lines = commands(binary, folder, saved(folder, model), path)
    return refuses_all(binary, folder, [lines[name] for name in names], codes, mentions)


# Models


RUNNING = ("infer", "eval", "train", "gradients", "bench", "bench --train")


@situation
def operator_unknown(binary, folder):
    middle = helper.make_node("Frobnicate", ["h"], ["m"], name="odd", domain="com.acme")
    return refused_by(binary, folder, classifier(middle, domains=["com.acme"]), data(folder), RUNNING, ["odd (Frobnicate)"])


@situation
def operator_not_computed(binary, folder):
    middle = helper.make_node("QAttention", ["h"], ["m"], name="heads", domain="com.microsoft")
    return refused_by(
        binary, folder, classifier(middle), data(folder), ("infer", "eval", "bench"), ["heads (QAttention)"])


@situation
def operator_unknown_in_a_branch(binary, folder):
    """In the branch that is not taken: found without taking it."""
    branches = []
    for name, kind, domain in (("then", "Identity", ""), ("else", "Frobnicate", "com.acme")):
        node = helper.make_node(kind, ["h"], [f"{name}_y"], name=f"in_{name}", domain=domain)
        info = helper.make_tensor_value_info(f"{name}_y", FLOAT, ["batch", CLASSES])
        branches.append(helper.make_graph([node], name, [], [info]))
    model = classifier(helper.make_node("If", ["yes"], ["m"], name="choice", then_branch=branches[0], else_branch=branches[1]),
                       domains=["com.acme"])
    model.graph.input.append(helper.make_tensor_value_info("yes", TensorProto.BOOL, []))
    model = saved(folder, model)
    np.savez(folder / "data.npz", x=weight(2, WIDTH), yes=np.array(True))
    command = [binary, "infer", model, "--input", folder / "data.npz", "-o", folder / "out.npz"]
    return refuses(binary, folder, command, {INVALID_MODEL}, ["in_else (Frobnicate)"])


@situation
def operator_unsupported_behind_data(binary, folder):
    """The shape of what it pads follows from the data, so it could be found only while the model runs."""
    nodes = [helper.make_node("Range", ["zero", "count", "one"], ["r"]),
             helper.make_node("Unsqueeze", ["r", "axes"], ["u"]),
             helper.make_node("Pad", ["u", "pads"], ["p"], name="padding", mode="sideways"),
             helper.make_node("ReduceSum", ["p"], ["y"], keepdims=0)]
    model = build(nodes, [("count", FLOAT, [])], [("y", FLOAT, [])],
                  [("zero", np.float32(0)), ("one", np.float32(1)), ("axes", np.array([0])), ("pads", np.array([1, 1, 1, 1]))])
    model = saved(folder, model)
    np.save(folder / "count.npy", np.float32(3))
    command = [binary, "infer", model, "--input", folder / "count.npy", "-o", folder / "out.npz"]
    return refuses(binary, folder, command, {INVALID_MODEL}, ["cannot run node padding (Pad)"])


@situation
def model_without_gradient(binary, folder):
    middle = helper.make_node("Floor", ["h"], ["m"], name="steps")
    model = classifier(middle)
    model.graph.node[1].op_type = "Hardmax"
    return refused_by(binary, folder, model, data(folder), ("train", "gradients", "bench --train"), ["Hardmax"])


# Data


@situation
def data_missing(binary, folder):
    return refused_by(binary, folder, classifier(), folder / "nowhere.npz", ("infer", "verify", *LABELLED), ["nowhere.npz"])


@situation
def data_are_garbage(binary, folder):
    (folder / "data.npz").write_bytes(b"PK\x03\x04 and then nothing that makes sense" * 10)
    return refused_by(binary, folder, classifier(), folder / "data.npz", ("infer", "verify", *LABELLED), ["data.npz"])


@situation
def data_are_cut_off(binary, folder):
    path = data(folder)
    path.write_bytes(path.read_bytes()[:-100])
    return refused_by(binary, folder, classifier(), path, ("infer", "verify", *LABELLED), ["data.npz"])


@situation
def data_without_the_input(binary, folder):
    path = data(folder, x=None, picture=weight(SAMPLES, WIDTH))
    return refused_by(binary, folder, classifier(), path, ("infer", "verify", *LABELLED), ["data.npz", "picture"])


@situation
def data_of_another_width(binary, folder):
    path = data(folder, x=weight(SAMPLES, WIDTH + 1))
    return refused_by(binary, folder, classifier(), path, ("infer", "verify", *LABELLED), ["data.npz", "5", "4"])


@situation
def data_of_another_rank(binary, folder):
    path = data(folder, x=weight(SAMPLES, WIDTH, 1))
    return refused_by(binary, folder, classifier(), path, ("infer", "verify", *LABELLED), ["data.npz"])


@situation
def data_of_another_type(binary, folder):
    path = data(folder, x=None, ids=weight(SAMPLES, 5))
    return refused_by(binary, folder, lookup(), path, ("infer", "verify", *LABELLED), ["data.npz", "ids", "int64"])


@situation
def data_of_objects(binary, folder):
    path = data(folder, x=np.array([{"a": 1}] * SAMPLES, dtype=object))
    return refused_by(binary, folder, classifier(), path, ("infer", "verify", *LABELLED), ["data.npz"])


@situation
def data_empty(binary, folder):
    path = data(folder, x=lambda x: x[:0], label=lambda y: y[:0])
    return refused_by(binary, folder, classifier(), path, ("infer", "verify", *LABELLED), ["data.npz"])


@situation
def data_with_nan(binary, folder):
    x = weight(SAMPLES, WIDTH)
    x[7, 2] = np.nan
    return refused_by(binary, folder, classifier(), data(folder, x=x), LABELLED, ["data.npz", "sample 7", "NaN"])


@situation
def data_with_infinity(binary, folder):
    x = weight(SAMPLES, WIDTH)
    x[11, 0] = -np.inf
    return refused_by(binary, folder, classifier(), data(folder, x=x), LABELLED, ["data.npz", "sample 11", "infinity"])


@situation
def data_of_different_counts(binary, folder):
    path = data(folder, label=lambda y: y[:-1])
    return refused_by(binary, folder, classifier(), path, LABELLED, ["data.npz", "12", "11"])


@situation
def tokens_out_of_range(binary, folder):
    ids = np.zeros((SAMPLES, 5), np.int64)
    ids[4, 1] = 7
    path = data(folder, x=None, ids=ids)
    return refused_by(binary, folder, lookup(), path, LABELLED, ["data.npz", "sample 4", "7"])


@situation
def labels_missing(binary, folder):
    return refused_by(binary, folder, classifier(), data(folder, label=None), LABELLED, ["data.npz", "label"])


@situation
def labels_out_of_range(binary, folder):
    path = data(folder, label=lambda y: np.where(np.arange(SAMPLES) == 9, CLASSES, y))
    return refused_by(binary, folder, classifier(), path, LABELLED, ["data.npz", "sample 9", "label 3", "0 to 2"])


@situation
def labels_negative(binary, folder):
    path = data(folder, label=lambda y: np.where(np.arange(SAMPLES) == 2, -1, y))
    return refused_by(binary, folder, classifier(), path, LABELLED, ["data.npz", "sample 2", "label -1"])


@situation
def labels_of_floats(binary, folder):
    path = data(folder, label=lambda y: y.astype(np.float32))
    return refused_by(binary, folder, classifier(), path, LABELLED, ["data.npz", "label", "whole numbers"])


@situation
def labels_of_another_shape(binary, folder):
    path = data(folder, label=lambda y: np.stack([y, y], 1))
    return refused_by(binary, folder, classifier(), path, LABELLED, ["label"])


@situation
def validation_with_nan(binary, folder):
    """Found before training starts, not after the first epoch."""
    x = weight(SAMPLES, WIDTH)
    x[0] = np.nan
    bad = data(folder, "bad.npz", x=x)
    command = commands(binary, folder, saved(folder, classifier()), data(folder))["train"]
    return refuses(binary, folder, [*command, "--validation", bad], {INVALID_MODEL}, ["bad.npz", "NaN"])


@situation
def table_with_a_word(binary, folder):
    (folder / "table.csv").write_text("1,2,3,4,0\n1,2,n/a,4,1\n")
    command = [binary, "eval", saved(folder, classifier()), "--data", folder / "table.csv", "--label-column=-1"]
    return refuses(binary, folder, command, {INVALID_MODEL}, ["table.csv", "n/a"])


@situation
def samples_not_a_multiple(binary, folder):
    """The model takes five samples at once; twelve are no multiple of it."""
    return refused_by(binary, folder, classifier(batch=5), data(folder), ("eval",), ["data.npz", "5"])


# Settings


def setting(name, *options, command="eval", mentions=()):
    def case(binary, folder):
        line = commands(binary, folder, saved(folder, classifier()), data(folder))[command]
        return refuses(binary, folder, [*line, *options], {USAGE}, list(mentions))

    case.__name__ = name
    return situation(case)


setting("batch_of_nothing", "--batch", "0", mentions=["--batch"])
setting("batch_of_nothing_to_infer", "--batch", "0", command="infer", mentions=["--batch"])
setting("batch_of_nothing_to_bench", "--batch", "0", command="bench", mentions=["--batch"])
setting("batch_of_nothing_to_train", "--batch", "0", command="train", mentions=["--batch"])
setting("mean_is_a_word", "--mean", "half", mentions=["mean", "half"])
setting("std_is_zero", "--std", "0", mentions=["data.npz", "std", "not a positive number"])
setting("std_is_negative", "--std", "-1", mentions=["data.npz", "std", "-1", "not a positive number"])
setting("separator_of_two", "--separator", "::", mentions=["separator", "one character"])
setting("header_perhaps", "--header", "perhaps", mentions=["header", "auto, yes, no"])
setting("separator_for_another_format", "--separator", ";", mentions=["csv"])
setting("validation_labels_of_nothing", "--validation-labels", "labels.idx", command="train", mentions=["--validation"])
setting("augmentation_unknown", "--augment", "flop", command="train", mentions=["flop", "flip"])
setting("augmentation_of_rows", "--augment", "flip", command="train", mentions=["pictures"])
setting("file_format_unknown", "--file-format", "parquet", mentions=["parquet", "npz"])
setting("sample_shape_of_another_size", "--sample-shape", "3x3", mentions=["sample shape"])
setting("setting_for_another_format", "--label-column", "0", mentions=["csv"])
setting("loss_output_unknown", "--loss-output", "z", mentions=["z", "y"])
setting("threads_none", "--threads", "0", mentions=["--threads"])
setting("learning_rate_negative", "--lr=-1", command="train", mentions=["--lr"])
setting("validation_share_of_all", "--validation-share", "1", command="train", mentions=["--validation-share"])


@situation
def settings_file_misspelt(binary, folder):
    data(folder)
    (folder / "data.yaml").write_text("coppice: 1\ndata:\n  path: data.npz\n  maen: 0.5\n")
    command = [binary, "eval", saved(folder, classifier()), "--data", folder / "data.yaml"]
    return refuses(binary, folder, command, {USAGE}, ["data.yaml:4:3", "maen"])


# Outputs and checkpoints


@situation
def results_in_no_folder(binary, folder):
    lines = commands(binary, folder / "nowhere", saved(folder, classifier()), data(folder))
    lines = [lines[name] for name in ("infer", "train", "gradients")]
    return refuses_all(binary, folder, lines, ANY_ERROR - {INVALID_MODEL}, ["nowhere/out"])


@situation
def results_exist(binary, folder):
    (folder / "out.npz").write_text("precious")
    (folder / "out.onnx").write_text("precious")
    return refused_by(binary, folder, classifier(), data(folder), ("infer", "train", "gradients"), ["out."], {USAGE})


@situation
def results_are_inputs(binary, folder):
    """Even with --force nothing that is read is replaced, by whatever option the place is given."""
    model, path = saved(folder, classifier()), data(folder)
    command = commands(binary, folder, model, path)["train"]
    wrong = [["-o", model], ["--log", path], ["--log", model], ["--checkpoint", path], ["--checkpoint", model]]
    wrong = [[*command, *options] for options in wrong]
    wrong += [[*commands(binary, folder, model, path)[name], "-o", place] for name in ("infer", "gradients")
              for place in (model, path)]
    wrong = [[*command[:-2], "--force", *command[-2:]] for command in wrong]
    return refuses_all(binary, folder, wrong, {USAGE}, ["another output"])


@situation
def log_exists(binary, folder):
    (folder / "log.jsonl").write_text("precious")
    command = commands(binary, folder, saved(folder, classifier()), data(folder))["train"]
    return refuses(binary, folder, [*command, "--log", folder / "log.jsonl"], {USAGE}, ["log.jsonl", "--force"])


@situation
def log_is_output(binary, folder):
    command = commands(binary, folder, saved(folder, classifier()), data(folder))["train"]
    return refuses(binary, folder, [*command, "--log", folder / "out.onnx"], {USAGE}, ["a file each"])


@situation
def log_in_no_folder(binary, folder):
    command = commands(binary, folder, saved(folder, classifier()), data(folder))["train"]
    return refuses(binary, folder, [*command, "--log", folder / "nowhere" / "log.jsonl"], ANY_ERROR, ["log.jsonl"])


def checkpoint(binary, folder, spoil, codes, mentions):
    """A checkpoint that was written by a run, and then spoiled."""
    command = commands(binary, folder, saved(folder, classifier()), data(folder))["train"]
    path = folder / "run.checkpoint"
    made = execute([*command, "--checkpoint", path, "--checkpoint-every", "1"])
    if made.code != 0 or not path.exists():
        return made, f"no checkpoint: {made.err[:200]}"
    (folder / "out.onnx").unlink()
    command = spoil(path, command) or command
    return refuses(binary, folder, [*command, "--resume", path], codes, mentions)


@situation
def checkpoint_missing(binary, folder):
    return checkpoint(binary, folder, lambda path, _: path.unlink(), {INVALID_MODEL}, ["run.checkpoint"])


@situation
def checkpoint_cut_off(binary, folder):
    return checkpoint(binary, folder, lambda path, _: path.write_bytes(path.read_bytes()[:300]) and None, {INVALID_MODEL},
                      ["run.checkpoint"])


@situation
def checkpoint_with_a_wrong_byte(binary, folder):
    def spoil(path, _):
        content = bytearray(path.read_bytes())
        position = content.find(b"\x93NUMPY", content.find(b"parameter0")) + 130
        content[position] ^= 0xFF
        path.write_bytes(content)

    return checkpoint(binary, folder, spoil, {INVALID_MODEL}, ["run.checkpoint"])


@situation
def checkpoint_is_other_data(binary, folder):
    return checkpoint(binary, folder, lambda path, _: np.savez(path.open("wb"), x=np.zeros(3)), {INVALID_MODEL},
                      ["run.checkpoint", "give the file train wrote with --checkpoint"])


@situation
def checkpoint_of_as_much_other_data(binary, folder):
    def spoil(path, _):
        data(folder, x=weight(SAMPLES, WIDTH))

    return checkpoint(binary, folder, spoil, {USAGE}, ["run.checkpoint", "other data"])


@situation
def checkpoint_of_other_labels(binary, folder):
    def spoil(path, _):
        data(folder, label=lambda y: (y + 1) % CLASSES)

    return checkpoint(binary, folder, spoil, {USAGE}, ["run.checkpoint", "other data"])


@situation
def checkpoint_of_other_settings(binary, folder):
    return checkpoint(binary, folder, lambda _, command: [*command, "--momentum", "0.5"], {USAGE}, ["run.checkpoint"])


@situation
def checkpoint_of_other_normalization(binary, folder):
    return checkpoint(binary, folder, lambda _, command: [*command, "--mean", "0.5"], {USAGE}, ["run.checkpoint"])
