"""Scripts in an environment with PyTorch, beside which coppice is held."""
import json
import os
import subprocess

from study import networks
from study.tool import Failed

BENCHMARKS = networks.ROOT / "Benchmarks"


def run(command):
    """What a command prints."""
    result = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            cwd=BENCHMARKS)
    if result.returncode != 0:
        raise Failed(" ".join(result.stderr.split())[-300:])
    return result.stdout


class Python:
    """A Python with other packages than the one that studies run in."""

    def __init__(self, path):
        self.path = os.path.abspath(path) if os.sep in str(path) else path

    def versions(self, *packages):
        """What is installed of some packages, as `pip freeze` says it."""
        listed = run([self.path, "-m", "pip", "freeze", "--disable-pip-version-check"])
        return [line for line in listed.split("\n") if line.partition("==")[0].replace("_", "-") in packages]

    def json(self, module, *arguments):
        """What a module of this folder prints."""
        return json.loads(run([self.path, "-m", module, *arguments]))
