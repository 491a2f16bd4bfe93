"""Serving single samples to many threads."""

from __future__ import annotations

from stretto.serve.server import Server
from stretto.serve.stats import ServerStats

__all__ = ["Server", "ServerStats"]
