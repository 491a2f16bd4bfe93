"""Rewrites of Programs: other steps, the same bits."""

from stretto.rewrite.epilogues import fuse_epilogues
from stretto.rewrite.layouts import channels_last, steps_of_maps

__all__ = ["channels_last", "fuse_epilogues", "steps_of_maps"]
