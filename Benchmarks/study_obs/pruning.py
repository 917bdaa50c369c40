"""Pruning by coppice and measuring what is left, each kept under what it depends on."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import networks
from results import file_digest

CRITERIA = {
    "l1": {"criterion": "l1", "normalise": "mean"},
    "obspa": {"criterion": "obspa"},
    "ziplm": {"criterion": "ziplm", "weigh-groups": True},
    "random": {"criterion": "random"},
}
NAMES = {"l1": "L1", "obspa": "obspa", "ziplm": "ziplm --weigh-groups", "random": "random"}


def arguments_of(options):
    """Options as the command line spells them."""
    arguments = []
    for name, value in options.items():
        arguments += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return arguments


class Failed(Exception):
    """coppice ended with another code than 0, and said why."""


class Coppice:
    """The tool that is studied."""

    def __init__(self, binary, results):
        self.binary, self.results = pathlib.Path(binary).resolve(), results
        self.digest, self.threads = file_digest(binary), os.cpu_count()
        self.version = self.call("--version").strip()

    def call(self, *arguments):
        command = [str(part) for part in (self.binary, *arguments)]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if result.returncode != 0:
            raise Failed(f"exit {result.returncode}: {' '.join(result.stderr.split())[-200:]}")
        return result.stdout

    def json(self, *arguments):
        return json.loads(self.call(*arguments, "--json"))

    def facts(self, what, model, **others):
        """What a result depends on: the tool, the model and whatever else is said."""
        return {"what": what, "binary": self.digest, "version": self.version, "threads": self.threads,
                "model": file_digest(model), **others}

    def measured(self, model, name):
        """Sizes of a model, and its accuracy in percent on the network's whole test data."""
        size = self.json("inspect", model)
        found = self.json("eval", model, "--data", networks.test_path(name))
        return {"accuracy": 100 * found["top1"], "macs": size["macs"], "parameters": size["parameters"]}

    def dense(self, name, model=None):
        """The network as it is, or another file that stands for it."""
        model = model or networks.model_path(name)
        facts = self.facts("dense", model, test=file_digest(networks.test_path(name)), told=name)
        return {**self.results.once(facts, lambda: self.measured(model, name)), "share": 1.0}

    def pruned(self, name, options, seed, calibration=None, then=(), model=None):
        """What is left of a network: `options` are those of `coppice prune`, `calibration` is a path or noise, `then` names
        passes that run behind it on the same samples."""
        model = model or networks.model_path(name)
        count = options.get("samples", networks.SAMPLES)
        samples = calibration or networks.samples_path(name, seed, count)
        options = {**options, "samples": count, "seed": seed}
        facts = self.facts(
            ", ".join(("prune", *then)), model, options=options,
            test=file_digest(networks.test_path(name)),
            calibration=samples if samples == "noise" else file_digest(samples),
            told=f"{name}, {' '.join(arguments_of(options))}" + (", noise" if samples == "noise" else ""))
        def find():
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "pruned.onnx"
                start = time.perf_counter()
                self.prune(model, {**options, "calibration": samples}, then, path)
                seconds = time.perf_counter() - start
                return {**self.measured(path, name), "seconds": seconds}

        found = self.results.once(facts, find)
        return {**found, "share": found["macs"] / self.dense(name, model)["macs"]}

    def prune(self, model, options, then, path):
        if not then:
            self.call("prune", model, *arguments_of(options), "-o", path, "--quiet")
            return
        samples = {"calibration": str(options["calibration"]), "samples": options["samples"]}
        settings = {name.replace("-", "_"): value for name, value in options.items()} | samples
        passes = [{"prune": settings}] + [{name: samples} for name in then]
        pipeline = {"coppice": 1, "model": {"path": str(model)}, "pipeline": passes, "output": {"model": str(path)}}
        file = path.with_suffix(".yaml")
        file.write_text(json.dumps(pipeline))  # JSON is YAML
        self.call("run", file, "--quiet")


def over_seeds(seeds, find):
    """A cell of a table: results by seed; None where the tool could not, which is told."""
    cell = []
    for seed in seeds:
        try:
            cell.append(find(seed))
        except Failed as problem:
            print(f"  seed {seed}: {problem}", file=sys.stderr, flush=True)
            cell.append(None)
    return cell
