"""Rewrites of Programs: other steps, the same bits."""

from stretto.rewrite.epilogues import fuse_epilogues

__all__ = ["fuse_epilogues"]
