"""Checks models as ONNX Runtime's optimizers and quantizers leave them: fused attention, fused convolutions, integers.

    contrib_models.py [--only NAME,...] [--seeds N]

Every model is pruned twice. With --kinds all --ratio 0.5 the result has to run and keep its outputs' shapes; with
--exact-only it has to equal the original with exactly the plan's slices set to zero. Each model also names the kinds
of dimensions that have to be found in it, so that a rule that fixes everything fails here.
"""
import json
import pathlib

import onnx
from onnx import TensorProto, helper

import contrib_blocks as blocks
import contrib_quantized as quantized
import harness
import invariant
from graph_builder import GraphBuilder

# What has to be removed, by the block: kinds of exact groups. Widths that are rotated must not be among them.
SEQUENCES = {
    "attention_plain": {"head", "head-width"},
    "attention_biased": {"head", "head-width"},
    "attention_causal": {"head", "head-width"},
    "attention_present": {"head", "head-width"},
    "multihead_plain": {"head", "head-width"},
    "multihead_biased": {"head", "head-width"},
    "multihead_cross": {"head", "head-width"},
    "multihead_rotated": {"head", "head-width"},
    "multihead_partly_rotated": {"head", "head-width"},
    "grouped_plain": {"kv-group", "head", "head-width"},
    "grouped_rotated": {"kv-group", "head"},
    "grouped_packed": {"kv-group", "head"},
    "grouped_cached": {"head"},
    "standard_flat": {"kv-group", "head", "head-width"},
    "standard_split": {"head", "head-width"},
    "standard_rotated": {"kv-group", "head", "head-width"},
    "standard_partly_rotated": {"head", "head-width"},
    "feedforward": {"ffn"},
    "fused_products": {"ffn"},
    "experts": {"ffn"},
    "gated_experts": {"ffn"},
    "four_bits": {"ffn"},
    "four_bits_shifted": {"ffn"},
    "scaled_in_blocks": {"head", "head-width"},
}
# Blocks that must leave a head's width alone.
ROTATED = {"grouped_rotated", "grouped_packed", "grouped_cached"}
# Blocks that run for every batch and length, and are also tried with both known only at run time.
SYMBOLIC = {"attention_plain", "multihead_plain", "multihead_rotated", "feedforward", "standard_rotated"}
NORMALIZATIONS = {
    17: ["skip_normalized", "skip_simplified", "simplified"],
    23: ["root_mean_square"],
}


class Case:
    """A model, what it reads, what has to be found in it, and how near the pruned one has to come."""

    def __init__(self, name, make, kinds, shapes, bound=harness.BOUND):
        self.name, self.make, self.kinds, self.shapes, self.bound = name, make, kinds, shapes, bound


def sequence(name, seed):
    """A network around one block, with normalizations before and after it."""
    opset = 23 if name.startswith(("standard", "scaled")) else 17
    builder = GraphBuilder(seed)
    x = blocks.dense(builder, "x", 5, blocks.WIDTH)
    norms = NORMALIZATIONS[opset]
    x = getattr(blocks, norms[seed % len(norms)])(builder, x)
    x = getattr(blocks, name)(builder, x)
    x = getattr(blocks, norms[(seed + 1) % len(norms)])(builder, x)
    output = blocks.dense(builder, x, blocks.WIDTH, 3)
    return finished(builder, output, opset, symbolic=seed % 2 == 1 and name in SYMBOLIC)


def finished(builder, output, opset, symbolic):
    sizes = ["batch", "length"] if symbolic else [1, blocks.LENGTH]
    inputs = {"x": [*sizes, 5]} | getattr(builder, "inputs", {})
    graph = builder.graph(
        "contrib", [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [*sizes, 3])])
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def cases():
    shapes = {"x": ([1, blocks.LENGTH, 5], "float32")}
    shapes |= {name: ([1, 2, 4, 8], "float32") for name in ("past_key", "past_value")}
    for name, kinds in SEQUENCES.items():
        yield Case(name, lambda seed, name=name: sequence(name, seed), kinds, shapes)
    for name, make, kinds, inputs, bound in quantized.models(sequence, shapes):
        yield Case(name, make, kinds, inputs, bound)


def check(coppice, case, seed, keep):
    """(share removed, groups, error, problem) of one model and seed; the model stays in a folder."""
    model = case.make(seed)
    onnx.save(model, keep / f"{case.name}{seed}.onnx")
    with harness.scratch() as name:
        folder = pathlib.Path(name)
        path, pruned = folder / "model.onnx", folder / "all.onnx"
        onnx.save(model, path)
        feed = harness.inputs(case.shapes, seed)
        expected = harness.run(path, feed)
        summary = coppice.json(
            "prune", path, "--ratio", 0.5, "--kinds", "all", "--round-to", 1, "-o", pruned)
        removed = 1 - summary["after"]["parameters"] / summary["before"]["parameters"]
        problem = harness.compare_contract(expected, harness.run(pruned, feed))
        if problem:
            return removed, 0, None, problem
        # The runtime has operators in the standard domain that the checker does not know.
        known = not any(node.op_type == "SimplifiedLayerNormalization" for node in model.graph.node)
        error, groups = invariant.error_of(coppice, path, feed, folder, ratio=0.5, seed=seed, full_check=known)
        if not groups:
            return removed, 0, error, "nothing can be removed exactly"
        change = harness.relative_error(expected, harness.run(folder / "pruned.onnx", feed), expected)
        if change < 1e-3:
            return removed, groups, error, "what was removed did not count, so that the comparison says nothing"
        found = {group["id"].split(":")[0] for group in json.loads((folder / "plan.json").read_text())["groups"]}
        if not case.kinds <= found:
            return removed, groups, error, f"found {sorted(found)}, expected {sorted(case.kinds)}"
        if case.name in ROTATED and "head-width" in found:
            return removed, groups, error, "a rotated width was cut"
        return removed, groups, error, None if error <= case.bound else f"off by more than {case.bound:g}"


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", help="check these, divided by commas")
    parser.add_argument("--seeds", type=int, default=2, help="models of each kind")
    parser.add_argument("--keep", default=str(harness.CACHE / "contrib"), help="where the models go")
    arguments = parser.parse_args()
    keep = pathlib.Path(arguments.keep)
    keep.mkdir(parents=True, exist_ok=True)
    coppice, report = harness.Coppice(arguments.coppice, timeout=60), harness.Report()
    only = set(arguments.only.split(",")) if arguments.only else None
    for case in cases():
        if only and case.name not in only:
            continue
        for seed in range(arguments.seeds):
            try:
                removed, groups, error, problem = check(coppice, case, seed, keep)
                columns = f"seed {seed}  removed {100 * removed:5.1f}%  {groups:3} groups  error " + (
                    "      –" if error is None else f"{error:7.1e}")
            except Exception as failure:  # a refusal, an invalid graph, a wrong plan: all findings
                columns, problem = f"seed {seed}", f"{type(failure).__name__}: {str(failure)[:300]}"
            report.row(case.name, columns, problem)
    report.finish()


if __name__ == "__main__":
    main()
