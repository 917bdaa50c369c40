"""Mutated models must end in an answer: no crash, no hang, no unbounded memory, no file left after an error.

    fuzz.py [--seconds N] [--seed S] [--keep FOLDER]

Takes small models (made ones, random ones, and those of the zoo where it is there), flips bits, overwrites, cuts, joins
and repeats bytes, favouring the structure over the weights, and runs `coppice prune` on the result. Every failure prints
its seed and leaves the mutant in a folder.
"""
import gzip
import os
import pathlib
import time

import numpy as np

import catalog
import failing
import harness
import made_models
from random_models import random_model

INTERESTING = [0, 1, 2, 7, 8, 10, 16, 18, 26, 34, 42, 58, 127, 128, 200, 254, 255]
CODES = {0, failing.INVALID_MODEL, failing.IMPOSSIBLE, failing.NOTHING_PRUNED, failing.USAGE}
MEMORY_BYTES, PATIENCE_SECONDS = 1 << 30, 20


def seeds():
    """The models that mutants are made from, as bytes."""
    found = [made_models.small().SerializeToString(), made_models.with_everything_around().SerializeToString(),
             made_models.with_rare_types().SerializeToString(), made_models.with_unknown_fields()]
    found += [random_model(seed)[0].SerializeToString() for seed in range(30)]
    for path in sorted(catalog.ZOO.glob("*.onnx.gz")) if catalog.has_zoo() else []:
        if path.stat().st_size < 15_000:  # unhydrated, which is small
            found.append(gzip.decompress(path.read_bytes()))
    return found


def mutant(random, models):
    """One model after one to eight mutations."""
    data = bytearray(models[random.integers(len(models))])
    for _ in range(random.integers(1, 9)):
        if not data:
            break
        place, length = int(random.integers(len(data))), int(random.integers(1, 17))
        kind = random.integers(8)
        if kind <= 1:
            data[place] ^= 1 << random.integers(8)
        elif kind == 2:
            data[place] = INTERESTING[random.integers(len(INTERESTING))]
        elif kind == 3:
            data[place:place + length] = random.bytes(length)
        elif kind == 4:
            del data[place:place + length]
        elif kind == 5:
            data[place:place] = data[place:place + length] * int(random.integers(1, 4))
        elif kind == 6:
            data[place:place] = b"\xff" * int(random.integers(1, 11)) + b"\x01"  # numbers that overflow
        elif random.random() < 0.1:
            del data[place:]
        else:
            other = models[random.integers(len(models))]
            start = int(random.integers(len(other)))
            data[place:place + length] = other[start:start + length]
    return bytes(data)


def check(binary, data, folder):
    """What is wrong with the tool's answer to a mutant, or None; and its exit code."""
    model, output = folder / "model.onnx", folder / "out.onnx"
    model.write_bytes(data)
    command = [binary, "prune", model, "--ratio", "0.5", "--kinds", "all", "-o", output]
    outcome = failing.execute(command, patience=PATIENCE_SECONDS)
    left = {path.name for path in folder.iterdir()} - {"model.onnx"}
    problem = failing.judge(outcome, CODES, ["model.onnx"])
    if outcome.peak_bytes > MEMORY_BYTES:
        problem = f"took {outcome.peak_bytes >> 20} MB"
    if outcome.code != 0 and left:
        problem = problem or f"left {sorted(left)[0]}"
    for name in left:
        (folder / name).unlink()
    return problem, outcome.code


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="the first mutant's seed")
    parser.add_argument("--count", type=int, default=0, help="mutants to try, instead of a time")
    parser.add_argument("--keep", default=str(harness.CACHE / "fuzz"), help="where failing mutants go")
    arguments = parser.parse_args()
    binary, models = pathlib.Path(arguments.coppice).absolute(), seeds()
    codes, failed, seed, start = {}, 0, arguments.seed, time.monotonic()
    with harness.scratch() as name:
        while (seed - arguments.seed < arguments.count if arguments.count
               else time.monotonic() - start < arguments.seconds):
            data = mutant(np.random.default_rng(seed), models)
            problem, code = check(binary, data, pathlib.Path(name))
            codes[code] = codes.get(code, 0) + 1
            if problem:
                failed += 1
                place = pathlib.Path(arguments.keep) / f"mutant{seed}.onnx"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
                print(f"FAILED seed {seed}: {problem}\n  mutant: {os.path.relpath(place)}", flush=True)
            seed += 1
    told = ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
    print(f"{seed - arguments.seed} mutants in {time.monotonic() - start:.0f} s ({told}), {failed} failed")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
