#!/usr/bin/env python3
"""Writes Docs/StudyHESSO.md: what training channels away leaves of networks, measured on their test data.

    study.py [--coppice PATH] [--seeds N] [--networks A,B] [--fresh] [-o FILE]

Single results are kept in .cache/study-hesso under what they depend on: a study that was stopped goes on where it was,
and --fresh finds all anew.
"""
import argparse
import pathlib
import sys

import training
from training import networks  # noqa: E402
from pruning import Failed, over_seeds  # noqa: E402
from results import Results  # noqa: E402
from tables import Table  # noqa: E402

SPARSITIES = [0.5, 0.7]
STARTS = {"scratch": "From scratch", "trained": "From the trained network"}


def table(coppice, start, names, seeds):
    counts = ", ".join(f"{name} {training.steps(name):,}" for name in names)
    result = Table(STARTS[start], f"Steps: {counts}.", names)
    result.add("dense", {name: over_seeds(seeds, lambda seed: coppice.trained_dense(name, start, seed))
                         for name in names})
    for sparsity in SPARSITIES:
        percent = f"{100 * sparsity:.0f} %"
        result.add(f"hesso, {percent}", {
            name: over_seeds(seeds, lambda seed: coppice.hesso(name, start, seed, sparsity)) for name in names})
        result.add(f"magnitude, {percent}", {
            name: over_seeds(seeds, lambda seed: coppice.magnitude(name, start, seed, sparsity)) for name in names})
        result.notes.append(result.holds(f"hesso, {percent}", f"magnitude, {percent}"))
    return result


def introduction(coppice, arguments):
    seeds = ", ".join(map(str, range(arguments.seeds)))
    return f"""# What training channels away leaves

Written by `make study-hesso`; do not edit.

The networks are those of [Models](../Models/README.md), trained by their recipes for fewer epochs; from trained networks
with {training.RATE_OF_TRAINED} of the learning rate. *hesso* is `coppice train --optimizer hesso --sparsity S`.
*magnitude* removes the same share of all channels by their norms (`prune --ratio S --scope global --criterion l2`): from
scratch after half of the steps, else before the first, and trains for the rest. Figures are top-1 accuracies in percent
on the whole test data: the mean over the seeds {seeds} ± half of the distance between the largest and the smallest.
Measured with coppice {coppice.version} and {coppice.threads} threads.

"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--coppice", default=str(networks.ROOT / ".build/release/coppice"))
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--networks", default=",".join(networks.NAMES), help="by name, with commas between")
    parser.add_argument("--fresh", action="store_true", help="find all results anew")
    parser.add_argument("-o", "--output", default=str(networks.ROOT / "Docs" / "StudyHESSO.md"))
    arguments = parser.parse_args()
    names = [name for name in networks.NAMES if name in arguments.networks.split(",")]
    try:
        coppice = training.Coppice(arguments.coppice, Results(training.CACHE, arguments.fresh))
        sections = [table(coppice, start, names, list(range(arguments.seeds))).markdown() for start in STARTS]
        text = introduction(coppice, arguments) + "\n".join(sections)
    except (networks.make.Missing, Failed, OSError, RuntimeError) as problem:
        raise SystemExit(f"error: {problem}")
    pathlib.Path(arguments.output).write_text(text)
    print(f"wrote {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
