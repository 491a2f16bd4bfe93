"""Start a peer's process: ``python start.py WORKER PEER THREADS``, where WORKER is a module with ``serve``.

A peer's environment may have no stretto, or one that does not fit: only ``stretto.bench`` of this package is read
there, without the ``__init__`` that loads the extension. What is ours gets this very package.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]


def main() -> None:
    """Serve until stdin closes."""
    worker, peer, threads = sys.argv[1:]
    if peer.startswith("stretto"):
        sys.path.insert(0, str(PACKAGE.parent))
    else:
        bare = types.ModuleType("stretto")
        bare.__path__ = [str(PACKAGE)]
        sys.modules["stretto"] = bare
    importlib.import_module(worker).serve(peer, int(threads))


if __name__ == "__main__":
    main()
