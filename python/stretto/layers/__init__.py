"""Layers: parameters and a forward function, one layer a file."""

from __future__ import annotations

from stretto.layers.layer import Layer
from stretto.layers.linear import Linear
from stretto.layers.sequential import Sequential

__all__ = ["Layer", "Linear", "Sequential"]
