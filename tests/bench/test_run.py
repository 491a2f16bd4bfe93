"""The benchmark runs, checks results and says where and what it measured; how fast is not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def result_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bench") / "result.json"
    run = bench(
        "bench/run.py", "overhead", "--cases", "call4", "--against", "numpy", "--seconds", "0.01", "--out", str(file)
    )
    assert run.returncode == 0, run.stderr
    assert "call4" in run.stdout
    return file


def test_result_says_where_and_what(result_file: Path) -> None:
    result = json.loads(result_file.read_text())
    assert {"date", "commit", "machine", "peak", "threads", "dtype", "peers", "cases", "summary"} <= result.keys()
    assert {"model", "flags", "cores", "caches"} <= result["machine"].keys()
    assert result["peers"].keys() == {"stretto", "numpy"}
    assert "numpy" in result["peers"]["numpy"]["versions"]


def test_every_peer_is_verified_and_timed(result_file: Path) -> None:
    (case,) = json.loads(result_file.read_text())["cases"]
    assert case["name"] == "call4"
    assert case["flops"] == 2 * 4**3
    for peer in ("stretto", "numpy"):
        timed = case["times"][peer]
        assert 0 < timed["best"] <= timed["median"]
        assert timed["error"] < 1e-5
        assert timed["samples"] >= 5


def test_result_compares_with_itself(result_file: Path) -> None:
    compared = bench("bench/compare.py", str(result_file), str(result_file))
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "call4" in compared.stdout


def test_slower_result_is_a_regression(result_file: Path, tmp_path: Path) -> None:
    slower = json.loads(result_file.read_text())
    for key in ("best", "median"):
        slower["cases"][0]["times"]["stretto"][key] *= 100
    file = tmp_path / "slower.json"
    file.write_text(json.dumps(slower))
    compared = bench("bench/compare.py", str(result_file), str(file))
    assert compared.returncode == 1, compared.stdout
    assert "slower" in compared.stdout


def test_result_becomes_markdown(result_file: Path) -> None:
    written = bench("bench/plots.py", str(result_file))
    assert written.returncode == 0, written.stderr
    assert "| call4 |" in written.stdout


def test_absent_peer_is_listed() -> None:
    run = bench(
        "bench/run.py", "overhead", "--cases", "call1", "--seconds", "0.01", "--rounds", "1",
        "--against", "numpy", "--peers-python", "/bin/false", "--json",
    )  # fmt: skip
    assert "absent" in json.loads(run.stdout)["peers"]["numpy"]


def test_unknown_case_is_named() -> None:
    run = bench("bench/run.py", "bmm", "--cases", "nothing")
    assert run.returncode != 0
    assert "unknown case: nothing" in run.stderr
