"""Options of infer, verify, bench and inspect that cannot be meant, and comparisons of nothing."""
import numpy as np
from onnx import helper

from bad_runs import CLASSES, FLOAT, SAMPLES, WIDTH, build, classifier, commands, data, lookup, saved, weight
from bad_situations import refuses, situation
from failing import ANY_ERROR, INVALID_MODEL, USAGE, execute, judge

MISMATCH = 6
HUGE = 10**12, 2**63 - 1


def each(binary, folder, lines, codes, mentions):
    """All of these command lines are refused in the same words; returns the last outcome."""
    for line in lines:
        outcome, problem = refuses(binary, folder, [binary, *line], codes, mentions)
        if problem:
            return outcome, f"{' '.join(map(str, line))}: {problem}"
    return outcome, None


# Comparisons


def compared_on(binary, folder, model, path):
    """Data on which nothing can be compared."""
    return each(binary, folder, [["verify", model, model, "--input", path]], {INVALID_MODEL},
                ["model.onnx: nothing to compare on", "data.npz"])


@situation
def compared_without_numbers(binary, folder):
    """NaN is not NaN: that both models give it says nothing."""
    nodes = [helper.make_node("Abs", ["x"], ["a"]), helper.make_node("Neg", ["a"], ["n"]),
             helper.make_node("Log", ["n"], ["y"])]
    model = saved(folder, build(nodes, [("x", FLOAT, ["batch", WIDTH])], [("y", FLOAT, ["batch", WIDTH])]))
    return each(binary, folder, [["verify", model, model], ["verify", model, model, "--json"]], {MISMATCH},
                ["model.onnx", "no numbers", "--input"])


@situation
def compared_with_some_numbers(binary, folder):
    """What says nothing is named, and the rest compared."""
    nodes = [helper.make_node("Sqrt", ["x"], ["y"])]
    model = saved(folder, build(nodes, [("x", FLOAT, ["batch", 2])], [("y", FLOAT, ["batch", 2])]))
    np.savez(folder / "data.npz", x=np.array([[4, -1], [9, -4], [1, 1]], np.float32))
    outcome = execute([binary, "verify", model, model, "--input", folder / "data.npz"])
    problem = judge(outcome, {0}, [])
    if not problem and "output y: 2 of 6 elements" not in outcome.err:
        problem = f"does not name the elements: {outcome.err[:200]!r}"
    return outcome, problem


@situation
def compared_on_empty_arrays(binary, folder):
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    model = saved(folder, build(nodes, [("x", FLOAT, ["batch", "width"])], [("y", FLOAT, ["batch", "width"])]))
    path = data(folder, x=weight(SAMPLES, 0))
    return compared_on(binary, folder, model, path)


@situation
def compared_on_data_that_do_not_run(binary, folder):
    model, path = saved(folder, lookup()), data(folder, x=None, ids=np.full((SAMPLES, 5), 99))
    return compared_on(binary, folder, model, path)


@situation
def compared_on_too_many(binary, folder):
    model = saved(folder, classifier())
    return each(binary, folder, [["verify", model, model, "--samples", count] for count in (0, *HUGE)], {USAGE},
                ["--samples"])


# Batches


def with_output(node, shape):
    """The classifier with one more output z."""
    model = classifier()
    model.graph.node.append(node)
    model.graph.output.append(helper.make_tensor_value_info("z", FLOAT, shape))
    return model


def inferred(binary, folder, model, *options):
    return [*commands(binary, folder, saved(folder, model), data(folder))["infer"], *options]


@situation
def inferred_sum_over_batch(binary, folder):
    """Sums of batches are no sums of all, whether or not they have an axis, even one as long as a batch."""
    for node, shape, batch in ((helper.make_node("ReduceSum", ["y"], ["z"], keepdims=0), [], 5),
                               (helper.make_node("ReduceSum", ["y"], ["z"], keepdims=1), [1, 1], 1),
                               (helper.make_node("Transpose", ["y"], ["z"], perm=[1, 0]), [CLASSES, "batch"], CLASSES)):
        command = inferred(binary, folder, with_output(node, shape), "--batch", batch)
        outcome, problem = refuses(binary, folder, command, {USAGE}, ["model.onnx", "output z", "--batch"])
        if problem:
            return outcome, f"{node.op_type}: {problem}"
    return outcome, None


@situation
def inferred_constant_beside_batches(binary, folder):
    """An output that no sample changes is there once."""
    model = with_output(helper.make_node("Identity", ["w"], ["z"]), [WIDTH, CLASSES])
    for batch in (WIDTH, 5):
        outcome = execute(inferred(binary, folder, model, "--batch", batch, "--force"))
        problem = judge(outcome, {0}, [])
        if problem:
            return outcome, problem
        with np.load(folder / "out.npz") as arrays:
            shapes = {name: arrays[name].shape for name in arrays}
        if shapes != {"y": (SAMPLES, CLASSES), "z": (WIDTH, CLASSES)}:
            return outcome, f"in batches of {batch}: {shapes}"
    return outcome, None


@situation
def batch_is_fixed(binary, folder):
    model = saved(folder, classifier(batch=5))
    lines = [["inspect", model, "--memory", "--batch", "8"], ["inspect", model, "--memory", "--train", "--batch", "8"],
             ["bench", model, "--batch", "8"], ["bench", model, "--train", "--batch", "8"]]
    return each(binary, folder, lines, {USAGE}, ["model.onnx", "fixed at 5 by input x"])


@situation
def batch_is_huge(binary, folder):
    model = saved(folder, classifier())
    lines = [[*line, *extra, "--batch", count] for count in HUGE for extra in ([], ["--train"])
             for line in (["bench", model], ["inspect", model, "--memory"])]
    return each(binary, folder, lines, {USAGE}, ["model.onnx", "input x", "memory"])


@situation
def run_is_huge(binary, folder):
    """Inputs that fit, beside what is computed of them, which does not."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("ReduceSum", ["h"], ["y"], keepdims=0)]
    model = saved(folder, build(nodes, [("x", FLOAT, ["batch", 1])], [("y", FLOAT, [])], [("w", weight(1, 1 << 16))]))
    return each(binary, folder, [["bench", model, "--batch", 1 << 27]], {USAGE}, ["model.onnx", "--batch"])


@situation
def inferred_more_than_fit_at_once(binary, folder):
    """A multiple of what the model takes can be run; other shapes have to be changed."""
    model = classifier(batch=5)
    for count, mention in ((10, "--batch 5"), (12, "reshape")):
        command = commands(binary, folder, saved(folder, model), data(folder, x=weight(count, WIDTH)))["infer"]
        outcome, problem = refuses(binary, folder, command, {INVALID_MODEL}, ["data.npz", "input x", mention])
        if problem:
            return outcome, f"{count} samples: {problem}"
    command = commands(binary, folder, saved(folder, model), data(folder, x=weight(10, WIDTH)))["infer"]
    outcome = execute([*command, "--batch", "5"])
    return outcome, judge(outcome, {0}, [])


@situation
def inferred_into_a_folder(binary, folder):
    (folder / "y.npz").mkdir()
    line = [*commands(binary, folder, saved(folder, classifier()), data(folder))["infer"][1:-1], folder / "y.npz"]
    return each(binary, folder, [line], ANY_ERROR, ["y.npz", "is a folder; name a file in it"])


@situation
def inferred_into_no_folder(binary, folder):
    path = folder / "nowhere" / "y.npz"
    line = [*commands(binary, folder, saved(folder, classifier()), data(folder))["infer"][1:-1], path]
    return each(binary, folder, [line], ANY_ERROR, ["nowhere/y.npz", "make the folder first"])


@situation
def inferred_into_no_format(binary, folder):
    line = commands(binary, folder, saved(folder, classifier()), data(folder))["infer"][1:-1]
    return each(binary, folder, [[*line, folder / name] for name in ("y", "y.csv")], {USAGE}, ["y", ".npz", ".npy"])


@situation
def inferred_two_outputs_into_one_array(binary, folder):
    """Before anything runs: the data are not even looked at."""
    model = with_output(helper.make_node("Identity", ["y"], ["z"]), ["batch", CLASSES])
    line = ["infer", saved(folder, model), "--input", folder / "nowhere.npz", "-o", folder / "y.npy"]
    return each(binary, folder, [line], {USAGE}, ["y.npy", "2 outputs", ".npz"])


@situation
def counts_are_negative(binary, folder):
    """A number below 0 is read as one, not as an option."""
    model, path = saved(folder, classifier()), data(folder)
    batched = [["bench", model], ["inspect", model, "--memory"], ["eval", model, "--data", path],
               ["infer", model, "--input", path, "-o", folder / "y.npz"]]
    for option, lines in (("--batch", batched), ("--threads", [["bench", model], ["eval", model, "--data", path]]),
                          ("--runs", [["bench", model]]), ("--warm-up", [["bench", model]]),
                          ("--samples", [["verify", model, model]])):
        mention = "must not be negative" if option == "--warm-up" else f"{option} must be"
        outcome, problem = each(binary, folder, [[*line, option, "-3"] for line in lines], {USAGE}, [mention])
        if problem:
            return outcome, f"{option}: {problem}"
    return outcome, None


@situation
def bench_prints_its_table_quietly(binary, folder):
    outcome = execute([binary, "bench", saved(folder, classifier()), "--runs", "1", "--warm-up", "0", "-q"])
    problem = judge(outcome, {0}, [])
    if not problem and ("p50 ms" not in outcome.out or outcome.err):
        problem = f"printed {outcome.out[:200]!r} and said {outcome.err[:200]!r}"
    return outcome, problem


@situation
def memory_names_what_is_shared(binary, folder):
    outcome = execute([binary, "inspect", saved(folder, classifier()), "--memory", "--train"])
    problem = judge(outcome, {0}, [])
    return outcome, problem or ("says in both" if "in both" in outcome.out else None)


# Shapes of inputs


SHAPED = (["bench"], ["bench", "--train"], ["inspect"], ["inspect", "--memory"])


def shaped(binary, folder, shape, mentions):
    model = saved(folder, classifier())
    lines = [[*command, model, "--input-shape", shape] for command in SHAPED]
    lines.append(["verify", model, model, "--input-shape", shape])
    return each(binary, folder, lines, {USAGE}, mentions)


@situation
def shape_of_no_input(binary, folder):
    return shaped(binary, folder, f"z=2x{WIDTH}", ["model.onnx", "no input z", "it has x"])


@situation
def shape_of_another_rank(binary, folder):
    return shaped(binary, folder, f"x=2x{WIDTH}x1", ["model.onnx", "input x", "2 axes"])


@situation
def shape_of_another_size(binary, folder):
    return shaped(binary, folder, f"x=2x{WIDTH + 1}", ["model.onnx", "input x", f"{WIDTH} elements"])


@situation
def shape_that_is_no_number(binary, folder):
    return shaped(binary, folder, f"x=2x{2**63}", ["x=2x", "input shape"])
