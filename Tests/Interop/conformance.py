"""Holds coppice's shape inference against the outputs of ONNX's own operator cases.

    conformance.py [--only TEXT]

Each case is looked at three times: with inputs of known sizes, of unknown sizes, and with constants for inputs. What
coppice says of a type, a rank, a size or an element must be what the case gives, and no case may be refused.
"""
import collections
import json

import numpy as np
import onnx
from onnx import numpy_helper

import harness
import operator_cases as oc


def contradiction(facts, expected):
    """What is wrong with the facts of a value, or None."""
    shape = oc.shape_of(expected)
    if shape is None:
        return None
    proto = oc.tensor(expected, "y")
    if facts["type"] is not None and facts["type"] != proto.data_type:
        return f"type {facts['type']}, the case gives {proto.data_type}"
    if facts["shape"] is None:
        return None
    if len(facts["shape"]) != len(shape) or any(a is not None and a != b for a, b in zip(facts["shape"], shape)):
        return f"shape {facts['shape']}, the case gives {shape}"
    if facts["contents"] is not None:
        array = np.asarray(numpy_helper.to_array(proto)).reshape(-1)
        if len(facts["contents"]) != array.size:
            return f"{len(facts['contents'])} elements, the case gives {array.size}"
        for a, b in zip(facts["contents"], array):
            if a is not None and not np.isclose(a, float(b), rtol=1e-3, atol=1e-6, equal_nan=True):
                return f"element {a}, the case gives {b}"
    return None


def status(facts, outputs):
    """How much is known of a case's outputs."""
    known = [f for f, o in zip(facts, outputs) if oc.shape_of(o) is not None]
    if not known or any(f["shape"] is None for f in known):
        return "unknown"
    return "full" if all(None not in f["shape"] for f in known) else "partial"


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", help="cases whose name holds this")
    arguments = parser.parse_args()
    coppice = harness.Coppice(arguments.coppice)
    everything = list(oc.cases(arguments.only))
    variants = {
        "sizes": lambda model, inputs: model,
        "symbols": lambda model, inputs: oc.without_sizes(model),
        "constants": lambda model, inputs: oc.with_constants(model, inputs, lambda info, held: True),
    }
    failures, unknown = [], collections.Counter()
    with harness.scratch() as folder:
        for variant, change in variants.items():
            paths = []
            for number, (_, model, inputs, _) in enumerate(everything):
                paths.append(f"{folder}/{variant}{number}.onnx")
                onnx.save(change(oc.without_declared_outputs(model), inputs), paths[-1])
            lines = [json.loads(line) for line in coppice("shapes", *paths).splitlines()]
            tally = collections.Counter()
            for (name, model, _, outputs), result in zip(everything, lines, strict=True):
                if "error" in result:
                    tally["refused"] += 1
                    failures.append(f"{name} ({variant}): refused: {result['error'].split(': ', 1)[-1]}")
                    continue
                facts = [result["values"][info.name] for info in model.graph.output]
                problems = [p for p in map(contradiction, facts, outputs) if p]
                outcome = "contradiction" if problems else status(facts, outputs)
                tally[outcome] += 1
                if problems:
                    failures.append(f"{name} ({variant}): {problems[0]}")
                if outcome == "unknown" and variant == "constants":
                    unknown.update({node.op_type for node in model.graph.node})
            print(f"{variant:10}" + ", ".join(f"{tally[k]} {k}" for k in ("full", "partial", "unknown", "contradiction",
                                                                         "refused")), flush=True)
    print("unknown with constants: " + ", ".join(f"{name} {count}" for name, count in unknown.most_common(40)))
    print("\n".join(failures))
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
