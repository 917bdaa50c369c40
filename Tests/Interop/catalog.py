"""The models that are checked: the zoo beside the repository where it is there, and trained models out of PyPI."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import harness

ZOO = harness.ROOT.parent / "shared" / "zoo"

# Small enough for every run, and of every family.
SHORT = ["tv_resnet18", "tv_shufflenet_v2_x1_0", "tv_resnext50_32x4d", "tv_swin_t", "timm_mobilevit_s", "hf_bert_tiny",
         "hf_opt_tiny", "dyn_hf_llama_gqa", "dyn_timm_mobilevit_s", "own_bilstm", "own_bigru", "own_unet", "own_dcgan",
         "own_split_glu_shuffle", "own_groupnorm_prelu", "ort_hf_bert_tiny", "ort_tv_resnet18"]
SHORT_REAL = ["dnsmos_model_v8", "ppocr_cls", "magika", "silero_vad_16k_sequence"]

# Shapes that give every trained model something sensible to chew on.
REAL_INPUTS = {
    "dnsmos_model_v8": {"input_1": [[1, 900, 120], "float32"]},
    "open_nsfw": {"input_0": [[1, 224, 224, 3], "float32"]},
    "ppocr_cls": {"x": [[1, 3, 48, 192], "float32"]},
    "ppocr_det": {"x": [[1, 3, 96, 160], "float32"]},
    "ppocr_rec": {"x": [[1, 3, 48, 160], "float32"]},
    "u2netp": {"input.1": [[1, 3, 320, 320], "float32"]},
    "paraphrase_minilm_l3": {"input_ids": [[2, 12], "int64"], "attention_mask": [[2, 12], "int64"]},
    "magika": {"bytes": [[1, 2048], "int32"]},
    "silero_vad_16k_sequence": {
        "input": [[9, 576], "float32"], "h": [[1, 1, 128], "float32"], "c": [[1, 1, 128], "float32"]},
}


class Model:
    """A model that can be had as a file, with the shapes of its inputs."""

    def __init__(self, name, shapes, make):
        self.name, self.shapes, self._make = name, shapes, make

    def path(self):
        """The file; made or fetched where it is missing."""
        return self._make(self.name)

    def feed(self):
        return harness.inputs(self.shapes)


def has_zoo():
    return (ZOO / "zoo.json").exists()


def zoo_figures(name):
    """One of the zoo's tables of figures: `dimensions` or `torch_pruning`."""
    return json.loads((ZOO / f"{name}.json").read_text())


def zoo(names=None):
    """The models of the zoo, all without names."""
    if not has_zoo():
        return []
    table = json.loads((ZOO / "zoo.json").read_text())
    return [Model(name, table[name]["inputs"], hydrated) for name in names or sorted(table)]


def hydrated(name):
    """A zoo model with its weights filled in, kept for the next time."""
    folder = pathlib.Path(os.environ.get("ZOO_CACHE", harness.CACHE / "zoo"))
    path = folder / f"{name}.onnx"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as partial:
            subprocess.run(
                [sys.executable, ZOO / "hydrate.py", partial, name], check=True, stdout=subprocess.DEVNULL)
            os.replace(pathlib.Path(partial) / path.name, path)
    return path


def real(names=None):
    """The trained models of Models/fetch.py, all without names."""
    return [Model(name, REAL_INPUTS[name], fetched) for name in names or REAL_INPUTS]


def fetched(name):
    """A trained model, downloaded the first time."""
    failed = fetcher().fetch([name])
    if failed:
        raise RuntimeError(failed[name])
    return fetcher().path_of(name)


def fetcher():
    """Models/fetch.py as a module."""
    spec = importlib.util.spec_from_file_location("fetch", harness.ROOT / "Models" / "fetch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named(names):
    """Models of either kind by name."""
    found = []
    for name in names:
        found += real([name]) if name in REAL_INPUTS else zoo([name])
    return found
