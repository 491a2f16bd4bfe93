"""Networks of linear maps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import stretto as st
from stretto import _core

from bench.networks.network import SEED, Network

L2_BYTES = int(_core.machine()["l2_bytes"]) or 1 << 20
CACHE_LAYERS = 6
# Weights of one and a half times a core's second-level cache: too large for one core, small enough for two.
CACHE_WIDTH = round((1.5 * L2_BYTES / (4 * CACHE_LAYERS)) ** 0.5 / 16) * 16


def mlp(*widths: int, activation: str = "relu") -> st.Sequential:
    """Linear maps with an activation after each but the last."""
    *hidden, last = pairwise(widths)
    return st.Sequential(*(st.Linear(a, b, activation=activation) for a, b in hidden), st.Linear(*last))


class TwoTowers(st.Layer):
    """Two inputs, each through its own tower; the score is the dot product of what comes out."""

    def __init__(self) -> None:
        self.user = mlp(256, 384, 256, 64)
        self.item = mlp(320, 384, 256, 64)

    def forward(self, user: Any, item: Any) -> Any:
        return st.sum(st.mul(self.user(user), self.item(item)), axis=1, keepdims=True)


class Ensemble(st.Layer):
    """Four independent classifiers of one input; the mean of their probabilities."""

    def __init__(self) -> None:
        self.members = [mlp(128, 256, 256, 10) for _ in range(4)]

    def forward(self, x: Any) -> Any:
        first, *others = [st.softmax(member(x), -1) for member in self.members]
        for other in others:
            first = st.add(first, other)
        return st.mul(first, 0.25)


NETWORKS = (
    Network("tiny", lambda: mlp(16, 16, 4, activation="tanh").initialize(SEED), ((16,),)),
    Network("wide_mlp", lambda: mlp(1024, 2048, 1024, 10).initialize(SEED), ((1024,),)),
    Network("deep_mlp", lambda: mlp(*[128] * 17).initialize(SEED), ((128,),)),
    Network("cache_mlp", lambda: mlp(*[CACHE_WIDTH] * (CACHE_LAYERS + 1)).initialize(SEED), ((CACHE_WIDTH,),)),
    Network("two_towers", lambda: TwoTowers().initialize(SEED), ((256,), (320,))),
    Network("ensemble", lambda: Ensemble().initialize(SEED), ((128,),)),
)
