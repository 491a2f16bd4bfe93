"""Networks of images: convolutions with skips, depthwise, in branches, and down and up again."""

from __future__ import annotations

from typing import Any

import stretto as st
from stretto.demo.network import DigitNetwork

from bench.networks.network import SEED, Network


class Residual(st.Layer):
    """``relu(conv(relu(conv(x))) + x)``, with a 1x1 convolution of x where its shape changes (He et al., 2016)."""

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        self.first = st.Conv2d(channels, out, 3, stride=stride, padding=1, activation="relu")
        self.second = st.Conv2d(out, out, 3, padding=1)
        self.shortcut = st.Conv2d(channels, out, 1, stride=stride) if (channels, 1) != (out, stride) else None

    def forward(self, x: Any) -> Any:
        skip = x if self.shortcut is None else self.shortcut(x)
        second = self.second
        return st.conv2d(self.first(x), second.weight, bias=second.bias, padding=1, residual=skip, activation="relu")


class InvertedResidual(st.Layer):
    """Wider, depthwise, narrower again; plus x where the shape is kept (Sandler et al., MobileNetV2, 2018)."""

    def __init__(self, channels: int, out: int, stride: int = 1, widening: int = 4) -> None:
        hidden = channels * widening
        self.widen = st.Conv2d(channels, hidden, 1, activation="relu6")
        self.depthwise = st.Conv2d(hidden, hidden, 3, stride=stride, padding=1, groups=hidden, activation="relu6")
        self.narrow = st.Conv2d(hidden, out, 1)
        self.keeps_shape = stride == 1 and channels == out

    def forward(self, x: Any) -> Any:
        y = self.depthwise(self.widen(x))
        if not self.keeps_shape:
            return self.narrow(y)
        return st.conv2d(y, self.narrow.weight, bias=self.narrow.bias, residual=x)


class Inception(st.Layer):
    """Four branches side by side: 1x1, 3x3, 5x5 and pooled (Szegedy et al., 2015)."""

    def __init__(self, channels: int, width: int) -> None:
        self.point = st.Conv2d(channels, width, 1, activation="relu")
        self.small = st.Sequential(
            st.Conv2d(channels, width, 1, activation="relu"),
            st.Conv2d(width, width, 3, padding=1, activation="relu"),
        )
        self.large = st.Sequential(
            st.Conv2d(channels, width // 2, 1, activation="relu"),
            st.Conv2d(width // 2, width, 5, padding=2, activation="relu"),
        )
        self.pooled = st.Sequential(
            st.MaxPool2d(3, stride=1, padding=1), st.Conv2d(channels, width, 1, activation="relu")
        )

    def forward(self, x: Any) -> Any:
        return st.concat([self.point(x), self.small(x), self.large(x), self.pooled(x)], axis=1)


class UNet(st.Layer):
    """Down, up, and what was seen on the way down beside it (Ronneberger et al., 2015)."""

    def __init__(self) -> None:
        self.down = st.Conv2d(1, 16, 3, padding=1, activation="relu")
        self.deep = st.Conv2d(16, 32, 3, padding=1, activation="relu")
        self.up = st.ConvTranspose2d(32, 16, 2, stride=2, activation="relu")
        self.mix = st.Conv2d(32, 16, 3, padding=1, activation="relu")
        self.head = st.Conv2d(16, 1, 1)

    def forward(self, x: Any) -> Any:
        seen = self.down(x)
        y = self.up(self.deep(st.max_pool2d(seen, 2)))
        return self.head(self.mix(st.concat([seen, y], axis=1)))


def resnet() -> st.Layer:
    """Six residual blocks."""
    return st.Sequential(
        st.Conv2d(3, 16, 3, stride=2, padding=1, activation="relu"),
        Residual(16, 16),
        Residual(16, 16),
        Residual(16, 32, stride=2),
        Residual(32, 32),
        Residual(32, 64, stride=2),
        Residual(64, 64),
        st.GlobalAvgPool(keepdims=False),
        st.Linear(64, 10),
    )


def mobilenet() -> st.Layer:
    """Five inverted residual blocks."""
    return st.Sequential(
        st.Conv2d(3, 16, 3, stride=2, padding=1, activation="relu6"),
        InvertedResidual(16, 24, stride=2),
        InvertedResidual(24, 24),
        InvertedResidual(24, 40, stride=2),
        InvertedResidual(40, 40),
        InvertedResidual(40, 64, stride=2),
        st.Conv2d(64, 128, 1, activation="relu6"),
        st.GlobalAvgPool(keepdims=False),
        st.Linear(128, 10),
    )


def inception() -> st.Layer:
    """Two blocks of four branches."""
    return st.Sequential(
        st.Conv2d(3, 32, 3, stride=2, padding=1, activation="relu"),
        Inception(32, 16),
        st.MaxPool2d(2),
        Inception(64, 24),
        st.GlobalAvgPool(keepdims=False),
        st.Linear(96, 10),
    )


def autoencoder() -> st.Layer:
    """An image of 28 x 28 down to 32 numbers and back."""
    return st.Sequential(
        st.Conv2d(1, 16, 3, stride=2, padding=1, activation="relu"),
        st.Conv2d(16, 32, 3, stride=2, padding=1, activation="relu"),
        st.Flatten(),
        st.Linear(32 * 7 * 7, 32),
        st.Linear(32, 32 * 7 * 7, activation="relu"),
        lambda x: st.reshape(x, (x.shape[0], 32, 7, 7)),
        st.ConvTranspose2d(32, 16, 2, stride=2, activation="relu"),
        st.ConvTranspose2d(16, 1, 2, stride=2, activation="sigmoid"),
    )


NETWORKS = (
    Network("digits", lambda: DigitNetwork().initialize(SEED), ((1, 8, 8),)),
    Network("resnet", lambda: resnet().initialize(SEED), ((3, 32, 32),)),
    Network("mobilenet", lambda: mobilenet().initialize(SEED), ((3, 48, 48),)),
    Network("inception", lambda: inception().initialize(SEED), ((3, 32, 32),)),
    Network("unet", lambda: UNet().initialize(SEED), ((1, 32, 32),)),
    Network("autoencoder", lambda: autoencoder().initialize(SEED), ((1, 28, 28),)),
)
