"""What must not work: broken models, outputs that cannot be, interruption. One error line, the right exit code, no trace.

    bad_input.py [--only NAME,...] [--list]

Every case starts in a folder of its own and ends with: the exit code of the table, exactly one line on standard error
that starts with `error: ` and names the file, no output, no other new file, and every file that was there unchanged.
Nothing may take longer than a minute or more than 500 MB.
"""
import pathlib

import bad_commands  # noqa: F401 (registers)
import bad_data  # noqa: F401
import bad_external  # noqa: F401
import bad_graphs  # noqa: F401
import bad_outputs  # noqa: F401
import bad_runs  # noqa: F401
import bad_situations
import bad_tensors  # noqa: F401
import bad_training  # noqa: F401
import broken
import harness
import interruptions
from failing import INVALID_MODEL, NOTHING_PRUNED, Outcome, Skip, execute, fingerprint, judge

SITUATIONS = {**bad_situations.SITUATIONS, **interruptions.SITUATIONS}

# Where more than one answer is right.
CODES = {
    "empty_graph": {INVALID_MODEL, NOTHING_PRUNED},
    "declared_shape_contradicts": {0},  # a note of what lies between; ONNX Runtime ignores it too
}


def check_model(binary, name, folder):
    """A broken model through every command that reads one; returns (code, problem, first line of the message)."""
    inside = folder / name
    inside.mkdir()
    model = broken.write(name, inside)
    before = fingerprint(folder)
    codes = CODES.get(name, {INVALID_MODEL})
    for command in (["groups", model], ["copy", model, "-o", folder / "copy.onnx"],
                    ["prune", model, "--ratio", "0.5", "-o", folder / "out.onnx"]):
        outcome = execute([binary, *command])
        right = codes if command[0] == "prune" else codes | {0}  # fewer commands look at everything
        if outcome.code == 0 and command[0] != "groups":
            for left in folder.glob(command[-1].name + "*"):
                left.unlink()
        problem = judge(outcome, right, ["model.onnx"], before, fingerprint(folder))
        if problem:
            return outcome, f"{command[0]}: {problem}"
    return outcome, None


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--only", help="check these, divided by commas")
    parser.add_argument("--list", action="store_true", help="print the names")
    arguments = parser.parse_args()
    names = [*broken.BROKEN, *SITUATIONS]
    if arguments.list:
        raise SystemExit(print("\n".join(names)))
    binary, report = pathlib.Path(arguments.coppice).absolute(), harness.Report()
    for name in arguments.only.split(",") if arguments.only else names:
        with harness.scratch() as place:
            folder = pathlib.Path(place) / "case"
            folder.mkdir()
            try:
                if name in broken.BROKEN:
                    outcome, problem = check_model(binary, name, folder)
                else:
                    outcome, problem = SITUATIONS[name](binary, folder)
            except Skip as reason:
                print(f"{name:34} skipped: {reason}", flush=True)
                continue
            except Exception as error:  # the case itself failed
                outcome, problem = Outcome(-99, "", ""), f"{type(error).__name__}: {error}"
        said = outcome.lines[-1].replace(str(folder), "…")[:90] if outcome.lines else ""
        report.row(name, f"{outcome.code:4}  {said:90}", problem)
    report.finish()


if __name__ == "__main__":
    main()
