"""The digit network as layers: two branches, so that a task-parallel schedule has something to do."""

from __future__ import annotations

from typing import Any

import stretto as st


class DigitNetwork(st.Layer):
    """Scans (N, 1, 8, 8), scaled to 0..1, in; logits (N, 10) out. 2.46 million multiply-adds a scan."""

    def __init__(self) -> None:
        self.stem = st.Conv2d(1, 32, 3, padding=1, activation="relu")
        self.branch_a = st.Conv2d(32, 32, 3, padding=1, activation="relu")
        self.branch_b = st.Conv2d(32, 16, 5, padding=2, activation="relu")
        self.mix = st.Conv2d(48, 64, 3, padding=1, activation="relu")
        self.deep = st.Conv2d(64, 64, 3, padding=1, activation="relu")
        self.head = st.Linear(256, 10)

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        x = st.concat([self.branch_a(x), self.branch_b(x)], axis=1)
        x = self.mix(st.max_pool2d(x, 2))
        x = st.max_pool2d(self.deep(x), 2)
        return self.head(st.flatten(x))
