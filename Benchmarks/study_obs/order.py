"""What each repair, from none to one layer after the other, leaves of networks cut by the same masks."""
from study import networks
from study.tables import Table
from study.tool import over_seeds
from study_obs.pruning import CRITERIA, NAMES

BUDGET = "50%"
REPAIRS = {"slice only": "none", "batch norm recalibrated": None, "par": "par", "seq": "seq"}


def label(criterion, repair):
    return f"{NAMES[criterion]}, {repair}"


def cell(coppice, name, criterion, repair, seeds):
    options = {"macs": BUDGET, **CRITERIA[criterion]}
    if REPAIRS[repair] is None:
        # Without batch normalization there is nothing to recalibrate: the same as slicing.
        then = ("recalibrate",) if name in networks.CONVOLUTIONAL else ()
        options["repair"] = "none"
        return over_seeds(seeds, lambda seed: coppice.pruned(name, options, seed, then=then))
    options["repair"] = REPAIRS[repair]
    return over_seeds(seeds, lambda seed: coppice.pruned(name, options, seed))


def table(coppice, seeds):
    result = Table(
        "Order of repairs", f"{BUDGET[:-1]} % of the MACs, the same mask for all repairs of a criterion.",
        networks.NAMES)
    result.add("dense", {name: [coppice.dense(name)] for name in networks.NAMES})
    for criterion in ("l1", "obspa", "ziplm"):
        for repair in REPAIRS:
            mark = " ¹" if REPAIRS[repair] is None else ""
            result.add(label(criterion, repair),
                       {name: cell(coppice, name, criterion, repair, seeds) for name in networks.NAMES}, mark)
    result.notes.append("¹ digits_transformer has no batch normalization: the same as slicing only.")
    result.notes.append(result.best())
    for criterion in ("l1", "obspa", "ziplm"):
        result.notes.append(result.chain([label(criterion, repair) for repair in REPAIRS]))
    result.notes.append(result.shares())
    return result
