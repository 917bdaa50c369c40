"""only-train-once on one network and one seed.

    python -m study_hesso.torch_oto START.onnx SETTINGS.json

Run in an environment with only-train-once 3.0.1 and PyTorch 2.0.1. Prints the accuracy of what it constructs, of what it
trained, their difference and the time of a step as JSON; what fails, is told in a word of where.
"""
import contextlib
import copy
import json
import os
import sys
import tempfile
import time

import torch
from torch import nn

from study_hesso import torch_peer

torch.Tensor.cuda = lambda self, *_, **__: self  # 3.0.1 moves what it makes to a GPU without asking


def trained(module, images, labels, settings):
    """Seconds of a step, and what knows how to construct the small network."""
    from only_train_once import OTO

    oto = OTO(model=module, dummy_input=images[:1])
    decay = {"first_momentum": settings["momentum"]} if settings["base"] == "sgd" else {}
    optimizer = oto.hesso(
        variant=settings["base"], lr=settings["rate"], weight_decay=settings["weight_decay"], **decay,
        target_group_sparsity=settings["sparsity"], start_pruning_step=settings["start"],
        pruning_periods=settings["periods"], pruning_steps=settings["periods"] * settings["steps"])
    rate = torch_peer.Rate(settings)
    module.train()
    start = 0.0
    for step, (x, y) in enumerate(torch_peer.batches(images, labels, settings)):
        if step == torch_peer.FIRST_TIMED:
            start = time.perf_counter()
        optimizer.set_learning_rate(settings["rate"] * rate(step))
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), y, label_smoothing=settings["label_smoothing"]).backward()
        optimizer.step()
    return (time.perf_counter() - start) / (settings["total"] - torch_peer.FIRST_TIMED), oto


def constructed(oto, images, folder):
    """The small network, and how far its logits are from those of the trained one, by the largest of them."""
    with torch.no_grad():
        expected = copy.deepcopy(oto._model).eval()(images)
    oto.construct_subnet(out_dir=folder)
    small = torch.load(oto.compressed_model_path).eval()
    with torch.no_grad():
        found = small(images)
    return small, float((found - expected).abs().max() / expected.abs().max())


def result(module, training, test, settings, folder):
    found = {}
    where = "training"
    try:
        found["secondsPerStep"], oto = trained(module, *training, settings)
        found["trained"] = torch_peer.accuracy(module, *test)
        found["sparsity"] = oto._optimizer.curr_group_sparsity
        where = "constructing"
        small, found["difference"] = constructed(oto, test[0][:100], folder)
        found["accuracy"] = torch_peer.accuracy(small, *test)
        found["parameters"] = sum(parameter.numel() for parameter in small.parameters())
    except Exception as problem:  # whatever it is, it is what the peer does with this network
        found["failed"] = f"{where}: {type(problem).__name__}: {' '.join(str(problem).split())[:160]}"
    return found


def main():
    asked = torch_peer.asked()
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        found = result(*asked, folder)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
