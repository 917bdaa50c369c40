"""How much of the networks is left by budget."""
from study import networks
from study.tables import Table
from study.tool import over_seeds
from study_obs.pruning import CRITERIA, NAMES

BUDGETS = ["70%", "50%", "25%"]


def label(criterion, budget):
    return f"{NAMES[criterion]}, seq, {budget.replace('%', ' %')}"


def cell(coppice, name, criterion, budget, seeds):
    options = {"macs": budget, **CRITERIA[criterion], "repair": "seq"}
    return over_seeds(seeds, lambda seed: coppice.pruned(name, options, seed))


def table(coppice, seeds):
    result = Table("Budgets", "Shares of the MACs, with the repair of one layer after the other.", networks.NAMES)
    result.add("dense", {name: [coppice.dense(name)] for name in networks.NAMES})
    for budget in BUDGETS:
        for criterion in ("obspa", "ziplm"):
            result.add(label(criterion, budget),
                       {name: cell(coppice, name, criterion, budget, seeds) for name in networks.NAMES})
    for budget in BUDGETS:
        labels = [label(criterion, budget) for criterion in ("obspa", "ziplm")]
        result.notes.append(result.best(labels, f"Best at {budget.replace('%', ' %')} of the MACs"))
    for budget in BUDGETS:
        result.notes.append(result.holds(label("ziplm", budget), label("obspa", budget)))
    result.notes.append(result.shares())
    return result
