#!/usr/bin/env python3
"""The whole of `coppice prune`, from the start of the process to the file on disk, against `cp` of the same bytes.

    whole_command.py [--runs N] [--skip-big] [--gigabytes N] [--model FILE]

The two take turns, so that both meet the same machine. Bars: a hydrated resnet50 takes at most 3 times as long as `cp`,
a transformer with 4 GB of external data at most 2.5 times, with at most 400 MB of anonymous memory.
"""
import pathlib
import shutil
import statistics
import subprocess
import sys
import threading
import time

import numpy as np
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "Interop"))
import catalog  # noqa: E402
import harness  # noqa: E402

BAR_SMALL, BAR_BIG, BAR_MEMORY_BYTES = 3.0, 2.5, 400 << 20
WIDTH, HEADS = 2048, 16


class Memory(threading.Thread):
    """Samples the anonymous memory of a process every 5 ms."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.status, self.process, self.peak_bytes = f"/proc/{process.pid}/status", process, 0

    def run(self):
        while self.process.poll() is None:
            try:
                with open(self.status) as status:
                    for line in status:
                        if line.startswith("RssAnon:"):
                            self.peak_bytes = max(self.peak_bytes, int(line.split()[1]) * 1024)
            except (FileNotFoundError, ProcessLookupError):
                return
            time.sleep(0.005)


def timed(command):
    """(seconds, peak of anonymous memory) of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    memory = Memory(process)
    memory.start()
    code = process.wait()
    seconds = time.perf_counter() - start
    memory.join()
    if code != 0:
        sys.exit(f"error: {command[0]} ended with {code}")
    return seconds, memory.peak_bytes


def take_turns(coppice, sources, folder, runs):
    """Seconds of pruning and of copying, and the peak of anonymous memory."""
    pruned, copied, peak = [], [], 0
    for run in range(runs + 1):
        for path in folder.iterdir():
            path.unlink()
        copy, _ = timed(["cp", *sources, folder])
        for path in folder.iterdir():
            path.unlink()
        prune, anonymous = timed(
            [coppice, "prune", sources[0], "--ratio", "0.5", "--criterion", "l2", "-o", folder / "out.onnx"])
        if run or runs == 1:  # the first warms the page cache
            copied.append(copy)
            pruned.append(prune)
        peak = max(peak, anonymous)
    return pruned, copied, peak


def tell(name, pruned, copied, peak, bar, memory_bar, report):
    best, middle = min(pruned) / min(copied), statistics.median(pruned) / statistics.median(copied)
    problem = f"more than {bar} times cp" if middle > bar else None
    if memory_bar and peak > memory_bar:
        problem = problem or f"more than {memory_bar >> 20} MB of anonymous memory"
    report.row(name, f"prune {min(pruned):7.3f} s (median {statistics.median(pruned):7.3f}), cp {min(copied):7.3f} s "
               f"(median {statistics.median(copied):7.3f}): ratio {best:5.2f} (median {middle:5.2f}) of {bar}, "
               f"anonymous peak {peak >> 20} MB", problem)


def transformer(folder, gigabytes):
    """Writes a transformer with that much external data; returns its files, the model first."""
    layers = max(1, round(gigabytes * 1e9 / (12 * WIDTH * WIDTH * 4)))
    tile = np.random.default_rng(0).standard_normal(WIDTH * WIDTH, dtype=np.float32) * 0.02
    weights, nodes, data_path = [], [], folder / "transformer.data"
    with open(data_path, "wb") as data:
        def weight(name, *shape):
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
            tensor.data_location = TensorProto.EXTERNAL
            count = int(np.prod(shape))
            where = (("location", data_path.name), ("offset", data.tell()), ("length", 4 * count))
            for key, value in where:
                tensor.external_data.add(key=key, value=str(value))
            shift = len(weights) * 977  # rows of different matrices differ
            for start in range(0, count, tile.size):
                np.roll(tile, shift + start // tile.size)[:min(tile.size, count - start)].tofile(data)
            data.write(bytes(-data.tell() % 4096))
            weights.append(tensor)
            return name

        def node(operator, *inputs, **attributes):
            name = f"n{len(nodes)}"
            nodes.append(helper.make_node(operator, list(inputs), [f"{name}_out"], name=name, **attributes))
            return f"{name}_out"

        def ints(name, *values):
            weights.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
            return name

        apart, joined = ints("apart", 1, -1, HEADS, WIDTH // HEADS), ints("joined", 1, -1, WIDTH)
        weights.append(helper.make_tensor("scale", TensorProto.FLOAT, [], [(WIDTH / HEADS) ** -0.5]))
        value = "x"
        for layer in range(layers):
            def norm(x, name):
                return node("LayerNormalization", x, weight(f"{name}.weight", WIDTH), weight(f"{name}.bias", WIDTH))

            def heads(x, name, perm):
                flat = node("MatMul", x, weight(f"{layer}.{name}", WIDTH, WIDTH))
                return node("Transpose", node("Reshape", flat, apart), perm=perm)

            y = norm(value, f"{layer}.norm1")
            scores = node("MatMul", heads(y, "q", [0, 2, 1, 3]), heads(y, "k", [0, 2, 3, 1]))
            shares = node("Softmax", node("Mul", scores, "scale"), axis=-1)
            mixed = node("Transpose", node("MatMul", shares, heads(y, "v", [0, 2, 1, 3])), perm=[0, 2, 1, 3])
            out = node("MatMul", node("Reshape", mixed, joined), weight(f"{layer}.o", WIDTH, WIDTH))
            value = node("Add", value, out)
            y = node("MatMul", norm(value, f"{layer}.norm2"), weight(f"{layer}.up", WIDTH, 4 * WIDTH))
            value = node("Add", value, node("MatMul", node("Relu", y), weight(f"{layer}.down", 4 * WIDTH, WIDTH)))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "length", WIDTH]) for name in ("x", value)]
    graph = helper.make_graph(nodes, "transformer", ends[:1], ends[1:], weights)
    path = folder / "transformer.onnx"
    path.write_bytes(helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
    return [path, data_path]


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--runs", type=int, default=9, help="turns, after one to warm up")
    parser.add_argument("--big-runs", type=int, default=3, help="turns on the big file")
    parser.add_argument("--model", help="the small model; resnet50 of the zoo otherwise")
    parser.add_argument("--skip-big", action="store_true", help="leave the big file out")
    parser.add_argument("--gigabytes", type=float, default=4.0, help="external data of the big file")
    arguments = parser.parse_args()
    binary, report = pathlib.Path(arguments.coppice).absolute(), harness.Report()
    small = pathlib.Path(arguments.model) if arguments.model else (
        catalog.hydrated("tv_resnet50") if catalog.has_zoo() else catalog.fetched("paraphrase_minilm_l3"))
    with harness.scratch() as name:
        tell(small.stem, *take_turns(binary, [small], pathlib.Path(name), arguments.runs), BAR_SMALL, None, report)
    if not arguments.skip_big:
        with harness.scratch() as name:
            made, out = pathlib.Path(name) / "made", pathlib.Path(name) / "out"
            made.mkdir()
            out.mkdir()
            free = shutil.disk_usage(made).free
            if free < 2.5e9 * arguments.gigabytes:
                print(f"skipped the big file: only {free / 1e9:.0f} GB free")
            else:
                files = transformer(made, arguments.gigabytes)
                figures = take_turns(binary, files, out, arguments.big_runs)
                name = f"transformer of {sum(f.stat().st_size for f in files) / 1e9:.1f} GB"
                tell(name, *figures, BAR_BIG, BAR_MEMORY_BYTES, report)
    report.finish()


if __name__ == "__main__":
    main()
