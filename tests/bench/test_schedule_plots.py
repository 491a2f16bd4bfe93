"""Plots of what bench.schedules measured: they are made from JSON alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.schedules import plots

WHERE = {"machine": {"model": "a machine", "cores_usable": 2}, "date": "2026-01-01T00:00:00"}
RESULTS: dict[str, dict[str, Any]] = {
    "predict": {
        "rows": [
            {"kind": "step", "predicted": 1e-6, "measured": 2e-6},
            {"kind": "plan", "predicted": 1e-3, "measured": 1.1e-3},
        ],
        "summary": {
            "step": {"points": 1, "median_error": 0.5},
            "plan": {"points": 1, "median_error": 0.1},
            "op": None,
        },
    },
    "stream": {
        "rows": [
            {"network": "tiny", "batch": 1, "ratios": {"onnxruntime": 2.0, "torch": 0.5}},
            {"network": "digits", "batch": 32, "ratios": {}},
        ]
    },
    "bubbles": {"allowed": 0.03, "rows": [{"schedule": "gpipe", "formula": 0.2, "measured": 0.21}]},
}


@pytest.mark.parametrize("what", RESULTS)
def test_a_result_becomes_svg(what: str, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps({"settings": {"what": what}, **WHERE, **RESULTS[what]}))
    assert plots.main([str(file), "--svg", str(tmp_path / "plot.svg")]) == 0
    assert "<svg" in (tmp_path / "plot.svg").read_text()


def test_what_has_no_plot_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no plot of tail; there are plots of gantt, predict, stream, bubbles"):
        plots.draw({"settings": {"what": "tail"}, **WHERE}, tmp_path / "plot.svg")
