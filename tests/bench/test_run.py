"""What the repository makes of a result: the commit in it, and comparisons of two."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240)


@pytest.fixture(scope="module")
def result_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bench") / "result.json"
    run = bench(
        "bench/run.py", "overhead", "--cases", "call4", "--against", "numpy", "--seconds", "0.01", "--out", str(file)
    )
    assert run.returncode == 0, run.stderr
    assert "call4" in run.stdout
    return file


def test_result_names_the_commit(result_file: Path) -> None:
    git = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    commit = json.loads(result_file.read_text())["commit"]
    assert commit is None if git.returncode else commit.rstrip("+") == git.stdout.strip()


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
