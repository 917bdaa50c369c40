"""What must not work: broken models, outputs that cannot be, interruption. One error line, the right exit code, no trace.

    bad_input.py [--only NAME,...] [--list]

Every case starts in a folder of its own and ends with: the exit code of the table, exactly one line on standard error
that starts with `error: ` and names the file, no output, no other new file, and every file that was there unchanged.
Nothing may take longer than a minute or more than 500 MB.
"""
import hashlib
import os
import pathlib
import resource
import stat
import subprocess
import time

import bad_models
import harness

INVALID_MODEL, IMPOSSIBLE, NOTHING_PRUNED, USAGE, INTERRUPTED = 3, 4, 7, 64, 130
PATIENCE_SECONDS, MEMORY_BYTES = 60, 500 << 20

# Where more than one answer is right.
CODES = {
    "empty_graph": {INVALID_MODEL, NOTHING_PRUNED},
    "declared_shape_contradicts": {0, INVALID_MODEL},  # a wrong annotation may be ignored
}


class Skip(Exception):
    """The case cannot be made on this machine."""


class Outcome:
    """How a run of the tool ended."""

    def __init__(self, code, out, err, peak_bytes=0):
        self.code, self.out, self.err, self.peak_bytes = code, out, err, peak_bytes
        self.lines = err.splitlines()


def execute(command, patience=PATIENCE_SECONDS, **options):
    """Runs a command with a limit of time, and measures its peak memory."""
    with harness.scratch() as name:
        out, err = pathlib.Path(name) / "out", pathlib.Path(name) / "err"
        with open(out, "wb") as out_file, open(err, "wb") as err_file:
            process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out_file, stderr=err_file,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)), **options)
            return finish(process, out, err, patience)


def finish(process, out, err, patience):
    deadline = time.monotonic() + patience
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            process.kill()
            _, status, usage = os.wait4(process.pid, 0)
            break
        time.sleep(0.002)
    process.returncode = os.waitstatus_to_exitcode(status)
    texts = [path.read_text(errors="replace") for path in (out, err)]
    return Outcome(process.returncode, *texts, usage.ru_maxrss * 1024)


def fingerprint(folder):
    """What is in a folder: {path: (mode, content)}."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        content = os.readlink(path) if path.is_symlink() else ""
        if stat.S_ISREG(mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(folder))] = (mode, content)
    return found


def judge(outcome, codes, mentions, before=None, after=None, one_line=True):
    """What is wrong with an outcome, or None."""
    if outcome.code < 0:
        return f"killed by signal {-outcome.code}: {outcome.err[-200:]!r}"
    if outcome.code not in codes:
        told = outcome.lines[0][:200] if outcome.lines else "nothing on standard error"
        return f"exit {outcome.code} instead of {' or '.join(map(str, sorted(codes)))}: {told}"
    if outcome.peak_bytes > MEMORY_BYTES:
        return f"took {outcome.peak_bytes >> 20} MB"
    if before is not None and before != after:
        changed = sorted(set(before.items()) ^ set(after.items()))
        return f"left or changed {changed[0][0]}"
    if outcome.code != 0 and one_line:
        errors = [line for line in outcome.lines if not line.startswith("warning: ")]
        if len(errors) != 1 or not errors[0].startswith("error: "):
            return f"not one error line: {outcome.err[:200]!r}"
        for mention in mentions:
            if mention not in errors[0]:
                return f"does not name {mention}: {errors[0][:200]}"
    return None


def check_model(binary, name, folder):
    """A broken model through every command that reads one; returns (code, problem, first line of the message)."""
    inside = folder / name
    inside.mkdir()
    model = bad_models.write(name, inside)
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
    import bad_situations  # builds on this module

    parser = harness.parser(__doc__)
    parser.add_argument("--only", help="check these, divided by commas")
    parser.add_argument("--list", action="store_true", help="print the names")
    arguments = parser.parse_args()
    names = [*bad_models.BROKEN, *bad_situations.SITUATIONS]
    if arguments.list:
        raise SystemExit(print("\n".join(names)))
    binary, report = pathlib.Path(arguments.coppice).absolute(), harness.Report()
    for name in arguments.only.split(",") if arguments.only else names:
        with harness.scratch() as place:
            folder = pathlib.Path(place) / "case"
            folder.mkdir()
            try:
                if name in bad_models.BROKEN:
                    outcome, problem = check_model(binary, name, folder)
                else:
                    outcome, problem = bad_situations.SITUATIONS[name](binary, folder)
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
