"""HESSO in PyTorch, for parity_hesso.py: the rules of the paper (arXiv 2409.09085) written down once more.

    torch_hesso.py MODEL.onnx DATA.npz SETTINGS.json OUTPUT.npz

Networks are read from the initializers of the ONNX files parity_hesso.py writes. The output has the terms of saliency
as last measured, the state of each unit (0 stays, 1 leaves, 2 is gone) and all weights, after each of the numbers of
steps that are asked for.
"""
import json
import math
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F


def residual(x, w):
    def normalized(y, n):
        return F.batch_norm(y, w[f"m{n}"], w[f"v{n}"], w[f"g{n}"], w[f"s{n}"], training=True, momentum=0.1)

    first = F.silu(normalized(F.conv2d(x, w["w1"], padding=1), 1))
    second = F.silu(normalized(F.conv2d(first, w["w2"], padding=1), 2) + first)
    third = F.silu(F.conv2d(second, w["w3"], w["b3"], stride=2))
    return F.linear(third.mean(dim=(2, 3)), w["w4"], w["b4"])


def perceptron(x, w):
    first = F.silu(x @ w["w1"] + w["b1"])
    second = F.silu(F.linear(first, w["w2"], w["b2"]))
    return second @ w["w3"]


NETWORKS = {"residual": residual, "perceptron": perceptron}


class Base:
    """Directions of SGD, Adam and AdamW."""

    def __init__(self, settings):
        self.settings = settings
        self.state = {}
        self.count = 0

    def directions(self, weights, gradients):
        self.count += 1
        return {name: self.direction(name, weights[name], gradients[name]) for name in gradients}

    def direction(self, name, weight, gradient):
        kind, decay = self.settings["base"], self.settings.get("weight_decay", 0.0)
        if kind != "adamw":
            gradient = gradient + decay * weight
        if kind == "sgd":
            momentum = self.settings.get("momentum", 0.0)
            if momentum:
                speed = gradient if name not in self.state else momentum * self.state[name] + gradient
                self.state[name] = speed
                return speed
            return gradient
        mean, square = self.state.get(name, (torch.zeros_like(weight), torch.zeros_like(weight)))
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient * gradient
        self.state[name] = (mean, square)
        corrected = mean / (1 - 0.9**self.count)
        return corrected / ((square / (1 - 0.999**self.count)).sqrt() + 1e-8)

    def shrinkage(self):
        rate = self.settings["rate"] * self.settings.get("weight_decay", 0.0)
        return 1 - rate if self.settings["base"] == "adamw" else 1.0


def units(tensor, axis, count):
    """A view with an entry for each unit, which is a row along the axis, or as many neighbours as make up one."""
    return tensor.movedim(axis, 0).unflatten(0, (count, -1))


class Hesso:
    def __init__(self, settings):
        self.settings = settings
        self.groups = settings["groups"]
        self.count = sum(group["size"] for group in self.groups)
        self.state = torch.zeros(self.count, dtype=torch.long)
        self.terms = None

    def spans(self):
        start = 0
        for group in self.groups:
            yield group, slice(start, start + group["size"])
            start += group["size"]

    def measure(self, weights, directions):
        squares, along, products, sizes = (torch.zeros(self.count, dtype=torch.float64) for _ in range(4))
        for group, span in self.spans():
            for name, axis in group["members"]:
                x, d = (units(side[name], axis, group["size"]).flatten(1).double() for side in (weights, directions))
                squares[span] += (x * x).sum(1)
                along[span] += (d * d).sum(1)
                products[span] += (x * d).sum(1)
                sizes[span] += x.shape[1]
        norms = squares.sqrt()
        scale = norms * along.sqrt()
        cosine = torch.where(scale > 0, products / scale, torch.zeros_like(scale)) + 1
        self.terms = torch.stack([norms, norms / sizes, cosine, products.abs(), 0.5 * products**2])
        return sum(0.2 * term / term.norm() for term in self.terms)

    def least(self, group):
        """How many units of a group stay in any case."""
        return max(1, math.ceil(group["size"] * self.settings.get("keep_share", 0.0) - 1e-9))

    def choose(self, saliency, period):
        total = math.floor(self.count * min(self.settings["sparsity"], 0.999))
        left = {id(group): group["size"] - self.least(group) - int((self.state[span] == 2).sum())
                for group, span in self.spans()}
        owner = [id(group) for group, span in self.spans() for _ in range(group["size"])]
        wanted = (period + 1) * total // self.settings["periods"] - int((self.state == 2).sum())
        for unit in sorted(range(self.count), key=lambda unit: (float(saliency[unit]), unit)):
            if wanted > 0 and self.state[unit] == 0 and left[owner[unit]] > 0:
                self.state[unit] = 1
                left[owner[unit]] -= 1
                wanted -= 1

    def scale(self, weights, state, factor):
        for group, span in self.spans():
            chosen = (self.state[span] == state).nonzero().flatten()
            if len(chosen) == 0:
                continue
            for name, axis in group["members"] + group["followers"]:
                view = units(weights[name], axis, group["size"])
                view[chosen] = view[chosen] * factor if factor else 0.0

    def after(self, step, weights):
        start, periods, steps = (self.settings[key] for key in ("start", "periods", "steps"))
        if start <= step < start + periods * steps:
            place = (step - start) % steps
            self.scale(weights, 1, (steps - place - 1) / (steps - place))
            if place == steps - 1:
                self.state[self.state == 1] = 2
        self.scale(weights, 2, 0.0)

    def begins(self, step):
        start, periods, steps = (self.settings[key] for key in ("start", "periods", "steps"))
        return start <= step < start + periods * steps and (step - start) % steps == 0


def main():
    model, data, settings, output = sys.argv[1:]
    with open(settings) as file:
        settings = json.load(file)
    weights = {
        tensor.name: torch.tensor(onnx.numpy_helper.to_array(tensor)) for tensor in onnx.load(model).graph.initializer
    }
    arrays = np.load(data)
    x, labels = torch.tensor(arrays["x"]), torch.tensor(arrays["label"])
    network = NETWORKS[settings["network"]]
    trained = [name for name in weights if name[0] not in "mv"]
    base, hesso, found = Base(settings), Hesso(settings), {}
    for step in range(settings["total"]):
        leaves = {name: weights[name].clone().requires_grad_(name in trained) for name in weights}
        statistics = {name: weights[name] for name in weights if name not in trained}
        F.cross_entropy(network(x, {**leaves, **statistics}), labels).backward()
        directions = base.directions(weights, {name: leaves[name].grad for name in trained})
        if hesso.begins(step):
            hesso.choose(hesso.measure(weights, directions), (step - settings["start"]) // settings["steps"])
        for name in trained:
            weights[name] = weights[name] * base.shrinkage() - settings["rate"] * directions[name]
        hesso.after(step, weights)
        if step + 1 in settings["shown"]:
            found[f"terms{step + 1}"] = hesso.terms.numpy()
            found[f"units{step + 1}"] = hesso.state.numpy().copy()
            found.update({f"{name}@{step + 1}": weights[name].numpy().copy() for name in weights})
    np.savez(output, **found)


if __name__ == "__main__":
    main()
