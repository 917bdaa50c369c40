#!/usr/bin/env python3
"""Halves the work of a trained network, trains the rest for an epoch, and shows what became of it.

    demo.py [--coppice PATH] [--folder PATH]

Needs only Python's standard library, and Fashion-MNIST (Debian's package dataset-fashion-mnist). Every command is shown
as it is run.
"""
import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "Models/fashion_resnet.onnx"
IMAGES = pathlib.Path("/usr/share/datasets/fashion-mnist")


class Demo:
    def __init__(self, coppice, folder):
        self.coppice, self.folder = pathlib.Path(coppice).absolute(), pathlib.Path(folder).absolute()
        self.training, self.test = (IMAGES / f"{part}-images-idx3-ubyte.gz" for part in ("train", "t10k"))

    def run(self, *arguments):
        """Shows and runs a command of coppice; returns what it prints."""
        arguments = [os.path.relpath(part) if isinstance(part, pathlib.Path) and part.is_relative_to(ROOT) else str(part)
                     for part in arguments]
        print("$ coppice", shlex.join(arguments), flush=True)
        result = subprocess.run([self.coppice, *arguments], stdout=subprocess.PIPE, text=True)
        if result.returncode != 0:
            sys.exit(result.returncode)
        return result.stdout

    def report(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))

    def accuracy(self, model):
        return self.report("eval", model, "--data", self.test)["top1"]

    def show(self):
        """Prunes, verifies, trains and measures."""
        plan, half, trained = (self.folder / name for name in ("half.plan.json", "half.onnx", "half-trained.onnx"))
        top1 = [self.accuracy(MODEL)]
        self.run("plan", MODEL, "--macs", "50%", "-o", plan, "--force", "-q")
        size = self.report("apply", MODEL, "--plan", plan, "-o", half, "--force")
        error = self.report("verify", MODEL, half, "--plan", plan)["maxRelativeError"]
        print(f"  computes what the original does with these channels set to zero, to within {error:.0e}")
        top1.append(self.accuracy(half))
        self.run("train", half, "--data", self.training, "--augment", "flip", "--optimizer", "sgd", "--lr", 0.05,
                 "--momentum", 0.9, "--schedule", "cosine", "--batch", 128, "--epochs", 1, "-o", trained, "--force", "-q")
        top1.append(self.accuracy(trained))
        times = [model["p50Seconds"] for model in self.report("bench", MODEL, trained, "--batch", 64)["models"]]
        self.table(size["before"], size["after"], top1, times)

    def table(self, before, after, top1, times):
        """What it comes to, before and after."""
        print(f"\n{'':25}{'original':>12}{'pruned':>12}{'an epoch on':>14}")
        for name, key in (("parameters", "parameters"), ("MACs an image", "macs"), ("bytes of weights", "bytes")):
            print(f"{name:25}{before[key]:>12,}{after[key]:>12,}{after[key]:>14,}")
        shares = [f"{share:.2%}".replace("%", " %") for share in top1]
        print(f"{'accuracy on 10,000 images':25}{shares[0]:>12}{shares[1]:>12}{shares[2]:>14}")
        milliseconds = [f"{1e3 * seconds:.1f} ms" for seconds in times]
        print(f"{'time of 64 images':25}{milliseconds[0]:>12}{'':>12}{milliseconds[1]:>14}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--coppice", default=ROOT / ".build/release/coppice")
    parser.add_argument("--folder", default=ROOT / ".build/demo", help="where the results go")
    arguments = parser.parse_args()
    if not IMAGES.exists():
        sys.exit("error: Fashion-MNIST is not there; install Debian's package dataset-fashion-mnist (make demo does)")
    os.makedirs(arguments.folder, exist_ok=True)
    Demo(arguments.coppice, arguments.folder).show()


if __name__ == "__main__":
    main()
