"""Mutated models must end in an answer: no crash, no hang, no unbounded memory, no file left after an error.

    fuzz.py [--seconds N] [--seed S] [--keep FOLDER]

Takes small models (made ones, random ones, and those of the zoo where it is there), changes bytes, fields or the graph,
or makes up a model of one operator, and runs coppice on the result; every tenth mutant is of a plan. Every failure prints its seed and leaves the mutant and the command in a folder;
`--seed S --count 1` makes it again.
"""
import collections
import gzip
import pathlib
import tempfile
import time

import numpy as np
import onnx

import catalog
import failing
import harness
import made_models
import mutations
from fuzz_worker import Worker, place_of_crash
from random_models import random_model

# Of these, 1 is the rewriter's refusal: the analysis took a model that cannot be, and nothing was written.
CODES = {0, 1, failing.INVALID_MODEL, failing.IMPOSSIBLE, failing.NOTHING_PRUNED, failing.USAGE}
MEMORY_BYTES, PATIENCE_SECONDS = 1 << 30, 20
WEIGHTS_BYTES = 1 << 28  # a file of zeros that takes no place


def seeds():
    """The models that mutants are made from, as bytes."""
    found = [model if isinstance(model, bytes) else model.SerializeToString()
             for model in made_models.all_models().values()]
    found += [random_model(seed)[0].SerializeToString() for seed in range(60)]
    for path in sorted(catalog.ZOO.glob("*.onnx.gz")) if catalog.has_zoo() else []:
        if path.stat().st_size < 15_000:
            found.append(without_weights(gzip.decompress(path.read_bytes())))
    return [data for data in found if len(data) < 1 << 20]


def without_weights(data):
    """A model of the zoo with its missing weights in a file of zeros."""
    model = onnx.ModelProto.FromString(data)
    for message in mutations.messages(model, [], limit=1 << 20):
        if message.DESCRIPTOR.name != "TensorProto" or not message.doc_string.startswith('{"hydrate"'):
            continue
        message.ClearField("doc_string")
        message.data_location = onnx.TensorProto.EXTERNAL
        length = int(np.prod(message.dims, dtype=np.int64)) * mutations.WIDTHS[message.data_type]
        for key, value in (("location", "weights"), ("offset", 0), ("length", length)):
            message.external_data.add(key=key, value=str(value))
    return model.SerializeToString()


def command_for(random, model, output):
    kind = random.random()
    if kind < 0.15:
        return ["groups", model, "--remarks"]
    if kind < 0.2:
        return ["inspect", model]
    if kind < 0.3:
        return ["copy", model, "-o", output]
    kinds = ["--kinds", "all"] if kind < 0.8 else []
    return ["prune", model, "--ratio", str(mutations.pick(random, [0.1, 0.5, 0.9, 0.99])), *kinds, "-o", output]


def plan_of_small(worker, folder):
    """A sound model in `planned.onnx`, and a plan for it as text."""
    onnx.save(made_models.small(), folder / "planned.onnx")
    worker.run(["plan", folder / "planned.onnx", "--ratio", "0.5", "-o", folder / "plan.json"])
    return (folder / "plan.json").read_text()


def check(worker, command, folder):
    """What is wrong with the tool's answer to a mutant, or None; and its exit code."""
    outcome = worker.run(command)
    left = outputs(folder)
    problem = failing.judge(outcome, CODES, ["model.onnx"] if command[0] != "apply" else [])
    if outcome.code == -9:
        problem = f"took more than {PATIENCE_SECONDS} s"
    elif outcome.peak_bytes > MEMORY_BYTES:
        problem = f"took {outcome.peak_bytes >> 20} MB"
    if outcome.code != 0 and left and not problem:
        problem = f"left {sorted(left)[0]}"
    return problem, outcome.code


def outputs(folder):
    return {path.name for path in folder.iterdir()} - {"model.onnx", "weights", "planned.onnx", "plan.json"}


def keep(arguments, seed, data, command, problem):
    """Saves a mutant that failed."""
    place = pathlib.Path(arguments.keep)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"mutant{seed}.{'json' if command[0] == 'apply' else 'onnx'}").write_bytes(data)
    if not (place / "weights").exists():
        with open(place / "weights", "wb") as weights:
            weights.truncate(WEIGHTS_BYTES)
    told = " ".join(map(str, command)).replace(str(command[1]), f"mutant{seed}.onnx")
    (place / f"mutant{seed}.txt").write_text(f"{told}\n{problem}\n")


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="the first mutant's seed")
    parser.add_argument("--count", type=int, default=0, help="mutants to try, instead of a time")
    parser.add_argument("--keep", default=str(harness.CACHE / "fuzz"), help="where failing mutants go")
    arguments = parser.parse_args()
    binary, models = pathlib.Path(arguments.coppice).absolute(), seeds()
    operators = mutations.known_operators()
    codes, failures = collections.Counter(), collections.Counter()
    seed, start = arguments.seed, time.monotonic()
    memory = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    worker = Worker(binary, PATIENCE_SECONDS, MEMORY_BYTES)
    with tempfile.TemporaryDirectory(dir=memory) as name:
        folder = pathlib.Path(name)
        with open(folder / "weights", "wb") as weights:
            weights.truncate(WEIGHTS_BYTES)
        plan = plan_of_small(worker, folder)
        while (seed - arguments.seed < arguments.count if arguments.count
               else time.monotonic() - start < arguments.seconds):
            random = np.random.default_rng(seed)
            if seed % 10 == 0:
                data = mutations.change_text(random, plan).encode(errors="replace")
                (folder / "plan.json").write_bytes(data)
                command = ["apply", folder / "planned.onnx", "--plan", folder / "plan.json", "-o", folder / "out.onnx"]
            else:
                data = mutations.mutant(random, models, operators)
                # A new file, since the worker may still be hashing the one of a command that failed.
                (folder / "model.onnx").unlink(missing_ok=True)
                (folder / "model.onnx").write_bytes(data)
                command = command_for(random, folder / "model.onnx", folder / "out.onnx")
            problem, code = check(worker, command, folder)
            codes[code] += 1
            if problem:
                if code < 0 and code != -9:
                    problem = f"signal {-code}: {place_of_crash(binary, command, PATIENCE_SECONDS)}"
                failures[problem] += 1
                if failures[problem] <= 3:
                    keep(arguments, seed, data, command, problem)
                    print(f"FAILED seed {seed}: {problem}", flush=True)
            for left in outputs(folder):
                (folder / left).unlink()
            seed += 1
    worker.close()
    for problem, count in failures.most_common():
        print(f"{count:6} × {problem}")
    told = ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
    print(f"{seed - arguments.seed} mutants in {time.monotonic() - start:.0f} s ({told}), "
          f"{sum(failures.values())} failed")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
