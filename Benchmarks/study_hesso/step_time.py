"""What a step costs, with and without HESSO, here and in PyTorch."""
import pathlib
import statistics
import tempfile

from study.peers import BENCHMARKS
from study.results import file_digest
from study_hesso.peer import SCRIPTS, SPARSITY, START, Peer
from study_hesso.subjects import SUBJECTS

STEPS, TIMES = 125, 3  # ten periods of five steps
LABELS = {"base": "base optimizer", "hesso": "hesso", "torch base": "PyTorch, base optimizer", "torch": "PyTorch, hesso"}


def seconds(coppice, peer, subject, what):
    """Of a step; channels go in four tenths of the run, as from scratch."""
    if what.startswith("torch"):
        return peer.run(subject, 0, 0 if what == "torch base" else SPARSITY, coppice.threads, STEPS)["secondsPerStep"]
    with tempfile.TemporaryDirectory() as folder:
        start, path = (pathlib.Path(folder) / name for name in ("start.onnx", "out.onnx"))
        subject.untrained(0, start)
        sparse = ["--sparsity", SPARSITY] if what == "hesso" else None
        run = coppice.train(subject, START, start, 0, STEPS, path, sparse, threads=coppice.threads)
        return run["secondsPerStep"]


def measured(coppice, peer, subject):
    """One after the other, several times: the machine that all meet is the same."""
    runs = [{what: seconds(coppice, peer, subject, what) for what in LABELS} for _ in range(TIMES)]
    return {what: [run[what] for run in runs] for what in LABELS}


def section(coppice, seeds, torch):
    peer = Peer(torch)
    scripts = [file_digest(BENCHMARKS / script) for script in (*SCRIPTS, "study_hesso/step_time.py")]
    found = {title: coppice.once("time", subject, START, 0, lambda folder: measured(coppice, peer, subject),
                                 versions=peer.versions, scripts=scripts, threads=coppice.threads)
             for title, subject in SUBJECTS.items()}
    lines = ["## Time", "", f"Milliseconds of a step, the middle of {TIMES} runs of {STEPS} steps with {coppice.threads} "
             f"threads, one after the other; {', '.join(peer.versions)}.", "",
             f"| | {' | '.join(found)} |", "|---|" + "---|" * len(found)]
    for what, label in LABELS.items():
        times = [f"{1000 * statistics.median(runs[what]):.1f}" for runs in found.values()]
        lines.append(f"| {label} | {' | '.join(times)} |")

    def ratios(above, below):
        return ", ".join(f"{title} {statistics.median(a / b for a, b in zip(runs[above], runs[below])):.2f}"
                         for title, runs in found.items())

    return "\n".join([*lines, "", f"A step of hesso by one of its base optimizer: {ratios('hesso', 'base')}.  ",
                      f"A step of hesso by one of PyTorch's: {ratios('hesso', 'torch')}."]) + "\n"
