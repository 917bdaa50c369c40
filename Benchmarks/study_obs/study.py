#!/usr/bin/env python3
"""Writes Docs/StudyOBS.md: what pruning with repair leaves of trained networks, measured on their test data.

    study.py [--coppice PATH] [--seeds N] [--only order,budgets,...] [--torch PYTHON] [--fresh] [-o FILE]

Single results are kept in .cache/study-obs under what they depend on: a study that was stopped goes on where it was,
and --fresh finds all anew. With --only the other tables are left out of the report.
"""
import argparse
import pathlib
import sys

import networks
from pruning import Coppice, Failed
from results import Results

TABLES = ["order", "budgets", "quarter", "data_free", "controls", "peer", "cost"]


def sections(coppice, arguments):
    """The report's sections as they are finished."""
    # Modules of tables that are not asked for need not be there.
    seeds = list(range(arguments.seeds))
    for name in arguments.only:
        print(f"{name}:", file=sys.stderr, flush=True)
        module = __import__(name)
        if name == "cost":
            yield module.section(coppice)
        elif name == "peer":
            yield module.table(coppice, seeds, arguments.torch).markdown()
        else:
            yield module.table(coppice, seeds).markdown()


def introduction(coppice, arguments):
    seeds = ", ".join(map(str, range(arguments.seeds)))
    sizes = []
    for name in networks.NAMES:
        images, _ = networks.arrays(networks.test_path(name))
        sizes.append(f"{name} {len(images):,}")
    return f"""# What pruning with repair leaves

Written by `make study-obs`; do not edit.

The networks are those of [Models](../Models/README.md), as trained there; nothing is trained after pruning. Criteria
and repairs look at {networks.SAMPLES} training images without labels (obspa and ziplm score by an eighth of them), drawn without
putting back by NumPy's `default_rng(seed)` for the seeds {seeds}. Figures are top-1 accuracies in percent on the whole
test data
({', '.join(sizes)} images): the mean over the seeds ± half of
the distance between the largest and the smallest. *slice only* is `--repair none`; *par* and *seq* are those of
`--repair`, see [Selecting.md](Selecting.md). Measured with coppice {coppice.version} and {coppice.threads} threads.

"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--coppice", default=str(networks.ROOT / ".build/release/coppice"))
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--only", default=",".join(TABLES), help="tables by name, with commas between")
    parser.add_argument("--torch", default=str(networks.ROOT / ".venv-torch/bin/python"), help="a Python with PyTorch")
    parser.add_argument("--fresh", action="store_true", help="find all results anew")
    parser.add_argument("-o", "--output", default=str(networks.ROOT / "Docs" / "StudyOBS.md"))
    arguments = parser.parse_args()
    wanted = arguments.only.replace("-", "_").split(",")
    for name in wanted:
        if name not in TABLES:
            raise SystemExit(f"error: there is no table {name}; there are {', '.join(TABLES)}")
    if arguments.seeds < 1:
        raise SystemExit("error: a study needs a seed at least")
    arguments.only = [name for name in TABLES if name in wanted]
    try:
        coppice = Coppice(arguments.coppice, Results(networks.CACHE, arguments.fresh))
        text = introduction(coppice, arguments) + "\n".join(sections(coppice, arguments))
    except (networks.make.Missing, Failed, OSError, RuntimeError) as problem:
        raise SystemExit(f"error: {problem}")
    pathlib.Path(arguments.output).write_text(text)
    print(f"wrote {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
