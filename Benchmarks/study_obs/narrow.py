"""The same architecture made narrower to a share of the MACs, and trained from scratch."""
import pathlib
import tempfile

from study import networks
from study.results import file_digest

make = networks.make
WARM_UP_SHARE = 10  # of a short run's steps one in so many warms up, where the recipe has more


def candidates(name):
    """Widths from the widest down, as the architecture takes them."""
    if name in networks.CONVOLUTIONAL:
        return [share / 100 for share in range(99, 9, -1)]
    return range(60, 3, -4)  # every head is as wide


def untrained(coppice, name, share, seed, folder):
    """(path, width) of the widest network with at most that share of the dense one's MACs."""
    most = share * coppice.dense(name)["macs"]
    build = getattr(make.architectures, name)
    for width in candidates(name):
        path = folder / f"{name}-{width}-{seed}.onnx"
        make.onnx.save(build(seed=seed, width=width), path)
        if coppice.json("inspect", path)["macs"] <= most:
            return path, width
        path.unlink()
    raise ValueError(f"{name} cannot be made so narrow")


def without(recipe, *options):
    """A recipe without some of its options and their values."""
    pairs = [recipe[i:i + 2] for i in range(0, len(recipe), 2)]
    return [part for pair in pairs if pair[0] not in options for part in pair]


def trained(coppice, name, share, seed, seconds=None):
    """The narrow network's result after the dense one's recipe or, with `seconds`, as many steps as fit into them."""
    facts = coppice.facts(
        "train", networks.model_path(name), share=share, seed=seed,
        recipe=[str(part) for part in make.RECIPES[name][1]],
        training=file_digest(networks.training_path(name)), seconds=seconds and round(seconds, 1),
        builder=file_digest(make.architectures.__file__),
        told=f"{name} to {share:.0%} of the MACs, seed {seed}, {f'{seconds:.1f} s' if seconds else 'whole recipe'}")

    def find():
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            start, width = untrained(coppice, name, share, seed, folder)
            recipe = make.RECIPES[name][1] if seconds is None else steps_within(coppice, name, start, seconds, folder)
            path = folder / "trained.onnx"
            run = train(coppice, name, start, recipe, seed, path)
            return {**coppice.measured(path, name), "width": width, "steps": run["steps"],
                    "seconds": run["steps"] * run["secondsPerStep"]}

    found = coppice.results.once(facts, find)
    return {**found, "share": found["macs"] / coppice.dense(name)["macs"]}


def train(coppice, name, start, recipe, seed, path):
    return coppice.json("train", start, "--data", networks.training_path(name), "--loss", "cross-entropy", *recipe,
                        "--seed", seed, "-o", path, "--force")


def steps_within(coppice, name, start, seconds, folder):
    """The recipe with as many steps as take so long, by the time of a few."""
    recipe = without(make.RECIPES[name][1], "--epochs", "--steps", "--warm-up-steps")
    probe = train(coppice, name, start, [*recipe, "--warm-up-steps", 0, "--steps", 10], 0, folder / "probe.onnx")
    steps = max(2, int(seconds / probe["secondsPerStep"]))
    usual = dict(zip(make.RECIPES[name][1][::2], make.RECIPES[name][1][1::2])).get("--warm-up-steps", 0)
    return [*recipe, "--warm-up-steps", min(usual, steps // WARM_UP_SHARE), "--steps", steps]
