"""Layers: parameters and a forward function, one layer a file."""

from __future__ import annotations

from stretto.layers.activation import (
    ELU,
    GELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from stretto.layers.attention import MultiHeadAttention
from stretto.layers.batch_norm import BatchNorm, GroupNorm
from stretto.layers.conv import Conv1d, Conv2d, Conv3d
from stretto.layers.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from stretto.layers.embedding import Embedding
from stretto.layers.flatten import Flatten
from stretto.layers.global_pool import AdaptiveAvgPool2d, GlobalAvgPool, GlobalMaxPool
from stretto.layers.layer import Layer
from stretto.layers.layer_norm import LayerNorm, RMSNorm
from stretto.layers.linear import Linear
from stretto.layers.pool import AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d
from stretto.layers.sequential import Sequential
from stretto.layers.softmax import LogSoftmax, Softmax
from stretto.layers.upsample import Upsample

__all__ = [
    "ELU",
    "GELU",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Embedding",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MultiHeadAttention",
    "RMSNorm",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Upsample",
]
