"""``python -m stretto bench`` with the commit of this repository in its JSON: python bench/run.py conv --out r.json."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from stretto.bench import command  # noqa: E402

from bench.commit import commit  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Measure and return the command's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0], allow_abbrev=False)
    command.configure(parser)
    return command.run(parser.parse_args(arguments), commit())


if __name__ == "__main__":
    sys.exit(main())
