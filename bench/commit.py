"""Which commit of the repository is measured."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def commit() -> str | None:
    """Commit of the working tree, with a plus when it has changes; None outside a repository."""
    name = _git("rev-parse", "HEAD")
    return (name + ("+" if _git("status", "--porcelain", "-uno") else "")) or None


def _git(*command: str) -> str:
    try:
        ran = subprocess.run(["git", *command], capture_output=True, text=True, check=True, cwd=ROOT, timeout=120)
    except (OSError, subprocess.SubprocessError):
        return ""
    return ran.stdout.strip()
