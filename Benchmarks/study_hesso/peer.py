"""The same training in PyTorch, by an implementation of the same rules of its own."""
import json
import pathlib
import tempfile

from study.peers import BENCHMARKS, Python
from study.results import file_digest
from study.tables import Table
from study.tool import over_seeds
from study_hesso.subjects import SUBJECTS

START, SPARSITY = "scratch", 0.5
SCRIPTS = [
    "study_hesso/peer.py", "study_hesso/torch_peer.py", "study/torch_models.py", "study/networks.py",
    "../Tests/Interop/torch_hesso.py"]
PERIODS = 10
HERE, THERE = "coppice", "PyTorch"


def settings(subject, seed, sparsity, threads, steps):
    """What torch_peer.py trains by; when channels go is what coppice's defaults say."""
    return {
        "network": subject.network, "shape": subject.shape, "base": subject.optimizer, "rate": subject.rate_from(START),
        "momentum": subject.momentum, "weight_decay": subject.weight_decay, "label_smoothing": subject.label_smoothing,
        "warm_up_steps": min(subject.warm_up_steps, steps // 10), "batch": subject.batch, "total": steps,
        "start": steps // 10, "periods": PERIODS, "steps": steps * 2 // 5 // PERIODS, "sparsity": sparsity,
        "keep_share": (1 - sparsity) * 0.75, "seed": seed, "threads": threads}


class Peer:
    """Runs torch_peer.py by a Python that has PyTorch."""

    module = "study_hesso.torch_peer"

    def __init__(self, path):
        self.python = Python(path)
        self.versions = self.python.versions("torch")

    def run(self, subject, seed, sparsity=SPARSITY, threads=2, steps=None):
        with tempfile.TemporaryDirectory() as folder:
            start, file = pathlib.Path(folder) / "start.onnx", pathlib.Path(folder) / "settings.json"
            subject.untrained(seed, start)
            file.write_text(json.dumps(settings(subject, seed, sparsity, threads, steps or subject.steps)))
            return self.python.json(self.module, start, file)

    def accuracy(self, coppice, subject, seed):
        scripts = [file_digest(BENCHMARKS / script) for script in SCRIPTS]
        return coppice.once("PyTorch", subject, START, seed, lambda folder: self.run(subject, seed),
                            sparsity=SPARSITY, versions=self.versions, scripts=scripts)


def section(coppice, seeds, torch):
    peer = Peer(torch)
    result = Table(
        "PyTorch", f"From scratch, {100 * SPARSITY:.0f} % of the channels, the same networks, steps and rules "
        f"(`Tests/Interop/torch_hesso.py`) in {', '.join(peer.versions)}; each draws batches in an order of its own.",
        list(SUBJECTS))
    result.add(HERE, {title: over_seeds(seeds, lambda seed: coppice.hesso(subject, START, seed, SPARSITY))
                      for title, subject in SUBJECTS.items()})
    result.add(THERE, {title: over_seeds(seeds, lambda seed: peer.accuracy(coppice, subject, seed))
                       for title, subject in SUBJECTS.items()})
    result.notes.append(result.holds(HERE, THERE))
    return result.markdown()
