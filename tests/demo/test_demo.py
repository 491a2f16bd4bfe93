"""The demo's data, its network against plain NumPy, and its output."""

from __future__ import annotations

import json

import numpy as np
import pytest
from stretto import cli
from stretto.demo import plain_numpy, run
from stretto.demo.digits import TRAINED_ON, load_network, load_scans


def test_network_reads_the_digits() -> None:
    scans, labels = load_scans()
    assert scans.shape == (1797, 1, 8, 8)
    assert (scans.min(), scans.max()) == (0, 1)
    logits = load_network()(scans)
    right = logits.argmax(axis=1) == labels
    assert right[TRAINED_ON:].sum() == 793


def test_network_is_the_one_in_plain_numpy() -> None:
    scans, _ = load_scans()
    network = load_network()
    expected = plain_numpy.forward(scans[:100], network.parameters())
    np.testing.assert_allclose(network(scans[:100]), expected, rtol=0, atol=1e-4)


def test_demo_reports_and_succeeds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(run, "ROUNDS", 1)
    assert cli.main(["demo", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"]
    assert report["bits_equal"]
    assert report["right"] == 793
    names = [row["name"] for row in report["schedules"]]
    assert names == ["serial", "intra", "data", "task", "pipeline", "chosen", "plain NumPy"]
    assert all(row["bits_equal"] is True for row in report["schedules"][:-1])


def test_demo_fails_when_the_answers_are_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from stretto.demo import run

    scans, labels = load_scans()
    monkeypatch.setattr(run, "load_scans", lambda: (scans[900:], (labels[900:] + 1) % 10))
    monkeypatch.setattr(run, "TRAINED_ON", 100)
    monkeypatch.setattr(run, "ROUNDS", 1)
    assert cli.main(["demo"]) == 1
    assert "0 of the last 797" in capsys.readouterr().out
