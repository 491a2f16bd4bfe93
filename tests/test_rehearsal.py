"""Rehearsals: order and hand-offs of real workers that sleep."""

import dataclasses

import pytest
from stretto.rehearsal import rehearse
from stretto.schedule.plan import Item, MicroBatch, Plan, Stage


def pipeline(stages, micro_batches):
    """Worker s runs stage s on every micro-batch, after stage s - 1."""
    items = tuple(
        Item(s, m, ((s - 1) * micro_batches + m,) if s else ()) for s in range(stages) for m in range(micro_batches)
    )
    workers = tuple(tuple(range(s * micro_batches, (s + 1) * micro_batches)) for s in range(stages))
    return Plan(
        "pipeline",
        micro_batches,
        tuple(Stage(f"stage {s}", (s,)) for s in range(stages)),
        tuple(MicroBatch(m, 1, m) for m in range(micro_batches)),
        items,
        workers,
        slots=micro_batches,
    )


@pytest.mark.parametrize("stages", [1, 2, 5])
def test_every_item_once_and_after_what_it_waits_for(stages):
    plan = pipeline(stages, 6)
    timeline = rehearse(plan, 0.001)
    assert timeline.kind == "measured"
    assert timeline.workers == stages
    end = {(s.stage, s.micro_batch): s.end for s in timeline.spans}
    assert len(end) == len(timeline.spans) == 6 * stages
    for s in timeline.spans:
        assert s.worker == s.stage
        assert s.end - s.begin >= 0.001
        if s.stage:
            assert end[s.stage - 1, s.micro_batch] <= s.begin
        if s.micro_batch:
            assert end[s.stage, s.micro_batch - 1] <= s.begin


def test_a_plan_without_items():
    assert rehearse(Plan("serial", 0, (), (), (), ()), 0.0).spans == ()


def test_wrong_arguments():
    plan = pipeline(2, 2)
    for seconds, text in [
        ([0.1], "1 durations given; the plan has 4 items"),
        ([0.0, -1.0, 0.0, 0.0], "the duration of item 1 is out of range: -1.0; it must be 0 to 1e9 seconds"),
        (float("nan"), "out of range: nan"),
    ]:
        with pytest.raises(ValueError, match=text):
            rehearse(plan, seconds)
    hanging = dataclasses.replace(plan, items=(Item(0, 0, (2,)), *plan.items[1:]))
    with pytest.raises(ValueError, match=r"would hang: item \d waits, through others, for itself"):
        rehearse(hanging, 0.0)
    with pytest.raises(ValueError, match="must hold each of the 4 items once"):
        rehearse(dataclasses.replace(plan, workers=((0, 1), (2, 2))), 0.0)
    with pytest.raises(ValueError, match=r"item 3 waits for items \[9\]: the plan has 4"):
        rehearse(dataclasses.replace(plan, items=(*plan.items[:3], Item(1, 1, (9,)))), 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("stages", [2, 4, 8])
def test_the_bubble_of_an_even_pipeline(stages):
    """(p - 1) / (m + p - 1) of the workers' time is idle."""
    micro_batches = 16
    timeline = rehearse(pipeline(stages, micro_batches), 0.01)
    busy = sum(timeline.busy().values())
    bubble = 1 - busy / (stages * timeline.duration)
    assert abs(bubble - (stages - 1) / (micro_batches + stages - 1)) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("times", [(0.01, 0.02, 0.005), (0.03, 0.01), (0.004, 0.008, 0.008, 0.012)])
def test_a_finite_stream_of_uneven_stages(times):
    """T = sum + (m - 1) max."""
    micro_batches = 12
    timeline = rehearse(pipeline(len(times), micro_batches), [t for t in times for _ in range(micro_batches)])
    assert timeline.duration == pytest.approx(sum(times) + (micro_batches - 1) * max(times), rel=0.05)


@pytest.mark.slow
def test_gpipe_with_more_partitions():
    """The formula's 1 / 1.89 / 3.38 for 2, 4 and 8 workers and 32 micro-batches.

    GPipe (Huang et al., 2019) measured 1 / 1.8 / 3.3 so for a Transformer of 24 layers.
    """
    work, micro_batches = 0.96, 32
    times = {p: rehearse(pipeline(p, micro_batches), work / p / micro_batches).duration for p in (2, 4, 8)}
    assert times[2] / times[4] == pytest.approx(1.89, rel=0.08)
    assert times[2] / times[8] == pytest.approx(3.38, rel=0.08)
