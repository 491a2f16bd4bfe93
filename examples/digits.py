"""The digit network step by step: layers, a Program, a plan, a stream, a timeline.

python examples/digits.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import stretto as st
from stretto.demo.digits import TRAINED_ON, load_network, load_scans

# Real scans (N, 1, 8, 8), and a network trained on the first thousand by examples/train_digits.py.
scans, labels = load_scans()
network = load_network()

# A network is plain calls on arrays.
logits = network(scans[:4])
print("answers", logits.argmax(axis=1), "labels", labels[:4])

# Tracing runs the same code on symbols and writes down what it did: a Program, for any batch size N.
program = st.trace(network, scans[:1])
print(f"\n{program}\n")

# A plan times the ways to run it on this machine, and says why it took the one it did.
with st.plan(network, scans) as plan:
    print(plan.explain())
    logits = plan(scans)
    right = logits.argmax(axis=1) == labels
    print(f"\nright on the {TRAINED_ON} scans it was trained on: {right[:TRAINED_ON].mean():.2%}, ", end="")
    print(f"on the others: {right[TRAINED_ON:].mean():.2%}")

    # A stream takes any iterable of batches, ragged ones too, and keeps their order.
    batches = (scans[i : i + 500] for i in range(0, len(scans), 500))
    streamed = np.concatenate(list(plan.stream(batches)))
    assert np.array_equal(streamed, logits), "batches must not change the bits"

    # What ran when, for Perfetto (https://ui.perfetto.dev).
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "timeline.json"
        plan.timeline(scans).save(path)
        print(f"\na timeline of {path.stat().st_size:,} bytes")

# Every schedule gives the same bits.
for name in ("serial", "intra", "data", "task", "pipeline"):
    with st.plan(network, scans, schedule=name, workers=2) as plan:
        assert np.array_equal(plan(scans), logits), f"{name} changed the bits"
print("serial, intra, data, task and pipeline: the same bits")
