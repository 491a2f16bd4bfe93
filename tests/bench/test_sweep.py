"""The sweep of thresholds runs, and finds crossings that are known."""

import doctest
import json
from pathlib import Path

import numpy as np
import pytest

from bench import sweep, thresholds
from bench.thresholds import SWEEPS


@pytest.mark.parametrize("name", ["conv_3x3_terms", "matmul_tiny_elements", "add_threads"])
def test_a_threshold_of_each_kind(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sweep.json"
    assert sweep.main([name, "--shapes", "8", "--rounds", "1", "--out", str(file)]) == 0
    result = json.loads(file.read_text())
    assert {"date", "commit", "machine", "isa"} <= result.keys()
    (found,) = result["thresholds"].values()
    assert found["kind"] == SWEEPS[name].kind
    assert all(point["size"] > 0 for point in found["points"])
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("name", SWEEPS)
def test_shapes_are_legal_and_of_about_their_size(name: str) -> None:
    entry = SWEEPS[name]
    sizes = [work.size for work in sweep.drawn(entry, 5)]
    assert sizes[0] == pytest.approx(entry.low, rel=0.5)
    assert sizes[-1] == pytest.approx(entry.high, rel=0.5)
    sweep.calls_of(sweep.drawn(entry, 2)[0], [{}])[0]()
    if entry.value is not None:
        assert entry.low < entry.value() < entry.high


def test_a_known_crossing_is_found() -> None:
    sizes = list(np.geomspace(10, 100, 20))
    points = [{"size": size, "ratio": (50 / size) ** 0.5} for size in sizes]
    found = sweep.ratio_summary(points, 25.0)
    assert found["advantage"][0] == pytest.approx(2**0.5)
    assert found["crossing"] == pytest.approx([50, 50, 50])


def test_a_crossing_far_from_the_shapes_is_none() -> None:
    points = [{"size": size, "ratio": 2 - size / 1000} for size in (1.0, 2.0, 4.0, 8.0)]
    assert sweep.ratio_summary(points, 8.0)["crossing"] is None


def test_unknown_names_are_told() -> None:
    with pytest.raises(SystemExit, match="sweep: unknown threshold: x; there are conv_3x3_terms, "):
        sweep.main(["x"])
    with pytest.raises(SystemExit, match=r"sweep: kernels/matmul/region.h has no constant kNone"):
        thresholds.constant("kernels/matmul/region.h", "kNone")


def test_examples() -> None:
    assert doctest.testmod(sweep).failed == 0
