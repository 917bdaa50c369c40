"""The trained networks of Models: they reach what Models/README.md says, in Coppice and in ONNX Runtime.

    own_models.py [--only NAME,...]

A network whose data cannot be had is skipped, and said so.
"""
import sys

import numpy as np

import harness

sys.path.append(str(harness.ROOT / "Models"))
import make  # noqa: E402

TOLERANCE = 0.3  # points of accuracy, or of perplexity: kernels that round in another way turn a sample or two


def written(name):
    """The cells of the network's row in the first table of README.md."""
    for line in (make.FOLDER / "README.md").read_text().splitlines():
        if line.startswith(f"| {name} | ") and line.count("|") == 5:
            return [cell.strip() for cell in line.strip("|").split("|")]
    raise LookupError(f"Models/README.md has no row for {name}")


def numbers(reached):
    """The percentage and, where there is one, the perplexity."""
    words = reached.split()
    return [float(words[0])] + ([float(words[-1])] if "perplexity" in words else [])


def samples(name, count=2000):
    """(inputs, labels) of the first test samples."""
    path = make.data(name)[1]
    if path.suffix == ".npz":
        arrays = dict(np.load(path))
        labels = arrays.pop("label")
        return {key: value[:count] for key, value in arrays.items()}, labels[:count]
    images, labels = make.idx(path), make.idx(path.with_name(path.name.replace("images-idx3", "labels-idx1")))
    return {"image": (images[:count, None] / np.float32(255)).astype(np.float32)}, labels[:count]


def runtime_accuracy(name):
    """The share of labels ONNX Runtime gets right, beside Coppice's on the same samples."""
    inputs, labels = samples(name)
    (logits,) = harness.run(make.path_of(name), inputs)
    return 100 * float(np.mean(logits.argmax(-1) == labels))


def check(coppice, name, report):
    try:
        row = make.measured(coppice.binary, name)
    except make.Missing as missing:
        print(f"skipped  {name}: {missing}")
        return
    found, expected = [cell.strip() for cell in row.strip("|").split("|")], written(name)
    problem = None
    if found[:3] != expected[:3]:
        problem = f"README says {expected[1]} parameters and {expected[2]} MACs"
    elif any(abs(a - b) > TOLERANCE for a, b in zip(numbers(found[3]), numbers(expected[3]))):
        problem = f"README says {expected[3]}"
    report.row(name, f"{found[1]:>8} parameters, {found[3]}", problem)
    with harness.scratch() as folder:
        inputs, labels = samples(name)
        np.savez(f"{folder}/test.npz", **inputs, label=labels.astype(np.int64))
        own = 100 * coppice.json("eval", make.path_of(name), "--data", f"{folder}/test.npz")["top1"]
    theirs = runtime_accuracy(name)
    problem = None if abs(own - theirs) <= TOLERANCE else f"Coppice reaches {own:.2f} %"
    report.row(name, f"ONNX Runtime reaches {theirs:.2f} % on the first samples", problem)


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", help="check these, divided by commas")
    arguments = parser.parse_args()
    coppice, report = harness.Coppice(arguments.coppice), harness.Report()
    for name in arguments.only.split(",") if arguments.only else make.RECIPES:
        check(coppice, name, report)
    report.finish()


if __name__ == "__main__":
    main()
