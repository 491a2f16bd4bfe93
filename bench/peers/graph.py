"""A network as the peers read it: a traced Program for one batch size, its parameters beside it, in one file.

A peer's process need not have stretto.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from stretto import Program

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Node:
    """One call of an op on values, by their index in the graph; None is an input left out."""

    op: str
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    attributes: dict[str, Any] = field(default_factory=dict)

    def input(self, position: int) -> int | None:
        """An input, None where there are fewer."""
        return self.inputs[position] if position < len(self.inputs) else None


@dataclass(frozen=True)
class Graph:
    """Nodes in single-assignment order; ``arrays`` are parameters and constants, by value."""

    shapes: tuple[tuple[int, ...], ...]  # of each value
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    arrays: Mapping[int, Array]

    def save(self, file: Path) -> None:
        """Write an ``.npz`` file."""
        text = json.dumps(
            {
                "shapes": self.shapes,
                "nodes": [asdict(node) for node in self.nodes],
                "inputs": self.inputs,
                "outputs": self.outputs,
            }
        )
        named: dict[str, Any] = {f"value{i}": array for i, array in self.arrays.items()}
        np.savez(file, graph=np.array(text), **named)

    @classmethod
    def load(cls, file: Path) -> Graph:
        """Read what :meth:`save` wrote."""
        with np.load(file) as stored:
            d = json.loads(str(stored["graph"]))
            arrays = {int(name[5:]): stored[name] for name in stored.files if name != "graph"}
        nodes = tuple(Node(n["op"], tuple(n["inputs"]), tuple(n["outputs"]), n["attributes"]) for n in d["nodes"])
        return cls(tuple(map(tuple, d["shapes"])), nodes, tuple(d["inputs"]), tuple(d["outputs"]), arrays)


def graph_of(program: Program, samples: int) -> Graph:
    """The graph of a Program whose values are all float32, for a batch of so many samples."""
    types = program.types(samples)
    other = {dtype for dtype, _ in types if dtype != "float32"}
    if other:
        raise TypeError(f"graph: only float32 networks are compared: this one has {', '.join(sorted(other))}")
    nodes = tuple(Node(s.op, s.inputs, s.outputs, s.attributes_at(samples)) for s in program.steps)
    held = [i for i, value in enumerate(program.values) if value.origin in ("parameter", "constant")]
    shapes = tuple(shape for _, shape in types)
    return Graph(shapes, nodes, program.inputs, program.outputs, {i: program.array(i) for i in held})
