"""Results of single runs, kept in files under a digest of everything they depend on."""
import hashlib
import json
import pathlib
import sys


def file_digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


class Results:
    """What was found before, or is found now and kept, so that a study that was stopped goes on where it was."""

    def __init__(self, folder, fresh=False):
        self.folder, self.fresh, self.found_now = folder, fresh, set()

    def once(self, facts, find, beside=None):
        """The result for these facts, from its file or, where there is none, by `find`.

        With `fresh` each is found anew once. `beside` is a file that `find` makes and others need: where it is gone, the
        result is found anew.
        """
        text = json.dumps(facts, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:32]
        path = self.folder / f"{key}.json"
        is_there = path.exists() and (beside is None or beside.exists())
        if is_there and not (self.fresh and key not in self.found_now):
            return json.loads(path.read_text())["result"]
        print(f"  {facts['what']}: {facts.get('told', '')}", file=sys.stderr, flush=True)
        result = find()
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({"facts": facts, "result": result}, indent=1) + "\n")
        partial.replace(path)
        self.found_now.add(key)
        return result
