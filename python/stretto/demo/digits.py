"""The scans and the trained network that come with the package (origin and licence: DIGITS_LICENCE.md)."""

from __future__ import annotations

from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from stretto.demo.network import DigitNetwork

TRAINED_ON = 1000  # the first scans; the others are the test


def load_scans() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the scans (1797, 1, 8, 8), ink from 0 to 1, and their labels (1797,)."""
    with as_file(files("stretto.demo") / "digits.npz") as path, np.load(path) as archive:
        return archive["images"][:, None].astype(np.float32) / 16, archive["labels"]


def load_network() -> DigitNetwork:
    """Return the network with its trained weights."""
    network = DigitNetwork()
    with as_file(files("stretto.demo") / "digits.safetensors") as path:
        network.load(path)
    return network
