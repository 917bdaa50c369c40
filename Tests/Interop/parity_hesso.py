"""Training with HESSO against PyTorch: terms of saliency, chosen units and weights over 30 steps.

    parity_hesso.py [--only TEXT]

Both sides train the same network on the same batch, by the same rules written twice. The error of each term, and of
each weight, is the norm of the difference divided by PyTorch's, and must be below 1e-4; the units must be the same.
No convolution has a bias in front of a batch normalization: its gradient is nothing but rounding, of which Adam makes
steps as large as any. Activations have no kinks, where rounding decides which of two gradients there is.
"""
import itertools
import json
import pathlib
import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper

import harness
from parity_training import torch_python

BAR = 1e-4
START, STEPS, PERIODS, TOTAL, SPARSITY = 10, 5, 3, 30, 0.5
SHOWN = [16, 21, 25, 30]  # a checkpoint every so many steps is last written there
BASES = {
    "sgd": {"base": "sgd", "rate": 0.1}, "momentum": {"base": "sgd", "rate": 0.05, "momentum": 0.9},
    "decay": {"base": "sgd", "rate": 0.05, "momentum": 0.9, "weight_decay": 0.01},
    "adam": {"base": "adam", "rate": 0.002}, "adamw": {"base": "adamw", "rate": 0.002, "weight_decay": 0.05},
}
GROUPS = {
    "residual": [
        {"size": 16, "members": [["w1", 0], ["g1", 0], ["s1", 0], ["w2", 0], ["g2", 0], ["s2", 0]],
         "followers": [["m1", 0], ["m2", 0]]},
        {"size": 12, "members": [["w3", 0], ["b3", 0]], "followers": []},
    ],
    "perceptron": [
        {"size": 24, "members": [["w1", 1], ["b1", 0]], "followers": []},
        {"size": 20, "members": [["w2", 0], ["b2", 0]], "followers": []},
    ],
}
SHAPES = {
    "residual": {
        "w1": (16, 3, 3, 3), "g1": (16,), "s1": (16,), "m1": (16,), "v1": (16,), "w2": (16, 16, 3, 3),
        "g2": (16,), "s2": (16,), "m2": (16,), "v2": (16,), "w3": (12, 16, 3, 3), "b3": (12,), "w4": (4, 12),
        "b4": (4,),
    },
    "perceptron": {"w1": (10, 24), "b1": (24,), "w2": (20, 24), "b2": (20,), "w3": (20, 4)},
}
INPUTS = {"residual": (3, 6, 6), "perceptron": (10,)}


def silu(name, output):
    return [
        helper.make_node("Sigmoid", [name], [f"{name}_gate"]), helper.make_node("Mul", [name, f"{name}_gate"], [output])]


def nodes(network):
    node = helper.make_node
    if network == "perceptron":
        return [
            node("MatMul", ["x", "w1"], ["p1"]), node("Add", ["p1", "b1"], ["a1"]), *silu("a1", "r1"),
            node("Gemm", ["r1", "w2", "b2"], ["a2"], transB=1), *silu("a2", "r2"), node("MatMul", ["r2", "w3"], ["y"]),
        ]
    return [
        node("Conv", ["x", "w1"], ["c1"], pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c1", "g1", "s1", "m1", "v1"], ["n1"]), *silu("n1", "r1"),
        node("Conv", ["r1", "w2"], ["c2"], pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c2", "g2", "s2", "m2", "v2"], ["n2"]), node("Add", ["n2", "r1"], ["t"]),
        *silu("t", "r2"), node("Conv", ["r2", "w3", "b3"], ["c3"], strides=[2, 2]), *silu("c3", "r3"),
        node("GlobalAveragePool", ["r3"], ["q"]), node("Flatten", ["q"], ["f"]),
        node("Gemm", ["f", "w4", "b4"], ["y"], transB=1),
    ]


def model(network, random):
    weights = []
    for name, shape in SHAPES[network].items():
        values = random.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[1:])))
        if name[0] in "gv":
            values = 1 + 0.1 * np.abs(values)
        weights.append(onnx.numpy_helper.from_array(values.astype(np.float32), name))
    graph = helper.make_graph(
        nodes(network), network, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *INPUTS[network]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def training(base, folder, every):
    options = ["--lr", base["rate"], "--base", base["base"]]
    for key in ("momentum", "weight_decay"):
        if key in base:
            options += [f"--{key.replace('_', '-')}", base[key]]
    return [
        "train", folder / "model.onnx", "--data", folder / "data.npz", "--optimizer", "hesso", *options,
        "--sparsity", SPARSITY, "--min-keep-share", 0, "--pruning-start", START, "--pruning-steps", STEPS * PERIODS,
        "--periods", PERIODS, "--batch", 64, "--steps", TOTAL, "--checkpoint-every", every, "--checkpoint",
        folder / f"at{every}", "-o", folder / f"small{every}.onnx", "--quiet",
    ]


def error(found, expected):
    scale = np.linalg.norm(expected)
    return float(np.linalg.norm(found.astype(np.float64) - expected) / scale) if scale > 0 else float(np.abs(found).max())


def compare(checkpoint, expected, step, names):
    """The largest errors of terms and weights, and how many units differ."""
    saved = np.load(checkpoint)
    terms = saved["shaper-terms"].reshape(5, -1)
    wanted = expected[f"terms{step}"]
    return (
        max(error(a, b) for a, b in zip(terms, wanted)),
        int((saved["shaper-units"] != expected[f"units{step}"]).sum()),
        max(error(saved[f"parameter{index}"], expected[f"{name}@{step}"]) for index, name in enumerate(names)),
    )


def run(coppice, network, base, folder):
    random = np.random.default_rng(7)
    onnx.save(model(network, random), folder / "model.onnx")
    x = random.standard_normal((64, *INPUTS[network])).astype(np.float32)
    np.savez(folder / "data.npz", x=x, label=random.integers(0, 4, 64))
    settings = {
        **base, "network": network, "groups": GROUPS[network], "start": START, "steps": STEPS, "periods": PERIODS,
        "total": TOTAL, "sparsity": SPARSITY, "shown": SHOWN,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    subprocess.run(
        [torch_python(), pathlib.Path(__file__).parent / "torch_hesso.py", folder / "model.onnx", folder / "data.npz",
         folder / "settings.json", folder / "torch.npz"], check=True)
    expected = np.load(folder / "torch.npz")
    worst = [0.0, 0, 0.0]
    for step in SHOWN:
        coppice(*training(base, folder, step))
        worst = [max(a, b) for a, b in zip(worst, compare(folder / f"at{step}", expected, step, SHAPES[network]))]
    return worst


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", default="", help="networks and optimizers whose names contain this")
    arguments = parser.parse_args()
    coppice = harness.Coppice(arguments.coppice)
    report = harness.Report()
    for network, (name, base) in itertools.product(SHAPES, BASES.items()):
        label = f"{network} {name}"
        if arguments.only not in label:
            continue
        with harness.scratch() as folder:
            terms, units, weights = run(coppice, network, base, pathlib.Path(folder))
        problem = None if terms < BAR and units == 0 and weights < BAR else "they do not agree"
        report.row(label, f"terms {terms:.1e}, weights {weights:.1e}, {units} units differ", problem)
    report.finish()


if __name__ == "__main__":
    main()
