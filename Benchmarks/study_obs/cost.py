"""Time and memory of pruning a large network by what its layers see, against running it on the same images."""
import os
import statistics
import subprocess
import sys
import time

import numpy as np

from study import networks
from study.results import file_digest

sys.path.insert(0, str(networks.ROOT / "Tests" / "Interop"))
NETWORK, IMAGES, BATCH, TIMES = "tv_resnet50", 128, 8, 3
DROPPED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # they choose other kernels than users get
TITLE = "## Cost\n\n"


def images_path():
    path = networks.CACHE / "samples" / f"images-{IMAGES}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        images = np.random.default_rng(0).standard_normal((IMAGES, 3, 224, 224), dtype=np.float32)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, input=images)
        partial.replace(path)
    return path


def usage(command):
    """Wall and processor seconds and the largest resident memory of a command, as the system counts them."""
    environment = {key: value for key, value in os.environ.items() if key not in DROPPED}
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               env=environment)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{command[1]} ended with {process.returncode}")
    return {"seconds": seconds, "processor": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024}


def measured(coppice, model):
    """infer, prune, infer, prune, … infer: the machine that both meet is the same."""
    images = images_path()
    folder = networks.CACHE / "models"
    folder.mkdir(parents=True, exist_ok=True)
    ends = ["--force", "--quiet"]
    infer = [coppice.binary, "infer", model, "--input", images, "--batch", BATCH, "-o", folder / "outputs.npz", *ends]
    prune = [coppice.binary, "prune", model, "--macs", "50%", "--criterion", "obspa", "--calibration", images,
             "--samples", IMAGES, "--batch", BATCH, "-o", folder / "pruned.onnx", *ends]
    runs = {"infer": [usage(infer)], "prune": []}
    for _ in range(TIMES):
        runs["prune"].append(usage(prune))
        runs["infer"].append(usage(infer))
    for path in (folder / "outputs.npz", folder / "pruned.onnx"):
        path.unlink()
    return runs


def section(coppice):
    """The section of the report, or a note where the network is not there."""
    import catalog  # needs onnxruntime

    if not catalog.has_zoo():
        return f"{TITLE}Skipped: {NETWORK} is taken from ../shared/zoo, which is not there.\n"
    model = catalog.hydrated(NETWORK)
    facts = coppice.facts("cost", model, images=file_digest(images_path()), batch=BATCH, times=TIMES, told=NETWORK)
    found = coppice.results.once(facts, lambda: measured(coppice, model))
    lines = [f"{TITLE}{NETWORK}, {IMAGES} random images of 224 × 224 pixels, {BATCH} at a time, {coppice.threads} "
             "threads, one run after the other.", "",
             "| | seconds | processor seconds | peak memory, MB |", "|---|---|---|---|"]
    shares = []
    for index, prune in enumerate(found["prune"]):
        before, after = found["infer"][index:index + 2]
        lines += [row("infer", before), row("prune --criterion obspa --macs 50%", prune)]
        shares.append(2 * prune["seconds"] / (before["seconds"] + after["seconds"]))
    lines.append(row("infer", found["infer"][-1]))
    memory = max(run["peak"] for run in found["prune"]) / max(run["peak"] for run in found["infer"])
    times = ", ".join(f"{share:.1f}" for share in shares)
    lines += ["", f"Pruning takes {times} times as long as running the network on the images takes before and after, "
              f"{statistics.median(shares):.1f} in the middle, and {memory:.1f} times as much memory."]
    return "\n".join(lines) + "\n"


def row(label, run):
    return f"| {label} | {run['seconds']:.1f} | {run['processor']:.1f} | {run['peak'] / 1e6:.0f} |"
