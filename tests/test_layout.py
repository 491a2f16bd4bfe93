"""st.plan and channels last: what it decides by which times, and that it says so."""

import json

import numpy as np
import pytest
import stretto as st
from stretto import layout
from stretto.opening import Shop
from stretto.rewrite import channels_last, fuse_epilogues, steps_of_maps

SHORT = 1e-5  # seconds
X = np.random.default_rng(0).normal(size=(4, 3, 12, 12)).astype("f4")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("STRETTO_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def make_net():
    return st.Sequential(
        st.Conv2d(3, 16, 1, activation="relu", rng=1),
        st.Conv2d(16, 16, 3, padding=1, groups=16, rng=2),
        st.ReLU(),
        st.Conv2d(16, 8, 1, rng=3),
        st.Flatten(),
        st.Linear(8 * 144, 5, rng=4),
    )


def is_last(program):
    return any(dict(step.attributes).get("layout") == "NHWC" for step in program.steps)


def seconds(monkeypatch, of_steps, of_calls):
    """Steps take 1 as they are and ``of_steps`` with channels last; a call of the changed program ``of_calls``."""

    def step_seconds(model, *_):
        last = [dict(step.attributes).get("layout") == "NHWC" for step in model.program.steps]
        return [SHORT * (of_steps if is_last else 1.0) for is_last in last]

    monkeypatch.setattr(layout, "_step_seconds", step_seconds)
    monkeypatch.setattr(layout, "_call_seconds", lambda shops, *_: [1.0, of_calls][: len(shops)])


def test_what_is_faster_both_ways_is_taken_and_told(monkeypatch):
    seconds(monkeypatch, 0.5, 0.8)
    net = make_net()
    with st.plan(net, X, workers=1, calibrate=0.01) as plan:
        assert is_last(plan.program)
        assert plan(X).tobytes() == net(X).tobytes()
        assert plan(X[:1]).tobytes() == net(X[:1]).tobytes()
        told = "channels last in 3 of 3 steps of maps: 0.80 of the time"
        assert f"layout: {told}" in plan.explain().splitlines()
        assert json.loads(plan.explain(format="json"))["layout"] == told


@pytest.mark.parametrize(("of_steps", "of_calls"), [(0.5, 0.98), (1.5, 0.5)])
def test_what_is_slower_or_no_faster_by_3_percent_is_left(monkeypatch, of_steps, of_calls):
    seconds(monkeypatch, of_steps, of_calls)
    with st.plan(make_net(), X, workers=1, calibrate=0.01) as plan:
        assert not is_last(plan.program)
        assert "layout:" not in plan.explain()
        assert json.loads(plan.explain(format="json"))["layout"] == ""


def test_programs_plans_by_hand_and_plans_without_measuring_stay_as_they_are(monkeypatch):
    seconds(monkeypatch, 0.5, 0.5)
    net = make_net()
    program = fuse_epilogues(st.trace(net, X))
    with (
        st.plan(program, X, calibrate=0.01) as of_program,
        st.plan(net, X, schedule=st.Choice("serial")) as by_hand,
        st.plan(net, X, calibrate=0) as unmeasured,
    ):
        assert of_program.program == by_hand.program == unmeasured.program == program


def test_a_network_that_takes_long_for_the_budget_stays(monkeypatch):
    seconds(monkeypatch, 0.5, 0.5)
    with st.plan(make_net(), X, workers=1, calibrate=4 * SHORT) as plan:
        assert not is_last(plan.program)


def test_memory_that_is_counted_is_not_given_away(monkeypatch):
    seconds(monkeypatch, 0.5, 0.5)
    net = st.Conv2d(3, 16, 1, rng=1)
    for options in ({"memory_limit": 1000}, {"objective": "memory"}):
        with st.plan(net, X, workers=1, calibrate=0.01, **options) as plan:
            assert not is_last(plan.program)
            assert plan(X).tobytes() == net(X).tobytes()


def test_the_real_clock_changes_no_bit():
    net = make_net()
    for calibrate in (0.02, 0.2):
        with st.plan(net, X, calibrate=calibrate) as plan:
            assert plan(X).tobytes() == net(X).tobytes()
    program = fuse_epilogues(st.trace(net, X))
    told = []
    shops = [Shop(version, 1) for version in (program, channels_last(program))]
    first, last = layout._call_seconds(shops, (X,), 0.01, lambda: told.append(1))
    assert first > 0 < last
    assert told


def test_a_network_without_maps_costs_no_time(monkeypatch):
    monkeypatch.setattr(layout, "_step_seconds", None)
    net = st.Linear(12, 5, rng=1)
    assert not steps_of_maps(st.trace(net, X))
    with st.plan(net, X, calibrate=0.01) as plan:
        assert plan(X).tobytes() == net(X).tobytes()


def test_an_empty_batch():
    net = make_net()
    with st.plan(net, X[:0], calibrate=0.01) as plan:
        assert plan(X[:0]).shape == (0, 5)
        assert plan(X).tobytes() == net(X).tobytes()
