"""Pooling shapes that tests and benches share: (spatial axes, shape, options)."""

CASES = [
    (2, (2, 3, 7, 9), {"kernel_size": 2}),
    (2, (1, 5, 12, 37), {"kernel_size": 3, "stride": 2, "padding": 1}),
    (2, (2, 70, 6, 5), {"kernel_size": 3, "stride": 1, "padding": 1}),
    (2, (1, 2, 11, 40), {"kernel_size": (2, 3), "stride": (1, 2), "padding": ((0, 1), (1, 0)), "ceil_mode": True}),
    (2, (1, 2, 9, 80), {"kernel_size": 3, "stride": 3, "padding": 1, "dilation": (1, 2)}),
    (2, (1, 1, 20, 21), {"kernel_size": (17, 9), "stride": 2, "padding": 4}),
    (2, (1, 1, 70, 80), {"kernel_size": 70, "stride": 5}),
    (2, (1, 2, 6, 150), {"kernel_size": (1, 4), "stride": 1}),
    (2, (2, 19, 9, 37), {"kernel_size": 5, "stride": 1, "padding": 2}),
    (2, (1, 3, 11, 20), {"kernel_size": 7, "stride": 2, "padding": 3}),
    (2, (1, 2, 12, 21), {"kernel_size": (8, 8), "stride": 1, "padding": ((3, 4), (0, 4))}),
    (3, (1, 2, 4, 5, 39), {"kernel_size": 3, "stride": 1, "padding": 1}),
    (2, (2, 2, 5, 6), {"kernel_size": 3, "stride": 2, "padding": "same"}),
    (2, (0, 3, 4, 4), {"kernel_size": 2}),
    (1, (2, 3, 50), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    (1, (1, 1, 5000), {"kernel_size": 4500, "stride": 100}),
    (1, (1, 2, 9000), {"kernel_size": 9000}),
    (3, (1, 2, 5, 6, 7), {"kernel_size": (2, 3, 2), "stride": (2, 1, 2), "padding": 1, "ceil_mode": True}),
    (3, (2, 3, 4, 4, 4), {"kernel_size": 2}),
    (2, (2, 3, 6, 57), {"kernel_size": 2}),
    (2, (1, 2, 5, 14), {"kernel_size": (3, 2), "stride": 2, "padding": ((1, 1), (0, 0))}),
    (3, (1, 2, 5, 3, 72), {"kernel_size": (2, 1, 2), "stride": (1, 2, 2)}),
    (1, (3, 5, 34), {"kernel_size": 2}),
]

GLOBAL_SHAPES = [
    (2, 3, 5),
    (2, 3, 16, 17),
    (1, 70, 70, 80),
    (2, 2, 3, 4, 5),
    (1, 1, 1),
    (5, 9, 7, 7),
    (3, 50, 17),
    (2, 21, 3),
]

ADAPTIVE = [((1, 3, 7, 9), (3, 4)), ((2, 2, 8, 12), (4, 3)), ((1, 2, 3, 3), (5, 2)), ((1, 70, 30, 31), 1)]
