#!/usr/bin/env python3
"""Makes the trained networks of this folder: draws the weights, fetches the data, trains and measures by coppice.

    make.py [NAME ...] [--coppice PATH] [--data-only]

Needs onnx and numpy; the data come from Debian's packages dataset-fashion-mnist and bible-kjv(-text), and from
scikit-learn's wheel. What a network is, is in architectures.py; how it was trained, and what it reaches on data it has
not seen, is in the table this prints (Models/README.md).
"""
import argparse
import gzip
import json
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
                                   "--schedule", "cosine", "--batch", 128, "--epochs", 6]),
    "fashion_mobilenet": ("fashion", ["--optimizer", "sgd", "--lr", 0.1, "--momentum", 0.9, "--weight-decay", 0.0001,
                                      "--schedule", "cosine", "--batch", 128, "--epochs", 6]),
    "digits_transformer": ("digits", ["--optimizer", "adamw", "--lr", 0.002, "--weight-decay", 0.01, "--schedule",
                                      "cosine", "--batch", 32, "--epochs", 40]),
    "king_james": ("scripture", ["--optimizer", "adamw", "--lr", 0.003, "--weight-decay", 0.01, "--schedule",
                                 "cosine", "--batch", 64, "--steps", 2500]),
}


def idx(path):
    """An array of a gzipped IDX file."""
    data = gzip.decompress(path.read_bytes())
    rank = data[3]
    shape = [int.from_bytes(data[4 + 4 * axis:8 + 4 * axis], "big") for axis in range(rank)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def fashion():
    """(training, test) of Fashion-MNIST, images with mean 0 and deviation 1 over the training part."""
    folder = pathlib.Path("/usr/share/datasets/fashion-mnist")
    if not folder.exists():
        raise SystemExit("error: Fashion-MNIST is not there; install Debian's package dataset-fashion-mnist")
    parts = []
    for part in ("train", "t10k"):
        images = (idx(folder / f"{part}-images-idx3-ubyte.gz")[:, None] / 255 - 0.286) / 0.353
        labels = idx(folder / f"{part}-labels-idx1-ubyte.gz").astype(np.int64)
        parts.append({"image": images.astype(np.float32), "label": labels})
    return parts


def digits():
    """(training, test) of scikit-learn's 8×8 digits: every fifth image is for testing."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--only-binary", ":all:", "-d", folder, "scikit-learn"], check=True)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        table = zipfile.ZipFile(wheel).read("sklearn/datasets/data/digits.csv.gz")
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
        raise SystemExit("error: the text is not there; install Debian's packages bible-kjv and bible-kjv-text")
    symbols = sorted(set(text))[:64]
    index = {symbol: number for number, symbol in enumerate(symbols)}
    tokens = np.array([index.get(symbol, 0) for symbol in text], np.int64)
    windows = (len(tokens) - 1) // length
    inputs = tokens[:windows * length].reshape(windows, length)
    labels = tokens[1:windows * length + 1].reshape(windows, length)
    cut = windows * 9 // 10
    return [{"tokens": inputs[part], "label": labels[part]} for part in (slice(0, cut), slice(cut, cut + 2000))]


def data(name):
    """Paths of the training and the test part, made where they are missing."""
    paths = [CACHE / f"{name}-{part}.npz" for part in ("train", "test")]
    if not all(path.exists() for path in paths):
        CACHE.mkdir(parents=True, exist_ok=True)
        for path, arrays in zip(paths, {"fashion": fashion, "digits": digits, "scripture": scripture}[name]()):
            np.savez(path, **arrays)
    return paths


def make(coppice, name):
    """Trains one network; returns its row of the table."""
    kind, options = RECIPES[name]
    train, test = data(kind)
    with tempfile.TemporaryDirectory() as folder:
        start = pathlib.Path(folder) / f"{name}-untrained.onnx"
        onnx.save(getattr(architectures, name)(), start)
        command = [coppice, "train", start, "--data", train, "--validation", test, "--loss", "cross-entropy", *options,
                   "--seed", 1, "-o", FOLDER / f"{name}.onnx", "--force"]
        subprocess.run([str(part) for part in command], check=True)
    report = subprocess.run([coppice, "eval", FOLDER / f"{name}.onnx", "--data", test, "--json"], check=True,
                            capture_output=True, text=True).stdout
    figures = json.loads(report)
    model = onnx.load(FOLDER / f"{name}.onnx")
    parameters = sum(int(np.prod(t.dims)) for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT)
    print(f"| {name} | {parameters:,} | {figures['top1']:.2%} | {figures['loss']:.3f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="all without names")
    parser.add_argument("--coppice", default=str(FOLDER.parent / ".build/release/coppice"))
    parser.add_argument("--data-only", action="store_true", help="only make the data sets")
    arguments = parser.parse_args()
    for name in arguments.names or RECIPES:
        if name not in RECIPES:
            raise SystemExit(f"error: there is no network {name}; there are {', '.join(RECIPES)}")
        data(RECIPES[name][0]) if arguments.data_only else make(arguments.coppice, name)


if __name__ == "__main__":
    main()
