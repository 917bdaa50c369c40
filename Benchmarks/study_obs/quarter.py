"""What limits pruning to a quarter of the MACs: the samples, the choice in one go, or the width itself."""
from study import networks
from study.tables import Table
from study.tool import over_seeds
from study_obs import narrow
from study_obs.pruning import CRITERIA, NAMES

BUDGET, SHARE = "25%", 0.25
SAMPLES, ROUNDS = 2048, 4
PRUNED = f"{NAMES['ziplm']}, seq"
MORE, ROUNDED = f"{PRUNED}, {SAMPLES} samples", f"{PRUNED}, {ROUNDS} rounds"
REFINED = f"{PRUNED}, refined before"
NARROW = "narrower, trained by the dense network's recipe"


def table(coppice, seeds):
    result = Table("What limits a quarter", f"{BUDGET[:-1]} % of the MACs.", networks.NAMES)
    result.add("dense", {name: [coppice.dense(name)] for name in networks.NAMES})
    for label, more in ((PRUNED, {}), (MORE, {"samples": SAMPLES}), (ROUNDED, {"rounds": ROUNDS})):
        options = {"macs": BUDGET, **CRITERIA["ziplm"], "repair": "seq", **more}
        result.add(label, {name: over_seeds(seeds, lambda seed: coppice.pruned(name, options, seed))
                           for name in networks.NAMES})
    options = {"macs": BUDGET, **CRITERIA["ziplm"], "repair": "none"}
    result.add(REFINED, {name: over_seeds(
        seeds, lambda seed: coppice.pruned(name, options, seed, then=("refine", "reconstruct")))
        for name in networks.NAMES})
    result.add(NARROW, {name: over_seeds(seeds[:1], lambda seed: narrow.trained(coppice, name, SHARE, seed))
                        for name in networks.NAMES}, " ¹")
    result.notes.append("¹ One seed only, because of the time it takes.")
    for label, what in ((MORE, f"{SAMPLES} samples for {networks.SAMPLES}"), (ROUNDED, f"{ROUNDS} rounds for one"),
                        (REFINED, "swaps before the repair")):
        gains = ", ".join(f"{name} {result.mean(label, name) - result.mean(PRUNED, name):+.2f}"
                          for name in networks.NAMES if result.mean(label, name) is not None)
        result.notes.append(f"Points that {what} bring: {gains}.")
    for name in networks.NAMES:
        result.notes.append(limit(result, name))
    result.notes.append(result.shares())
    return result


def limit(result, name):
    """What the rows say of where a network's points are lost."""
    dense, narrow_one = result.mean("dense", name), result.mean(NARROW, name)
    best = max((PRUNED, MORE, ROUNDED, REFINED), key=lambda label: result.mean(label, name) or 0)
    if narrow_one is None or result.mean(best, name) is None:
        return f"{name}: nothing is known of what limits it."
    lost, width = dense - result.mean(best, name), dense - narrow_one
    return (f"{name}: the best of these, {best}, loses {lost:.2f} points. So narrow a network loses {width:.2f} when it is "
            f"trained by the whole recipe: {lost - width:.2f} are lost because layers are fitted one by one to what they "
            "made, and nothing is trained.")
