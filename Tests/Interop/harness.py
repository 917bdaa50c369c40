"""What the checks share: running coppice and ONNX Runtime, inputs, errors, parameter counts, tables of results."""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
BOUND = 1e-4  # largest error allowed between a pruned model and the zeroed original

ort.set_default_logger_severity(4)


class Refused(Exception):
    """coppice ended with another code than 0."""

    def __init__(self, code, message):
        super().__init__(f"exit {code}: {message}")
        self.code = code


class Coppice:
    """The command line tool."""

    def __init__(self, binary, timeout=600):
        self.binary, self.timeout = str(pathlib.Path(binary).absolute()), timeout

    def run(self, *arguments, **options):
        """Runs the tool and returns what `subprocess.run` does."""
        return subprocess.run(
            [self.binary, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=self.timeout, **options)

    def __call__(self, *arguments):
        """Runs the tool and returns its standard output; raises `Refused` where it fails."""
        result = self.run(*arguments)
        if result.returncode != 0:
            raise Refused(result.returncode, " ".join(result.stderr.split())[-300:])
        return result.stdout

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json"))


def parser(description, **options):
    """A command line with what every check takes."""
    result = argparse.ArgumentParser(
        description=description.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter, **options)
    result.add_argument("--coppice", default=str(ROOT / ".build/release/coppice"), help="the tool to check")
    return result


def scratch():
    """A temporary folder on the same disk as the models."""
    place = CACHE / "scratch"
    place.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=place)


# Running models


def session(model, threads=0):
    """A session of a path, of bytes or of a model, with every graph optimization disabled."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = threads or int(os.environ.get("INTEROP_THREADS", "0"))
    source = model
    if isinstance(model, os.PathLike):
        source = str(model)
    elif isinstance(model, onnx.ModelProto):
        source = model.SerializeToString()
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def inputs(shapes, seed=0):
    """Deterministic inputs for {name: (shape, dtype)}: normal numbers, token ids below 100, masks of ones."""
    feed = {}
    for name, (shape, dtype) in shapes.items():
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        if "float" in dtype or dtype == "double":
            feed[name] = random.standard_normal(shape).astype(dtype)
        elif "mask" in name or dtype == "bool":
            feed[name] = np.ones(shape, dtype)
        else:
            feed[name] = random.integers(0, 100, shape).astype(dtype)
    return feed


def run(model, feed):
    """The outputs of a model for inputs by name."""
    running = session(model)
    return running.run(None, {i.name: feed[i.name] for i in running.get_inputs()})


def is_finite(arrays):
    return all(np.isfinite(a).all() for a in arrays if a.dtype.kind == "f")


def relative_error(expected, found, original):
    """Largest difference over all outputs, relative to their scale.

    The scale of an output is its largest magnitude, here or in the original, but no more than the largest of all the
    original's outputs and no less than 0.01: outputs near zero show only noise.
    """
    def magnitude(array):
        return float(np.abs(array.astype(np.float64)).max()) if array.size and array.dtype.kind == "f" else 0.0

    worst, largest = 0.0, max(map(magnitude, original), default=0.0)
    for a, b, whole in zip(expected, found, original, strict=True):
        if a.shape != b.shape or a.dtype != b.dtype:
            return float("inf")
        if a.size == 0 or a.dtype.kind not in "fiub":
            continue
        difference = float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())
        if not np.isfinite(difference):
            return float("inf")
        worst = max(worst, difference / max(min(largest, max(magnitude(whole), magnitude(a))), 0.01))
    return worst


def compare_contract(expected, found):
    """What is wrong with a pruned model's outputs as such, or None: number, shapes, types, finite numbers."""
    shapes = [[a.shape for a in arrays] for arrays in (expected, found)]
    if shapes[0] != shapes[1]:
        return f"output shapes {shapes[1]} instead of {shapes[0]}"
    if [a.dtype for a in expected] != [a.dtype for a in found]:
        return "output types changed"
    if is_finite(expected) and not is_finite(found):
        return "outputs are not finite"
    return None


# Looking into models


def parameters(model):
    """Numbers in float initializers and Constant nodes of the main graph.

    A vector that several nodes share counts once for each: exporters merge equal biases and scales, pruning has to
    part them again, and the share that was removed must not depend on either.
    """
    graph = model.graph
    initializers = {t.name: t for t in graph.initializer if is_float(t.data_type)}
    alias = {}
    for node in graph.node:
        if node.op_type == "Identity" and (node.input[0] in initializers or node.input[0] in alias):
            alias[node.output[0]] = alias.get(node.input[0], node.input[0])
    uses = collections.Counter(
        alias.get(i, i) for node in graph.node if node.op_type != "Identity" for i in node.input)
    total = 0
    for name, tensor in initializers.items():
        total += element_count(tensor) * (max(uses[name], 1) if len(tensor.dims) == 1 else 1)
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value" and is_float(attribute.t.data_type) and element_count(attribute.t) > 1:
                    total += element_count(attribute.t)
    return total


def is_float(data_type):
    return data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE,
                         onnx.TensorProto.BFLOAT16)


def element_count(tensor):
    return int(np.prod(tensor.dims, dtype=np.int64))


def load_array(tensor):
    """A writable copy of a tensor's numbers."""
    return np.array(numpy_helper.to_array(tensor))


# Telling


class Report:
    """Rows as they come, then a line with the totals; failures decide the exit code."""

    def __init__(self):
        self.passed, self.failed, self.refused = 0, [], []

    def row(self, name, columns, problem=None, refused=None):
        """One result; a refusal is counted apart from a failure."""
        verdict = f"FAILED: {problem}" if problem else f"refused: {refused}" if refused else "ok"
        print(f"{name:34} {columns}  {verdict}", flush=True)
        if problem:
            self.failed.append(name)
        elif refused:
            self.refused.append(name)
        else:
            self.passed += 1

    def finish(self, allowed_refusals=0):
        refused = sorted(set(self.refused))
        print(f"{self.passed} passed, {len(self.failed)} failed, {len(self.refused)} refused"
              + (f" ({', '.join(refused)})" if refused else ""))
        sys.exit(1 if self.failed or len(refused) > allowed_refusals else 0)
