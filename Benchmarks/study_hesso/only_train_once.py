"""only-train-once of PyPI, in an environment of its own with the PyTorch it runs on."""
import sys

from study import networks
from study.peers import BENCHMARKS, run
from study.results import file_digest
from study.tables import Table, values
from study.tool import Failed, over_seeds
from study_hesso.peer import HERE, SPARSITY, START, Peer
from study_hesso.subjects import SUBJECTS

ENVIRONMENT = networks.ROOT / ".venv-oto"
PACKAGES = ["only-train-once==3.0.1", "torch==2.0.1", "torchvision==0.15.2", "numpy<2", "onnx==1.14.1"]
SCRIPTS = [
    "study_hesso/peer.py", "study_hesso/torch_oto.py", "study_hesso/torch_peer.py", "study/torch_models.py",
    "study/networks.py"]
THERE, TRAINED = "only-train-once, constructed", "only-train-once, before it is made smaller"


class OnlyTrainOnce(Peer):
    module = "study_hesso.torch_oto"

    def __init__(self):
        ready = ENVIRONMENT / "ready"
        if not ready.exists() or ready.read_text() != "\n".join(PACKAGES):
            run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT])
            pip = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            run([*pip, *PACKAGES])
            ready.write_text("\n".join(PACKAGES))
        super().__init__(ENVIRONMENT / "bin" / "python")
        self.versions = self.python.versions("torch", "only-train-once")

    def found(self, coppice, subject, seed):
        scripts = [file_digest(BENCHMARKS / script) for script in SCRIPTS]
        return coppice.once("only-train-once", subject, START, seed, lambda folder: self.run(subject, seed),
                            sparsity=SPARSITY, versions=self.versions, scripts=scripts)


def section(coppice, seeds, torch):
    del torch  # it has an environment of its own
    try:
        peer = OnlyTrainOnce()
    except Failed as problem:
        return f"## only-train-once\n\nIt could not be installed here: {problem}\n"
    result = Table(
        "only-train-once",
        f"From scratch, {100 * SPARSITY:.0f} % of what each counts as channels, the same networks, steps and schedule; "
        f"{', '.join(peer.versions)}, with `torch.Tensor.cuda` made the identity.", list(SUBJECTS))
    runs = {title: over_seeds(seeds, lambda seed: peer.found(coppice, subject, seed))
            for title, subject in SUBJECTS.items()}
    result.add(HERE, {title: over_seeds(seeds, lambda seed: coppice.hesso(subject, START, seed, SPARSITY))
                      for title, subject in SUBJECTS.items()})
    result.add(TRAINED, {title: [run and "trained" in run and {"accuracy": run["trained"]} or None for run in cell]
                         for title, cell in runs.items()})
    result.add(THERE, {title: [run if run and "accuracy" in run else None for run in cell]
                       for title, cell in runs.items()})
    result.notes.append(result.holds(HERE, THERE))
    result.notes.append(result.holds(HERE, TRAINED))
    for title, cell in runs.items():
        result.notes.append(told(title, [run for run in cell if run]))
    return result.markdown()


def told(title, cell):
    """What it did with a network besides."""
    parts = sorted({run["failed"] for run in cell if "failed" in run})
    differences = values(cell if all("difference" in run for run in cell) else [], "difference")
    if differences:
        parts.append(f"the small network's logits are up to {max(differences):.1e} away from the trained one's")
    shares = [run["sparsity"] for run in cell if "sparsity" in run]
    if shares:
        parts.append(f"{100 * min(shares):.0f} to {100 * max(shares):.0f} % of the channels are zero")
    return f"{title}: {'; '.join(parts)}." if parts else ""
