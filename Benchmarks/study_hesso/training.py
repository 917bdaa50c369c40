"""Training by coppice: dense, by HESSO, and by magnitude with fine-tuning, for the same number of steps."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "study_obs"))
import networks  # noqa: E402
from pruning import Coppice as Tool  # noqa: E402
from results import file_digest  # noqa: E402

make = networks.make
CACHE = networks.ROOT / ".cache" / "study-hesso"
EPOCHS = {"fashion_resnet": 2, "fashion_mobilenet": 2, "digits_transformer": 20}
RATE_OF_TRAINED = 0.1  # of the recipe's learning rate, where training goes on from a trained network
DROPPED = ("--epochs", "--steps", "--lr", "--warm-up-steps")


def recipe(name, start):
    """Options of `coppice train`, and the learning rate."""
    pairs = [make.RECIPES[name][1][i:i + 2] for i in range(0, len(make.RECIPES[name][1]), 2)]
    rate = dict(map(tuple, pairs))["--lr"] * (RATE_OF_TRAINED if start == "trained" else 1)
    return [part for pair in pairs if pair[0] not in DROPPED for part in pair], rate


def steps(name):
    batch = dict(zip(make.RECIPES[name][1][::2], make.RECIPES[name][1][1::2]))["--batch"]
    images, _ = networks.arrays(networks.training_path(name))
    return EPOCHS[name] * (len(images) // batch)


def as_hesso(options):
    """The options with the optimizer as the base of hesso."""
    return ["--base" if part == "--optimizer" else part for part in options] + ["--optimizer", "hesso"]


class Coppice(Tool):
    """The tool, and what it trains."""

    def start(self, name, start, seed, folder):
        """A file of the network that training starts from."""
        if start == "trained":
            return networks.model_path(name)
        path = pathlib.Path(folder) / "start.onnx"
        make.onnx.save(getattr(make.architectures, name)(seed=seed), path)
        return path

    def train(self, name, start, model, seed, count, path, sparse=None):
        options, rate = recipe(name, start)
        if sparse is not None:
            options = [*as_hesso(options), *sparse]
        return self.json(
            "train", model, "--data", networks.training_path(name), "--loss", "cross-entropy", *options, "--lr", rate,
            "--warm-up-steps", min(100, count // 10), "--steps", count, "--seed", seed, "-o", path, "--force")

    def once(self, what, name, start, seed, find, **others):
        facts = self.facts(
            what, networks.model_path(name), name=name, start=start, seed=seed, steps=steps(name),
            recipe=[str(part) for part in (*recipe(name, start)[0], recipe(name, start)[1])],
            builder=file_digest(make.architectures.__file__), training=file_digest(networks.training_path(name)),
            test=file_digest(networks.test_path(name)), **others,
            told=f"{name} from {start}, seed {seed} {' '.join(map(str, others.values()))}")
        with tempfile.TemporaryDirectory() as folder:
            return self.results.once(facts, lambda: find(pathlib.Path(folder)))

    def trained_dense(self, name, start, seed):
        def find(folder):
            path = folder / "out.onnx"
            run = self.train(name, start, self.start(name, start, seed, folder), seed, steps(name), path)
            return {**self.measured(path, name), "secondsPerStep": run["secondsPerStep"]}

        return self.once("dense", name, start, seed, find)

    def hesso(self, name, start, seed, sparsity, *options):
        def find(folder):
            path = folder / "out.onnx"
            run = self.train(name, start, self.start(name, start, seed, folder), seed, steps(name), path,
                             ["--sparsity", sparsity, *options])
            return {**self.measured(path, name), "secondsPerStep": run["secondsPerStep"], "sparsity": run["sparsity"]}

        return self.once("hesso", name, start, seed, find, sparsity=sparsity, options=" ".join(map(str, options)))

    def magnitude(self, name, start, seed, sparsity):
        """As many channels go by their norms: at once from a trained network, after half of the steps from scratch."""
        def find(folder):
            model, count = self.start(name, start, seed, folder), steps(name)
            if start == "scratch":
                half = folder / "half.onnx"
                self.train(name, start, model, seed, count // 2, half)
                model, count = half, count - count // 2
            pruned, path = folder / "pruned.onnx", folder / "out.onnx"
            self.call("prune", model, "--ratio", sparsity, "--scope", "global", "--criterion", "l2", "--round-to", 1,
                      "--min-keep-share", 0, "--exact-only", "-o", pruned, "--quiet")
            self.train(name, start, pruned, seed, count, path)
            return self.measured(path, name)

        return self.once("magnitude", name, start, seed, find, sparsity=sparsity)
