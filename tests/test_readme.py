"""The examples of the documents, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

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
