"""How many threads a call gets, and that many callers at once get the same bits."""

import math
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import stretto as st
from stretto import _core


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"cores": 8}, (8, "the CPUs in the process's affinity mask")),
        ({"cores": 8, "quota": 2.0}, (2, "the CPU quota of the control group")),
        ({"cores": 8, "quota": 1.2}, (2, "the CPU quota of the control group")),
        ({"cores": 8, "quota": 0.1}, (1, "the CPU quota of the control group")),
        ({"cores": 2, "quota": 64.0}, (2, "the CPUs in the process's affinity mask")),
        ({"cores": 8, "omp_num_threads": 3}, (3, "OMP_NUM_THREADS")),
        ({"cores": 8, "omp_num_threads": 3, "stretto_num_threads": 5}, (5, "STRETTO_NUM_THREADS")),
        ({"cores": 8, "stretto_num_threads": 5, "limit": 2}, (2, "limit_threads")),
        ({"cores": 8, "limit": 2, "argument": 6}, (6, "the call's argument")),
        ({"cores": 8, "argument": 6, "omp_thread_limit": 4}, (4, "OMP_THREAD_LIMIT")),
        ({"cores": 8, "worker_threads": 2}, (2, "inside a worker")),
        ({"cores": 8, "worker_threads": 2, "argument": 6}, (2, "inside a worker")),
        ({"cores": 8, "argument": 6, "in_region": True}, (1, "inside a parallel region")),
    ],
)
def test_order_of_the_sources(sources: dict, expected: tuple) -> None:
    assert _core.count_threads(**sources) == expected


@pytest.mark.parametrize(
    ("text", "count"),
    [("4", 4), ("4,2", 4), (" 3 ", 3), ("", 0), ("0", 0), ("-1", 0), ("four", 0), ("4x", 0), ("99999999", 4096)],
)
def test_counts_in_the_environment(text: str, count: int) -> None:
    assert _core.parse_count(text) == count


V2 = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n"
V1 = "36 31 0:33 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
CPU_V1 = "/sys/fs/cgroup/cpu,cpuacct"


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"mountinfo": V2, "cgroup": "0::/\n"}, None),
        ({"mountinfo": V2, "cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"mountinfo": V2, "cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ({"mountinfo": V2, "cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": "400000 100000\n"}, 4),
        (
            {
                "mountinfo": V2,
                "cgroup": "0::/a/b\n",
                "/sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
                "/sys/fs/cgroup/a/cpu.max": "200000 100000\n",
                "/sys/fs/cgroup/cpu.max": "max 100000\n",
            },
            2,
        ),
        # A container sees its own group as the root of the mount.
        (
            {
                "mountinfo": V2.replace("{root}", "/docker/1f"),
                "cgroup": "0::/docker/1f\n",
                "/sys/fs/cgroup/cpu.max": "50000 100000\n",
            },
            0.5,
        ),
        ({"mountinfo": V2, "cgroup": "0::/../other\n", "/sys/fs/cgroup/cpu.max": "100000 100000\n"}, 1),
        (
            {
                "mountinfo": V1 + V2,
                "cgroup": "4:memory:/m\n3:cpu,cpuacct:/x\n0::/\n",
                f"{CPU_V1}/x/cpu.cfs_quota_us": "300000\n",
                f"{CPU_V1}/x/cpu.cfs_period_us": "100000\n",
                f"{CPU_V1}/cpu.cfs_quota_us": "-1\n",
                f"{CPU_V1}/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        ({"mountinfo": "nonsense\n\n - - \n", "cgroup": "nonsense\n:\n::\n"}, None),
        ({"mountinfo": V2, "cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "nonsense"}, None),
    ],
)
def test_cpu_quota(files: dict, quota: float | None) -> None:
    full = {f"/proc/self/{k}" if "/" not in k else k: v.replace("{root}", "/") for k, v in files.items()}
    assert _core.cpu_quota(full) == quota


def test_limit_threads_nests_and_is_of_one_thread() -> None:
    seen = []
    default = _core.resolve_threads()
    with st.limit_threads(3):
        assert _core.resolve_threads() == 3
        with st.limit_threads(1):
            assert _core.resolve_threads() == 1
            assert _core.resolve_threads(2) == 2
        other = threading.Thread(target=lambda: seen.append(_core.resolve_threads()))
        other.start()
        other.join()
        assert _core.resolve_threads() == 3
    assert _core.resolve_threads() == default
    assert seen == [default]


def test_limit_threads_restores_after_an_error() -> None:
    default = _core.resolve_threads()
    with pytest.raises(ValueError, match="inner"), st.limit_threads(3):
        st.matmul(np.ones((2, 3)), np.ones((2, 3)))
    assert _core.resolve_threads() == default


@pytest.mark.parametrize("n", [0, -1, 4097])
def test_limit_threads_out_of_range(n: int) -> None:
    with pytest.raises(ValueError, match=f"limit_threads: n is out of range: {n}"):
        st.limit_threads(n)


@pytest.mark.parametrize("n", [True, 1.5, "2", None])
def test_limit_threads_wrong_kind(n: object) -> None:
    with pytest.raises(TypeError, match="limit_threads: n is of the wrong kind"):
        st.limit_threads(n)


def default_threads(environment: dict[str, str], cpus: set[int] | None = None) -> str:
    """What a fresh process resolves to, or the error it reports."""
    kept = {k: v for k, v in os.environ.items() if k not in {"STRETTO_NUM_THREADS", "OMP_NUM_THREADS"}}
    pin = f"import os; os.sched_setaffinity(0, {cpus}); " if cpus else ""
    code = pin + "from stretto import _core; print(_core.resolve_threads())"
    done = subprocess.run([sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_environment_and_affinity() -> None:
    assert default_threads({"STRETTO_NUM_THREADS": "7"}) == "7"
    assert default_threads({"OMP_NUM_THREADS": "5,3"}) == "5"
    assert default_threads({"STRETTO_NUM_THREADS": "7", "OMP_THREAD_LIMIT": "4"}) == "4"
    assert "STRETTO_NUM_THREADS: not a number of threads" in default_threads({"STRETTO_NUM_THREADS": "many"})
    assert default_threads({}, {min(os.sched_getaffinity(0))}) == "1"


def operands(layout: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((120, 33, 65), "f4"), rng.standard_normal((120, 65, 47), "f4")
    if layout == "transposed":
        return np.ascontiguousarray(a.swapaxes(1, 2)).swapaxes(1, 2), np.ascontiguousarray(b.swapaxes(1, 2)).swapaxes(
            1, 2
        )
    if layout == "strided":
        return np.repeat(a, 2, axis=1)[:, ::2], np.repeat(b, 3, axis=2)[:, :, ::3]
    return a, b


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "strided"])
def test_eight_callers_at_once_get_equal_bits(layout: str) -> None:
    a, b = operands(layout)
    expected = st.matmul(a, b, threads=1).tobytes()
    wrong = []
    barrier = threading.Barrier(8)

    def call(number: int) -> None:
        barrier.wait()
        counts = [1 + (number + i) % 4 for i in range(40)]
        wrong.extend(n for n in counts if st.matmul(a, b, threads=n).tobytes() != expected)

    callers = [threading.Thread(target=call, args=(n,)) for n in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []


def test_the_gil_is_released() -> None:
    a = np.ones((400, 400))
    counted, running = [0], threading.Event()
    done = False

    def count() -> None:
        running.set()
        while not done:
            counted[0] += 1
            time.sleep(0)

    counter = threading.Thread(target=count)
    counter.start()
    running.wait()
    forced = next(name for name, arch, _ in _core.op("matmul").variants if arch == "reference")
    before = counted[0]
    _core.op("matmul")((a, a, None, None, None, None), {}, None, 1, forced)
    advanced = counted[0] - before
    done = True
    counter.join()
    assert advanced > 100  # a held lock would let it advance once or twice


def test_the_module_promises_to_work_without_the_gil() -> None:
    """Py_mod_gil exists from Python 3.13 on; before, the source's promise is all there is."""
    if sys.version_info >= (3, 13):
        assert sys._is_gil_enabled() is not bool(__import__("sysconfig").get_config_var("Py_GIL_DISABLED"))
    else:
        source = os.path.join(os.path.dirname(__file__), "..", "csrc", "bindings", "module.cpp")
        with open(source) as text:
            assert "py::mod_gil_not_used()" in text.read()


def test_results_do_not_depend_on_the_count() -> None:
    a, b = operands("contiguous")
    expected = st.matmul(a, b, threads=1)
    for threads in (2, 3, 5, 16):
        np.testing.assert_array_equal(st.matmul(a, b, threads=threads), expected, strict=True)
    assert math.isfinite(float(expected.sum()))
