"""The tool that is studied, as studies call it."""
import json
import os
import pathlib
import subprocess
import sys

from study import networks
from study.results import file_digest


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
