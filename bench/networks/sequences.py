"""Networks of sequences: a Transformer block, and sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import stretto as st

from bench.networks.network import SEED, Network


class Block(st.Layer):
    """Attention and a two-layer map, each on a normalised input and added to it (Xiong et al., 2020)."""

    def __init__(self, features: int, heads: int) -> None:
        self.norm = st.LayerNorm(features)
        self.attention = st.MultiHeadAttention(features, heads)
        self.second_norm = st.LayerNorm(features)
        self.wide = st.Linear(features, 4 * features, activation="gelu")
        self.narrow = st.Linear(4 * features, features)

    def forward(self, x: Any) -> Any:
        x = st.add(x, self.attention(self.norm(x)))
        wide = self.wide(self.second_norm(x))
        return st.matmul(wide, self.narrow.weight, bias=self.narrow.bias, residual=x)


def audio() -> st.Sequential:
    """Half a second of sound at 8 kHz to one of 12 words."""
    net = st.Sequential(
        st.Conv1d(1, 32, 16, stride=4, padding=6),
        st.BatchNorm(32),
        st.ReLU(),
        st.MaxPool1d(4),
        st.Conv1d(32, 48, 3, padding=1),
        st.BatchNorm(48),
        st.ReLU(),
        st.MaxPool1d(4),
        st.Conv1d(48, 64, 3, padding=1, activation="relu"),
        st.GlobalAvgPool(keepdims=False),
        st.Linear(64, 12),
        st.Softmax(),
    )
    net.initialize(SEED)
    rng = np.random.default_rng(SEED)
    for norm in (net[1], net[5]):  # statistics as training leaves them
        norm.running_mean = rng.normal(0, 0.2, len(norm.gamma)).astype(np.float32)
        norm.running_var = rng.uniform(0.5, 2, len(norm.gamma)).astype(np.float32)
    return net


NETWORKS = (
    Network("transformer", lambda: Block(128, 4).initialize(SEED), ((32, 128),)),
    Network("audio", audio, ((1, 4000),)),
)
