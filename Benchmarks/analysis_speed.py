#!/usr/bin/env python3
"""How long coppice takes to understand a model: loading, shapes, dimensions and groups, in process.

    analysis_speed.py [--only NAME,...] [--torch] [--repeat N]

Takes the best `analysisSeconds` of `coppice groups --json`. Bars: resnet50 10 ms, vit_b_16 and bert_base 25 ms, every
model of the zoo 80 ms; a chain of ten times the nodes takes at most 12 times as long. --torch compares with the
dependency graph of Torch-Pruning on the same machine (an environment of its own is made): at least 5 times as fast.
"""
import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "Interop"))
import catalog  # noqa: E402
import harness  # noqa: E402

BARS_MILLISECONDS = {"tv_resnet50": 10, "tv_vit_b_16": 25, "hf_bert_base": 25}
BAR_MILLISECONDS = 80
BAR_GROWTH, BAR_AGAINST_TORCH = 12, 5
CHAIN_NODES = (1_000, 10_000, 100_000)


def analysis_milliseconds(coppice, path, repeat):
    """The best of some runs."""
    return min(1e3 * coppice.json("groups", path)["analysisSeconds"] for _ in range(repeat))


def chain(nodes, path, channels=4):
    """A model of 1×1 convolutions with a Relu after each."""
    random, made, weights, value = np.random.default_rng(0), [], [], "x"
    for index in range(nodes // 2):
        data = random.standard_normal((channels, channels, 1, 1)).astype(np.float32)
        weights.append(numpy_helper.from_array(data, f"w{index}"))
        made.append(helper.make_node("Conv", [value, f"w{index}"], [f"c{index}"], name=f"conv{index}"))
        made.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"], name=f"relu{index}"))
        value = f"r{index}"
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, 8, 8]) for name in ("x", value)]
    graph = helper.make_graph(made, "chain", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def torch_milliseconds(names):
    """What Torch-Pruning takes for its dependency graph, for the models it prunes."""
    home = ROOT / ".venv-torch"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, "torch==2.13.0+cpu"]).returncode != 0:
            subprocess.run([*pip, "torch==2.13.0"], check=True)
        subprocess.run([*pip, "--no-deps", "torchvision==0.28.0", "timm", "torch-pruning==1.6.1"], check=True)
        subprocess.run([*pip, "numpy", "pillow", "pyyaml", "huggingface_hub", "safetensors", "tqdm"], check=True)
        # torchvision's compiled part is built for GPUs; without it only these registrations fail, unneeded here.
        customize = next((home / "lib").glob("python3*/site-packages")) / "sitecustomize.py"
        customize.write_text("import sys, types\nname = 'torchvision._meta_registrations'\n"
                             "sys.modules[name] = types.ModuleType(name)\n")
        (home / "ready").touch()
    script = ROOT.parent / "shared" / "bench" / "torch_prune.py"
    with harness.scratch() as folder:
        out = pathlib.Path(folder) / "torch.json"
        subprocess.run([python, script, "--only", ",".join(names), "--limit", "60", "--out", out], check=True)
        results = json.loads(out.read_text())
    return {name: 1e3 * result["graph_seconds"] for name, result in results.items()
            if result.get("runs") and "graph_seconds" in result}


def measure_zoo(coppice, names, repeat, peers, report):
    for model in catalog.zoo(names):
        found = analysis_milliseconds(coppice, model.path(), repeat)
        bar = BARS_MILLISECONDS.get(model.name, BAR_MILLISECONDS)
        problem = None if found <= bar else f"more than {bar} ms"
        columns = f"{found:8.2f} ms of {bar:3}"
        if model.name in peers:
            ratio = peers[model.name] / found
            columns += f"  Torch-Pruning {peers[model.name]:7.0f} ms, {ratio:5.1f} times"
            if ratio < BAR_AGAINST_TORCH:
                problem = problem or f"less than {BAR_AGAINST_TORCH} times as fast as Torch-Pruning"
        report.row(model.name, columns, problem)


def measure_chains(coppice, report):
    before = None
    with harness.scratch() as folder:
        for nodes in CHAIN_NODES:
            path = pathlib.Path(folder) / f"chain{nodes}.onnx"
            chain(nodes, path)
            found = analysis_milliseconds(coppice, path, 3)
            growth = found / before if before else None
            problem = f"grew more than {BAR_GROWTH} times" if growth and growth > BAR_GROWTH else None
            report.row(f"chain of {nodes} nodes", f"{found:8.2f} ms" + (f"  {growth:.1f} times" if growth else ""), problem)
            before = found


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", help="measure these, divided by commas")
    parser.add_argument("--repeat", type=int, default=5, help="runs for each model, of which the best counts")
    parser.add_argument("--torch", action="store_true", help="compare with Torch-Pruning")
    arguments = parser.parse_args()
    coppice, report = harness.Coppice(arguments.coppice), harness.Report()
    names = arguments.only.split(",") if arguments.only else None
    peers = {}
    if catalog.has_zoo():
        if arguments.torch:
            pruned = catalog.zoo_figures("torch_pruning")["pruned"]
            peers = torch_milliseconds([name for name in pruned if not names or name in names])
        measure_zoo(coppice, names, arguments.repeat, peers, report)
    else:
        print("no zoo here: only the chains are measured")
    measure_chains(coppice, report)
    report.finish()


if __name__ == "__main__":
    main()
