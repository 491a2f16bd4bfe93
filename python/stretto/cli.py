"""The command line: ``python -m stretto COMMAND``.

A command is a module with ``configure(parser)``, which adds its options, and ``run(options)``, which returns the exit
code: 0 when all is well, 1 when something failed, 2 for wrong usage. Only the module of the chosen command is imported.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from stretto import __version__

COMMANDS = {
    "bench": ("stretto.bench.command", "time our kernels beside other libraries and beside the machine's limit"),
    "demo": ("stretto.demo.run", "read 1,797 handwritten digits under every schedule; check accuracy and bits"),
    "info": ("stretto.info", "what this machine has, and what stretto uses of it"),
}


def parser_for(command: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows all commands, and the options of the given one."""
    parser = argparse.ArgumentParser(
        prog="stretto", description="Batched matmul, convolution and layer networks for NumPy.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"stretto {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        if name == command:
            importlib.import_module(module).configure(sub)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = next((word for word in given if not word.startswith("-")), None)
    options = parser_for(command).parse_args(given)
    try:
        code = int(importlib.import_module(COMMANDS[options.command][0]).run(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader has left, as `| head` does; nothing more may be written at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
