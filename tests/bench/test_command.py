"""``python -m stretto bench`` runs, checks results and says where and what it measured; how fast is not tested."""

import argparse
import doctest
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stretto
from stretto import _core
from stretto.bench import cases, command, machine, peer, report, roofline, truth
from stretto.bench.cases import GROUPS, published
from stretto.bench.peers import OURS, PEERS, stretto_peer
from stretto.bench.roofline import Peaks, bound

SIZES = [1 << 14, 1 << 20, 1 << 28]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stretto", "bench", *arguments], capture_output=True, text=True, timeout=240
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """Table and JSON of one tiny case."""
    file = tmp_path_factory.mktemp("bench") / "result.json"
    quick = ("--seconds", "0.01", "--rounds", "2", "--plain", "--out", str(file))
    run = bench("elementwise", "--cases", "mul_16k", "--against", "numpy", *quick)
    assert run.returncode == 0, run.stderr
    return run.stdout, json.loads(file.read_text())


def test_table(ran: tuple[str, dict[str, Any]]) -> None:
    table, result = ran
    lines = table.splitlines()
    assert result["machine"]["model"] in lines[0]
    (row,) = [line.split() for line in lines if line.startswith("mul_16k")]
    assert len(row) == len(["name", *OURS, "numpy", "ratio", "median", "fastest", "roofline", "limit"])
    assert row[6] == "numpy"
    assert row[8] in {"flops", "l1", "l2", "l3", "memory"}
    assert lines[-1] == f"median fraction of the roofline: {float(row[7]):.2f}"


def test_json_says_where_and_what(ran: tuple[str, dict[str, Any]]) -> None:
    _, result = ran
    assert result["version"] == stretto.__version__
    assert {"date", "commit", "threads", "dtype", "seconds", "rounds", "summary"} <= result.keys()
    assert {"model", "family", "flags", "cores", "caches"} <= result["machine"].keys()
    assert result["peers"].keys() == {*OURS, "numpy"}
    assert result["peers"]["numpy"]["versions"]["numpy"] == np.__version__
    peaks = result["peaks"]
    assert peaks["isa"] in peaks["flops"]
    assert _core.machine()["isa_chosen"].startswith(peaks["isa"])
    assert all(rate > 1e9 for own in peaks["flops"].values() for rate in own.values())
    assert all(own[kind] > 1e8 for own in peaks["streams"] for kind in ("read", "copy", "write"))


def test_every_library_is_verified_and_timed(ran: tuple[str, dict[str, Any]]) -> None:
    (case,) = ran[1]["cases"]
    assert case["name"] == "mul_16k"
    assert (case["read"], case["written"]) == (2 * 4 * 16384, 4 * 16384)
    for name in (*OURS, "numpy"):
        timed = case["times"][name]
        assert 0 < timed["best"] <= timed["median"]
        assert timed["error"] < 1e-6
        assert timed["samples"] >= 2


@pytest.mark.parametrize("precision", ["high", "medium"])
def test_precision_is_of_ours_alone(precision: str, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    quick = ("--seconds", "0.01", "--rounds", "1", "--out", str(file), "--against", "numpy")
    run = bench("bmm", "conv", "--cases", "mid64,rn50_3x3_7", "--precision", precision, *quick)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(file.read_text())
    assert result["precision"] == precision
    assert f"float32, ours of precision {precision}" in run.stdout
    assert all(case["times"]["stretto"]["error"] < 1e-5 for case in result["cases"])


def test_missing_peers_are_shown_as_absent() -> None:
    run = bench(
        "overhead", "--cases", "call1", "--seconds", "0.01", "--rounds", "1", "--against", "torch,numpy",
        "--peers-python", "/bin/false",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "absent: torch: its process ended with 1" in run.stdout
    (row,) = [line.split() for line in run.stdout.splitlines() if line.startswith("call1")]
    assert row[2:4] == ["absent", "absent"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["pool"],
            "bench: unknown suite: pool; the suites are bmm, conv, conv_transpose, elementwise, overhead, matmul",
        ),
        (["overhead", "--cases", "x"], "bench: unknown case: x; the cases of overhead are call1, call4, call16, "),
        (["--against", "blas"], f"bench: unknown peer: blas; the peers are {', '.join(PEERS)}, none"),
        (["--threads", "0"], "bench: threads is out of range: 0; it must be positive"),
        (["--seconds", "nan"], "bench: seconds is out of range: nan; it must be positive"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    assert command.run(parser.parse_args(arguments)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(message)
    assert len(printed.err.splitlines()) == 1


def test_matmul_is_bmm() -> None:
    assert command.chosen_cases(["matmul", "bmm"], None) == list(published("bmm"))


@pytest.mark.parametrize("group", GROUPS)
def test_cases_are_known_by_their_names(group: str) -> None:
    names = [case.name for case in published(group)]
    assert len(set(names)) == len(names)
    assert all(case.read == sum(int(np.prod(shape)) for shape in case.shapes) for case in published(group))


@pytest.mark.parametrize("name", [c.name for c in published("elementwise") if not c.name.endswith(("_1m", "_dram"))])
@pytest.mark.parametrize("ours", OURS)
def test_our_calls_are_right(ours: str, name: str) -> None:
    case = next(case for case in published("elementwise") if case.name == name)
    arrays = truth.inputs_of(case, "float32")
    prepared = stretto_peer.prepare(ours, case, arrays, 1)
    prepared.call()
    expected = truth.truth_of(case, arrays)
    assert case.out_shape == expected.shape
    assert truth.error_of(case, arrays, expected, prepared.result(), "float32")[0] <= 1


@pytest.mark.parametrize("module", [cases, command, machine, peer, report, roofline, truth])
def test_examples(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


def peaks_of(read: float, copy: float, write: float) -> Peaks:
    rates = {"read": read, "copy": copy, "write": write}
    return Peaks("avx2", 1, {"avx2": {"float32": 1e11, "float64": 5e10}}, SIZES, [rates] * 3, {"l1": 1 << 15})


def test_bound_is_the_larger_of_operations_and_bytes() -> None:
    peaks = peaks_of(4e10, 2e10, 1e10)
    assert bound(peaks, 1e9, 100.0, 100.0, "float32") == roofline.Bound(1e-2, "flops")
    assert bound(peaks, 1e9, 100.0, 100.0, "float64") == roofline.Bound(2e-2, "flops")
    assert bound(peaks, 1e9, 100.0, 100.0, "bfloat16") == roofline.Bound(1e-2, "flops")
    for read, written, rate in ((1e9, 0.0, 4e10), (5e8, 5e8, 2e10), (0.0, 1e9, 1e10)):
        found = bound(peaks, 1.0, read, written, "float32")
        assert found is not None
        assert found.by == "memory"
        assert found.seconds == pytest.approx(1e9 / rate)


def test_bytes_a_second_between_two_sizes_lie_between_theirs() -> None:
    fast, slow = (dict.fromkeys(roofline.STREAMS, rate) for rate in (4e10, 1e10))
    peaks = Peaks("avx2", 1, {}, [1 << 10, 1 << 20], [fast, slow], {"l1": 1 << 15})
    assert peaks.byte_seconds(1 << 15, 0.0) == pytest.approx((1 / 4e10 + 1 / 1e10) / 2)
    assert peaks.byte_seconds(1, 0.5) == pytest.approx(1 / 4e10)
    assert peaks.byte_seconds(1 << 30, 1.0) == pytest.approx(1 / 1e10)
    assert bound(peaks, 1.0, 1.0, 1.0, "float32") is None  # nothing is held against the plain loops


def test_the_better_of_two_measurements_counts() -> None:
    merged = peaks_of(1e10, 4e10, 1e10).merged(peaks_of(2e10, 3e10, 1e10))
    assert merged.streams[0] == {"read": 2e10, "copy": 4e10, "write": 1e10}


def test_streams_are_measured_in_all_kinds() -> None:
    with pytest.raises(ValueError, match="stream_peak: unknown kind: sum; it must be read, write or copy"):
        _core.stream_peak("sum", 1 << 14, 0.001)


def test_the_cases_are_installed_with_the_package() -> None:
    assert Path(cases.__file__).with_name("shapes.json").is_file()
