"""Prunes every model of ../shared/zoo, checks the result with onnx and runs it in ONNX Runtime.

    zoo.py --coppice PATH [--short] [--only NAME,...]

Prints a table and fails where a model is refused, invalid, does not run, changes an output's shape, breaks the
invariant, or loses less than the bars say.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import onnx

import harness

ZOO = pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "zoo"
CACHE = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "zoo"
SHORT = ["tv_resnet18", "tv_shufflenet_v2_x1_0", "hf_bert_tiny", "dyn_hf_llama_gqa", "own_bilstm", "timm_mobilevit_s",
         "ort_hf_bert_tiny", "own_unet"]


def hydrated(name):
    path = CACHE / f"{name}.onnx"
    if not path.exists():
        subprocess.run([sys.executable, ZOO / "hydrate.py", CACHE, name], check=True, stdout=subprocess.DEVNULL)
    return path


def prune(coppice, path, output, extra):
    start = time.perf_counter()
    code, _, error = harness.run_coppice(
        coppice, "prune", path, "--ratio", 0.5, "--criterion", "l2", "-o", output, "--force", "--json", *extra)
    if code != 0:
        return None, error.strip(), 0.0
    return time.perf_counter() - start, None, code


def check(coppice, name, shapes, folder):
    """Rows of (variant, removed share or None, problem or None)."""
    path = hydrated(name)
    feed = harness.inputs(shapes)
    original = onnx.load(path)
    before = harness.parameters(original)
    expected = harness.run(str(path), feed)
    rows = []
    for variant, extra in (("usual", []), ("all", ["--kinds", "all"]), ("all/1", ["--kinds", "all", "--round-to", "1"])):
        output = folder / "out.onnx"
        seconds, problem, _ = prune(coppice, path, output, extra)
        removed = None
        if problem is None:
            try:
                model = onnx.load(output)
                onnx.checker.check_model(model, full_check=True)
                removed = 1 - harness.parameters(model) / before
                found = harness.run(str(output), feed)
                if [a.shape for a in expected] != [a.shape for a in found]:
                    problem = "WRONG: output shapes changed"
            except Exception as error:  # any refusal by the peers is the finding
                problem = f"WRONG: {type(error).__name__}: {str(error)[:160]}"
        rows.append((variant, removed, problem, seconds))
    try:
        error = harness.check_invariant(coppice, path, feed, folder)
        rows.append(("invariant", error, None if error <= 1e-4 else f"WRONG: error {error:.1e}", None))
    except Exception as error:
        rows.append(("invariant", None, f"{type(error).__name__}: {str(error)[:160]}", None))
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--coppice", required=True)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only")
    arguments = parser.parse_args()
    zoo = json.loads((ZOO / "zoo.json").read_text())
    dimensions = json.loads((ZOO / "dimensions.json").read_text())
    peers = json.loads((ZOO / "torch_pruning.json").read_text())["pruned"]
    names = arguments.only.split(",") if arguments.only else SHORT if arguments.short else sorted(zoo)
    passed = failed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            rows = check(arguments.coppice, name, zoo[name]["inputs"], pathlib.Path(folder))
        for variant, value, problem, seconds in rows:
            if problem is None and variant == "all/1" and name in dimensions and value < dimensions[name]["removed"] - 0.01:
                problem = f"less than the prototype's {dimensions[name]['removed']:.3f}"
            if problem is None and variant == "usual" and name in peers and value < peers[name]["removed"] - 0.02:
                problem = f"less than Torch-Pruning's {peers[name]['removed']:.3f}"
            shown = "-" if value is None else f"{value:.1e}" if variant == "invariant" else f"{value:.3f}"
            print(f"{name:36} {variant:10} {shown:>8} {seconds or 0:6.2f} s  {problem or 'ok'}", flush=True)
            passed, failed = (passed, failed + 1) if problem else (passed + 1, failed)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
