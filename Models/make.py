#!/usr/bin/env python3
"""Makes the trained networks of this folder: draws the weights, fetches the data, trains and measures by coppice.

    make.py [NAME ...] [--coppice PATH] [--threads N] [--measure]

Needs onnx and numpy; the data come from Debian's packages dataset-fashion-mnist and bible-kjv(-text), and from
scikit-learn's wheel. What a network is, is in architectures.py; how it is trained, is in RECIPES; what it reaches on data
it has not seen, is in the table this prints and README.md keeps. With --measure nothing is trained.
"""
import argparse
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import onnx

import architectures

FOLDER = pathlib.Path(__file__).resolve().parent
CACHE = FOLDER.parent / ".cache" / "data"

# name: (data, options of `coppice train`)
RECIPES = {
    "fashion_resnet": ("fashion", ["--optimizer", "sgd", "--lr", 0.1, "--momentum", 0.9, "--weight-decay", 0.0005,
                                   "--schedule", "cosine", "--warm-up-steps", 100, "--batch", 128, "--epochs", 6]),
    "fashion_mobilenet": ("fashion", ["--optimizer", "sgd", "--lr", 0.1, "--momentum", 0.9, "--weight-decay", 0.0001,
                                      "--schedule", "cosine", "--warm-up-steps", 100, "--batch", 128, "--epochs", 6]),
    "digits_transformer": ("digits", ["--optimizer", "adamw", "--lr", 0.003, "--weight-decay", 0.3, "--schedule",
                                      "cosine", "--warm-up-steps", 100, "--label-smoothing", 0.1, "--batch", 32,
                                      "--epochs", 40]),
    "king_james": ("scripture", ["--optimizer", "adamw", "--lr", 0.004, "--weight-decay", 0.01, "--schedule",
                                 "cosine", "--warm-up-steps", 200, "--batch", 64, "--steps", 4000]),
}
# Architectures that have no trained network here, and the data they are for.
OTHERS = {"digits_mobilenet": "digits"}


class Missing(Exception):
    """Data that are not there, with what would bring them."""


def idx(path):
    """An array of a gzipped IDX file."""
    data = gzip.decompress(path.read_bytes())
    rank = data[3]
    shape = [int.from_bytes(data[4 + 4 * axis:8 + 4 * axis], "big") for axis in range(rank)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def fashion():
    """(training, test) files of Fashion-MNIST, as coppice reads them."""
    folder = pathlib.Path("/usr/share/datasets/fashion-mnist")
    if not folder.exists():
        raise Missing("Fashion-MNIST is not there; install Debian's package dataset-fashion-mnist")
    return [folder / f"{part}-images-idx3-ubyte.gz" for part in ("train", "t10k")]


def digits():
    """(training, test) of scikit-learn's 8×8 digits: every fifth image is for testing."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        result = subprocess.run([*pip, "--only-binary", ":all:", "-d", folder, "scikit-learn"], stdin=subprocess.DEVNULL,
                                capture_output=True)
        wheels = list(pathlib.Path(folder).glob("*.whl"))
        if result.returncode != 0 or not wheels:
            raise Missing("the digits are not there; pip cannot download scikit-learn, which holds them")
        table = zipfile.ZipFile(wheels[0]).read("sklearn/datasets/data/digits.csv.gz")
    rows = np.array([line.split(",") for line in gzip.decompress(table).decode().split()], np.float64)
    images, labels = (rows[:, :64].reshape(-1, 8, 8) / 8 - 1).astype(np.float32), rows[:, 64].astype(np.int64)
    test = np.arange(len(rows)) % 5 == 0
    return [{"image": images[part], "label": labels[part]} for part in (~test, test)]


def scripture(length=64):
    """(training, test) windows of the King James text, the last tenth for testing; labels are the next characters."""
    command = ["bible", "-f", "-p", "/usr/lib", "Gen1:1-Rev22:21"]
    try:
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise Missing("the text is not there; install Debian's packages bible-kjv and bible-kjv-text")
    symbols = sorted(set(text))[:64]
    index = {symbol: number for number, symbol in enumerate(symbols)}
    tokens = np.array([index.get(symbol, 0) for symbol in text], np.int64)
    windows = (len(tokens) - 1) // length
    inputs = tokens[:windows * length].reshape(windows, length)
    labels = tokens[1:windows * length + 1].reshape(windows, length)
    cut = windows * 9 // 10
    return [{"tokens": inputs[part], "label": labels[part]} for part in (slice(0, cut), slice(cut, cut + 2000))]


def data(name):
    """(training, test) paths of a network's data, made where they are missing."""
    kind = RECIPES[name][0] if name in RECIPES else OTHERS[name]
    if kind == "fashion":
        return fashion()
    paths = [CACHE / f"{kind}-{part}.npz" for part in ("train", "test")]
    if not all(path.exists() for path in paths):
        CACHE.mkdir(parents=True, exist_ok=True)
        for path, arrays in zip(paths, {"digits": digits, "scripture": scripture}[kind]()):
            np.savez(path, **arrays)
    return paths


def path_of(name):
    return FOLDER / f"{name}.onnx"


def train(coppice, name, threads):
    """Draws the weights and trains them."""
    training, test = data(name)
    with tempfile.TemporaryDirectory() as folder:
        start = pathlib.Path(folder) / f"{name}-untrained.onnx"
        onnx.save(getattr(architectures, name)(), start)
        command = [coppice, "train", start, "--data", training, "--validation", test, "--loss", "cross-entropy",
                   *RECIPES[name][1], "--seed", 1, "--threads", threads, "-o", path_of(name), "--force"]
        subprocess.run([str(part) for part in command], check=True)


def reported(coppice, *arguments):
    command = [str(part) for part in (coppice, *arguments, "--json")]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measured(coppice, name):
    """The network's row of README.md, from its file and the test data."""
    size = reported(coppice, "inspect", path_of(name))
    result = reported(coppice, "eval", path_of(name), "--data", data(name)[1])
    reached = f"{result['top1']:.2%}".replace("%", " %")
    if name == "king_james":
        reached += f" of characters, perplexity {result['perplexity']:.2f}"
    return f"| {name} | {size['parameters']:,} | {size['macs']:,} | {reached} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="all without names")
    parser.add_argument("--coppice", default=str(FOLDER.parent / ".build/release/coppice"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--measure", action="store_true", help="only measure what is there")
    arguments = parser.parse_args()
    for name in arguments.names or RECIPES:
        if name not in RECIPES:
            raise SystemExit(f"error: there is no network {name}; there are {', '.join(RECIPES)}")
    try:
        for name in arguments.names or RECIPES:
            if not arguments.measure:
                train(arguments.coppice, name, arguments.threads)
            print(measured(arguments.coppice, name), flush=True)
    except Missing as problem:
        raise SystemExit(f"error: {problem}")


if __name__ == "__main__":
    main()
