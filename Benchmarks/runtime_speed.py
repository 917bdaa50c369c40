#!/usr/bin/env python3
"""How fast models run and train, against ONNX Runtime, PyTorch and the peak of the machine's matrix products.

    runtime_speed.py [--threads N] [--rounds N] [--no-inference] [--no-training] [--only NAME,...]

Inference: resnet50, mobilenet_v2 and bert_base of the zoo, batch 1 and 8, at least 0.6 times the speed of ONNX Runtime
with all its optimizations. Training: the three models of ../shared/bench/torch_train.py, at least as fast as PyTorch
(1.5 times on the MobileNet), with at most 0.8 times its peak memory. Both sides take turns, on the same number of
threads; medians of the rounds are compared. The peak is that of numpy's OpenBLAS for 1,536 × 1,536 matrices.
"""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "Interop"))
THREADS = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "2"
os.environ.setdefault("OPENBLAS_NUM_THREADS", THREADS)
# Where these name another processor's kernels they slow OpenBLAS alone, which two of the sides do not use.
for setting in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(setting, None)
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime as ort  # noqa: E402

import catalog  # noqa: E402
import harness  # noqa: E402

INFERENCE = ["tv_resnet50", "tv_mobilenet_v2", "hf_bert_base"]
INFERENCE_BAR = 0.6
TRAINING_BARS = {"resnet18_32px_b32": 1.0, "mobilenetv2_32px_b32": 1.5, "encoder_d256_l4_t128_b8": 1.0}
MEMORY_BAR = 0.8
TORCH_TRAIN = ROOT.parent / "shared" / "bench" / "torch_train.py"
TORCH = ROOT / ".venv-torch"


def gemm_peak():
    """Multiply-accumulates a second of large matrix products, the best of some."""
    size = 1536
    a, b = (np.random.default_rng(0).standard_normal((size, size)).astype(np.float32) for _ in range(2))
    best = 1e9
    for _ in range(8):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return size**3 / best


def with_batch(shapes, batch):
    return {name: ([batch, *shape[1:]], kind) for name, (shape, kind) in shapes.items()}


def rebatched(path, batch, folder):
    """The model with another batch; models whose batch is fixed inside keep it and return None."""
    model = onnx.load(path)
    for info in [*model.graph.input, *model.graph.output]:
        info.type.tensor_type.shape.dim[0].ClearField("dim_param")
        info.type.tensor_type.shape.dim[0].dim_value = batch
    del model.graph.value_info[:]
    for tensor in model.graph.initializer:
        # Exporters with a fixed batch spell it in the shapes of Reshape.
        if tensor.data_type == onnx.TensorProto.INT64 and len(tensor.dims) == 1 and 1 < tensor.dims[0] <= 5:
            values = onnx.numpy_helper.to_array(tensor).copy()
            users = [node for node in model.graph.node if tensor.name in list(node.input)[1:]]
            if values[0] == 1 and users and all(node.op_type in ("Reshape", "Expand") for node in users):
                values[0] = batch
                tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    target = pathlib.Path(folder) / f"{pathlib.Path(path).stem}-b{batch}.onnx"
    onnx.save(model, target)
    return target


def ort_seconds(running, feed, repeat):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        running.run(None, feed)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def inference(binary, name, batch, rounds, folder, peak):
    """One row of the table; True where the bar is met."""
    (model,) = catalog.zoo([name])
    shapes = with_batch(model.shapes, batch)
    path = rebatched(model.path(), batch, folder)
    options = ort.SessionOptions()
    options.intra_op_num_threads = int(THREADS)
    options.log_severity_level = 4
    running = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {given.name: harness.inputs(shapes)[given.name] for given in running.get_inputs()}
    ort_seconds(running, feed, 2)
    ours, theirs, rate = [], [], 0
    for _ in range(rounds):
        report = harness.Coppice(binary).json("bench", path, "--threads", THREADS, "--batch", batch)["models"][0]
        ours.append(report["p50Seconds"])
        rate = max(rate, report["macsPerSecond"])
        theirs.append(ort_seconds(running, feed, 10))
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{name:26} batch {batch}: {a * 1e3:8.1f} ms, ONNX Runtime {b * 1e3:8.1f} ms: {b / a:.2f} times "
          f"(bar {INFERENCE_BAR}); {rate / peak:.0%} of the GEMM peak", flush=True)
    return b / a >= INFERENCE_BAR


def torch_python():
    if not (TORCH / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", TORCH], check=True)
        pip = [TORCH / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, "torch==2.13.0+cpu", "numpy", "onnx", "onnxscript"]).returncode != 0:
            subprocess.run([*pip, "torch==2.13.0", "numpy", "onnx", "onnxscript"], check=True)
    return str(TORCH / "bin" / "python")


def torch_line(python, name):
    """What PyTorch's script prints.

    It reports its peak by getrusage, which begins at the size of the process that starts it: started by a shell, which
    is small (the second command keeps the shell from becoming the program itself)."""
    command = ["sh", "-c", '"$@"; exit $?', "sh", python, str(TORCH_TRAIN), THREADS, name]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def training(binary, name, rounds, folder):
    """One row of the table; True where both bars are met."""
    python = torch_python()
    path = pathlib.Path(folder) / f"{name}.onnx"
    subprocess.run([python, TORCH_TRAIN, THREADS, name, "--export", folder], check=True, capture_output=True)
    batch = int(re.search(r"_b(\d+)$", name)[1])
    ours, theirs, memory, torch_memory = [], [], 0, 0
    for _ in range(rounds):
        report = harness.Coppice(binary).json(
            "bench", path, "--train", "--threads", THREADS, "--batch", batch)["models"][0]
        ours.append(report["samplesPerSecond"])
        memory = max(memory, report["peakBytes"] / 2**20)
        line = torch_line(python, name)
        found = re.search(r"([\d.]+) samples/s\s+peakRSS (\d+) MiB", line)
        theirs.append(float(found[1]))
        torch_memory = max(torch_memory, int(found[2]))
    a, b = statistics.median(ours), statistics.median(theirs)
    bar = TRAINING_BARS[name]
    print(f"{name:26} training: {a:8.1f} samples/s, PyTorch {b:8.1f}: {a / b:.2f} times (bar {bar}); "
          f"peak {memory:.0f} MiB, PyTorch {torch_memory} MiB: {memory / torch_memory:.2f} (bar {MEMORY_BAR})", flush=True)
    return a / b >= bar and memory / torch_memory <= MEMORY_BAR


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--threads", default="2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-inference", action="store_true")
    parser.add_argument("--no-training", action="store_true")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    met = True
    with harness.scratch() as folder:
        peak = gemm_peak()
        print(f"GEMM peak on {THREADS} threads: {peak / 1e9:.0f} G multiply-accumulates/s", flush=True)
        for name in INFERENCE if not arguments.no_inference and catalog.has_zoo() else []:
            for batch in (1, 8):
                if arguments.only in name:
                    met = inference(arguments.coppice, name, batch, arguments.rounds, folder, peak) and met
        for name in TRAINING_BARS if not arguments.no_training and TORCH_TRAIN.exists() else []:
            if arguments.only in name:
                met = training(arguments.coppice, name, arguments.rounds, folder) and met
    raise SystemExit(not met)


if __name__ == "__main__":
    main()
