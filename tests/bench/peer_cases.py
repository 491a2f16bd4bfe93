"""What the peers' forms of the suite are compared with."""

from typing import Any

import numpy as np
import stretto as st

from bench.networks import NETWORKS
from bench.peers.graph import Graph, graph_of

BATCH = 3

# What has no form at the peers, and what is said of it.
UNSUPPORTED = {
    "erf": (st.erf, "erf: no {} form of this op"),
    "conv2d": (
        lambda x: st.conv2d(x, np.ones((3, 2, 1, 1), "f4"), scale=np.ones(3, "f4"), shift=np.ones(3, "f4")),
        "conv2d: no {} form of scale and shift",
    ),
    "matmul": (
        lambda x: st.matmul(x, np.ones((5, 2), "f4"), activation=("elu", 0.5)),
        "matmul: no {} form of the activation elu",
    ),
}


def case_of(name: str) -> tuple[Graph, tuple[Any, ...], Any]:
    """A network's graph, its inputs and our result."""
    network = NETWORKS[name]
    inputs = network.example(BATCH)
    program = st.trace(network.make(), *network.example(2))
    with st.plan(program, inputs, schedule="serial") as plan:
        return graph_of(program, BATCH), inputs, plan(*inputs)


def unsupported(name: str) -> tuple[Graph, str]:
    """A graph without a form, and the text of the error."""
    function, text = UNSUPPORTED[name]
    return graph_of(st.trace(function, np.ones((1, 2, 4, 5), "f4")), 2), text


def close(a: Any, b: Any) -> bool:
    return a.shape == b.shape and bool(np.abs(a - b).max() <= 1e-5 * np.abs(b).max())
