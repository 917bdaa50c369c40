"""Training by coppice: dense, by HESSO, and by magnitude with fine-tuning, for the same number of steps."""
import collections
import concurrent.futures
import functools
import hashlib
import json
import pathlib
import shutil
import tempfile
import threading

from study import networks, tool
from study.results import file_digest
from study_hesso import subjects
from study_hesso.subjects import SUBJECTS, make

STARTS = ["scratch", "trained"]
SPARSITIES = [0.5, 0.7]
AT_ONCE = 2  # runs of a thread each


class Coppice(tool.Coppice):
    """The tool, and what it trains."""

    def __init__(self, binary, results):
        super().__init__(binary, results)
        self.locks = collections.defaultdict(threading.Lock)  # of the same run by several threads one makes it

    def train(self, subject, start, model, seed, steps, path, sparse=None, threads=1):
        optimizer = ["--optimizer", subject.optimizer]
        if sparse is not None:
            scratch = ["--from-scratch"] if start == "scratch" else []
            optimizer = ["--optimizer", "hesso", "--base", subject.optimizer, *scratch, *sparse]
        return self.json(
            "train", model, "--data", networks.training_path(subject.network), "--loss", "cross-entropy", *optimizer,
            *subject.options(start, steps), "--seed", seed, "--threads", threads, "-o", path, "--force")

    def start(self, subject, start, seed, folder):
        """A file of the network that training starts from: from a trained one, what the dense run made of it."""
        if start == "trained":
            self.dense_run(subject, "scratch", seed)
            return self.trained_path(subject, seed)
        path = folder / "start.onnx"
        subject.untrained(seed, path)
        return path

    def trained_path(self, subject, seed):
        """Where the dense run from scratch leaves its network: a name of all that it depends on."""
        text = json.dumps(self.dependencies("dense", subject, "scratch", seed), sort_keys=True)
        return networks.CACHE / "models" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.onnx"

    def dependencies(self, what, subject, start, seed):
        data = [file_digest(path(subject.network)) for path in (networks.training_path, networks.test_path)]
        return {"what": what, "binary": self.digest, "version": self.version, "subject": repr(subject),
                "scripts": [file_digest(path) for path in (make.architectures.__file__, __file__, subjects.__file__)],
                "start": start, "seed": seed, "data": data}

    def once(self, what, subject, start, seed, find, beside=None, **others):
        """What `find` says of a network in a folder, kept under everything it depends on, and `beside` a file."""
        told = f"{subject.title} from {start}, seed {seed}"
        told += "".join(f" {others[key]}" for key in ("sparsity", "options") if others.get(key))

        def found():
            with tempfile.TemporaryDirectory() as folder:
                return find(pathlib.Path(folder))

        facts = {**self.dependencies(what, subject, start, seed), **others, "told": told}
        with self.locks[json.dumps(facts, sort_keys=True)]:
            return self.results.once(facts, found, beside)

    # Runs

    def dense_run(self, subject, start, seed):
        kept = self.trained_path(subject, seed)

        def find(folder):
            path = folder / "out.onnx"
            self.train(subject, start, self.start(subject, start, seed, folder), seed, subject.steps, path)
            found = self.measured(path, subject.network)
            if start == "scratch":
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, kept)
            return found

        return self.once("dense", subject, start, seed, find, beside=kept if start == "scratch" else None)

    def hesso(self, subject, start, seed, sparsity, *options):
        def find(folder):
            path = folder / "out.onnx"
            run = self.train(subject, start, self.start(subject, start, seed, folder), seed, subject.steps, path,
                             ["--sparsity", sparsity, *options])
            return {**self.measured(path, subject.network), "sparsity": run["sparsity"]}

        return self.once("hesso", subject, start, seed, find, sparsity=sparsity, options=" ".join(map(str, options)))

    def magnitude(self, subject, start, seed, sparsity):
        """As many channels go by their norms: at once from a trained network, after half of the steps from scratch."""
        def find(folder):
            model, steps = self.start(subject, start, seed, folder), subject.steps
            if start == "scratch":
                half = folder / "half.onnx"
                self.train(subject, start, model, seed, steps // 2, half)
                model, steps = half, steps - steps // 2
            pruned, path = folder / "pruned.onnx", folder / "out.onnx"
            self.call("prune", model, "--ratio", sparsity, "--scope", "global", "--criterion", "l2", "--round-to", 1,
                      "--exact-only", "-o", pruned, "--quiet")
            self.train(subject, start, pruned, seed, steps, path)
            return self.measured(path, subject.network)

        return self.once("magnitude", subject, start, seed, find, sparsity=sparsity)

    def prepare(self, start, seeds):
        """All runs of a table, some of them at once; what is read afterwards is kept by then."""
        pairs = [(subject, seed) for seed in seeds for subject in SUBJECTS.values()]
        self.all_of([functools.partial(self.dense_run, subject, "scratch", seed) for subject, seed in pairs])
        self.all_of([functools.partial(self.dense_run, subject, start, seed) for subject, seed in pairs])
        self.all_of([functools.partial(run, subject, start, seed, sparsity) for subject, seed in pairs
                     for sparsity in SPARSITIES for run in (self.hesso, self.magnitude)])

    def all_of(self, jobs):
        """Runs them; what fails, fails again, and is told, where it is read."""
        pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        try:
            for future in [pool.submit(job) for job in jobs]:
                problem = future.exception()
                if problem is not None and not isinstance(problem, tool.Failed):
                    raise problem
        finally:
            pool.shutdown(cancel_futures=True)
