"""Chrome traces of timelines."""

import json
from pathlib import Path

from stretto.timeline import Span, Timeline

from tests.timeline.test_drawings import pipeline


def saved(path: Path, timeline: Timeline, *others: Timeline) -> dict:
    timeline.save(path / "t.json", *others)
    trace: dict = json.loads((path / "t.json").read_text())
    return trace


def test_a_timeline_is_a_process_and_a_worker_a_lane(tmp_path: Path) -> None:
    trace = saved(tmp_path, pipeline(2, 2, 1e-5))
    named = [(e["name"], e.get("tid"), e["args"]) for e in trace["traceEvents"] if e["ph"] == "M"]
    assert named == [
        ("process_name", None, {"name": "predicted"}),
        ("process_sort_index", None, {"sort_index": 0}),
        ("thread_name", 0, {"name": "worker 0"}),
        ("thread_sort_index", 0, {"sort_index": 0}),
        ("thread_name", 1, {"name": "worker 1"}),
        ("thread_sort_index", 1, {"sort_index": 1}),
    ]
    steps = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert steps[0] == {
        "ph": "X",
        "pid": 0,
        "tid": 0,
        "name": "conv2d",
        "cat": "forward",
        "cname": "thread_state_running",
        "ts": 0.0,
        "dur": 5.0,
        "args": {"step": 0, "stage": 0, "micro_batch": 0},
    }
    assert len(steps) == 8
    assert trace["otherData"] == {"predicted us": 30.0}


def test_both_lanes_are_in_one_file(tmp_path: Path) -> None:
    measured = Timeline(pipeline(2, 2, 2e-5).spans, predicted=pipeline(2, 2, 1e-5))
    trace = saved(tmp_path, measured)
    assert {e["args"]["name"]: e["pid"] for e in trace["traceEvents"] if e["name"] == "process_name"} == {
        "predicted": 0,
        "measured": 1,
    }
    foretold = [e["args"].get("predicted_us") for e in trace["traceEvents"] if e["ph"] == "X"]
    assert foretold == [None] * 8 + [5.0] * 8
    assert trace["otherData"] == {"predicted us": 30.0, "measured us": 60.0}


def test_arrows_lead_from_worker_to_worker(tmp_path: Path) -> None:
    measured = Timeline(pipeline(2, 2, 2e-5).spans, predicted=pipeline(2, 2, 1e-5))
    events = saved(tmp_path, measured)["traceEvents"]
    starts, ends = ([e for e in events if e["ph"] == ph] for ph in "sf")
    assert [(e["pid"], e["tid"], e["ts"]) for e in starts] == [(0, 0, 10.0), (0, 0, 20.0), (1, 0, 20.0), (1, 0, 40.0)]
    assert [(e["pid"], e["tid"], e["ts"]) for e in ends] == [(0, 1, 10.0), (0, 1, 20.0), (1, 1, 20.0), (1, 1, 40.0)]
    assert [e["id"] for e in starts] == [e["id"] for e in ends]
    assert len({e["id"] for e in starts}) == 4


def test_micro_batches_in_flight_are_counted(tmp_path: Path) -> None:
    events = saved(tmp_path, pipeline(2, 3, 1e-5))["traceEvents"]
    counts = [(e["ts"], e["args"]["micro-batches"]) for e in events if e["ph"] == "C"]
    assert counts == [(0.0, 1), (10.0, 2), (20.0, 1), (20.0, 2), (30.0, 1), (40.0, 0)]


def test_phases_have_their_colours(tmp_path: Path) -> None:
    spans = tuple(Span(0, 0, 0, "linear", 0, i, i + 1, phase) for i, phase in enumerate("FBW"))
    events = saved(tmp_path, Timeline(spans))["traceEvents"]
    colours = [(e["cat"], e["cname"]) for e in events if e["ph"] == "X"]
    assert [c for c, _ in colours] == ["forward", "input gradient", "weight gradient"]
    assert len({name for _, name in colours}) == 3
