"""A hundred thousand small transforms at once: batched 3x3 and 4x4 products, against NumPy.

python examples/transforms.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import stretto as st
from numpy.typing import NDArray

Matrices = NDArray[np.float32]


def best_of(call: Callable[[], Matrices], repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def rotations(angles: NDArray[np.float32]) -> Matrices:
    """Rotations (N, 3, 3) about the z axis."""
    matrices = np.zeros((len(angles), 3, 3), np.float32)
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angles)
    matrices[:, 1, 0] = np.sin(angles)
    matrices[:, 0, 1] = -matrices[:, 1, 0]
    matrices[:, 2, 2] = 1
    return matrices


def main() -> None:
    rng = np.random.default_rng(0)
    turns = rng.uniform(0, 2 * np.pi, (2, 100_000)).astype(np.float32)
    a, b = rotations(turns[0]), rotations(turns[1])
    both = st.matmul(a, b)
    # Turning by one angle and then by another is turning by their sum.
    assert np.abs(both - rotations(turns.sum(axis=0))).max() < 2e-6

    poses = rng.standard_normal((2, 100_000, 4, 4)).astype(np.float32)
    points = rng.standard_normal((100_000, 4, 1)).astype(np.float32)
    rows = [
        ("3x3 @ 3x3", a, b),
        ("4x4 @ 4x4", poses[0], poses[1]),
        ("4x4 @ 4x1", poses[0], points),
        ("one 4x4 @ all", poses[0, :1], poses[1]),
    ]
    print(f"{'100,000 of':16}{'stretto':>10}{'numpy':>10}{'ratio':>8}")
    for name, left, right in rows:
        ours = best_of(partial(st.matmul, left, right))
        theirs = best_of(partial(np.matmul, left, right))
        assert np.allclose(st.matmul(left, right), np.matmul(left, right), rtol=1e-5, atol=1e-5)
        print(f"{name:16}{ours * 1e3:7.2f} ms{theirs * 1e3:7.2f} ms{theirs / ours:8.1f}")


if __name__ == "__main__":
    main()
