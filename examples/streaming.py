"""Photographs cut into patches, streamed through a network that finds the most detailed ones.

    python examples/streaming.py

needs scikit-learn (for its sample photographs): pip install 'stretto[demo]'
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import stretto as st
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

PHOTOGRAPHS = ("china.jpg", "flower.jpg")
SIDE, STEP, BATCH, ANGLES = 32, 16, 100, 8

Images = NDArray[np.float32]


def edge_filters(side: int = 7) -> Images:
    """Filters (O, 1, side, side) for edges in eight directions."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    window = np.exp(-3 * (x**2 + y**2))
    turns = np.arange(ANGLES) * np.pi / ANGLES
    return np.array([[(np.cos(t) * x + np.sin(t) * y) * window] for t in turns], np.float32)


FILTERS = edge_filters()


def detail(patches: Any) -> Any:
    """Patches (N, 1, 32, 32) in, the energy of their edges in each direction (N, 8) out."""
    edges = st.conv2d(patches, FILTERS)
    return st.global_avg_pool(st.mul(edges, edges), keepdims=False)


def patches_of(name: str) -> Images:
    """A photograph's patches (N, 1, 32, 32), one every 16 pixels."""
    grey = load_sample_image(name).mean(axis=2, dtype=np.float32) / 255
    windows = np.lib.stride_tricks.sliding_window_view(grey, (SIDE, SIDE))[::STEP, ::STEP]
    return windows.reshape(-1, 1, SIDE, SIDE)


def batches() -> Iterator[Images]:
    """One photograph after another, a hundred patches at a time; the last batch of each is smaller."""
    for name in PHOTOGRAPHS:
        patches = patches_of(name)
        for first in range(0, len(patches), BATCH):
            yield patches[first : first + BATCH]


def main() -> None:
    with st.plan(detail, next(batches()), calibrate=0.3) as plan:
        # A photograph is read when its patches are wanted: there could be any number of them.
        energies = np.concatenate(list(plan.stream(batches())))
        timeline = plan.timeline(next(batches()))
        print(f"{len(energies)} patches, {plan.choice}")

    everything = np.concatenate([patches_of(name) for name in PHOTOGRAPHS])
    assert np.array_equal(energies, detail(everything)), "batches must not change the bits"

    each = len(energies) // len(PHOTOGRAPHS)
    for k in energies.sum(axis=1).argsort()[:-6:-1]:
        degrees = 180 / ANGLES * energies[k].argmax()
        print(f"{PHOTOGRAPHS[k // each]:10}  patch {k % each:4}  strongest edges at {degrees:5.1f}°")
    print(timeline.draw())


if __name__ == "__main__":
    main()
