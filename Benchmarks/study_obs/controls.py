"""What the criterion, the allocation over layers and the trained weights each are worth."""
from study import networks
from study.tables import Table, values
from study.tool import over_seeds
from study_obs import budgets, narrow
from study_obs.pruning import CRITERIA, NAMES

BUDGET, SHARE = "50%", 0.5
SHORT, WHOLE = "narrower, trained as long as ziplm pruned", "narrower, trained by the dense network's recipe"


def longest_pruning(coppice, name, seeds):
    """Seconds that the slower of the criteria took on average."""
    seconds = values(budgets.cell(coppice, name, "ziplm", BUDGET, seeds), "seconds")
    return sum(seconds) / len(seconds)


def table(coppice, seeds):
    result = Table("Controls", f"{BUDGET[:-1]} % of the MACs.", networks.NAMES)
    result.add("dense", {name: [coppice.dense(name)] for name in networks.NAMES})

    def row(label, options, mark=None):
        options = {"macs": BUDGET, **options, "repair": "seq"}
        result.add(label, {name: over_seeds(seeds, lambda seed: coppice.pruned(name, options, seed))
                           for name in networks.NAMES}, mark)

    for criterion in ("ziplm", "obspa", "l1", "random"):
        row(f"{NAMES[criterion]}, seq", CRITERIA[criterion])
    for criterion in ("obspa", "ziplm"):
        row(f"{criterion}, seq, the same share of every group", {"criterion": criterion, "scope": "group"})
    result.add(SHORT, {
        name: over_seeds(seeds, lambda seed: narrow.trained(
            coppice, name, SHARE, seed, longest_pruning(coppice, name, seeds))) for name in networks.NAMES})
    result.add(WHOLE, {name: over_seeds(seeds[:1], lambda seed: narrow.trained(coppice, name, SHARE, seed))
                       for name in networks.NAMES}, " ¹")
    result.notes.append("¹ One seed only, because of the time it takes.")
    result.notes.append(widths(result))
    pruned = [label for label in result.rows if label not in (SHORT, WHOLE)]
    result.notes.append(result.best(pruned, "Best of what is pruned"))
    for criterion in ("ziplm", "obspa", "l1"):
        result.notes.append(result.holds(f"{NAMES[criterion]}, seq", "random, seq"))
    result.notes.append(result.holds(f"{NAMES['ziplm']}, seq", f"{NAMES['l1']}, seq"))
    result.notes.append(result.holds("obspa, seq", "obspa, seq, the same share of every group"))
    result.notes.append(result.holds(f"{NAMES['ziplm']}, seq", "ziplm, seq, the same share of every group"))
    result.notes.append(result.holds(f"{NAMES['ziplm']}, seq", SHORT))
    result.notes.append(result.holds(WHOLE, f"{NAMES['ziplm']}, seq"))
    result.notes.append(result.shares())
    return result


def widths(result):
    """How narrow networks are, and how long they were trained."""
    parts = []
    for name in result.columns:
        short, whole = (values(result.rows[label][name], "seconds") for label in (SHORT, WHOLE))
        if short and whole:
            width = values(result.rows[SHORT][name], "width")[0]
            times = f"{sum(short) / len(short):.1f} and {whole[0]:.0f} s"
            parts.append(f"{name} has a width of {width}, trained for {times}")
    return f"Narrower networks: {'; '.join(parts)}." if parts else ""
