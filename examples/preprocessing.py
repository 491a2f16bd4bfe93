"""Compressed scans, decoded by Python threads while the digit network runs on those decoded before.

python examples/preprocessing.py
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np
import stretto as st
from numpy.typing import NDArray
from stretto.demo.digits import load_network, load_scans

BATCH = 100


def encoded(scans: NDArray[np.float32]) -> list[bytes]:
    """Each scan as compressed bytes, as they might lie in a store."""
    return [zlib.compress(pixels.tobytes(), 9) for pixels in (scans * 16).astype(np.uint8)]


def records(store: list[bytes]) -> Iterator[list[bytes]]:
    """A hundred compressed scans at a time; the last batch is smaller."""
    for first in range(0, len(store), BATCH):
        yield store[first : first + BATCH]


def decode(batch: list[bytes]) -> NDArray[np.float32]:
    """Scans (N, 1, 8, 8), ink from 0 to 1. Plain Python: no function of stretto is called."""
    pixels = [np.frombuffer(zlib.decompress(scan), np.uint8) for scan in batch]
    return np.stack(pixels).reshape(-1, 1, 8, 8).astype(np.float32) / 16


def answers(logits: NDArray[np.float32]) -> list[int]:
    """The digit that each scan shows."""
    return [int(digit) for digit in logits.argmax(axis=1)]


def main() -> None:
    scans, labels = load_scans()
    network = load_network()
    store = encoded(scans)
    assert np.array_equal(decode(store), scans), "the store must hold the scans"

    with st.plan(network, scans[:BATCH], calibrate=0.3) as plan:
        # decode and answers run on Python threads beside the plan, in order, with bounded memory.
        stream = plan.stream(records(store), before=decode, after=answers, python_workers=2, timeline=True)
        digits = [digit for batch in stream for digit in batch]
        timeline = stream.timeline()

    assert digits == answers(network(scans)), "decoding beside the network must not change an answer"
    print(f"{len(store)} scans from {sum(map(len, store)):,} bytes, {np.mean(digits == labels):.2%} right")
    print(timeline.draw())


if __name__ == "__main__":
    main()
