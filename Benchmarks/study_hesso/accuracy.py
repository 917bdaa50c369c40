"""What is left of accuracy at each sparsity, against the dense network and magnitude with fine-tuning."""
import statistics

from study.tables import Table, joined, values
from study.tool import over_seeds
from study_hesso.subjects import SUBJECTS
from study_hesso.training import SPARSITIES

TITLES = {"scratch": "From scratch", "trained": "From a trained network"}
SETTINGS = {
    "scratch": "All train for the same number of steps.",
    "trained": "The dense runs of above go on, for as many steps again, with a lower learning rate than they began with.",
}
MOST_LOST = {0.5: 1.0, 0.7: 2.0}


def label(method, sparsity):
    return f"{method}, {100 * sparsity:.0f} %"


def table(coppice, start, seeds):
    coppice.prepare(start, seeds)
    result = Table(TITLES[start], SETTINGS[start], list(SUBJECTS))

    def row(name, run, *arguments):
        result.add(name, {title: over_seeds(seeds, lambda seed: run(subject, start, seed, *arguments))
                          for title, subject in SUBJECTS.items()})

    row("dense", coppice.dense_run)
    for sparsity in SPARSITIES:
        row(label("hesso", sparsity), coppice.hesso, sparsity)
        row(label("magnitude", sparsity), coppice.magnitude, sparsity)
    for sparsity in SPARSITIES:
        result.notes.append(lost(result, label("hesso", sparsity), MOST_LOST[sparsity]))
    for sparsity in SPARSITIES:
        result.notes.append(result.holds(label("hesso", sparsity), label("magnitude", sparsity)))
    for sparsity in SPARSITIES:
        result.notes.append(sizes(result, sparsity))
    return result


def lost(result, label, most):
    """Points below the dense network over the seeds both have, and whether they are few enough."""
    losses = {}
    for column in result.columns:
        pairs = [(dense["accuracy"], found["accuracy"])
                 for dense, found in zip(result.rows[result.dense()][column], result.rows[label][column])
                 if dense and found]
        losses[column] = sum(dense - found for dense, found in pairs) / len(pairs) if pairs else None
    told = ", ".join(f"{column} {'–' if loss is None else f'{loss:.2f}'}" for column, loss in losses.items())
    over = [column for column, loss in losses.items() if loss is None or loss > most]
    verdict = f"not at most {most:g} on {joined(over)}" if over else f"at most {most:g} everywhere"
    return f"Points *{label}* loses: {told}; {verdict}."


def sizes(result, sparsity):
    """What is left of multiply-accumulates by both methods."""
    parts = []
    for column in result.columns:
        whole = values(result.rows[result.dense()][column], "macs")
        shares = []
        for method in ("hesso", "magnitude"):
            found = values(result.rows[label(method, sparsity)][column], "macs")
            shares.append(f"{100 * statistics.fmean(found) / whole[0]:.0f} %" if found and whole else "–")
        parts.append(f"{column} {' and '.join(shares)}")
    return f"MACs that are left at {100 * sparsity:.0f} % by hesso and by magnitude: {', '.join(parts)}."
