"""The simulator against closed formulas: reference values are those of the papers that the orders cite."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stretto.schedule import orders
from stretto.schedule.check import PlanError
from stretto.schedule.plan import Item, MicroBatch, Plan, Stage
from stretto.schedule.simulate import idle_fraction, peak_live, simulate

from tests.schedule.plans import chain, plan_of, timeline_of

WORKERS = st.integers(1, 6)
MICRO_BATCHES = st.integers(1, 16)
SECONDS = st.floats(1e-3, 10)
DRAWN = settings(deadline=None)


def exactly(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


@DRAWN
@given(WORKERS, MICRO_BATCHES, SECONDS)
def test_stream(p, m, forward):
    plan = plan_of(orders.stream(p, m), chain(p), m)
    timeline = timeline_of(plan, {"F": forward})
    assert timeline.kind == "predicted"
    assert timeline.duration == exactly((m + p - 1) * forward)
    assert idle_fraction(timeline, p) == exactly((p - 1) / (m + p - 1))
    assert peak_live(plan) == [1] * p


@DRAWN
@given(st.lists(SECONDS, min_size=1, max_size=6), MICRO_BATCHES)
def test_a_finite_stream_of_uneven_stages(times, m):
    """The sum of all stages, and the slowest once more for each further micro-batch (Alpa: Zheng et al., 2022)."""
    plan = plan_of(orders.stream(len(times), m), chain(len(times)), m)
    assert timeline_of(plan, times).duration == exactly(sum(times) + (m - 1) * max(times))


@DRAWN
@given(st.lists(st.tuples(SECONDS, st.integers(1, 3)), min_size=1, max_size=4), st.integers(1, 12))
def test_a_replicated_stage_is_as_fast_as_its_share(stages, rounds):
    """A stage takes its time divided by its workers for each micro-batch, but for fill and drain."""
    times, replicas = zip(*stages, strict=True)
    m = 6 * rounds  # all replicas of a stage have as much to do
    timeline = timeline_of(plan_of(orders.replicated(replicas, m), chain(len(times)), m), times)
    slowest = max(time / count for time, count in stages)
    assert m * slowest * (1 - 1e-9) <= timeline.duration <= (sum(times) + m * slowest) * (1 + 1e-9)


@DRAWN
@given(WORKERS, MICRO_BATCHES, SECONDS, SECONDS)
def test_gpipe(p, m, forward, backward):
    plan = plan_of(orders.gpipe(p, m), chain(p), m)
    timeline = timeline_of(plan, {"F": forward, "B": backward, "W": 0.0})
    assert timeline.duration == exactly((m + p - 1) * (forward + backward))
    assert idle_fraction(timeline, p) == exactly((p - 1) / (m + p - 1))
    assert peak_live(plan) == [m] * p


@DRAWN
@given(WORKERS, MICRO_BATCHES, SECONDS, SECONDS)
def test_one_forward_one_backward(p, m, forward, backward):
    plan = plan_of(orders.one_forward_one_backward(p, m), chain(p), m)
    timeline = timeline_of(plan, {"F": forward, "B": backward, "W": 0.0})
    assert timeline.duration == exactly((m + p - 1) * (forward + backward))
    assert idle_fraction(timeline, p) == exactly((p - 1) / (m + p - 1))
    assert peak_live(plan) == [min(m, p - s) for s in range(p)]


@pytest.mark.parametrize("order", [orders.gpipe, orders.one_forward_one_backward])
@DRAWN
@given(WORKERS, MICRO_BATCHES, SECONDS, SECONDS, SECONDS)
def test_weight_gradients_as_items_are_not_waited_for(order, p, m, forward, backward, weight):
    timeline = timeline_of(plan_of(order(p, m), chain(p), m), {"F": forward, "B": backward, "W": weight})
    assert timeline.duration == exactly(m * (forward + backward + weight) + (p - 1) * (forward + backward))


@DRAWN
@given(WORKERS, st.integers(1, 4), st.integers(2, 4), SECONDS, SECONDS)
def test_interleaved(p, rounds, v, forward, backward):
    m = rounds * p
    plan = plan_of(orders.interleaved(p, m, v), chain(p * v), m)
    timeline = timeline_of(plan, {"F": forward / v, "B": backward / v, "W": 0.0})
    assert timeline.duration == exactly((m + (p - 1) / v) * (forward + backward))
    assert idle_fraction(timeline, p) == exactly((p - 1) / (v * m + p - 1))
    peaks = peak_live(plan)  # in chunks: v of them are the activations of one micro-batch
    assert peaks[0] == min(v * m, p * v + p - 1)
    if rounds > 1:
        assert peaks[0] / v == exactly(p * (1 + (p - 1) / (p * v)))


@DRAWN
@given(WORKERS, st.integers(0, 12), SECONDS, SECONDS, st.floats(0, 1))
def test_zero_bubble_h1(p, more, forward, backward, share):
    m, weight = p + more, share * min(forward, backward)
    plan = plan_of(orders.zero_bubble_h1(p, m), chain(p), m)
    timeline = timeline_of(plan, {"F": forward, "B": backward, "W": weight})
    assert timeline.duration == exactly(m * (forward + backward + weight) + (p - 1) * (forward + backward - weight))
    assert peak_live(plan) == [p] * p


@DRAWN
@given(WORKERS, MICRO_BATCHES, SECONDS, SECONDS, SECONDS)
def test_zero_bubble_h1_is_never_slower_than_gpipe_and_holds_no_more(p, m, forward, backward, weight):
    times = {"F": forward, "B": backward, "W": weight}
    durations = []
    for order in (orders.zero_bubble_h1, orders.gpipe):
        plan = plan_of(order(p, m), chain(p), m)
        durations.append(timeline_of(plan, times).duration)
        assert max(peak_live(plan)) <= m
    assert durations[0] <= durations[1] * (1 + 1e-9)


def test_the_bubble_of_one_third():
    """With F, B and W of a second each: 9 seconds of waiting in 1F1B as published, 3 in ZB-H1."""
    p, m = 4, 8
    plain = timeline_of(plan_of(orders.one_forward_one_backward(p, m), chain(p), m), {"F": 1.0, "B": 2.0, "W": 0.0})
    zero = timeline_of(plan_of(orders.zero_bubble_h1(p, m), chain(p), m), {"F": 1.0, "B": 1.0, "W": 1.0})
    assert (plain.duration - 3 * m, zero.duration - 3 * m) == (9.0, 3.0)


def test_hand_off_and_wake_up():
    plan = plan_of(orders.stream(2, 2), chain(2), 2)
    timeline = timeline_of(plan, [2.0, 1.0], hand_off=0.25, starts=[0.5, 5.0])
    assert [(s.worker, s.name, s.micro_batch, s.begin, s.end) for s in timeline.spans] == [
        (0, "F0", 0, 0.5, 2.5),
        (0, "F0", 1, 2.5, 4.5),
        (1, "F1", 0, 5.0, 6.0),
        (1, "F1", 1, 6.0, 7.0),
    ]
    late = timeline_of(plan, [2.0, 1.0], hand_off=0.25)
    assert [s.begin for s in late.spans if s.worker == 1] == [2.25, 4.25]


def test_no_hand_off_on_one_worker():
    plan = plan_of(orders.depth_first(3, 2), chain(3), 2)
    itself = replace(plan, items=tuple(replace(x, after=(i - 1,) if i else ()) for i, x in enumerate(plan.items)))
    assert timeline_of(itself, [1.0, 1.0, 1.0], hand_off=9.0).duration == 6.0


def test_spans_of_steps_and_of_stages():
    stages = (Stage("a", (0, 1)), Stage("b", (2,)))
    plan = plan_of(orders.gpipe(2, 1), chain(3), 1, stages)
    times = {"F": [1.0, 2.0], "B": [4.0], "W": [0.5]}
    seconds = [times[item.phase][: len(plan.stages[item.stage].steps)] for item in plan.items]
    timeline = simulate(plan, seconds, names=["x", "y", "z"])
    found = [(s.worker, s.stage, s.step, s.name, s.begin, s.end) for s in timeline.spans]
    assert found == [
        (0, 0, 0, "x", 0.0, 1.0),
        (0, 0, 1, "y", 1.0, 3.0),
        (1, 1, 2, "z", 3.0, 4.0),
        (1, 1, 2, "z", 4.0, 8.0),
        (0, 0, 0, "B0", 8.0, 12.0),
        (1, 1, 2, "z", 8.0, 8.5),
        (0, 0, 0, "W0", 12.0, 12.5),
    ]


def test_empty_plans():
    empty = Plan("serial", 0, (Stage("all", ()),), (MicroBatch(0, 0),), (Item(0, 0),), ((0,),))
    assert simulate(empty, [()]).spans == ()
    assert simulate(empty, [(2.0,)]).duration == 2.0
    assert idle_fraction(simulate(empty, [()]), 1) == 0.0


def test_wrong_times():
    plan = plan_of(orders.stream(2, 1), chain(3), 1, (Stage("a", (0, 1)), Stage("b", (2,))))
    with pytest.raises(ValueError, match="simulate: times of 1 items given; the plan has 2"):
        simulate(plan, [[1.0]])
    with pytest.raises(ValueError, match="simulate: 3 times given for F0 on micro-batch 0; the stage has 2 steps"):
        simulate(plan, [[1.0, 1.0, 1.0], [1.0]])


def test_a_plan_that_does_not_progress():
    plan = plan_of(orders.one_forward_one_backward(2, 2), chain(2), 2)
    crossed = replace(plan, workers=(plan.workers[0][::-1], plan.workers[1]))
    with pytest.raises(PlanError, match=r"would hang: [FBW] of stage \d on micro-batch \d waits"):
        timeline_of(crossed, [1.0, 1.0])
    with pytest.raises(PlanError, match="item 1 is dealt to no worker"):
        timeline_of(replace(plan, workers=((0,), plan.workers[1])), [1.0, 1.0])


@DRAWN
@given(WORKERS, MICRO_BATCHES, st.data())
def test_what_a_timeline_must_keep(p, m, data):
    """No worker does two things at once, nothing begins before what it waits for, and nothing waits without need."""
    name = data.draw(st.sampled_from(["gpipe", "one_forward_one_backward", "zero_bubble_h1"]))
    plan = plan_of(getattr(orders, name)(p, m), chain(p), m)
    seconds = [[data.draw(st.floats(0.1, 1))] for _ in plan.items]
    hand_off = data.draw(st.floats(0, 1))
    timeline = simulate(plan, seconds, hand_off=hand_off)
    spans = {(s.name, s.micro_batch): s for s in timeline.spans}
    of_item = [spans[f"{item.phase}{item.stage}", item.micro_batch] for item in plan.items]
    before = {two: one for worker in plan.workers for one, two in itertools.pairwise(worker)}
    for number, item in enumerate(plan.items):
        bounds = [0.0, *(of_item[other].end + hand_off for other in item.after)]
        bounds += [of_item[before[number]].end] if number in before else []
        assert of_item[number].begin == max(bounds)
        assert of_item[number].end == of_item[number].begin + seconds[number][0]
