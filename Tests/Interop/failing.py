"""Running the tool where it has to fail, and judging how it did."""
import hashlib
import os
import pathlib
import resource
import stat
import subprocess
import time

import harness

INVALID_MODEL, IMPOSSIBLE, NOTHING_PRUNED, USAGE, INTERRUPTED = 3, 4, 7, 64, 130
ANY_ERROR = set(range(1, 126))
PATIENCE_SECONDS, MEMORY_BYTES = 60, 500 << 20


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
        errors = [line for line in outcome.lines if line.startswith("error: ")]
        if len(errors) != 1 or outcome.lines[-1] != errors[0]:
            return f"not one error line: {outcome.err[:200]!r}"
        for mention in mentions:
            if mention not in errors[0]:
                return f"does not name {mention}: {errors[0][:200]}"
    return None
