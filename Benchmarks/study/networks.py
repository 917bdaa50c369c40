"""The trained networks of Models, their data, and the samples that are drawn from them.

Samples are drawn here and not by the tools that look at them, so that all see the same ones.
"""
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "study"
sys.path.insert(0, str(ROOT / "Models"))
import make  # noqa: E402

NAMES = ["fashion_resnet", "fashion_mobilenet", "digits_transformer"]
CONVOLUTIONAL = ["fashion_resnet", "fashion_mobilenet"]
SAMPLES = 256


def model_path(name):
    return make.path_of(name)


def test_path(name):
    """The whole test data, as `coppice eval` reads them."""
    return make.data(name)[1]


def training_path(name):
    return make.data(name)[0]


def arrays(path):
    """(images, labels) of a file of data, as the networks take them."""
    if path.suffix == ".npz":
        data = np.load(path)
        return data["image"], data["label"]
    images = make.idx(path).astype(np.float32)[:, None] / 255
    labels = make.idx(path.with_name(path.name.replace("images-idx3", "labels-idx1")))
    return images, labels.astype(np.int64)


def drawn(name, seed, count=SAMPLES):
    """(images, labels) of samples drawn from the training data without putting any back; all there are at most."""
    images, labels = arrays(training_path(name))
    chosen = np.random.default_rng(seed).choice(len(images), min(count, len(images)), replace=False)
    return images[chosen], labels[chosen]


def samples_path(name, seed, count=SAMPLES):
    """The samples without their labels, as a file."""
    path = CACHE / "samples" / (f"{name}-{seed}.npz" if count == SAMPLES else f"{name}-{seed}-{count}.npz")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, image=drawn(name, seed, count)[0])
        partial.replace(path)
    return path
