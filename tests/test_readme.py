"""The examples of the documents, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stretto as st

ROOT = Path(__file__).parent.parent


def blocks(path: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / path).read_text(), re.MULTILINE | re.DOTALL)


def test_readme(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example, more = blocks("README.md", "python")
    names: dict[str, Any] = {}
    exec(example, names)
    assert f"```\n{capsys.readouterr().out}```" in (ROOT / "README.md").read_text()
    names["plan"] = names["st"].plan(names["net"], names["x"])
    exec(more, names)
    assert {path.name for path in tmp_path.iterdir()} == {"timeline.json", "net.safetensors"}


def test_schedules(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = np.ones((64, 8), "f4")
    names: dict[str, Any] = {"st": st, "net": st.Linear(8, 4), "x": x, "batches": [x, x[:3]], "sample": x[0]}
    names["clean_up"] = list
    for example in blocks("docs/schedules.md", "python"):
        exec(example, names)
    with names["plan"] as plan, names["again"] as again:
        assert (again(x) == plan(x)).all()
        assert (names["future"].result() == plan(x)).all()
    assert (names["y"] == names["net"](x)[0]).all()
    assert {path.name for path in tmp_path.iterdir()} == {"timeline.json", "plan.json"}
    assert "serial" in capsys.readouterr().out


def test_numerics() -> None:
    names: dict[str, Any] = {}
    for example in blocks("docs/numerics.md", "python"):
        exec(example, names)
    assert {"x", "a"} <= names.keys()


def test_add_a_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for example in blocks("docs/add_a_schedule.md", "python"):
        exec(example, names)
    names["test_eager_one_forward_one_backward"]()
    assert f"```\n{capsys.readouterr().out}```" in (ROOT / "docs/add_a_schedule.md").read_text()
