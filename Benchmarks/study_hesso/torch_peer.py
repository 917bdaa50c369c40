"""HESSO in PyTorch on one network and one seed: the rules of Tests/Interop/torch_hesso.py in a usual training loop.

    python -m study_hesso.torch_peer START.onnx SETTINGS.json

Run in an environment with PyTorch. Prints the accuracy on the test data, the time of a step and what stays of each
group as JSON. What the optimizer goes along is read from the state of torch.optim after the step that opens a period.
"""
import json
import math
import sys
import time

import numpy as np
import torch
from torch import nn

from study import networks, torch_models

sys.path.insert(0, str(networks.ROOT / "Tests" / "Interop"))
import torch_hesso  # noqa: E402

PIECE = 500  # images evaluated at a time
FIRST_TIMED = 20


def block_names(layer):
    """(rows that make channels, what follows them) of a convolution with its normalization."""
    return [[f"{layer}.{part}", 0] for part in ("conv.weight", "norm.weight", "norm.bias")], [
        [f"{layer}.norm.running_mean", 0]]


def channels(module, layers):
    members, followers = zip(*(block_names(layer) for layer in layers))
    return {"size": module.get_submodule(layers[0]).conv.out_channels, "members": sum(members, []),
            "followers": sum(followers, [])}


def resnet_groups(module):
    layers = [["stem"]]
    for stage in ("stage0", "stage1"):
        layers += [[f"{stage}.block0.b", f"{stage}.block0.skip", f"{stage}.block1.b"], [f"{stage}.block0.a"],
                   [f"{stage}.block1.a"]]
    return [channels(module, group) for group in layers]


def mobilenet_groups(module):
    streams, stream = [], ["stem"]
    for name, block in module.named_children():
        if not isinstance(block, torch_models.InvertedResidual):
            continue
        if block.is_residual:
            stream.append(f"{name}.project")
        else:
            streams.append(stream)
            stream = [f"{name}.project"]
        streams.append([f"{name}.expand", f"{name}.depthwise"])
    return [channels(module, group) for group in [*streams, stream, ["last"]]]


def transformer_groups(module):
    groups = []
    for name, block in module.named_children():
        if isinstance(block, torch_models.TransformerBlock):
            attention = [[f"{name}.attention.{part}.{kind}", 0] for part in "qkv" for kind in ("weight", "bias")]
            up = [[f"{name}.up.{kind}", 0] for kind in ("weight", "bias")]
            groups += [{"size": block.attention.heads, "members": attention, "followers": []},
                       {"size": block.up.out_features, "members": up, "followers": []}]
    return groups


GROUPS = {"fashion_resnet": resnet_groups, "digits_mobilenet": mobilenet_groups, "digits_transformer": transformer_groups}


class Rate:
    """Half a cosine behind a straight line."""

    def __init__(self, settings):
        self.settings = settings

    def __call__(self, step):
        warm_up, total = self.settings["warm_up_steps"], self.settings["total"]
        if step < warm_up:
            return (step + 1) / (warm_up + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up)))


def optimizer(module, settings):
    if settings["base"] == "sgd":
        return torch.optim.SGD(module.parameters(), lr=settings["rate"], momentum=settings["momentum"],
                               weight_decay=settings["weight_decay"])
    return torch.optim.AdamW(module.parameters(), lr=settings["rate"], weight_decay=settings["weight_decay"])


def direction(base, parameter):
    """What the last step went along."""
    state, group = base.state[parameter], base.param_groups[0]
    if "momentum_buffer" in state:
        return state["momentum_buffer"]
    first, second = group["betas"]
    mean = state["exp_avg"] / (1 - first ** state["step"])
    return mean / ((state["exp_avg_sq"] / (1 - second ** state["step"])).sqrt() + group["eps"])


def batches(images, labels, settings):
    """As many batches as there are steps; every epoch in another order."""
    random, size = np.random.default_rng(settings["seed"]), settings["batch"]
    order = np.empty(0, np.int64)
    for _ in range(settings["total"]):
        if len(order) < size:
            order = random.permutation(len(images))
        chosen, order = torch.from_numpy(order[:size]), order[size:]
        yield images[chosen], labels[chosen]


def trained(module, images, labels, settings):
    """Seconds of a step, and the optimizer of the units; the module is trained in place."""
    base, rate = optimizer(module, settings), Rate(settings)
    hesso = torch_hesso.Hesso({**settings, "groups": GROUPS[settings["network"]](module)})
    weights = module.state_dict()  # the tensors themselves
    module.train()
    start = 0.0
    for step, (x, y) in enumerate(batches(images, labels, settings)):
        if step == FIRST_TIMED:
            start = time.perf_counter()
        base.param_groups[0]["lr"] = settings["rate"] * rate(step)
        base.zero_grad()
        nn.functional.cross_entropy(module(x), y, label_smoothing=settings["label_smoothing"]).backward()
        opens = settings["sparsity"] and hesso.begins(step)
        before = {name: value.clone() for name, value in weights.items()} if opens else None
        base.step()
        if not settings["sparsity"]:
            continue
        with torch.no_grad():
            if opens:
                along = {name: direction(base, parameter) for name, parameter in module.named_parameters()}
                hesso.choose(hesso.measure(before, along), (step - settings["start"]) // settings["steps"])
            hesso.after(step, weights)
    return (time.perf_counter() - start) / (settings["total"] - FIRST_TIMED), hesso


@torch.no_grad()
def accuracy(module, images, labels):
    module.eval()
    right = sum(int((module(x).argmax(1) == y).sum()) for x, y in zip(images.split(PIECE), labels.split(PIECE)))
    return 100 * right / len(labels)


def asked():
    """(network to start from, training data, test data, settings) as the command line says."""
    start, path = sys.argv[1:]
    with open(path) as file:
        settings = json.load(file)
    torch.manual_seed(settings["seed"])
    torch.set_num_threads(settings["threads"])
    name = settings["network"]
    module = torch_models.MODULES[name](**settings["shape"])
    module.load_state_dict(torch_models.state(start, module), strict=False)
    training, test = ([torch.from_numpy(part) for part in networks.arrays(path(name))]
                      for path in (networks.training_path, networks.test_path))
    return module, training, test, settings


def main():
    module, training, test, settings = asked()
    seconds, hesso = trained(module, *training, settings)
    kept = [int((hesso.state[span] != 2).sum()) for _, span in hesso.spans()]
    json.dump({"accuracy": accuracy(module, *test), "secondsPerStep": seconds, "kept": kept}, sys.stdout)


if __name__ == "__main__":
    main()
