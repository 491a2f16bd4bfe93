"""Names of the element-wise functions, and shapes that they are tried on."""

from __future__ import annotations

ACTIVATIONS = [
    *("relu", "relu6", "leaky_relu", "elu", "sigmoid", "hard_sigmoid", "hard_swish", "tanh", "gelu", "gelu_tanh"),
    *("silu", "softplus", "exp", "log", "sqrt", "erf", "abs", "neg"),
]
BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "pow"]

# (a, b) shapes that broadcast
BROADCASTS = [
    ((), ()),
    ((1,), (7,)),
    ((3, 1, 5), (4, 1)),
    ((2, 3, 4, 5), (3, 1, 1)),
    ((2, 1, 40), (1, 33, 1)),
    ((1100,), ()),
    ((0, 3), (3,)),
    ((5, 411), (411,)),
    ((2, 3000), (2, 1)),
    ((5, 1500), (1500,)),
    ((2, 3, 8, 9), (3, 1, 1)),
    ((3, 40, 1), (3, 40, 45)),
]
