"""Sound models in bad situations: outputs that cannot be, budgets that cannot be met, weights that are no numbers, Ctrl-C.

Every case takes the tool and an empty folder, and returns (outcome, what is wrong or None).
"""
import ctypes
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import made_models
from bad_input import IMPOSSIBLE, INTERRUPTED, INVALID_MODEL, USAGE, Outcome, Skip, execute, fingerprint, judge

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


ANY_ERROR = set(range(1, 126))


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


@situation
def disk_full(binary, folder):
    """On a file system of 64 kB, which root can make."""
    tiny = folder / "tiny"
    tiny.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", str(tiny).encode(), b"tmpfs", 0, b"size=64k") != 0:
        raise Skip(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    try:
        model = model_in(folder, made_models.small(channels=128))
        return refuses(binary, folder, prune(binary, model, tiny / "out.onnx"), ANY_ERROR, ["out.onnx"])
    finally:
        libc.umount2(str(tiny).encode(), 2)


@situation
def file_size_limit(binary, folder):
    """A write that fails half way without a full disk."""
    model = model_in(folder, made_models.small(channels=128))
    limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 32; exec "$@"', "sh"]
    return refuses(binary, folder, [*limited, *prune(binary, model, folder / "out.onnx")], ANY_ERROR, ["out.onnx"])


# Weights that are no numbers: a warning that names them, and the work is done


@situation
def weights_not_finite(binary, folder):
    model = made_models.small()
    for index, value in ((0, np.nan), (2, np.inf)):
        array = np.array(numpy_helper.to_array(model.graph.initializer[index]))
        array[3] = value
        model.graph.initializer[index].CopyFrom(
            numpy_helper.from_array(array, model.graph.initializer[index].name))
    output = folder / "out.onnx"
    outcome = execute(prune(binary, model_in(folder, model), output))
    problem = judge(outcome, {0}, [])
    for name in ("first.weight", "second.weight"):
        if not problem and not any(line.startswith("warning: ") and name in line for line in outcome.lines):
            problem = f"no warning names {name}: {outcome.err[:200]!r}"
    if not problem:
        onnx.checker.check_model(str(output), full_check=True)
        kept = {t.name: numpy_helper.to_array(t) for t in onnx.load(output).graph.initializer}
        if not np.isfinite(kept["first.weight"]).all():
            problem = "the channel that is not a number was not ranked last"
    return outcome, problem


# Interruption


def long_model(folder, layers=24, width=8192):
    """Matrices of some gigabytes, all holes on the disk, so that pruning takes a while."""
    size = width * width * 4
    with open(folder / "model.data", "wb") as data:
        data.truncate(layers * size)
    weights, nodes = [], []
    for layer in range(layers):
        tensor = TensorProto(name=f"w{layer}", data_type=TensorProto.FLOAT, dims=[width, width])
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "model.data"), ("offset", layer * size), ("length", size)):
            tensor.external_data.add(key=key, value=str(value))
        weights.append(tensor)
        nodes.append(helper.make_node("MatMul", [f"v{layer}", f"w{layer}"], [f"v{layer + 1}"], name=f"m{layer}"))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]) for name in ("v0", f"v{layers}")]
    graph = helper.make_graph(nodes, "long", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def interrupt(binary, folder, number, code):
    """Sends a signal in the midst of writing."""
    model = long_model(folder)

    def names():
        return sorted((p.name, stat.S_IFMT(p.lstat().st_mode)) for p in folder.rglob("*"))

    before = names()
    process = subprocess.Popen(
        [str(part) for part in prune(binary, model, folder / "out.onnx")], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while names() == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)  # until it starts to write
    time.sleep(0.05)
    if process.poll() is not None:
        return Outcome(process.returncode, "", process.stderr.read()), "ended before it could be interrupted"
    process.send_signal(number)
    sent = time.monotonic()
    try:
        _, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Outcome(-signal.SIGKILL, "", ""), "did not stop within 30 s"
    outcome = Outcome(process.returncode, "", err)
    if process.returncode != code:
        return outcome, f"exit {process.returncode} instead of {code}"
    if names() != before:
        return outcome, f"left {sorted(set(names()) - set(before))[0][0]}"
    waited = time.monotonic() - sent
    return outcome, f"took {waited:.1f} s to stop" if waited > 2 else None


@situation
def interrupted(binary, folder):
    return interrupt(binary, folder, signal.SIGINT, INTERRUPTED)


@situation
def terminated(binary, folder):
    return interrupt(binary, folder, signal.SIGTERM, 143)
