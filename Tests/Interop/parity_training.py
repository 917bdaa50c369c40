"""Gradients and steps of whole models against PyTorch, on the models of ../shared/bench/torch_train.py.

    parity_training.py [--only TEXT]

Batch normalization is in training mode on both sides. An error is the norm of the difference divided by the norm of the
gradient, for each tensor; the worst one must be below 1e-4:

* in double precision, where nothing but the meaning of the model counts;
* in single precision, as training computes, where the model has no kinks: as it is, or with SiLU in place of ReLU. What
  lies so close to a kink that rounding decides its side has one of two gradients. A batch has millions of such places and
  a few that close, so even PyTorch in single precision is 0.06 away from itself in double precision on the MobileNet.
  With kinks the error of all gradients together is printed beside PyTorch's own, and must be below 0.05;
* of tensors whose gradient is zero by the meaning of the model, such as a bias in front of a batch normalization, all
  that is computed is rounding: they are divided by the norm of all gradients together.

The losses of 20 steps of SGD must agree within 1e-3: as the model is, or, where it has kinks, with SiLU as trained in
single precision and as it is with the gradients of every step in double precision. What single precision does to the
model with kinks is printed beside what it does to PyTorch, and must not be more than twice that.
"""
import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx

import harness

GRADIENT_BAR, KINK_BAR, LOSS_BAR = 1e-4, 0.05, 1e-3
ZERO = 1e-10  # a gradient so much smaller, in double precision, than all together is zero
NAMES = ["resnet18_32px_b32", "mobilenetv2_32px_b32", "encoder_d256_l4_t128_b8"]
TORCH_TRAIN = harness.ROOT.parent / "shared" / "bench" / "torch_train.py"
TORCH = harness.ROOT / ".venv-torch"


def torch_python():
    """A Python with PyTorch, made where it is missing."""
    python = TORCH / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", TORCH], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, "torch==2.13.0+cpu", "numpy", "onnx", "onnxscript"]).returncode != 0:
            subprocess.run([*pip, "torch==2.13.0", "numpy", "onnx", "onnxscript"], check=True)
    return python


def norm(arrays):
    return float(np.sqrt(sum(np.square(array.astype(np.float64)).sum() for array in arrays)))


def load(path):
    return dict(np.load(path))


class Comparison:
    """Gradients held against PyTorch's, tensor by tensor."""

    def __init__(self, found, expected, exact):
        if set(found) != set(expected):
            raise ValueError(f"other tensors: {sorted(set(found) ^ set(expected))[:3]}")
        whole = norm(exact.values())
        self.worst, self.name, self.count = 0.0, "", len(expected)
        for name, reference in expected.items():
            scale = norm([reference]) if norm([exact[name]]) > ZERO * whole else whole
            error = norm([found[name].astype(np.float64) - reference]) / scale
            if not error <= self.worst:
                self.worst, self.name = error, name
        self.together = norm([found[name].astype(np.float64) - expected[name] for name in expected]) / whole

    def __str__(self):
        return f"{self.count} gradients, worst {self.worst:.1e} at {self.name}, together {self.together:.1e}"


def gradients(coppice, folder, name, kind, *options):
    """What coppice computes for a model, and what PyTorch does in single and in double precision."""
    output = folder / "gradients.npz"
    coppice("gradients", folder / f"{kind}.onnx", "--data", folder / f"{name}.npz", "--loss", "cross-entropy", "-o",
            output, "--force", *options)
    return load(output), load(folder / f"{kind}-single.npz"), load(folder / f"{kind}-double.npz")


def check_gradients(coppice, folder, name, has_kinks, report):
    found, single, exact = gradients(coppice, folder, name, name, "--double")
    result = Comparison(found, exact, exact)
    report.row(name, f"double precision: {result}", above(result.worst, GRADIENT_BAR))
    found, single, exact = gradients(coppice, folder, name, name)
    result, own = Comparison(found, single, exact), Comparison(single, exact, exact)
    bar, error = (KINK_BAR, result.together) if has_kinks else (GRADIENT_BAR, result.worst)
    report.row(name, f"single precision: {result} (PyTorch single to double: worst {own.worst:.1e}, together "
                     f"{own.together:.1e})", above(error, bar))
    if has_kinks:
        found, single, exact = gradients(coppice, folder, name, f"{name}-smooth")
        result, own = Comparison(found, single, exact), Comparison(single, exact, exact)
        report.row(name, f"single, with SiLU: {result} (PyTorch single to double: worst {own.worst:.1e})",
                   above(result.worst, GRADIENT_BAR))


def above(error, bar):
    return None if error <= bar else f"{error:.1e} is above {bar:.0e}"


def check_steps(coppice, folder, name, kind, facts, has_kinks, report):
    single, exact = (facts["losses"][kind][precision] for precision in ("single", "double"))
    coppice("train", folder / f"{kind}.onnx", "--data", folder / f"{name}.npz", "--loss", "cross-entropy", "--optimizer",
            "sgd", "--lr", facts["rate"], "--momentum", facts["momentum"], "--schedule", "constant", "--batch",
            len(np.load(folder / f"{name}.npz")["label"]), "--steps", len(single), "--log", folder / "log.jsonl", "-o",
            folder / "trained.onnx", "--force")
    losses = [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]
    off, own = apart(single, losses), apart(exact, single)
    what = "steps, with SiLU" if kind != name else "steps"
    report.row(name, f"losses of {len(losses)} {what} agree within {off:.1e} (PyTorch single to double: {own:.1e})",
               above(off, max(LOSS_BAR, 2 * own) if has_kinks else LOSS_BAR))


def widened(path):
    """The model with its weights and all it computes in double precision, and a copy of a weight for every use that the
    exporter made an Identity of."""
    model = onnx.load(path)
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in [node for node in model.graph.node if node.op_type == "Identity" and node.input[0] in weights]:
        model.graph.initializer.append(onnx.numpy_helper.from_array(weights[node.input[0]], node.output[0]))
        model.graph.node.remove(node)
    single, double = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE

    def wide(tensor):
        if tensor.data_type == single:
            tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor).astype(np.float64),
                                                         tensor.name))

    for tensor in model.graph.initializer:
        wide(tensor)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                wide(attribute.t)
            if node.op_type == "Cast" and attribute.i == single:
                attribute.i = double
    del model.graph.value_info[:]
    for value in [*model.graph.input, *model.graph.output]:
        if value.type.tensor_type.elem_type == single:
            value.type.tensor_type.elem_type = double
    return model


def check_exact_steps(coppice, folder, name, facts, report):
    """The gradients are coppice's, in double precision; only the rule of the steps is computed here."""
    expected = facts["losses"][name]["double"]
    model = widened(folder / f"{name}.onnx")
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    velocity, losses = {}, []
    for _ in expected:
        onnx.save(model, folder / "wide.onnx")
        losses.append(coppice.json(
            "gradients", folder / "wide.onnx", "--data", folder / f"{name}.npz", "--loss", "cross-entropy", "--double",
            "-o", folder / "gradients.npz", "--force")["loss"])
        for weight, gradient in load(folder / "gradients.npz").items():
            velocity[weight] = facts["momentum"] * velocity.get(weight, 0) + gradient
            value = onnx.numpy_helper.to_array(stored[weight]) - facts["rate"] * velocity[weight]
            stored[weight].CopyFrom(onnx.numpy_helper.from_array(value, weight))
    off = apart(expected, losses)
    report.row(name, f"losses of {len(losses)} steps in double precision agree within {off:.1e}", above(off, LOSS_BAR))


def apart(expected, found):
    return max(abs(a - b) / max(1, abs(a)) for a, b in zip(expected, found, strict=True))


def check(binary, name, report):
    coppice = harness.Coppice(binary)
    with harness.scratch() as folder:
        folder = pathlib.Path(folder)
        reference = [torch_python(), pathlib.Path(__file__).with_name("torch_reference.py"), TORCH_TRAIN, name, folder]
        subprocess.run([str(part) for part in reference], check=True, capture_output=True)
        facts = json.loads((folder / f"{name}.json").read_text())
        has_kinks = len(facts["losses"]) > 1
        check_gradients(coppice, folder, name, has_kinks, report)
        for kind in facts["losses"]:
            check_steps(coppice, folder, name, kind, facts, has_kinks and kind == name, report)
        if has_kinks:
            check_exact_steps(coppice, folder, name, facts, report)


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", default="", help="models whose name contains this")
    arguments = parser.parse_args()
    report = harness.Report()
    for name in NAMES:
        if arguments.only in name:
            check(arguments.coppice, name, report)
    report.finish()


if __name__ == "__main__":
    main()
