"""Shapes that every convolution kernel is tried on: (x, w, options), channels first."""

from __future__ import annotations

from typing import Any

Case = tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]

CASES: dict[str, Case] = {
    "1x1": ((2, 5, 6, 7), (4, 5, 1, 1), {}),
    "1x1_stride2": ((1, 8, 9, 9), (18, 8, 1, 1), {"stride": 2}),
    "1x1_padded": ((1, 3, 4, 4), (5, 3, 1, 1), {"padding": 1}),
    "1x1_long": ((1, 150, 7, 9), (40, 150, 1, 1), {}),
    "3x3": ((2, 3, 8, 9), (5, 3, 3, 3), {"padding": 1}),
    "3x3_wide": ((1, 16, 5, 33), (33, 16, 3, 3), {"padding": 1}),
    "3x3_small": ((1, 40, 7, 7), (64, 40, 3, 3), {"padding": 1}),
    "3x3_valid": ((1, 20, 6, 31), (48, 20, 3, 3), {"padding": "valid"}),
    "3x3_stride2": ((1, 17, 13, 15), (32, 17, 3, 3), {"stride": 2, "padding": 1}),
    "3x3_same_stride2": ((1, 17, 14, 15), (16, 17, 3, 3), {"stride": 2, "padding": "same"}),
    "3x3_dilated": ((1, 24, 12, 11), (20, 24, 3, 3), {"dilation": 2, "padding": 2}),
    "3x3_uneven": ((1, 20, 10, 9), (7, 20, 3, 2), {"stride": (2, 3), "dilation": (1, 2), "padding": ((2, 0), (1, 3))}),
    "stem": ((1, 3, 20, 22), (24, 3, 7, 7), {"stride": 2, "padding": 3}),
    "first": ((3, 1, 8, 8), (16, 1, 3, 3), {"padding": 1}),
    "map_4x4": ((5, 18, 4, 4), (21, 18, 3, 3), {"padding": 1}),
    "map_5x5": ((3, 40, 5, 5), (35, 40, 5, 5), {"padding": 2}),
    "map_taller": ((2, 20, 6, 5), (9, 20, 2, 3), {"padding": ((0, 3), (1, 1))}),
    "map_segments": ((2, 470, 4, 4), (17, 470, 3, 3), {"padding": 1}),
    "map_groups": ((7, 30, 4, 4), (36, 10, 3, 3), {"padding": 1, "groups": 3}),
    "first_wide": ((1, 1, 5, 70), (3, 1, 3, 3), {"padding": 1}),
    "depthwise3": ((2, 6, 9, 21), (6, 1, 3, 3), {"padding": 1, "groups": 6}),
    "depthwise3_stride2": ((1, 6, 19, 40), (6, 1, 3, 3), {"padding": 1, "stride": 2, "groups": 6}),
    "depthwise5": ((1, 20, 11, 14), (20, 1, 5, 5), {"padding": 2, "groups": 20}),
    "depthwise5_stride2": ((1, 4, 23, 70), (4, 1, 5, 5), {"padding": 2, "stride": 2, "groups": 4}),
    "depthwise3_valid": ((1, 3, 12, 37), (3, 1, 3, 3), {"groups": 3}),
    "depthwise3_narrow": ((2, 5, 7, 3), (5, 1, 3, 3), {"padding": 2, "groups": 5}),
    "depthwise_multiplier": ((1, 5, 8, 18), (15, 1, 3, 3), {"padding": 1, "groups": 5}),
    "depthwise_dilated": ((1, 7, 12, 12), (7, 1, 3, 3), {"padding": 2, "dilation": 2, "groups": 7}),
    "groups": ((1, 12, 9, 20), (18, 4, 3, 3), {"padding": 1, "groups": 3}),
    "groups_few": ((2, 16, 8, 35), (16, 4, 3, 3), {"padding": 1, "groups": 4}),
    "groups_stride2": ((1, 16, 9, 35), (32, 4, 3, 3), {"padding": 1, "stride": 2, "groups": 4}),
    "groups_wide": ((1, 40, 6, 6), (60, 20, 3, 3), {"padding": 1, "groups": 2}),
    "segments": ((1, 470, 3, 4), (17, 470, 3, 3), {"padding": 1}),
    "segments_1x1": ((1, 4100, 2, 3), (3, 4100, 1, 1), {}),
    "many_taps": ((1, 2, 70, 66), (2, 2, 66, 63), {}),
    "no_channels": ((2, 0, 4, 4), (3, 0, 3, 3), {"padding": 1}),
    "no_samples": ((0, 3, 4, 4), (3, 3, 3, 3), {"padding": 1}),
    "no_outputs": ((1, 3, 4, 4), (0, 3, 3, 3), {"padding": 1}),
    "only_padding": ((1, 2, 0, 3), (3, 2, 2, 2), {"padding": 1}),
    "audio": ((2, 10, 100), (24, 10, 9), {"padding": 4}),
    "audio_stride": ((1, 3, 101), (5, 3, 8), {"stride": 3, "padding": (2,)}),
    "audio_depthwise": ((1, 6, 100), (6, 1, 5), {"padding": "same", "groups": 6}),
    "video": ((1, 9, 4, 6, 7), (17, 9, 3, 3, 3), {"padding": 1}),
    "video_stride": (
        (1, 3, 5, 9, 9),
        (6, 3, 3, 2, 3),
        {"padding": (1, 0, 1), "stride": (2, 2, 1), "dilation": (1, 2, 2)},
    ),
    "video_depthwise": ((1, 4, 5, 6, 18), (4, 1, 3, 3, 3), {"padding": 1, "groups": 4}),
}

# (x, w, options) of transposed convolutions: w is (C, O / groups, ...).
TRANSPOSED: dict[str, Case] = {
    "2x2_stride2": ((1, 6, 4, 5), (6, 3, 2, 2), {"stride": 2}),
    "3x3": ((2, 5, 6, 7), (5, 9, 3, 3), {"padding": 1}),
    "3x3_stride2": ((1, 20, 6, 7), (20, 17, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
    "4x4_stride2": ((1, 8, 6, 20), (8, 16, 4, 4), {"stride": 2, "padding": 1}),
    "gaps": ((1, 3, 4, 4), (3, 4, 2, 1), {"stride": 3}),
    "dilated": ((1, 5, 6, 6), (5, 6, 3, 3), {"stride": 2, "dilation": 3, "padding": (2, 1)}),
    "uneven": ((1, 4, 5, 6), (4, 3, 3, 2), {"stride": (2, 3), "padding": ((0, 2), (1, 0)), "output_padding": (1, 0)}),
    "same": ((1, 4, 5, 6), (4, 3, 3, 3), {"stride": 2, "padding": "same"}),
    "groups": ((1, 12, 5, 6), (12, 3, 3, 3), {"stride": 2, "groups": 3}),
    "depthwise": ((1, 6, 7, 20), (6, 1, 3, 3), {"padding": 1, "groups": 6}),
    "segments": ((1, 470, 3, 3), (470, 5, 3, 3), {"stride": 2, "padding": 1}),
    "one_axis": ((2, 7, 20), (7, 8, 5), {"stride": 2, "padding": 2}),
    "three_axes": ((1, 3, 3, 4, 5), (3, 17, 3, 2, 3), {"stride": (1, 2, 2), "padding": 1}),
}
