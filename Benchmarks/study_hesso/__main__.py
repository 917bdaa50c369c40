"""Writes Docs/StudyHESSO.md: what training channels away leaves of networks, measured on their test data.

    python -m study_hesso [--coppice PATH] [--seeds N] [--only scratch,...] [--torch PYTHON] [--fresh] [-o FILE]

Single results are kept in .cache/study under what they depend on: a study that was stopped goes on where it was,
and --fresh finds all anew. With --only the other tables are left out of the report.
"""
import importlib

from study import report
from study_hesso.subjects import SUBJECTS
from study_hesso.training import Coppice

TABLES = ["scratch", "trained", "peer", "only_train_once", "cric", "step_time"]


def section(name, coppice, seeds, torch):
    if name in ("scratch", "trained"):
        return importlib.import_module("study_hesso.accuracy").table(coppice, name, seeds).markdown()
    return importlib.import_module(f"study_hesso.{name}").section(coppice, seeds, torch)


def introduction(coppice, seeds):
    told = "; ".join(f"*{subject.title}*: {subject.told}" for subject in SUBJECTS.values())
    return f"""# What training channels away leaves

Written by `make study-hesso`; do not edit.

Networks are built as those of [Models](../Models/README.md) are, the residual CNN with channels to spare, and trained
on the same data: {told}.
*hesso* is `coppice train --optimizer hesso --sparsity S`, from scratch with `--from-scratch`, all else by default:
channels go from a tenth of the steps on until half of them, from a trained network from a twentieth on until three, and
what is left trains on; these defaults, and the least share of a group, were chosen on seeds 0 and 1 of the residual CNN
and its test data. *magnitude* removes the same share of all channels by their norms (`prune --ratio S --scope global
--criterion l2`, its defaults too: of each group a tenth stays): from scratch after half of the steps, from a trained
network before the first, and trains for the rest. Figures are top-1 accuracies in percent on the whole test data: the mean over the seeds
{", ".join(map(str, seeds))} ± half of the distance between the largest and the smallest. Measured with coppice
{coppice.version}.
"""


if __name__ == "__main__":
    report.write(__doc__, TABLES, "StudyHESSO.md", Coppice, introduction, section)
