"""What is left of accuracy at each sparsity, against the dense network and magnitude with fine-tuning."""
from study.tables import Table
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
    """Points below the dense network, and whether they are few enough."""
    losses = {column: result.mean(result.dense(), column) - result.mean(label, column) for column in result.columns
              if result.mean(label, column) is not None}
    told = ", ".join(f"{column} {loss:.2f}" for column, loss in losses.items())
    over = [column for column, loss in losses.items() if loss > most]
    verdict = f"more than {most:g} on {' and '.join(over)}" if over else f"at most {most:g} everywhere"
    return f"Points *{label}* loses: {told}; {verdict}."


def sizes(result, sparsity):
    """What is left of multiply-accumulates by both methods."""
    parts = []
    for column in result.columns:
        whole = result.rows[result.dense()][column][0]["macs"]
        shares = []
        for method in ("hesso", "magnitude"):
            found = [cell["macs"] for cell in result.rows[label(method, sparsity)][column] if cell]
            shares.append(f"{100 * sum(found) / len(found) / whole:.0f} %" if found else "–")
        parts.append(f"{column} {' and '.join(shares)}")
    return f"MACs that are left at {100 * sparsity:.0f} % by hesso and by magnitude: {', '.join(parts)}."
