"""Torch-Pruning on the same weights and samples, the best of its variants for each seed."""
import collections

from study import networks
from study.peers import BENCHMARKS, Python
from study.results import file_digest
from study.tables import Table, joined
from study.tool import Failed, over_seeds
from study_obs import budgets
from study_obs.pruning import NAMES

BUDGET, SHARE = "50%", 0.5
SCRIPTS = ["study_obs/torch_peer.py", "study/torch_models.py", "study/networks.py"]
PEER = "Torch-Pruning, best variant"


class Peer:
    """Runs torch_peer.py by a Python that has PyTorch."""

    def __init__(self, path, results):
        self.python, self.results = Python(path), results
        self.versions = self.python.versions("torch", "torch-pruning")

    def variants(self, name, seed):
        """{variant: result}, the dense network among them."""
        facts = {"what": "Torch-Pruning", "versions": self.versions, "share": SHARE, "seed": seed, "network": name,
                 "model": file_digest(networks.model_path(name)), "test": file_digest(networks.test_path(name)),
                 "training": file_digest(networks.training_path(name)), "samples": networks.SAMPLES,
                 "scripts": [file_digest(BENCHMARKS / script) for script in SCRIPTS],
                 "told": f"{name}, seed {seed}"}
        return self.results.once(facts, lambda: self.python.json("study_obs.torch_peer", name, SHARE, seed))

    def best(self, name, seed):
        """The variant with the highest accuracy on the test data, which favours the peer."""
        found = {words: result for words, result in self.variants(name, seed).items() if words != "dense"}
        if not found:
            raise Failed("no variant reaches the budget")
        words = max(found, key=lambda words: found[words]["accuracy"])
        return {**found[words], "variant": words}


def table(coppice, seeds, python):
    peer = Peer(python, coppice.results)
    result = Table(
        "Torch-Pruning",
        f"{BUDGET[:-1]} % of the MACs, each by the tool's own count. {', '.join(peer.versions)}: importances "
        "by Taylor and by Hessian, ranked globally and layer by layer, for the transformer by heads and by their "
        "widths; with the labels of the samples, gradients of all of them (`accumulate_grad` of this version would "
        "keep the last alone), and batch normalizations recalibrated on them. For each seed the variant that is best "
        "on the test data counts.",
        networks.NAMES)
    result.add("dense", {name: [coppice.dense(name)] for name in networks.NAMES})
    result.add("dense, in PyTorch", {
        name: over_seeds(seeds[:1], lambda seed: peer.variants(name, seed)["dense"]) for name in networks.NAMES})
    result.add(PEER, {name: over_seeds(seeds, lambda seed: peer.best(name, seed)) for name in networks.NAMES})
    for criterion in ("obspa", "ziplm"):
        result.add(f"{NAMES[criterion]}, seq",
                   {name: budgets.cell(coppice, name, criterion, BUDGET, seeds) for name in networks.NAMES})
    result.notes.append(chosen(result))
    for criterion in ("obspa", "ziplm"):
        result.notes.append(result.holds(f"{NAMES[criterion]}, seq", PEER))
    result.notes.append(result.shares([label for label in result.rows if "dense" not in label]))
    return result


def chosen(result):
    """Which variants were best, and how often."""
    parts = []
    for name in result.columns:
        counts = collections.Counter(found["variant"] for found in result.rows[PEER][name] if found)
        if counts:
            parts.append(f"{name} {joined(f'{variant} ({count})' for variant, count in counts.most_common())}")
    return f"Best variants by seeds: {'; '.join(parts)}." if parts else ""
