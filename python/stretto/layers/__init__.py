"""Layers: parameters and a forward function, one layer a file."""

from __future__ import annotations

from stretto.layers.conv import Conv1d, Conv2d, Conv3d
from stretto.layers.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from stretto.layers.embedding import Embedding
from stretto.layers.flatten import Flatten
from stretto.layers.layer import Layer
from stretto.layers.linear import Linear
from stretto.layers.sequential import Sequential

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Embedding",
    "Flatten",
    "Layer",
    "Linear",
    "Sequential",
]
