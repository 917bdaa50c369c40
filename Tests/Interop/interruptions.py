"""Ctrl-C and its like in the midst of work, and full disks: the right exit code, soon, and nothing left behind."""
import os
import signal
import stat
import subprocess
import time

import numpy as np
from onnx import TensorProto, helper

from bad_runs import CLASSES, FLOAT, WIDTH, build, classifier, data, saved, weight
from bad_situations import refuses
from failing import INTERRUPTED, INVALID_MODEL, Outcome

SITUATIONS = {}
HUNG_UP, TERMINATED = 129, 143


def situation(function):
    """Registers a case by its name."""
    SITUATIONS[function.__name__] = function
    return function


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


def names(folder):
    """What is in a folder: {path: kind}."""
    return {str(path.relative_to(folder)): stat.S_IFMT(path.lstat().st_mode) for path in folder.rglob("*")}


def disturbed(command, folder, is_ready, disturb, code, mention="", left=(), hang_up=signal.SIG_DFL):
    """Runs a command, disturbs it once it is ready for that, and judges how it ends: with `left` left and no more.

    Whether it ignores a terminal that closes is told by `hang_up`, not by how these tests are run.
    """
    before = names(folder)
    process = subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, preexec_fn=lambda: signal.signal(signal.SIGHUP, hang_up))
    deadline = time.monotonic() + 60
    while not is_ready() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    if process.poll() is not None:
        return Outcome(process.returncode, "", process.stderr.read()), "ended before it could be interrupted"
    disturb(process)
    sent = time.monotonic()
    try:
        _, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Outcome(-signal.SIGKILL, "", ""), "did not stop within 30 s"
    waited = time.monotonic() - sent
    outcome, after = Outcome(process.returncode, "", err), names(folder)
    if process.returncode != code:
        return outcome, f"exit {process.returncode} instead of {code}"
    for name in left:
        if after.pop(name, None) is None:
            return outcome, f"left no {name}"
    if after != before:
        return outcome, f"left or took away {sorted(set(after.items()) ^ set(before.items()))[0][0]}"
    if mention and not (len(outcome.lines) == 1 and err.startswith("error: ") and mention in err):
        return outcome, f"not one error line with {mention}: {err[:200]!r}"
    return outcome, f"took {waited:.1f} s to stop" if waited > 2 else None


def send(*numbers):
    def sending(process):
        for number in numbers:
            process.send_signal(number)

    return sending


# Pruning


def interrupt(binary, folder, disturb, code, mention=""):
    """Disturbs pruning a moment after it starts to write."""
    model = long_model(folder)
    before = names(folder)

    def is_writing():
        if names(folder) == before:
            return False
        time.sleep(0.05)
        return True

    command = [binary, "prune", model, "--ratio", "0.5", "-o", folder / "out.onnx"]
    return disturbed(command, folder, is_writing, disturb, code, mention)


@situation
def interrupted(binary, folder):
    return interrupt(binary, folder, send(signal.SIGINT), INTERRUPTED)


@situation
def terminated(binary, folder):
    return interrupt(binary, folder, send(signal.SIGTERM), TERMINATED)


@situation
def data_is_cut_while_it_is_read(binary, folder):
    """A file that another process cuts short is gone from memory too."""
    return interrupt(binary, folder, lambda process: os.truncate(folder / "model.data", 4096), INVALID_MODEL,
                     mention="model.data")


# Running


def widening(width):
    """A model whose outputs are much larger than its inputs."""
    return build([helper.make_node("MatMul", ["x", "w"], ["y"])], [("x", FLOAT, ["batch", WIDTH])],
                 [("y", FLOAT, ["batch", width])], [("w", weight(WIDTH, width))])


def infer(binary, folder, model, x):
    np.save(folder / "x.npy", x)
    return [binary, "infer", saved(folder, model), "--input", folder / "x.npy", "-o", folder / "y.npz"]


def infer_while_writing(binary, folder, number, code):
    """Half a gigabyte of outputs, of which some are written."""
    command = infer(binary, folder, widening(8192), weight(16384, WIDTH))

    def is_writing():
        for path in folder.glob("*.partial"):
            try:
                return path.stat().st_size > 0
            except FileNotFoundError:
                pass
        return False

    return disturbed(command, folder, is_writing, send(number), code)


@situation
def infer_interrupted_while_writing(binary, folder):
    return infer_while_writing(binary, folder, signal.SIGINT, INTERRUPTED)


@situation
def infer_terminated_while_writing(binary, folder):
    return infer_while_writing(binary, folder, signal.SIGTERM, TERMINATED)


@situation
def infer_hung_up_while_writing(binary, folder):
    return infer_while_writing(binary, folder, signal.SIGHUP, HUNG_UP)


@situation
def infer_interrupted_while_running(binary, folder):
    """Some tera-operations, and no output before they are done."""
    width, layers = 2048, 256
    nodes = [helper.make_node("MatMul", [f"v{layer}", "w"], [f"v{layer + 1}"]) for layer in range(layers)]
    model = build(nodes, [("v0", FLOAT, ["batch", width])], [(f"v{layers}", FLOAT, ["batch", width])],
                  [("w", weight(width, width))])
    command = infer(binary, folder, model, weight(width, width))
    started = time.monotonic()
    return disturbed(
        command, folder, lambda: time.monotonic() > started + 1.5, send(signal.SIGINT), INTERRUPTED)


# Training


def train(binary, folder, model, steps, *options):
    return [binary, "train", saved(folder, model), "--data", data(folder), "--lr", "0.01", "--batch", "4", "--steps",
            steps, "-o", folder / "out.onnx", *options]


def train_stopped(binary, folder, disturb, code, mention="--resume", **options):
    """The step at hand is finished and a checkpoint of it written."""
    log, checkpoint = folder / "log.jsonl", folder / "out.onnx.checkpoint"
    command = train(binary, folder, classifier(), 10_000_000, "--log", log)
    outcome, problem = disturbed(
        command, folder, lambda: log.exists() and log.stat().st_size > 0, disturb, code, mention,
        left=[log.name, checkpoint.name], **options)
    if not problem and np.load(checkpoint)["step"].item() != len(log.read_text().splitlines()):
        problem = "the checkpoint is not of the last step of the log"
    return outcome, problem


@situation
def train_interrupted(binary, folder):
    return train_stopped(binary, folder, send(signal.SIGINT), INTERRUPTED)


@situation
def train_terminated(binary, folder):
    return train_stopped(binary, folder, send(signal.SIGTERM), TERMINATED)


@situation
def train_hung_up(binary, folder):
    """The terminal was closed, of which both the system and the shell tell."""
    return train_stopped(binary, folder, send(signal.SIGHUP, signal.SIGHUP), HUNG_UP)


@situation
def train_hung_up_with_its_reader(binary, folder):
    """As with `2>&1 | tee`: what is said has nowhere to go."""
    def both(process):
        process.stderr.close()
        process.send_signal(signal.SIGHUP)

    return train_stopped(binary, folder, both, HUNG_UP, mention="")


@situation
def train_under_nohup(binary, folder):
    """It outlives the terminal, and only what comes after ends it."""
    both = send(signal.SIGHUP, signal.SIGINT)
    return train_stopped(binary, folder, both, INTERRUPTED, hang_up=signal.SIG_IGN)


@situation
def train_interrupted_in_the_last_validation(binary, folder):
    """All steps are made and the model is not written yet: a checkpoint has to keep them."""
    width, count = 1024, 60_000
    model = build([helper.make_node("MatMul", ["x", "w1"], ["h"]), helper.make_node("MatMul", ["h", "w2"], ["y"])],
                  [("x", FLOAT, ["batch", WIDTH])], [("y", FLOAT, ["batch", CLASSES])],
                  [("w1", weight(WIDTH, 64 * width)), ("w2", weight(64 * width, CLASSES) / 1e4)])
    np.savez(folder / "many.npz", x=weight(count, WIDTH), label=np.zeros(count, np.int64))
    log, checkpoint = folder / "log.jsonl", folder / "out.onnx.checkpoint"
    command = train(binary, folder, model, 2, "--log", log, "--validation", folder / "many.npz")
    before = time.monotonic()

    def is_validating():
        return log.exists() and len(log.read_text().splitlines()) == 2 and time.monotonic() > before + 0.2

    return disturbed(command, folder, is_validating, send(signal.SIGINT), INTERRUPTED, mention="--resume",
                     left=[log.name, checkpoint.name])


# Files that may not grow beyond 16 or 32 kB, as the shell has it, like those on a disk that gets full


def on_a_full_disk(folder, command, mention):
    limited = ["sh", "-c", 'ulimit -f 32; exec "$@"', "sh"]
    return refuses(command[0], folder, [*limited, *command], {1}, [mention, "cannot be written"], cwd=folder)


@situation
def infer_on_a_full_disk(binary, folder):
    return on_a_full_disk(folder, infer(binary, folder, widening(4096), weight(12, WIDTH)), "y.npz")


@situation
def infer_one_array_on_a_full_disk(binary, folder):
    *command, _ = infer(binary, folder, widening(4096), weight(12, WIDTH))
    return on_a_full_disk(folder, [*command, folder / "y.npy"], "y.npy")


@situation
def train_on_a_full_disk(binary, folder):
    """Neither the model nor a checkpoint fits."""
    nodes = [helper.make_node("MatMul", ["x", "up"], ["h"]), helper.make_node("Relu", ["h"], ["r"]),
             helper.make_node("MatMul", ["r", "down"], ["y"])]
    model = build(nodes, [("x", FLOAT, ["batch", WIDTH])], [("y", FLOAT, ["batch", CLASSES])],
                  [("up", weight(WIDTH, 4096)), ("down", weight(4096, CLASSES) / 100)])
    return on_a_full_disk(folder, train(binary, folder, model, 3), "out.onnx")
