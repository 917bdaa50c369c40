"""Torch-Pruning on one network and one seed; prints the variants' results as JSON.

    python -m study_obs.torch_peer NETWORK SHARE SEED

Run in an environment with PyTorch. All variants look at the same samples as coppice, and at their labels besides; batch
normalizations are recalibrated on them afterwards.
"""
import argparse
import copy
import itertools
import json
import sys
import warnings

import torch
import torch_pruning as tp
from torch import nn

from study import networks
from study import torch_models

IMPORTANCES = {"Taylor": tp.importance.GroupTaylorImportance, "Hessian": tp.importance.GroupHessianImportance}
LARGEST_RATIO = 0.9  # of a group, as coppice keeps a tenth where groups are ranked together
BISECTIONS = 10
PIECE = 500  # images evaluated at a time


def attentions(model):
    return [module for module in model.modules() if isinstance(module, torch_models.Attention)]


def measured(kind, model, images, labels):
    """What the importance reads, by parameter, measured once for all ratios.

    Gradients of the mean loss, or roots of the mean squares of those of single samples: `accumulate_grad` squares
    what it is given, and of several calls only the last one counts in 1.6.1.
    """
    parameters = list(model.parameters())
    if kind == "Taylor":
        return torch.autograd.grad(nn.functional.cross_entropy(model(images), labels), parameters)
    squares = [torch.zeros_like(parameter) for parameter in parameters]
    for image, label in zip(images.split(1), labels.split(1)):
        loss = nn.functional.cross_entropy(model(image), label)
        for total, gradient in zip(squares, torch.autograd.grad(loss, parameters)):
            total += gradient ** 2 / len(labels)
    return [total.sqrt() for total in squares]


def pruned(model, gradients, kind, is_global, by_heads, ratio, images):
    """A copy of the model, pruned by a ratio."""
    model = copy.deepcopy(model)
    importance = IMPORTANCES[kind]()
    heads = {part: module.heads for module in attentions(model) for part in (module.q, module.k, module.v)}
    unwrapped = [(model.position, 2)] if heads else None
    pruner = tp.pruner.BasePruner(
        model, images[:1], importance=importance, global_pruning=is_global, pruning_ratio=ratio,
        max_pruning_ratio=LARGEST_RATIO, ignored_layers=[torch_models.classifier(model)], num_heads=heads,
        prune_num_heads=by_heads, prune_head_dims=not by_heads, head_pruning_ratio=ratio if by_heads else 0.0,
        unwrapped_parameters=unwrapped)
    for parameter, gradient in zip(model.parameters(), gradients):
        parameter.grad = gradient.clone()
    if kind == "Hessian":
        importance.accumulate_grad(model)
    pruner.step()
    for module in attentions(model):
        module.heads = pruner.num_heads[module.q]
    return model


def operations(model, images):
    return tp.utils.count_ops_and_params(model, images[:1])[0]


def to_share(model, share, images, **variant):
    """(model, share of operations) with the smallest ratio found that leaves at most the share."""
    whole, low, high, best = operations(model, images), 0.0, 1.0, None
    for _ in range(BISECTIONS):
        ratio = (low + high) / 2
        candidate = pruned(model, ratio=ratio, images=images, **variant)
        left = operations(candidate, images) / whole
        if left <= share:
            best, high = (candidate, left), ratio
        else:
            low = ratio
    return best


@torch.no_grad()
def recalibrated(model, images):
    """Statistics of batch normalizations anew, as those of all samples at once."""
    for norm in [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    model(images)
    return model.eval()


@torch.no_grad()
def accuracy(model, images, labels):
    right = sum(int((model(x).argmax(1) == y).sum()) for x, y in zip(images.split(PIECE), labels.split(PIECE)))
    return 100 * right / len(labels)


def variants(model):
    for kind, is_global in itertools.product(IMPORTANCES, (True, False)):
        for by_heads in (False, True) if attentions(model) else (False,):
            words = [kind, "global" if is_global else "local"]
            if attentions(model):
                words.append("heads" if by_heads else "head widths")
            yield " ".join(words), {"kind": kind, "is_global": is_global, "by_heads": by_heads}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("network", choices=networks.NAMES)
    parser.add_argument("share", type=float)
    parser.add_argument("seed", type=int)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)  # networks this small gain nothing by more
    samples, labels = networks.drawn(arguments.network, arguments.seed)
    model = torch_models.checked(arguments.network, networks.model_path(arguments.network), samples)
    images, labels = torch.from_numpy(samples), torch.from_numpy(labels)
    test = [torch.from_numpy(part) for part in networks.arrays(networks.test_path(arguments.network))]
    results = {"dense": {"accuracy": accuracy(model, *test), "share": 1.0}}
    gradients = {kind: measured(kind, model, images, labels) for kind in IMPORTANCES}
    for words, variant in variants(model):
        found = to_share(model, arguments.share, images, gradients=gradients[variant["kind"]], **variant)
        if found is None:
            print(f"  {words}: the budget cannot be reached", file=sys.stderr)
            continue
        candidate, share = found
        results[words] = {"accuracy": accuracy(recalibrated(candidate, images), *test), "share": share,
                          "parameters": sum(parameter.numel() for parameter in candidate.parameters())}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
