"""Scores by gradients against PyTorch, on the models of ../shared/bench/torch_train.py.

    parity_criteria.py [--only TEXT]

Both sides compute in double precision and in evaluation mode: what is so close to the kink of a ReLU that rounding
decides its side has one of two gradients, of which single precision meets many. PyTorch differentiates twice where
coppice takes differences of gradients. The error of a group is the norm of the difference of its scores divided by the
norm of PyTorch's, and must be below 1e-3.

Which weights belong to a group is what `coppice groups` says; which of their elements belong to a channel is computed
here: heads own rows that lie together, of what heads are wide every head has one, and elsewhere rows are channels.
"""
import json
import pathlib
import subprocess

import numpy as np
import onnx

import harness
from parity_training import NAMES, TORCH_TRAIN, torch_python

BAR = 1e-3
SAMPLES, PROBES = 8, 8
ZERO = 1e-12  # scores so much smaller than the largest of the model are zero

MEASURED = {
    "snip": "gradients", "taylor": "gradients", "taylor2": "gradients", "fisher": "squares", "grasp": "grasp",
    "crop": "crop", "hessian": "hessian", "synflow": "synflow",
}
TERMS = {
    "snip": lambda w, m: np.abs(w * m), "taylor": lambda w, m: w * m, "taylor2": lambda w, m: w * m,
    "fisher": lambda w, m: w * w * m, "grasp": lambda w, m: w * m, "crop": lambda w, m: np.abs(w * m),
    "hessian": lambda w, m: w * w * m / 2, "synflow": lambda w, m: np.abs(w * m),
}


def unshared(path):
    """The model with a copy of a weight for every use that the exporter made an Identity of, so that all have the names
    PyTorch knows them by."""
    model = onnx.load(path)
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in [node for node in model.graph.node if node.op_type == "Identity" and node.input[0] in weights]:
        model.graph.initializer.append(onnx.numpy_helper.from_array(weights[node.input[0]], node.output[0]))
        model.graph.node.remove(node)
    return model


def channel_sums(terms, axis, group):
    """The sums over each channel's elements of a weight."""
    sums = terms.sum(axis=tuple(index for index in range(terms.ndim) if index != axis))
    size, kind = group["size"], group["kind"]
    if len(sums) % size != 0:
        raise ValueError(f"{group['id']}: an axis of {len(sums)} for {size} channels")
    if kind == "head-width":
        return sums.reshape(-1, size).sum(axis=0)
    return sums.reshape(size, -1).sum(axis=1)


def readers(model):
    """The weights that nodes read columns of, by name and axis: those of products and convolutions."""
    made = {output: node for node in model.graph.node for output in node.output}
    weights = {tensor.name: len(tensor.dims) for tensor in model.graph.initializer}
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    columns = set()
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[1] in weights and shapes[node.input[1]][1] > 1:
            columns.add((node.input[1], 1))
        if node.op_type == "Gemm":
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            columns.add((node.input[1], 1 if transposed else 0))
        if node.op_type == "MatMul":
            name, axis = node.input[1], 0
            while name in made and made[name].op_type == "Transpose":
                name, axis = made[name].input[0], 1 - axis
            if weights.get(name) == 2:
                columns.add((name, axis))
    return columns


def expected_scores(criterion, group, weights, measured, columns):
    """By channel; None where PyTorch measured no weight of the group."""
    members = [(member["tensor"], member["axis"]) for member in group["members"]]
    if criterion.startswith("taylor"):
        members = [member for member in members if member in columns]
    members = [member for member in members if member[0] in measured]
    if criterion == "hessian":
        members = [member for member in members if weights[member[0]].ndim > 1]
    if not members:
        return None
    term = TERMS[criterion]
    sums = sum(channel_sums(term(weights[name], measured[name]), axis, group) for name, axis in members)
    return np.abs(sums) if criterion == "taylor" else sums ** 2 if criterion == "taylor2" else sums


def compare(coppice, folder, name, criterion, groups, columns, report):
    weights = dict(np.load(folder / "weights.npz"))
    measured = dict(np.load(folder / f"{MEASURED[criterion]}.npz"))
    options = [] if criterion == "synflow" else ["--data", folder / "data.npz", "--loss", "cross-entropy"]
    # A last batch that is smaller.
    result = coppice.json("scores", folder / "model.onnx", "--criterion", criterion, "--aggregate", "sum",
                          "--precision", "double", "--batch", 1 + SAMPLES // 2, "--samples", SAMPLES, *options)
    found = {group["id"]: np.array(group["scores"], np.float64) for group in result["groups"]}
    expected = {group["id"]: expected_scores(criterion, group, weights, measured, columns) for group in groups}
    compared = {key: scores for key, scores in expected.items() if scores is not None}
    largest = max(np.abs(scores).max() for scores in compared.values())
    worst, place = 0.0, "nowhere"
    for key, scores in compared.items():
        norm = max(np.linalg.norm(scores), ZERO * largest)
        error = np.linalg.norm(found[key] - scores) / norm if norm > 0 else np.linalg.norm(found[key])
        if not error <= worst:
            worst, place = error, key
    problem = None if worst <= BAR else f"{worst:.1e} is above {BAR:.0e}"
    if len(compared) * 2 < len(groups):
        problem = f"only {len(compared)} of {len(groups)} groups compared"
    report.row(name, f"{criterion}: {len(compared)} of {len(groups)} groups, worst {worst:.1e} at {place}", problem)


def check(binary, name, only, report):
    coppice = harness.Coppice(binary, timeout=3600)
    with harness.scratch() as folder:
        folder = pathlib.Path(folder)
        reference = [torch_python(), pathlib.Path(__file__).with_name("torch_criteria.py"), TORCH_TRAIN, name, folder,
                     SAMPLES, PROBES]
        subprocess.run([str(part) for part in reference], check=True, capture_output=True)
        model = unshared(folder / f"{name}.onnx")
        onnx.save(model, folder / "model.onnx")
        groups = json.loads(coppice("groups", folder / "model.onnx", "--json"))["groups"]
        for criterion in MEASURED:
            if not only or criterion in only:
                compare(coppice, folder, name, criterion, groups, readers(model), report)


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", default="", help="models whose name contains this")
    parser.add_argument("--criteria", nargs="*", choices=list(MEASURED), help="these alone")
    arguments = parser.parse_args()
    report = harness.Report()
    for name in NAMES:
        if arguments.only in name:
            check(arguments.coppice, name, arguments.criteria, report)
    report.finish()


if __name__ == "__main__":
    main()
