"""Where HESSO alone takes what the network cannot do without, and whether the corrective cycle finds that out."""
from study.tables import Table
from study.tool import over_seeds
from study_hesso.subjects import SUBJECTS

START = "trained"
SPARSITIES = [0.7, 0.85]
FREE = ["--min-keep-share", 0]


def label(sparsity, *words):
    return ", ".join((f"{100 * sparsity:.0f} %", *words))


def section(coppice, seeds, torch):
    del torch
    result = Table(
        "The corrective cycle",
        "From a trained network, as above. *free*: `--min-keep-share 0`, so that all but one channel of a group may go, "
        "as in the paper; *cric*: with `--cric`.", list(SUBJECTS))
    result.add("dense", {title: over_seeds(seeds, lambda seed: coppice.dense_run(subject, START, seed))
                         for title, subject in SUBJECTS.items()})
    variants = {("hesso",): [], ("cric",): ["--cric"], ("hesso", "free"): FREE, ("cric", "free"): [*FREE, "--cric"]}
    for sparsity in SPARSITIES:
        for words, options in variants.items():
            result.add(label(sparsity, *words), {
                title: over_seeds(seeds, lambda seed: coppice.hesso(subject, START, seed, sparsity, *options))
                for title, subject in SUBJECTS.items()})
    for sparsity in SPARSITIES:
        for words in (("free",), ()):
            result.notes.append(result.holds(label(sparsity, "cric", *words), label(sparsity, "hesso", *words)))
    return result.markdown()
