"""Measure schedules; every measurement prints a table and writes JSON that says on which machine and commit.

python -m bench.schedules regret --out regret.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench.schedules import bubbles, gantt, overheads, predict, regret, result, stream, tail

MODULES = {
    "regret": regret,
    "predict": predict,
    "stream": stream,
    "tail": tail,
    "overheads": overheads,
    "bubbles": bubbles,
    "gantt": gantt,
}


def parse(command: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    subparsers = parser.add_subparsers(dest="what", required=True)
    for name, module in MODULES.items():
        text = (module.__doc__ or "").split("\n", 1)[0]
        sub = subparsers.add_parser(name, help=text, description=text)
        sub.add_argument("--out", type=Path, help="write the result here as JSON")
        sub.add_argument("--json", action="store_true", help="print JSON in place of the table")
        module.add_arguments(sub)
    return parser.parse_args(command)


def main(command: list[str] | None = None) -> int:
    """Measure, print, write."""
    arguments = parse(command)
    module = MODULES[arguments.what]
    measured = result.described(arguments, module.measure(arguments))
    if arguments.out:
        arguments.out.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(measured, indent=1) if arguments.json else module.table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
