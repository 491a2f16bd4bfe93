"""What only follows a product moves into its epilogue: fewer steps, the same bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stretto import _core
from stretto.program import NO_BATCH, Array, Program, Step, Value, on_host, sizes_at
from stretto.rewrite.draft import Draft

__all__ = ["fuse_epilogues"]

FIRST, SECOND, BIAS, SCALE, SHIFT, RESIDUAL = range(6)  # the inputs of a product
EXACT = ("float32", "float64")  # an epilogue rounds 16-bit floats once, at its end
ACTIVATIONS = {
    "relu": None,
    "relu6": None,
    "leaky_relu": "slope",
    "elu": "alpha",
    "sigmoid": None,
    "hard_sigmoid": None,
    "hard_swish": None,
    "tanh": None,
    "gelu": None,
    "gelu_tanh": None,
    "silu": None,
    "softplus": None,
}


def fuse_epilogues(program: Program) -> Program:
    """The program with what only follows a product in the product's epilogue.

    Products are matmul, convolutions and transposed convolutions. Into ``activation(fma(z + bias, scale, shift) +
    residual)`` of the one that made it go, in this order and as far as the places are free: the addition of a vector,
    ``batch_norm``, the addition of an array, an activation. Nothing else may read what lies between. Of 16-bit floats
    only relu and relu6 go, which commute with rounding.

    Parameters
    ----------
    program : Program

    Returns
    -------
    Program
        The same bits for all inputs; the argument itself where nothing can be fused.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> from stretto.rewrite import fuse_epilogues
    >>> net = st.Sequential(st.Conv2d(1, 4, 3), st.BatchNorm(4), st.ReLU())
    >>> program = st.trace(net, np.ones((2, 1, 8, 8), "f4"))
    >>> [step.op for step in program.steps], [step.op for step in fuse_epilogues(program).steps]
    (['conv2d', 'batch_norm', 'relu'], ['conv2d'])
    """
    fusion = _Fusion(program)
    for step in program.steps:
        fusion.take(step)
    return fusion.program(step for step in fusion.steps if step is not None) if None in fusion.steps else program


class BatchScale:
    """:func:`stretto.batch_norm_scale` of a program's parameters, made anew when one of them is another array.

    In host memory, wherever they are: a stream that made it on a GPU would not be that of every later call.
    """

    def __init__(self, program: Program, parameters: Sequence[int | None], eps: float) -> None:
        self._program = program
        self._parameters = parameters
        self._eps = eps
        self._made: tuple[list[Array | None], Any] | None = None  # of which arrays, and what

    def _present(self) -> Any:
        arrays = [None if i is None else self._program.array(i) for i in self._parameters]
        made = self._made
        if made is None or any(a is not b for a, b in zip(arrays, made[0], strict=True)):
            result: Any = _core.op("batch_norm_scale")(
                tuple(a if a is None else on_host(a) for a in arrays), {"eps": self._eps}
            )
            made = self._made = arrays, result
        return made[1]

    @property
    def scale(self) -> Any:
        return self._present()[0]

    @property
    def shift(self) -> Any:
        return self._present()[1]


class _Fusion(Draft):
    """The steps so far, None in the place of those that moved into a later one."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.steps: list[Step | None] = []
        self.writer: dict[int, int] = {}
        self.reads = Counter(program.outputs)
        for step in program.steps:
            self.reads.update(i for i in step.inputs if i is not None)
        self.rules = {"add": self.add, "batch_norm": self.batch_norm, **dict.fromkeys(ACTIVATIONS, self.activation)}

    def take(self, step: Step) -> None:
        """Add a step, after a product or within it."""
        fused = self.fused(step)
        self.writer.update((output, len(self.steps)) for output in step.outputs)
        self.steps.append(fused or step)

    def fused(self, step: Step) -> Step | None:
        """The product that step follows, with step in its epilogue; None where it does not go."""
        rule = self.rules.get(step.op)
        if rule is None:
            return None
        # The later product first: by its turn the other one is there.
        for z in sorted((i for i in step.inputs if i in self.writer), key=lambda i: -self.writer[i]):
            product = self.steps[self.writer[z]]
            if product is None or self.reads[z] != 1 or not _has_free_epilogue(product):
                continue
            candidate = rule(_with_all_inputs(product), step, z)
            if candidate is not None and self.gives(candidate, step):
                self.steps[self.writer[z]] = None
                return replace(candidate, outputs=step.outputs)
        return None

    def activation(self, product: Step, step: Step, z: int) -> Step | None:
        if self.values[z].dtype not in EXACT and step.op not in ("relu", "relu6"):
            return None
        parameter = ACTIVATIONS[step.op]
        name = step.op if parameter is None else (step.op, dict(step.attributes)[parameter])
        others = tuple((key, value) for key, value in product.attributes if key != "activation")
        return replace(product, attributes=(*others, ("activation", name)))

    def add(self, product: Step, step: Step, z: int) -> Step | None:
        (other,) = [i for i in step.inputs if i != z]
        if other is None or step.attributes or product.inputs[RESIDUAL] is not None:
            return None
        term = self.values[other]
        if term.dtype not in EXACT or term.dtype != self.values[z].dtype:
            return None
        is_vector = product.op == "matmul" and term.batch == NO_BATCH and term.shape == self.values[z].shape[-1:]
        return _with(product, {BIAS if is_vector and product.inputs[BIAS:] == (None,) * 4 else RESIDUAL: other})

    def batch_norm(self, product: Step, step: Step, z: int) -> Step | None:
        x, *parameters = step.inputs
        v = self.values[z]
        has_place = product.inputs[SCALE:] == (None,) * 3
        if x != z or not has_place or v.dtype not in EXACT or self.channel_axis(product) != self.channel_axis(step):
            return None
        if any(i is not None and not self.is_fixed(i, v.dtype) for i in parameters):
            return None
        scale, shift = self.scale_and_shift(parameters, dict(step.attributes)["eps"])
        return _with(product, {SCALE: scale, SHIFT: shift})

    def channel_axis(self, step: Step) -> int:
        axes = len(self.values[step.outputs[0]].shape)
        channels_first = step.op != "matmul" and dict(step.attributes)["layout"] == "NCHW"
        return 1 if channels_first else axes - 1

    def is_fixed(self, value: int, dtype: str) -> bool:
        v = self.values[value]
        return v.origin in ("parameter", "constant") and v.dtype == dtype

    def scale_and_shift(self, parameters: Sequence[int | None], eps: float) -> tuple[int, int]:
        """New values, parameters where one of those they are made of is."""
        source = BatchScale(self.old, parameters, eps)
        owned = [i for i in parameters if i in self.owners]
        new = []
        for attribute in ("scale", "shift"):
            array = getattr(source, attribute)
            name = f"{self.values[owned[0]].name.rpartition('.')[0]}.{attribute}" if owned else ""
            value = Value(array.dtype.name, array.shape, NO_BATCH, "parameter" if owned else "constant", name)
            new.append(self.add_value(value))
            if owned:
                self.owners[new[-1]] = source, attribute
            else:
                self.constants[new[-1]] = array
        return new[0], new[1]

    def gives(self, candidate: Step, step: Step) -> bool:
        """Whether a step is legal and gives what the other gives: dtype, shape and batch axis."""
        op, samples = _core.op(candidate.op), self.old.example_samples
        result = self.values[step.outputs[0]]
        inputs = [None if i is None else self.values[i] for i in candidate.inputs]
        types = [None if v is None else (v.dtype, sizes_at(v.shape, samples)) for v in inputs]
        axes = [NO_BATCH if v is None else v.batch for v in inputs]
        attributes = candidate.attributes_at(samples)
        try:
            same = op.infer(types, attributes) == [(result.dtype, sizes_at(result.shape, samples))]
        except (TypeError, ValueError):
            return False
        batch = NO_BATCH if max(axes) == NO_BATCH else op.batch_axis(types, axes, attributes)
        return same and batch == result.batch and not step.mixes


def _has_free_epilogue(step: Step) -> bool:
    return "residual?" in _core.op(step.op).inputs and dict(step.attributes).get("activation") in (None, "none")


def _with_all_inputs(product: Step) -> Step:
    absent = (None,) * (len(_core.op(product.op).inputs) - len(product.inputs))
    return replace(product, inputs=product.inputs + absent)


def _with(product: Step, new: dict[int, Any]) -> Step:
    return replace(product, inputs=tuple(new.get(k, i) for k, i in enumerate(product.inputs)))
