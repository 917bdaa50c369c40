"""Sound models in bad situations: outputs that cannot be, budgets that cannot be met, weights that are no numbers.

Every case takes the tool and an empty folder, and returns (outcome, what is wrong or None).
"""
import contextlib
import ctypes
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

import made_models
from failing import ANY_ERROR, IMPOSSIBLE, INVALID_MODEL, NOTHING_PRUNED, USAGE, Skip, execute, fingerprint, judge

SITUATIONS = {}
NOBODY = 65534


def situation(function):
    """Registers a case by its name."""
    SITUATIONS[function.__name__] = function
    return function


def model_in(folder, model=None):
    path = folder / "model.onnx"
    onnx.save(model or made_models.small(), path)
    return path


def prune(binary, model, output, *extra, ratio=("--ratio", "0.5")):
    return [binary, "prune", model, *ratio, "-o", output, *extra]


def refuses(binary, folder, command, codes, mentions, one_line=True, **options):
    """Runs a command that has to fail without a trace."""
    before = fingerprint(folder)
    outcome = execute(command, **options)
    return outcome, judge(outcome, codes, mentions, before, fingerprint(folder), one_line)


# Inputs


@situation
def input_missing(binary, folder):
    return refuses(binary, folder, prune(binary, folder / "nowhere.onnx", folder / "out.onnx"), {INVALID_MODEL},
                   ["nowhere.onnx"])


@situation
def input_is_a_folder(binary, folder):
    (folder / "model.onnx").mkdir()
    return refuses(binary, folder, prune(binary, folder / "model.onnx", folder / "out.onnx"), {INVALID_MODEL},
                   ["model.onnx"])


@situation
def plan_is_garbage(binary, folder):
    model, plan = model_in(folder), folder / "plan.json"
    plan.write_text('{"format": "coppice-plan/1", "groups": [')
    command = [binary, "apply", model, "--plan", plan, "-o", folder / "out.onnx"]
    return refuses(binary, folder, command, {USAGE}, ["plan.json"])


@situation
def plan_is_for_another_model(binary, folder):
    model, plan = model_in(folder), folder / "plan.json"
    other = folder / "other.onnx"
    onnx.save(made_models.small(channels=24), other)
    made = execute([binary, "plan", other, "--ratio", "0.5", "-o", plan])
    if made.code != 0:
        return made, f"could not plan: {made.err[:200]}"
    command = [binary, "apply", model, "--plan", plan, "-o", folder / "out.onnx"]
    return refuses(binary, folder, command, {USAGE}, ["plan.json"])


@situation
def ratio_is_absurd(binary, folder):
    command = prune(binary, model_in(folder), folder / "out.onnx", ratio=("--ratio", "1.5"))
    return refuses(binary, folder, command, {USAGE}, [], one_line=False)


@situation
def kind_is_unknown(binary, folder):
    command = prune(binary, model_in(folder), folder / "out.onnx", "--kinds", "chanel")
    return refuses(binary, folder, command, {USAGE}, [], one_line=False)


@situation
def budget_out_of_reach(binary, folder):
    command = prune(binary, model_in(folder), folder / "out.onnx", ratio=("--params", "0.01%"))
    return refuses(binary, folder, command, {IMPOSSIBLE}, ["model.onnx"])


# Outputs


@situation
def output_is_the_input(binary, folder):
    model = model_in(folder)
    return refuses(binary, folder, prune(binary, model, model), {USAGE}, ["model.onnx"])


@situation
def output_is_the_input_by_force(binary, folder):
    model = model_in(folder)
    return refuses(binary, folder, prune(binary, model, model, "--force"), {USAGE}, ["model.onnx"])


@situation
def output_is_the_input_by_another_path(binary, folder):
    model = model_in(folder)
    (folder / "sub").mkdir()
    return refuses(binary, folder, prune(binary, model, folder / "sub" / ".." / "model.onnx", "--force"), {USAGE},
                   ["model.onnx"])


@situation
def output_is_the_input_by_symlink(binary, folder):
    model = model_in(folder)
    (folder / "link.onnx").symlink_to(model)
    return refuses(binary, folder, prune(binary, model, folder / "link.onnx", "--force"), {USAGE}, ["link.onnx"])


@situation
def output_is_the_inputs_data(binary, folder):
    model = made_models.save_external(made_models.small(), folder / "model.onnx")
    return refuses(binary, folder, prune(binary, model, folder / "model.onnx.data", "--force"), ANY_ERROR,
                   ["model.onnx.data"])


@situation
def output_is_a_hard_link_to_the_input(binary, folder):
    model = model_in(folder)
    os.link(model, folder / "other.onnx")
    return refuses(binary, folder, prune(binary, model, folder / "other.onnx", "--force"), {USAGE}, ["other.onnx"])


@situation
def output_data_is_the_inputs_data(binary, folder):
    """The model's name is free, but its external data would take the place of the input's."""
    model = made_models.save_external(made_models.small(channels=64), folder / "model.onnx")
    (folder / "model.onnx.data").rename(folder / "out.onnx.data")
    loaded = onnx.load(model, load_external_data=False)
    for tensor in loaded.graph.initializer:
        tensor.external_data[0].value = "out.onnx.data"
    onnx.save(loaded, model)
    return refuses(binary, folder, prune(binary, model, folder / "out.onnx", "--force"), {USAGE}, ["out.onnx.data"])


@situation
def output_data_exists(binary, folder):
    model = made_models.save_external(made_models.small(), folder / "model.onnx")
    (folder / "out.onnx.data").write_text("precious")
    return refuses(binary, folder, prune(binary, model, folder / "out.onnx"), {USAGE}, ["out.onnx.data"])


@situation
def output_data_is_a_folder(binary, folder):
    """The model's place is free, its data's is not: neither appears."""
    model = made_models.save_external(made_models.small(), folder / "model.onnx")
    (folder / "out.onnx.data").mkdir()
    return refuses(binary, folder, prune(binary, model, folder / "out.onnx", "--force"), ANY_ERROR, ["out.onnx.data"])


@situation
def output_is_a_link_to_nothing(binary, folder):
    (folder / "out.onnx").symlink_to("nowhere")
    return refuses(binary, folder, prune(binary, model_in(folder), folder / "out.onnx", "--force"), ANY_ERROR,
                   ["out.onnx"])


@situation
def output_is_a_device(binary, folder):
    return refuses(binary, folder, prune(binary, model_in(folder), "/dev/full", "--force"), ANY_ERROR, ["/dev/full"])


@situation
def output_is_a_pipe(binary, folder):
    os.mkfifo(folder / "out.onnx")
    return refuses(binary, folder, prune(binary, model_in(folder), folder / "out.onnx", "--force"), ANY_ERROR,
                   ["out.onnx"])


@situation
def output_name_is_too_long(binary, folder):
    name = "n" * 250 + ".onnx"
    return refuses(binary, folder, prune(binary, model_in(folder), folder / name), ANY_ERROR, [name])


@situation
def output_is_empty(binary, folder):
    return refuses(binary, folder, prune(binary, model_in(folder), ""), ANY_ERROR, [])


@situation
def input_is_a_pipe(binary, folder):
    os.mkfifo(folder / "model.onnx")
    return refuses(binary, folder, prune(binary, folder / "model.onnx", folder / "out.onnx"), {INVALID_MODEL},
                   ["model.onnx"])


@situation
def input_is_a_device(binary, folder):
    return refuses(binary, folder, prune(binary, "/dev/zero", folder / "out.onnx"), {INVALID_MODEL}, ["/dev/zero"])


@situation
def plan_is_the_input(binary, folder):
    model = model_in(folder)
    command = [binary, "plan", model, "--ratio", "0.5", "-o", model]
    return refuses(binary, folder, command, {USAGE}, ["model.onnx"])


@situation
def output_exists(binary, folder):
    (folder / "out.onnx").write_text("precious")
    return refuses(binary, folder, prune(binary, model_in(folder), folder / "out.onnx"), {USAGE}, ["out.onnx"])


@situation
def plan_exists(binary, folder):
    (folder / "plan.json").write_text("precious")
    command = [binary, "plan", model_in(folder), "--ratio", "0.5", "-o", folder / "plan.json"]
    return refuses(binary, folder, command, {USAGE}, ["plan.json"])


@situation
def output_is_a_folder(binary, folder):
    (folder / "out.onnx").mkdir()
    command = prune(binary, model_in(folder), folder / "out.onnx", "--force")
    return refuses(binary, folder, command, ANY_ERROR, ["out.onnx"])


@situation
def output_folder_missing(binary, folder):
    command = prune(binary, model_in(folder), folder / "nowhere" / "out.onnx")
    return refuses(binary, folder, command, ANY_ERROR, ["out.onnx"])


@situation
def output_folder_is_a_file(binary, folder):
    (folder / "file").write_text("")
    command = prune(binary, model_in(folder), folder / "file" / "out.onnx")
    return refuses(binary, folder, command, ANY_ERROR, ["out.onnx"])


@situation
def output_folder_read_only(binary, folder):
    """Root may write everywhere, so root becomes nobody for this, and works in a folder that nobody can reach."""
    if os.getuid() != 0:
        closed = folder / "closed"
        closed.mkdir(mode=0o555)
        result = refuses(binary, folder, prune(binary, model_in(folder), closed / "out.onnx"), ANY_ERROR, ["out.onnx"])
        closed.chmod(0o755)
        return result
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        place.chmod(0o755)
        tool = place / "coppice"
        shutil.copy(binary, tool)
        model_in(place)
        (place / "closed").mkdir(mode=0o755)
        as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        try:
            if execute([tool, "--version"], **as_nobody).code != 0:
                raise Skip("the tool does not run as another user")
        except (PermissionError, subprocess.SubprocessError) as problem:
            raise Skip("cannot become another user") from problem
        return refuses(tool, place, prune(tool, place / "model.onnx", place / "closed" / "out.onnx"), ANY_ERROR,
                       ["out.onnx"], **as_nobody)


@contextlib.contextmanager
def tiny_disk(folder):
    """A file system of 64 kB, which root can make."""
    tiny = folder / "tiny"
    tiny.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", str(tiny).encode(), b"tmpfs", 0, b"size=64k") != 0:
        raise Skip(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    try:
        yield tiny
    finally:
        libc.umount2(str(tiny).encode(), 2)


@situation
def disk_full(binary, folder):
    with tiny_disk(folder) as tiny:
        model = model_in(folder, made_models.small(channels=128))
        return refuses(binary, folder, prune(binary, model, tiny / "out.onnx"), ANY_ERROR, ["out.onnx"])


@situation
def disk_full_of_data(binary, folder):
    """The model would fit, its external data does not: neither is left."""
    with tiny_disk(folder) as tiny:
        model = made_models.save_external(made_models.small(channels=128), folder / "model.onnx")
        return refuses(binary, folder, prune(binary, model, tiny / "out.onnx"), ANY_ERROR, ["out.onnx"])


@situation
def concatenated_to_itself(binary, folder):
    """A kilobyte of model whose last axis has as many elements as no memory holds."""
    model = made_models.small()
    del model.graph.node[2:]
    model.graph.node.extend(
        onnx.helper.make_node("Concat", [f"{'b' * (1 + n)}"] * 2, ["b" * (2 + n)], axis=1) for n in range(40))
    model.graph.node.append(onnx.helper.make_node("ReduceMean", ["b" * 41], ["y"], axes=[1, 2, 3], keepdims=0))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch"]))
    return refuses(binary, folder, prune(binary, model_in(folder, model), folder / "out.onnx"), {NOTHING_PRUNED},
                   ["model.onnx"])


@situation
def too_many_operations_to_count(binary, folder):
    """An input whose convolution takes more than 2^63 operations: counted as the most there is."""
    model = made_models.small()
    declared = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1 << 20, 3, 1 << 20, 1 << 20])
    model.graph.input[0].CopyFrom(declared)
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 1 << 20
    outcome = execute(prune(binary, model_in(folder, model), folder / "out.onnx"))
    return outcome, judge(outcome, {0}, [])


@situation
def long_chain(binary, folder):
    """Five thousand layers: work in proportion to them."""
    model, count = made_models.small(), 5000
    del model.graph.node[:], model.graph.initializer[:]
    weight = numpy_helper.from_array(np.ones((4, 4), np.float32))
    for index in range(count):
        model.graph.initializer.add().CopyFrom(weight)
        model.graph.initializer[-1].name = f"w{index}"
        model.graph.node.append(onnx.helper.make_node("MatMul", [f"v{index}", f"w{index}"], [f"v{index + 1}"]))
    for info, name in ((model.graph.input[0], "v0"), (model.graph.output[0], f"v{count}")):
        info.CopyFrom(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", 4]))
    outcome = execute(prune(binary, model_in(folder, model), folder / "out.onnx"), patience=20)
    return outcome, judge(outcome, {0}, [])


@situation
def many_nodes(binary, folder):
    """Two million empty nodes in 4 MB: an answer, in bounded time and memory."""
    model = made_models.small()
    graph = model.graph.SerializeToString() + made_models.field(1, b"") * 2_000_000
    model.ClearField("graph")
    (folder / "model.onnx").write_bytes(model.SerializeToString() + made_models.field(7, graph))
    before = fingerprint(folder)
    outcome = execute([binary, "copy", folder / "model.onnx", "-o", folder / "out.onnx"])
    (folder / "out.onnx").unlink(missing_ok=True)
    outcome.peak_bytes //= 8  # nodes take memory, if no more than a thousand bytes each
    return outcome, judge(outcome, {0, INVALID_MODEL}, [], before, fingerprint(folder))


@situation
def file_size_limit(binary, folder):
    """A write that fails half way without a full disk."""
    model = model_in(folder, made_models.small(channels=128))
    limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 32; exec "$@"', "sh"]
    return refuses(binary, folder, [*limited, *prune(binary, model, folder / "out.onnx")], ANY_ERROR, ["out.onnx"])


# Weights that are no numbers: a warning that names them, and the work is done


def not_finite(binary, folder, index, value):
    """Spoils one output channel of a weight."""
    model = made_models.small()
    tensor = model.graph.initializer[index]
    array = np.array(numpy_helper.to_array(tensor))
    array[3] = value
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(array, name))
    output = folder / "out.onnx"
    outcome = execute(prune(binary, model_in(folder, model), output))
    problem = judge(outcome, {0}, [])
    if not problem and not any(line.startswith("warning: ") and name in line for line in outcome.lines):
        problem = f"no warning names {name}: {outcome.err[:200]!r}"
    if not problem:
        onnx.checker.check_model(str(output), full_check=True)
        kept = {t.name: numpy_helper.to_array(t) for t in onnx.load(output).graph.initializer}
        if not np.isfinite(kept[name]).all():
            problem = "the channel that is no number was not ranked last"
    return outcome, problem


@situation
def weight_is_nan(binary, folder):
    return not_finite(binary, folder, 0, np.nan)


@situation
def weight_is_infinite(binary, folder):
    return not_finite(binary, folder, 2, np.inf)
