"""Runs command after command in one process of `coppice repeat`, and notices how each ended."""
import os
import re
import resource
import select
import subprocess
import time

import failing

STACK_BYTES = 8 << 20


class Worker:
    """The process; begun anew after a crash, a hang, too much memory, and now and then."""

    def __init__(self, binary, patience, memory_bytes, renew_after=300):
        self.binary, self.patience, self.memory_bytes, self.renew_after = binary, patience, memory_bytes, renew_after
        self.process, self.done = None, 0

    def run(self, arguments):
        """An outcome, as if the command had a process of its own; the code of a hang is that of SIGKILL."""
        if self.process is None or self.done >= self.renew_after:
            self.close()
            self.start()
        self.done += 1
        try:
            self.process.stdin.write(("\t".join(map(str, arguments)) + "\n").encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it ended; reading tells how
        return self.answer()

    def start(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            # A command that fails may leave the stack of its second thread to the end of the process.
            most = self.memory_bytes * 4 + self.renew_after * STACK_BYTES
            resource.setrlimit(resource.RLIMIT_AS, (most, most))

        self.process = subprocess.Popen(
            [self.binary, "repeat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            preexec_fn=limit, env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
        self.done = 0

    def answer(self):
        said, deadline = b"", time.monotonic() + self.patience
        descriptor = self.process.stderr.fileno()
        while True:
            ready, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
            part = os.read(descriptor, 65536) if ready else b""
            said += part
            if not ready:
                return self.end(said, kill=True)
            if not part:
                return self.end(said)
            end = re.search(rb"(?:^|\n)done (-?\d+)\n$", said)
            if end:
                peak = self.peak_bytes()
                if peak > self.memory_bytes:
                    self.close()
                return failing.Outcome(int(end[1]), "", said[:end.start()].decode(errors="replace"), peak)

    def peak_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next((int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM")), 0)

    def end(self, said, kill=False):
        if kill:
            self.process.kill()
        code = self.process.wait()
        self.close()
        return failing.Outcome(code, "", said.decode(errors="replace"))

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass  # a command it did not live to read
            self.process = None


def place_of_crash(binary, arguments, patience):
    """Where in the sources a command crashes, for telling crashes apart; how it ends alone where that is unknown."""
    outcome = failing.execute(
        [binary, *arguments], patience=patience,
        env={**os.environ, "SWIFT_BACKTRACE": "enable=yes,color=no,interactive=no,symbolicate=full"})
    frames = re.findall(r" in (.+?) at (\S+/Sources/\S+:\d+)", outcome.err)
    if frames:
        return f"{frames[0][0]} at {frames[0][1].split('/Sources/')[1]}"
    return f"alone it ends with code {outcome.code}: {outcome.err[-160:]!r}"
