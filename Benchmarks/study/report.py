"""The command line that studies have, and the report they write."""
import argparse
import pathlib
import sys

from study import networks
from study.results import Results
from study.tool import Failed


def parsed(doc, tables, output):
    """Arguments, of which seeds and the tables that are asked for are lists."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--coppice", default=str(networks.ROOT / ".build/release/coppice"))
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--only", default=",".join(tables), help="tables by name, with commas between")
    parser.add_argument("--torch", default=str(networks.ROOT / ".venv-torch/bin/python"), help="a Python with PyTorch")
    parser.add_argument("--fresh", action="store_true", help="find all results anew")
    parser.add_argument("-o", "--output", default=str(networks.ROOT / "Docs" / output))
    arguments = parser.parse_args()
    wanted = arguments.only.replace("-", "_").split(",")
    for name in wanted:
        if name not in tables:
            raise SystemExit(f"error: there is no table {name}; there are {', '.join(tables)}")
    if arguments.seeds < 1:
        raise SystemExit("error: a study needs a seed at least")
    arguments.only = [name for name in tables if name in wanted]
    arguments.seeds = list(range(arguments.seeds))
    return arguments


def write(doc, tables, output, tool, introduction, section):
    """Writes the report: `introduction(coppice, seeds)`, and `section(name, coppice, seeds, torch)` of each table.

    `tool` makes what is called coppice here from a binary and the results that are kept.
    """
    arguments = parsed(doc, tables, output)
    try:
        coppice = tool(arguments.coppice, Results(networks.CACHE, arguments.fresh))
        text = introduction(coppice, arguments.seeds)
        for name in arguments.only:
            print(f"{name}:", file=sys.stderr, flush=True)
            text += "\n" + section(name, coppice, arguments.seeds, arguments.torch)
    except (networks.make.Missing, Failed, OSError, RuntimeError) as problem:
        raise SystemExit(f"error: {problem}")
    pathlib.Path(arguments.output).write_text(text)
    print(f"wrote {arguments.output}", file=sys.stderr)
