"""Programs while they are rewritten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stretto.program import Program, Step, Value

__all__ = ["Draft"]


class Draft:
    """The values of a program, and new ones."""

    def __init__(self, program: Program) -> None:
        self.old = program
        self.values = list(program.values)
        self.constants = dict(program.constants)
        self.owners = dict(program.owners)

    def add_value(self, value: Value) -> int:
        """A new value's number."""
        self.values.append(value)
        return len(self.values) - 1

    def program(self, steps: Iterable[Step]) -> Program:
        """The program of these steps, and of the values that they read or write."""
        steps = list(steps)
        kept = {*self.old.inputs, *self.old.outputs}
        kept.update(i for step in steps for i in (*step.inputs, *step.outputs) if i is not None)
        number = {value: k for k, value in enumerate(sorted(kept))}

        def renumbered(step: Step) -> Step:
            inputs = tuple(None if i is None else number[i] for i in step.inputs)
            return replace(step, inputs=inputs, outputs=tuple(number[i] for i in step.outputs))

        return replace(
            self.old,
            values=tuple(self.values[i] for i in number),
            steps=tuple(map(renumbered, steps)),
            inputs=tuple(number[i] for i in self.old.inputs),
            outputs=tuple(number[i] for i in self.old.outputs),
            constants={number[i]: array for i, array in self.constants.items() if i in number},
            owners={number[i]: owner for i, owner in self.owners.items() if i in number},
        )
