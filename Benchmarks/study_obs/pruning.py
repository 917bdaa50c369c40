"""Pruning by coppice and measuring what is left, each kept under what it depends on."""
import json
import pathlib
import tempfile
import time

from study import networks, tool
from study.results import file_digest

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


class Coppice(tool.Coppice):
    """The tool, and what it prunes."""

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
