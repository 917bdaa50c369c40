"""Training by coppice: dense, by HESSO, and by magnitude with fine-tuning, for the same number of steps."""
import concurrent.futures
import pathlib
import tempfile

from study import networks, tool
from study.results import file_digest
from study_hesso.subjects import SUBJECTS, make

STARTS = ["scratch", "trained"]
SPARSITIES = [0.5, 0.7]
AT_ONCE = 2  # runs of a thread each


class Coppice(tool.Coppice):
    """The tool, and what it trains."""

    def train(self, subject, start, model, seed, steps, path, sparse=None, threads=1):
        optimizer = ["--optimizer", subject.optimizer]
        if sparse is not None:
            optimizer = ["--optimizer", "hesso", "--base", subject.optimizer, *sparse]
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
        name = f"{subject.title.replace(' ', '-')}-{seed}-{self.digest[:16]}.onnx"
        return networks.CACHE / "models" / name

    def once(self, what, subject, start, seed, find, **others):
        """What `find` says of a network in a folder, kept under everything it depends on."""
        data = [file_digest(path(subject.network)) for path in (networks.training_path, networks.test_path)]
        facts = {"what": what, "binary": self.digest, "version": self.version, "subject": repr(subject),
                 "builder": file_digest(make.architectures.__file__), "start": start, "seed": seed, "data": data,
                 **others, "told": f"{subject.title} from {start}, seed {seed} {' '.join(map(str, others.values()))}"}

        def found():
            with tempfile.TemporaryDirectory() as folder:
                return find(pathlib.Path(folder))

        return self.results.once(facts, found)

    # Runs

    def dense_run(self, subject, start, seed):
        def find(folder):
            path = folder / "out.onnx"
            self.train(subject, start, self.start(subject, start, seed, folder), seed, subject.steps, path)
            found = self.measured(path, subject.network)
            if start == "scratch":
                kept = self.trained_path(subject, seed)
                kept.parent.mkdir(parents=True, exist_ok=True)
                path.rename(kept)
            return found

        return self.once("dense", subject, start, seed, find)

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
        subjects = [(subject, seed) for seed in seeds for subject in SUBJECTS.values()]
        jobs = [[lambda subject=subject, seed=seed: self.dense_run(subject, start, seed) for subject, seed in subjects]]
        jobs.append([
            lambda run=run, subject=subject, seed=seed, sparsity=sparsity: run(subject, start, seed, sparsity)
            for subject, seed in subjects for sparsity in SPARSITIES for run in (self.hesso, self.magnitude)])
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for several in jobs:
                for job in [pool.submit(job) for job in several]:
                    if not isinstance(job.exception(), (tool.Failed, type(None))):
                        raise job.exception()
