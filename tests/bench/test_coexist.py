"""Libraries in turns in one process are measured; how fast is not tested."""

import json
from pathlib import Path

import pytest

from bench import coexist, coexist_calls


def test_figures_of_those_that_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "coexist.json"
    assert coexist.main(["--threads", "2", "--seconds", "0.02", "--out", str(file)]) == 0
    result = json.loads(file.read_text())
    assert {"date", "commit", "machine", "absent"} <= result.keys()
    measured = {(row["library"], row["threads"]) for row in result["rows"]}
    assert {(name, threads) for name in ("stretto", "numpy") for threads in (1, 2)} <= measured
    for row in result["rows"]:
        for kind in ("alone", "row", "turns"):
            assert 0 < row[kind]["median"] <= row[kind]["percentile_99"]
    assert "turns / alone" in capsys.readouterr().out


def test_turns_go_round() -> None:
    order: list[str] = []
    times = coexist_calls.in_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 0.01)
    assert "".join(order[:6]) == "ababab"
    assert 0 < len(times["a"]) <= len(order) // 2


def test_a_call_that_outlasts_the_time_is_counted_once() -> None:
    assert all(len(own) == 1 for own in coexist_calls.in_turns({"a": lambda: None, "b": lambda: None}, 0.0).values())


def test_what_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="coexist: stretto failed in one process: "):
        coexist.main(["--threads", "1", "--peers-python", "/bin/false"])
