"""Pooling over windows of one, two or three axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from stretto import ops
from stretto.layers.layer import Layer

if TYPE_CHECKING:
    from stretto.ops.types import Padding

__all__ = ["AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d"]


class _MaxPool(Layer):
    _op: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        *,
        stride: int | Sequence[int] | None = None,
        padding: Padding = 0,
        dilation: int | Sequence[int] = 1,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.ceil_mode = ceil_mode

    def _options(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "ceil_mode": self.ceil_mode,
        }

    def forward(self, x: Any) -> Any:
        return type(self)._op(x, self.kernel_size, **self._options())


class _AvgPool(_MaxPool):
    def __init__(
        self,
        kernel_size: int | Sequence[int],
        *,
        stride: int | Sequence[int] | None = None,
        padding: Padding = 0,
        dilation: int | Sequence[int] = 1,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
        self.count_include_pad = count_include_pad

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "count_include_pad": self.count_include_pad}


class MaxPool1d(_MaxPool):
    """:func:`stretto.max_pool1d` as a layer: its arguments are the same.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.MaxPool1d(2)(np.ones((1, 3, 8), "f4")).shape
    (1, 3, 4)
    """

    _op = staticmethod(ops.max_pool1d)


class MaxPool2d(_MaxPool):
    """:func:`stretto.max_pool2d` as a layer: its arguments are the same.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.MaxPool2d(2)(np.ones((1, 3, 8, 8), "f4")).shape
    (1, 3, 4, 4)
    """

    _op = staticmethod(ops.max_pool2d)


class MaxPool3d(_MaxPool):
    """:func:`stretto.max_pool3d` as a layer: its arguments are the same.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.MaxPool3d(2)(np.ones((1, 3, 8, 8, 8), "f4")).shape
    (1, 3, 4, 4, 4)
    """

    _op = staticmethod(ops.max_pool3d)


class AvgPool1d(_AvgPool):
    """:func:`stretto.avg_pool1d` as a layer: its arguments are the same.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.AvgPool1d(2)(np.ones((1, 3, 8), "f4")).shape
    (1, 3, 4)
    """

    _op = staticmethod(ops.avg_pool1d)


class AvgPool2d(_AvgPool):
    """:func:`stretto.avg_pool2d` as a layer: its arguments are the same.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.AvgPool2d(2)(np.ones((1, 3, 8, 8), "f4")).shape
    (1, 3, 4, 4)
    """

    _op = staticmethod(ops.avg_pool2d)


class AvgPool3d(_AvgPool):
    """:func:`stretto.avg_pool3d` as a layer: its arguments are the same.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.AvgPool3d(2)(np.ones((1, 3, 8, 8, 8), "f4")).shape
    (1, 3, 4, 4, 4)
    """

    _op = staticmethod(ops.avg_pool3d)
