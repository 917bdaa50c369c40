"""What is lost where samples are generated instead of taken from the data, with and without batch normalization."""
from study import networks
from study.tables import Table
from study.tool import over_seeds
from study_obs import folding
from study_obs.pruning import CRITERIA, NAMES

BUDGET = "70%"


def files():
    """{column: (network, its file)}"""
    kept = {name: (name, networks.model_path(name)) for name in networks.NAMES}
    return kept | {f"{name}, folded": (name, folding.folded_path(name)) for name in networks.CONVOLUTIONAL}


def table(coppice, seeds):
    columns = files()
    result = Table(
        "Data-free",
        f"{BUDGET[:-1]} % of the MACs. Generated samples with their defaults against samples of the training data "
        "with theirs. *folded*: batch normalizations are folded into the convolutions before. *not fitted*: "
        "--fit-steps 0.",
        list(columns))
    result.add("dense", {column: [coppice.dense(name, path)] for column, (name, path) in columns.items()})

    def row(criterion, calibration, **more):
        options = {"macs": BUDGET, **CRITERIA[criterion], **more}
        return {column: over_seeds(seeds, lambda seed: coppice.pruned(name, options, seed, calibration, model=path))
                for column, (name, path) in columns.items()}

    for criterion in ("obspa", "ziplm"):
        calibrated, noise = f"{NAMES[criterion]}, calibrated", f"{NAMES[criterion]}, noise"
        result.add(calibrated, row(criterion, None))
        result.add(noise, row(criterion, "noise"))
        result.add(f"{noise}, not fitted", row(criterion, "noise", **{"fit-steps": 0}))
        losses = [(column, result.mean(calibrated, column), result.mean(noise, column)) for column in columns]
        told = [f"{column} {a - b:.2f}" for column, a, b in losses if a is not None and b is not None]
        result.notes.append(f"Points that {NAMES[criterion]} loses without data: {', '.join(told)}.")
        result.notes.append(result.holds(calibrated, noise))
    result.notes.append(result.shares())
    return result
