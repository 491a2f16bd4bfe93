"""A photograph through a bank of filters: one conv2d call, compared with SciPy, drawn side by side.

    python examples/photograph.py [--out filters.png]

needs scikit-learn (for its sample photograph), SciPy and matplotlib: pip install 'stretto[demo]'
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import stretto as st
from numpy.typing import NDArray
from scipy.signal import correlate2d
from sklearn.datasets import load_sample_image


def filter_bank(side: int = 9) -> tuple[list[str], NDArray[np.float32]]:
    """Filters (O, 1, side, side): a blur, a Laplacian of Gaussian, and edges in six directions."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    blur = np.exp(-4 * (x**2 + y**2))
    blur /= blur.sum()
    laplacian = (8 * (x**2 + y**2) - 2) * blur
    laplacian -= laplacian.mean()
    names, bank = ["blur", "Laplacian"], [blur, laplacian]
    for degrees in range(0, 180, 30):
        along = np.cos(np.radians(degrees)) * x + np.sin(np.radians(degrees)) * y
        names.append(f"edges {degrees}°")
        bank.append(along * blur)
    return names, np.array(bank, np.float32)[:, None]


def draw(names: list[str], images: NDArray[np.float32], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(names) // 2, figsize=(14, 5))
    for axis, name, image in zip(axes.flat, names, images, strict=True):
        axis.imshow(image, cmap="gray")
        axis.set_title(name)
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description="Filter a photograph with conv2d.")
    parser.add_argument("--out", type=Path, default=Path("filters.png"))
    options = parser.parse_args()

    photograph = load_sample_image("china.jpg").mean(axis=2, dtype=np.float32) / 255
    names, bank = filter_bank()

    began = time.perf_counter()
    filtered = st.conv2d(photograph[None, None], bank, padding="same")[0]
    ours = time.perf_counter() - began

    began = time.perf_counter()
    expected = np.array([correlate2d(photograph, kernel[0], mode="same") for kernel in bank])
    theirs = time.perf_counter() - began

    worst = float(np.abs(filtered - expected).max())
    print(f"{photograph.shape} photograph, {len(bank)} filters of {bank.shape[2:]}")
    print(f"stretto.conv2d      {ours * 1e3:8.1f} ms")
    print(f"scipy.correlate2d   {theirs * 1e3:8.1f} ms   largest difference {worst:.1e}")
    # 81 terms of at most 1 in magnitude: the float32 chains differ by far less than this.
    assert worst < 81 * np.finfo(np.float32).eps, "conv2d and correlate2d disagree"
    draw(names, filtered, options.out)
    print(f"drawn to {options.out}")


if __name__ == "__main__":
    main()
