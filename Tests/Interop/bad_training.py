"""Training that ends badly: what was trained is not lost, and what is said fits the terminal."""
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios
import time

import numpy as np
import onnx
from onnx import helper, numpy_helper

from bad_runs import CLASSES, FLOAT, SAMPLES, build, checkpoint, classifier, data, saved, weight
from bad_situations import refuses, situation, tiny_disk
from failing import INTERRUPTED, INVALID_MODEL, Outcome, execute, judge

OTHER_ERROR = 1
WIDE = 8192


def wide(folder):
    """A model of 98 kB and data for it."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="only")]
    model = build(nodes, [("x", FLOAT, ["batch", WIDE])], [("y", FLOAT, ["batch", CLASSES])],
                  [("w", weight(WIDE, CLASSES) / 100)])
    return saved(folder, model), data(folder, x=weight(SAMPLES, WIDE))


def train(binary, model, path, output, *options, steps=5, rate="0.01"):
    return [binary, "train", model, "--data", path, "--lr", rate, "--batch", "4", "--steps", steps, "-o", output,
            *options]


def weights(path):
    return [numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer]


def goes_on(binary, folder, model, path, steps):
    """The checkpoint in the working directory leads to the model of an unbroken run."""
    kept = folder / "out.onnx.checkpoint"
    resumed = execute(train(binary, model, path, folder / "out.onnx", "--resume", kept, steps=steps))
    whole = execute(train(binary, model, path, folder / "whole.onnx", steps=steps))
    for outcome in (resumed, whole):
        problem = judge(outcome, {0}, [])
        if problem:
            return outcome, problem
    same = all(np.array_equal(a, b) for a, b in zip(weights(folder / "out.onnx"), weights(folder / "whole.onnx")))
    return resumed, None if same else "the model is another than that of an unbroken run"


def disturbed(command, folder, disturb):
    """A run of many steps that is disturbed once the first is made."""
    log = folder / "log.jsonl"
    process = subprocess.Popen([str(part) for part in [*command, "--log", log]], cwd=folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline and not (log.exists() and log.stat().st_size > 0):
        time.sleep(0.001)
    disturb(process)
    _, err = process.communicate()
    return Outcome(process.returncode, "", err)


@situation
def training_on_a_full_disk(binary, folder):
    """The model does not fit where it should go, nor does a checkpoint beside it."""
    model, path = wide(folder)
    with tiny_disk(folder) as tiny:
        outcome = execute(train(binary, model, path, tiny / "out.onnx"), cwd=folder)
        problem = judge(outcome, {OTHER_ERROR}, ["tiny/out.onnx", "--resume out.onnx.checkpoint"])
        if not problem and any(tiny.iterdir()):
            problem = f"left {next(tiny.iterdir()).name}"
        if problem:
            return outcome, problem
    return goes_on(binary, folder, model, path, steps=5)


@situation
def training_into_a_folder_that_goes(binary, folder):
    model, path = saved(folder, classifier()), data(folder)
    (folder / "gone").mkdir()
    command = train(binary, model, path, folder / "gone" / "out.onnx", steps=20000)
    outcome = disturbed(command, folder, lambda _: shutil.rmtree(folder / "gone"))
    problem = judge(outcome, {OTHER_ERROR}, ["gone/out.onnx", "--resume out.onnx.checkpoint"])
    return (outcome, problem) if problem else goes_on(binary, folder, model, path, steps=20000)


def stopped(binary, folder, number, code):
    model, path = saved(folder, classifier()), data(folder)
    command = train(binary, model, path, folder / "out.onnx", steps=20000)
    outcome = disturbed(command, folder, lambda process: process.send_signal(number))
    problem = judge(outcome, {code}, ["--resume", "out.onnx.checkpoint"])
    return (outcome, problem) if problem else goes_on(binary, folder, model, path, steps=20000)


@situation
def training_interrupted(binary, folder):
    return stopped(binary, folder, signal.SIGINT, INTERRUPTED)


@situation
def training_terminated(binary, folder):
    return stopped(binary, folder, signal.SIGTERM, 143)


@situation
def checkpoint_cannot_be_written(binary, folder):
    model, path = wide(folder)
    limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 32; exec "$@"', "sh"]
    command = train(binary, model, path, folder / "out.onnx", "--checkpoint-every", "2")
    return refuses(binary, folder, [*limited, *command], {OTHER_ERROR}, ["out.onnx.checkpoint"], cwd=folder)


@situation
def checkpoint_in_no_folder(binary, folder):
    """Found before training starts."""
    command = train(binary, saved(folder, classifier()), data(folder), folder / "out.onnx", "--checkpoint",
                    folder / "nowhere" / "run.checkpoint", "--log", folder / "log.jsonl")
    return refuses(binary, folder, command, {OTHER_ERROR}, ["nowhere/run.checkpoint"])


@situation
def checkpoint_beyond_the_end(binary, folder):
    def spoil(path, _):
        arrays = dict(np.load(path))
        arrays["step"] = np.array([99])
        with path.open("wb") as file:
            np.savez(file, **arrays)

    return checkpoint(binary, folder, spoil, {INVALID_MODEL}, ["run.checkpoint", "99"])


@situation
def training_diverges(binary, folder):
    command = train(binary, saved(folder, classifier()), data(folder), folder / "out.onnx", "--checkpoint-every",
                    "1", rate="1e39")
    return refuses(binary, folder, command, {OTHER_ERROR}, ["model.onnx", "training diverged"])


@situation
def progress_fits_the_terminal(binary, folder):
    command = train(binary, saved(folder, classifier()), data(folder), folder / "out.onnx", steps=40000)
    outer, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=terminal, env={**os.environ, "TERM": "xterm"})
    os.close(terminal)
    written = b""
    while True:
        try:
            written += os.read(outer, 1 << 16)
        except OSError:  # the other end is closed
            break
    os.close(outer)
    outcome = Outcome(process.wait(), "", "")
    lines = written.decode().split("\r\x1b[K")
    if outcome.code != 0:
        return outcome, f"exit {outcome.code}"
    if not any(line.startswith("step ") and "loss " in line for line in lines):
        return outcome, f"no progress: {written[:200]!r}"
    long = [line for line in lines if len(line.strip()) >= 60]
    return outcome, f"wider than the terminal: {long[0]!r}" if long else None
