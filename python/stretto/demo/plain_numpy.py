"""The digit network in plain NumPy, as a competent user would write it: the yardstick of the demo.

Scans are kept channels-last inside, so that each convolution is one matrix product over the windows around every pixel
(im2col), and go through a batch at a time, so that the copied windows stay in cache. Of the usual ways to write this it
was the fastest tried: batched products, ``tensordot`` and channels-first were slower.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]


def convolve(x: Array, kernel: Array, bias: Array) -> Array:
    """Convolution and ReLU, same size out; x is (N, H, W, C), kernel (O, C, k, k)."""
    outputs, channels, side, _ = kernel.shape
    n, height, width, _ = x.shape
    pad = side // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = sliding_window_view(x, (side, side), axis=(1, 2))  # (N, H, W, C, k, k)
    rows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, side * side * channels)
    y = rows @ kernel.transpose(2, 3, 1, 0).reshape(-1, outputs)
    y += bias
    np.maximum(y, 0, out=y)
    return y.reshape(n, height, width, outputs)


def pool(x: Array) -> Array:
    """Largest value of every 2x2 square; x is (N, H, W, C)."""
    rows = np.maximum(x[:, ::2], x[:, 1::2])
    return np.maximum(rows[:, :, ::2], rows[:, :, 1::2])


def forward(images: Array, weights: Mapping[str, Array], batch: int = 64) -> Array:
    """Logits (N, 10) of scans (N, 1, 8, 8), float32 scaled to 0..1."""

    def block(name: str, x: Array) -> Array:
        return convolve(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    logits = np.empty((len(images), 10), np.float32)
    for start in range(0, len(images), batch):
        x = images[start : start + batch].transpose(0, 2, 3, 1)
        x = block("stem", x)
        x = np.concatenate([block("branch_a", x), block("branch_b", x)], axis=3)
        x = block("mix", pool(x))
        x = pool(block("deep", x))
        flat = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        logits[start : start + batch] = flat @ weights["head.weight"]
    logits += weights["head.bias"]
    return logits
