"""Steps of maps with their channels last: other places for the same numbers, so the same bits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from stretto import _core
from stretto.program import Program, Step, Value
from stretto.rewrite.draft import Draft
from stretto.rewrite.epilogues import ACTIVATIONS

__all__ = ["channels_last", "steps_of_maps"]

POOLS = {f"{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)} | {"adaptive_avg_pool2d"}
CONVOLUTIONS = {f"{kind}{n}d" for kind in ("conv", "conv_transpose") for n in (1, 2, 3)}
WITH_LAYOUT = POOLS | CONVOLUTIONS | {"global_max_pool", "global_avg_pool", "upsample2d", "batch_norm", "group_norm"}
OF_ELEMENTS = {*ACTIVATIONS, "exp", "log", "sqrt", "erf", "abs", "neg", "clip", "where", "pow"}
OF_ELEMENTS |= {"add", "sub", "mul", "div", "maximum", "minimum"}
ALONG_AN_AXIS = {"concat", "split", "softmax", "log_softmax"}


def steps_of_maps(program: Program) -> frozenset[int]:
    """The steps that :func:`channels_last` can change: those with a layout, and what follows them by elements.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> net = st.Sequential(st.Conv2d(3, 4, 3), st.ReLU(), st.Flatten(), st.Linear(144, 2))
    >>> sorted(steps_of_maps(st.trace(net, np.ones((2, 3, 8, 8), "f4"))))
    [0, 1]
    """
    found: set[int] = set()
    maps: set[int] = set()  # what they write
    for index, step in enumerate(program.steps):
        attributes = dict(step.attributes)
        if step.op in WITH_LAYOUT:
            x, residual = (
                None if i is None else len(program.values[i].shape) for i in (step.inputs[0], _residual(step))
            )
            fits = attributes.get("layout") == "NCHW" and (x or 0) > 2 and residual in (None, 0, x)
        else:
            values = [i for i in (*step.inputs, *step.outputs) if i is not None]
            ranks = {len(program.values[i].shape) for i in values} - {0}
            fits = step.op in OF_ELEMENTS or (step.op in ALONG_AN_AXIS and isinstance(attributes.get("axis"), int))
            fits = fits and len(ranks) == 1 and not maps.isdisjoint(step.inputs)
        if fits:
            found.add(index)
            maps.update(i for i in step.outputs if len(program.values[i].shape) > 2)
    return frozenset(found)


def channels_last(program: Program, steps: Collection[int] | None = None) -> Program:
    """The program with some steps in the layout ``"NHWC"`` instead of ``"NCHW"``.

    What they read of other steps, and other steps of them, goes through a ``transpose``, which is a view wherever one
    will do.

    Parameters
    ----------
    program : Program
    steps : collection of int, optional
        Of :func:`steps_of_maps`, which are all of them by default.

    Returns
    -------
    Program
        The same bits for all inputs; the argument itself where there is nothing to change.

    Raises
    ------
    ValueError
        If a step cannot be changed.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> net = st.Sequential(st.Conv2d(3, 4, 1), st.GlobalAvgPool(keepdims=False))
    >>> program = st.trace(net, np.ones((2, 3, 8, 8), "f4"))
    >>> [step.op for step in channels_last(program).steps]
    ['transpose', 'conv2d', 'global_avg_pool']
    """
    possible = steps_of_maps(program)
    wanted = possible if steps is None else frozenset(steps)
    if not wanted:
        return program
    if not wanted <= possible:
        raise ValueError(
            f"channels_last: step {min(wanted - possible)} cannot have its channels last; "
            f"the steps that can are {', '.join(map(str, sorted(possible))) or 'none'}"
        )
    return moved(program, wanted)[0]


def moved(program: Program, steps: Collection[int]) -> tuple[Program, list[int]]:
    """The program with these steps' channels last, and which of its steps each of the old ones is."""
    draft = _Moved(program)
    places = []
    for index, step in enumerate(program.steps):
        draft.take(step, index in steps)
        places.append(len(draft.steps) - 1)
    for i in program.outputs:
        draft.first(i)
    return draft.program(draft.steps), places


class _Moved(Draft):
    """The steps so far, and where each value of the old program is by now."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.steps: list[Step] = []
        self.is_first = {i for i, v in enumerate(program.values) if v.origin != "step"}
        self.lasts: dict[int, int] = {}  # with channels last: the number of the new value

    def take(self, step: Step, is_changed: bool) -> None:
        """Add a step, with its channels last where it is to change."""
        if not is_changed:
            for i in step.inputs:
                if i is not None:
                    self.first(i)
            self.is_first.update(step.outputs)
            self.steps.append(step)
            return
        rank = max(len(self.values[i].shape) for i in step.inputs if i is not None)
        names = _core.op(step.op).inputs
        inputs = list(step.inputs)
        for place, i in enumerate(step.inputs):
            is_map = step.op not in WITH_LAYOUT or place == 0 or names[place] == "residual?"
            if is_map and i is not None and len(self.values[i].shape) == rank:
                inputs[place] = self.last(i)
        outputs = tuple(self.new_last(i) if len(self.values[i].shape) == rank else i for i in step.outputs)
        self.is_first.update({*outputs} & {*step.outputs})
        attributes = tuple((key, _moved_attribute(step, key, value, rank)) for key, value in step.attributes)
        self.steps.append(replace(step, inputs=tuple(inputs), outputs=outputs, attributes=attributes))

    def last(self, value: int) -> int:
        """The value with its channels last."""
        if value not in self.lasts:
            axes = _to_last(len(self.values[value].shape))
            self.steps.append(Step("transpose", (value,), (self.new_last(value),), (("axes", axes),)))
        return self.lasts[value]

    def first(self, value: int) -> int:
        """The value as it was."""
        if value not in self.is_first:
            rank = len(self.values[value].shape)
            axes = (0, rank - 1, *range(1, rank - 1))
            self.steps.append(Step("transpose", (self.lasts[value],), (value,), (("axes", axes),)))
            self.is_first.add(value)
        return value

    def new_last(self, value: int) -> int:
        v = self.values[value]
        axes = _to_last(len(v.shape))
        batch = axes.index(v.batch) if v.batch >= 0 else v.batch
        self.lasts[value] = self.add_value(Value(v.dtype, tuple(v.shape[a] for a in axes), batch, "step", ""))
        return self.lasts[value]


def _residual(step: Step) -> int | None:
    places = [place for place, name in enumerate(_core.op(step.op).inputs[: len(step.inputs)]) if name == "residual?"]
    return step.inputs[places[0]] if places else None


def _to_last(rank: int) -> tuple[int, ...]:
    return (0, *range(2, rank), 1)


def _moved_attribute(step: Step, key: str, value: object, rank: int) -> object:
    """An attribute, for maps with their channels last."""
    if step.op in WITH_LAYOUT:
        return "NHWC" if key == "layout" else value
    if step.op in ALONG_AN_AXIS and key == "axis" and isinstance(value, int):
        return _to_last(rank).index(value % rank)
    return value
