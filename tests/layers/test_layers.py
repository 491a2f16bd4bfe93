"""Each layer: the function it stands for, its shape, and the same bits when traced and planned."""

import numpy as np
import pytest
import stretto as st

RNG = np.random.default_rng(0)
SIGNAL = RNG.normal(size=(3, 4, 9)).astype("f4")
IMAGE = RNG.normal(size=(3, 4, 6, 7)).astype("f4")
VOLUME = RNG.normal(size=(3, 4, 4, 5, 6)).astype("f4")

ACTIVATIONS = [
    st.ReLU(),
    st.ReLU6(),
    st.LeakyReLU(0.2),
    st.ELU(0.7),
    st.Sigmoid(),
    st.HardSigmoid(),
    st.HardSwish(),
    st.Tanh(),
    st.GELU(),
    st.GELU("tanh"),
    st.SiLU(),
    st.Softplus(),
]

CASES = [
    (st.Linear(7, 3, activation="relu"), IMAGE, (3, 4, 6, 3)),
    (st.Linear(7, 3, bias=False), IMAGE, (3, 4, 6, 3)),
    (st.Conv1d(4, 6, 3, padding="same"), SIGNAL, (3, 6, 9)),
    (st.Conv2d(4, 6, (3, 2), stride=2, padding=1, groups=2), IMAGE, (3, 6, 3, 4)),
    (st.Conv2d(4, 4, 3, padding=((0, 1), (2, 1)), dilation=2, bias=False, activation="relu"), IMAGE, (3, 4, 3, 6)),
    (st.Conv3d(4, 2, 2), VOLUME, (3, 2, 3, 4, 5)),
    (st.ConvTranspose1d(4, 2, 3, stride=2), SIGNAL, (3, 2, 19)),
    (st.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), IMAGE, (3, 6, 12, 14)),
    (st.ConvTranspose3d(4, 2, 2, bias=False), VOLUME, (3, 2, 5, 6, 7)),
    (st.Flatten(), IMAGE, (3, 168)),
    (st.Flatten(2), IMAGE, (3, 4, 42)),
    (st.Embedding(10, 4), np.array([[1, 2, 3], [4, 0, 9]]), (2, 3, 4)),
    (st.MaxPool1d(2), SIGNAL, (3, 4, 4)),
    (st.MaxPool2d(2, ceil_mode=True), IMAGE, (3, 4, 3, 4)),
    (st.MaxPool2d((3, 2), stride=1, padding=(1, 0)), IMAGE, (3, 4, 6, 6)),
    (st.MaxPool3d(2), VOLUME, (3, 4, 2, 2, 3)),
    (st.AvgPool1d(3, stride=2), SIGNAL, (3, 4, 4)),
    (st.AvgPool2d(2, padding=1, count_include_pad=False), IMAGE, (3, 4, 4, 4)),
    (st.AvgPool3d(2), VOLUME, (3, 4, 2, 2, 3)),
    (st.GlobalAvgPool(), IMAGE, (3, 4, 1, 1)),
    (st.GlobalAvgPool(keepdims=False), VOLUME, (3, 4)),
    (st.GlobalMaxPool(keepdims=False), SIGNAL, (3, 4)),
    (st.AdaptiveAvgPool2d((2, 3)), IMAGE, (3, 4, 2, 3)),
    *((layer, IMAGE, IMAGE.shape) for layer in ACTIVATIONS),
    (st.MultiHeadAttention(6, 3, rng=1), RNG.normal(size=(4, 5, 6)).astype("f4"), (4, 5, 6)),
    (st.MultiHeadAttention(6, 2, causal=True, rng=1), RNG.normal(size=(4, 5, 6)).astype("f4"), (4, 5, 6)),
    (st.Softmax(), IMAGE, IMAGE.shape),
    (st.Softmax(axis=1), IMAGE, IMAGE.shape),
    (st.LogSoftmax(), IMAGE, IMAGE.shape),
    (st.LayerNorm(7), IMAGE, IMAGE.shape),
    (st.LayerNorm((6, 7)), IMAGE, IMAGE.shape),
    (st.RMSNorm(7), IMAGE, IMAGE.shape),
    (st.BatchNorm(4), IMAGE, IMAGE.shape),
    (st.BatchNorm(4), SIGNAL, SIGNAL.shape),
    (st.GroupNorm(2, 4), IMAGE, IMAGE.shape),
    (st.Upsample(scale_factor=2), IMAGE, (3, 4, 12, 14)),
    (st.Upsample(size=(5, 9), mode="bilinear", align_corners=True), IMAGE, (3, 4, 5, 9)),
]


@pytest.mark.parametrize(("layer", "x", "shape"), CASES, ids=lambda case: type(case).__name__)
def test_layer(layer, x, shape):
    y = layer(x)
    assert y.shape == shape
    program = st.trace(layer, x)
    assert program.why_not_cut() is None
    assert program.types(5)[program.outputs[0]] == (y.dtype.name, (5, *shape[1:]))
    for schedule in ("serial", "data"):
        with st.plan(program, x, schedule=schedule, workers=2, calibrate=0.0) as plan:
            assert plan(x).tobytes() == y.tobytes()
            assert plan(x[1:]).tobytes() == y[1:].tobytes()


def test_functions_that_layers_stand_for():
    conv = st.Conv2d(4, 6, 3, stride=2, padding=1)
    same = st.conv2d(IMAGE, conv.weight, bias=conv.bias, stride=2, padding=1)
    assert conv(IMAGE).tobytes() == same.tobytes()
    linear = st.Linear(7, 3, activation=("leaky_relu", 0.1))
    same = st.matmul(IMAGE, linear.weight, bias=linear.bias, activation=("leaky_relu", 0.1))
    assert linear(IMAGE).tobytes() == same.tobytes()


FUSED = ["relu", "relu6", ("leaky_relu", 0.2), ("elu", 0.7), "sigmoid", "hard_sigmoid", "hard_swish", "tanh"]
FUSED += ["gelu", "gelu_tanh", "silu", "softplus"]


@pytest.mark.parametrize(("layer", "name"), list(zip(ACTIVATIONS, FUSED, strict=True)))
def test_an_activation_fused_has_the_same_bits(layer, name):
    linear = st.Linear(7, 3, rng=4)
    fused = st.Linear(7, 3, rng=4, activation=name)
    assert fused(IMAGE).tobytes() == layer(linear(IMAGE)).tobytes()


def test_batch_norm_uses_its_running_statistics():
    norm = st.BatchNorm(6)
    for name in ("gamma", "beta", "running_mean"):
        setattr(norm, name, RNG.normal(size=6).astype("f4"))
    norm.running_var = RNG.uniform(0.5, 2, size=6).astype("f4")
    conv = st.Conv2d(4, 6, 3, bias=False)
    scale = (norm.gamma / np.sqrt(norm.running_var + np.float32(norm.eps))).astype("f4")
    assert norm(conv(IMAGE)).shape == (3, 6, 4, 5)
    np.testing.assert_allclose(
        norm(conv(IMAGE)),
        (conv(IMAGE) - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.beta[:, None, None],
        rtol=1e-4,
        atol=1e-5,
    )
    assert list(norm.parameters()) == ["gamma", "beta", "running_mean", "running_var"]


def test_fresh_weights_keep_the_variance():
    x = RNG.normal(size=(64, 16, 8, 8)).astype("f4")
    y = st.Conv2d(16, 64, 3, padding=1, rng=3, activation="relu")(x)
    assert 0.5 < (y.astype("f8") ** 2).mean() < 1.5
    z = st.Linear(256, 512, rng=3, activation="relu")(RNG.normal(size=(64, 256)).astype("f4"))
    assert 0.5 < (z.astype("f8") ** 2).mean() < 1.5


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: st.Conv2d(3, 4, 3, groups=2), "Conv2d: groups does not divide the channels: groups is 2"),
        (lambda: st.Conv2d(3, 4, (3, 3, 3)), "kernel_size is"),
        (lambda: st.ConvTranspose1d(3, 4, 3, groups=0), "groups does not divide"),
        (lambda: st.ConvTranspose2d(3, 4, (3,)), "kernel_size is"),
        (lambda: st.GroupNorm(3, 4), "GroupNorm: groups does not divide the channels: groups is 3"),
        (lambda: st.MultiHeadAttention(6, 4), "heads does not divide features: heads is 4, features is 6"),
    ],
)
def test_bad_sizes(make, text):
    with pytest.raises(ValueError, match=text):
        make()
