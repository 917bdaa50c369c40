"""What limits pruning to a quarter of the MACs: the samples, the choice in one go, or the width itself."""
import narrow
import networks
from pruning import CRITERIA, NAMES, over_seeds
from tables import Table

BUDGET, SHARE = "25%", 0.25
SAMPLES, ROUNDS = 2048, 4
PRUNED = f"{NAMES['ziplm']}, seq"
MORE, ROUNDED = f"{PRUNED}, {SAMPLES} samples", f"{PRUNED}, {ROUNDS} rounds"
NARROW = "narrower, trained by the dense network's recipe"


def table(coppice, seeds):
    result = Table("What limits a quarter", f"{BUDGET[:-1]} % of the MACs.", networks.NAMES)
    result.add("dense", {name: [coppice.dense(name)] for name in networks.NAMES})
    for label, more in ((PRUNED, {}), (MORE, {"samples": SAMPLES}), (ROUNDED, {"rounds": ROUNDS})):
        options = {"macs": BUDGET, **CRITERIA["ziplm"], "repair": "seq", **more}
        result.add(label, {name: over_seeds(seeds, lambda seed: coppice.pruned(name, options, seed))
                           for name in networks.NAMES})
    result.add(NARROW, {name: over_seeds(seeds[:1], lambda seed: narrow.trained(coppice, name, SHARE, seed))
                        for name in networks.NAMES}, " ¹")
    result.notes.append("¹ One seed only, because of the time it takes.")
    for label, what in ((MORE, f"{SAMPLES} samples for {networks.SAMPLES}"), (ROUNDED, f"{ROUNDS} rounds for one")):
        gains = ", ".join(f"{name} {result.mean(label, name) - result.mean(PRUNED, name):+.2f}"
                          for name in networks.NAMES if result.mean(label, name) is not None)
        result.notes.append(f"Points that {what} bring: {gains}.")
    parts = [f"{name} {result.mean('dense', name) - result.mean(NARROW, name):.2f} of "
             f"{result.mean('dense', name) - result.mean(PRUNED, name):.2f}"
             for name in networks.NAMES if result.mean(NARROW, name) is not None]
    result.notes.append("Points that so narrow a network lacks when it is trained itself, of those that pruning loses: "
                        f"{', '.join(parts)}.")
    result.notes.append(result.shares())
    return result
