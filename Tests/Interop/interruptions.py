"""Ctrl-C and its like in the midst of writing: the right exit code, soon, and nothing left behind."""
import os
import signal
import stat
import subprocess
import time

from onnx import TensorProto, helper

from failing import INTERRUPTED, INVALID_MODEL, Outcome

SITUATIONS = {}


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


def interrupt(binary, folder, disturb, code, mention=""):
    """Disturbs the tool in the midst of writing."""
    model = long_model(folder)

    def names():
        return sorted((p.name, stat.S_IFMT(p.lstat().st_mode)) for p in folder.rglob("*"))

    before = names()
    command = [binary, "prune", model, "--ratio", "0.5", "-o", folder / "out.onnx"]
    process = subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True)
    deadline = time.monotonic() + 60
    while names() == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)  # until it starts to write
    time.sleep(0.05)
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
    outcome = Outcome(process.returncode, "", err)
    if process.returncode != code:
        return outcome, f"exit {process.returncode} instead of {code}"
    if names() != before:
        return outcome, f"left {sorted(set(names()) - set(before))[0][0]}"
    if mention and not (len(outcome.lines) == 1 and err.startswith("error: ") and mention in err):
        return outcome, f"not one error line with {mention}: {err[:200]!r}"
    waited = time.monotonic() - sent
    return outcome, f"took {waited:.1f} s to stop" if waited > 2 else None


@situation
def interrupted(binary, folder):
    return interrupt(binary, folder, lambda process: process.send_signal(signal.SIGINT), INTERRUPTED)


@situation
def terminated(binary, folder):
    return interrupt(binary, folder, lambda process: process.send_signal(signal.SIGTERM), 143)


@situation
def data_is_cut_while_it_is_read(binary, folder):
    """A file that another process cuts short is gone from memory too."""
    return interrupt(binary, folder, lambda process: os.truncate(folder / "model.data", 4096), INVALID_MODEL,
                     mention="model.data")
