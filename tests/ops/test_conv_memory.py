"""Convolutions need no more than 1 MiB a thread and the packed weight: nothing of the input's size."""

import subprocess
import sys
import textwrap

import pytest

MEASURE = textwrap.dedent("""
    import re, sys
    import ml_dtypes
    import numpy as np
    import stretto as st

    def peak():
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) << 10

    op, x_shape, w_shape, dtype, threads, options = eval(sys.argv[1])
    x, w = np.ones(x_shape, dtype), np.ones(w_shape, dtype)
    call = getattr(st, op)
    call(x[:1], w, threads=threads, **options)  # threads and code pages are there before
    out = call(x, w, threads=threads, **options)
    out[...] = 0
    open("/proc/self/clear_refs", "w").write("5")  # the peak starts anew
    before = peak()
    call(x, w, out=out, threads=threads, **options)
    print(peak() - before, out.nbytes, x.nbytes)
""")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("op", "dtype", "x", "w", "options"),
    [
        ("conv2d", "float32", (8, 64, 112, 112), (64, 64, 3, 3), {"padding": 1}),
        ("conv2d", "float32", (8, 64, 112, 112), (64, 64, 3, 3), {"padding": 1, "stride": 2}),
        ("conv2d", "float32", (8, 64, 112, 112), (64, 64, 1, 1), {}),
        ("conv2d", "float32", (8, 64, 112, 112), (64, 1, 3, 3), {"padding": 1, "groups": 64}),
        ("conv2d", "float32", (16, 3, 224, 224), (32, 3, 7, 7), {"padding": 3, "stride": 2}),
        ("conv2d", "float32", (8, 112, 112, 64), (64, 64, 3, 3), {"padding": 1, "layout": "NHWC"}),
        ("conv1d", "float32", (8, 64, 16384), (64, 64, 9), {"padding": 4}),
        ("conv_transpose2d", "float32", (8, 64, 56, 56), (64, 64, 3, 3), {"stride": 2}),
        ("conv2d", "bfloat16", (16, 64, 112, 112), (64, 64, 3, 3), {"padding": 1}),
        ("conv2d", "bfloat16", (16, 112, 112, 64), (64, 64, 1, 1), {"layout": "NHWC"}),
        ("conv2d", "bfloat16", (16, 64, 112, 112), (64, 1, 3, 3), {"padding": 1, "groups": 64}),
        ("conv_transpose2d", "bfloat16", (32, 64, 56, 56), (64, 64, 3, 3), {"stride": 2}),
    ],
)
def test_extra_memory(op, dtype, x, w, options, threads):
    call = repr((op, x, w, dtype, threads, options))
    run = subprocess.run([sys.executable, "-c", MEASURE, call], check=True, capture_output=True, text=True)
    extra, out_bytes, x_bytes = map(int, run.stdout.split())
    packed = 2 * 4 * w[0] * w[1] * w[2] * (w[3] if len(w) > 3 else 1)
    allowed = threads * (1 << 20) + packed + (1 << 19)
    assert allowed < min(out_bytes, x_bytes) / 2, "the case is too small to tell"
    assert extra <= allowed, f"{extra / 2**20:.2f} MiB"


def test_weights_that_one_block_meets_are_packed_a_part_at_a_time():
    call = repr(("conv2d", (1, 512, 7, 7), (512, 512, 3, 3), "float32", 1, {"padding": 1}))
    run = subprocess.run([sys.executable, "-c", MEASURE, call], check=True, capture_output=True, text=True)
    extra = int(run.stdout.split()[0])
    weight = 4 * 512 * 512 * 9
    assert extra <= weight // 4, f"{extra / 2**20:.2f} MiB"
