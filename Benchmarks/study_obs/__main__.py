"""Writes Docs/StudyOBS.md: what pruning with repair leaves of trained networks, measured on their test data.

    python -m study_obs [--coppice PATH] [--seeds N] [--only order,budgets,...] [--torch PYTHON] [--fresh] [-o FILE]

Single results are kept in .cache/study under what they depend on: a study that was stopped goes on where it was,
and --fresh finds all anew. With --only the other tables are left out of the report.
"""
import importlib

from study import networks, report
from study_obs.pruning import Coppice

TABLES = ["order", "budgets", "quarter", "data_free", "controls", "peer", "cost"]


def section(name, coppice, seeds, torch):
    # Modules of tables that are not asked for need not be there.
    module = importlib.import_module(f"study_obs.{name}")
    if name == "cost":
        return module.section(coppice)
    return module.table(coppice, seeds, *([torch] if name == "peer" else [])).markdown()


def introduction(coppice, seeds):
    sizes = []
    for name in networks.NAMES:
        images, _ = networks.arrays(networks.test_path(name))
        sizes.append(f"{name} {len(images):,}")
    return f"""# What pruning with repair leaves

Written by `make study-obs`; do not edit.

The networks are those of [Models](../Models/README.md), as trained there; nothing is trained after pruning. Criteria
and repairs look at {networks.SAMPLES} training images without labels, drawn without putting back by NumPy's `default_rng(seed)` for the seeds {", ".join(map(str, seeds))}. Figures are top-1 accuracies in percent on the whole
test data
({', '.join(sizes)} images): the mean over the seeds ± half of
the distance between the largest and the smallest. *slice only* is `--repair none`; *par* and *seq* are those of
`--repair`, see [Selecting.md](Selecting.md). Measured with coppice {coppice.version} and {coppice.threads} threads.
"""


if __name__ == "__main__":
    report.write(__doc__, TABLES, "StudyOBS.md", Coppice, introduction, section)
