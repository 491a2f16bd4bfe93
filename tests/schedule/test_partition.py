"""The dynamic programs against brute force."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs
from stretto.schedule import orders
from stretto.schedule.partition import bottleneck, finite, replicated

from tests.schedule.plans import chain, plan_of, timeline_of

MANY = settings(max_examples=400, deadline=None)
DRAWN = settings(deadline=None)


def brute_force(steps, stages, cost):
    return min(
        max(cost(i, j) for i, j in itertools.pairwise((0, *cuts, steps)))
        for cuts in itertools.combinations(range(1, steps), stages - 1)
    )


@pytest.mark.parametrize("seed", range(60))
def test_against_brute_force(seed):
    rng = random.Random(seed)
    steps = rng.randint(1, 9)
    stages = rng.randint(1, steps)
    table = {(i, j): rng.randint(1, 50) for i in range(steps) for j in range(i + 1, steps + 1)}
    best, ends = bottleneck(steps, stages, lambda i, j: table[i, j])
    assert best == brute_force(steps, stages, lambda i, j: table[i, j])
    assert len(ends) == stages
    assert ends[-1] == steps
    assert best == max(table[i, j] for i, j in itertools.pairwise((0, *ends)))


def test_more_stages_than_steps_is_refused():
    with pytest.raises(ValueError, match="3 steps do not make 4 stages"):
        bottleneck(3, 4, lambda i, j: 1.0)


@hs.composite
def tables(draw):
    """(steps, cost): any cost at all, with equal ones, and now and then a stage that cannot be."""
    steps = draw(hs.integers(1, 7))
    # Sums of quarters are exact.
    quarters = hs.one_of(hs.integers(0, 240), hs.integers(0, 10)).map(lambda quarters: quarters / 4)
    times = hs.one_of(quarters, hs.just(math.inf)) if draw(hs.booleans()) else quarters
    table = {(i, j): draw(times) for i in range(steps) for j in range(i + 1, steps + 1)}
    return steps, lambda i, j: table[i, j]


def splits(steps, stages):
    """The ends of all splits."""
    return [[*cuts, steps] for cuts in itertools.combinations(range(1, steps), stages - 1)]


def stage_times(ends, cost):
    return [cost(i, j) for i, j in itertools.pairwise((0, *ends))]


def stream_time(times, micro_batches):
    return sum(times) + (micro_batches - 1) * max(times) if max(times) < math.inf else math.inf


@MANY
@given(tables(), hs.data())
def test_finite_against_brute_force(table, data):
    steps, cost = table
    stages, m = data.draw(hs.integers(1, steps)), data.draw(hs.integers(1, 9))
    time, ends = finite(steps, stages, cost, m)
    assert time == min(stream_time(stage_times(other, cost), m) for other in splits(steps, stages))
    assert ends in splits(steps, stages)
    assert time == stream_time(stage_times(ends, cost), m)


@DRAWN
@given(hs.lists(hs.integers(1, 50), min_size=1, max_size=9), hs.data())
def test_finite_is_what_the_simulator_says(times, data):
    stages, m = data.draw(hs.integers(1, len(times))), data.draw(hs.integers(1, 9))
    time, ends = finite(len(times), stages, lambda i, j: sum(times[i:j]), m)
    plan = plan_of(orders.stream(stages, m), chain(stages), m)
    assert timeline_of(plan, stage_times(ends, lambda i, j: sum(times[i:j]))).duration == time


def test_a_long_stream_needs_the_fastest_slowest_stage():
    rng = random.Random(0)
    table = {(i, j): rng.randint(1, 10**6) for i in range(40) for j in range(i + 1, 41)}
    _, ends = finite(40, 6, lambda i, j: table[i, j], 10**9)
    assert max(stage_times(ends, lambda i, j: table[i, j])) == bottleneck(40, 6, lambda i, j: table[i, j])[0]
    time, _ = finite(40, 6, lambda i, j: table[i, j], 1)
    # With one micro-batch it is the shortest path of six stages, by Bellman and Ford.
    least = {0: 0}
    for _ in range(6):
        least = {j: min(least[i] + table[i, j] for i in least if i < j) for j in range(1, 41) if min(least) < j}
    assert time == least[40]


@MANY
@given(tables(), hs.integers(1, 4), hs.sampled_from([0.0, 1.0, 7.0]))
def test_replicated_against_brute_force(table, workers, hand_off):
    steps, cost = table

    def slowest(ends, replicas):
        paid = [time + (hand_off if k else 0.0) for k, time in enumerate(stage_times(ends, cost))]
        return max(time / count for time, count in zip(paid, replicas, strict=True))

    best = min(
        (slowest(ends, replicas), sum(replicas))
        for stages in range(1, min(steps, workers) + 1)
        for ends in splits(steps, stages)
        for replicas in itertools.product(range(1, workers + 1), repeat=stages)
        if sum(replicas) <= workers
    )
    time, ends, replicas = replicated(steps, workers, cost, hand_off)
    assert (time, sum(replicas)) == best
    assert ends in splits(steps, len(replicas))
    assert slowest(ends, replicas) == time


@DRAWN
@given(hs.lists(hs.integers(1, 50), min_size=1, max_size=12), hs.integers(1, 8))
def test_sums_without_hand_off_are_best_shared_whole(times, workers):
    time, _, replicas = replicated(len(times), workers, lambda i, j: sum(times[i:j]))
    assert time == pytest.approx(sum(times) / workers)
    assert sum(replicas) == workers


def test_what_cannot_be_split():
    assert finite(3, 2, lambda i, j: math.inf, 4) == (math.inf, [1, 3])
    assert replicated(3, 2, lambda i, j: math.inf) == (math.inf, [3], [1])
    with pytest.raises(ValueError, match="partition: 3 steps do not make 4 stages"):
        finite(3, 4, lambda i, j: 1.0, 1)
    with pytest.raises(ValueError, match="partition: micro_batches is out of range: 0; it must be at least 1"):
        finite(3, 2, lambda i, j: 1.0, 0)
    with pytest.raises(ValueError, match="partition: workers is out of range: 0; it must be at least 1"):
        replicated(3, 0, lambda i, j: 1.0)
    with pytest.raises(ValueError, match="partition: 0 steps do not make 1 stages"):
        replicated(0, 1, lambda i, j: 1.0)
