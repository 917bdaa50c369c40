"""Steps of whole models against PyTorch, on the models of ../shared/bench/torch_train.py.

    parity_training.py [--only TEXT]

The losses of 20 steps of SGD must agree within 1e-3.
"""
import json
import pathlib
import subprocess
import sys

import numpy as np

import harness

LOSS_BAR = 1e-3
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


def check(binary, name, report):
    coppice = harness.Coppice(binary)
    with harness.scratch() as folder:
        folder = pathlib.Path(folder)
        reference = [torch_python(), pathlib.Path(__file__).with_name("torch_reference.py"), TORCH_TRAIN, name, folder]
        subprocess.run([str(part) for part in reference], check=True, capture_output=True)
        facts = json.loads((folder / f"{name}.json").read_text())
        model, data = folder / f"{name}.onnx", folder / f"{name}.npz"
        batch = len(np.load(data)["label"])
        coppice("train", model, "--data", data, "--loss", "cross-entropy", "--optimizer", "sgd", "--lr", facts["rate"],
                "--momentum", facts["momentum"], "--schedule", "constant", "--batch", batch, "--steps",
                len(facts["losses"]), "--log", folder / "log.jsonl", "-o", folder / "trained.onnx")
        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        losses = [line["loss"] for line in lines if "loss" in line and "step" in line]
    off = max(abs(a - b) / max(1, abs(a)) for a, b in zip(facts["losses"], losses, strict=True))
    problem = f"losses off by {off:.1e}" if off > LOSS_BAR else None
    report.row(name, f"losses of {len(losses)} steps agree within {off:.1e}", problem)


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
