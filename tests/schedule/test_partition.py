"""The dynamic program against brute force."""

import itertools
import random

import pytest
from stretto.schedule.partition import bottleneck, cuts_of_sums


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


def test_hand_off_is_paid_by_all_but_the_first():
    assert cuts_of_sums([5, 1, 5], 2, hand_off=3) == (8, [2, 3])
    assert cuts_of_sums([4, 4], 2, hand_off=1) == (5, [1, 2])


def test_more_stages_than_steps_is_refused():
    with pytest.raises(ValueError, match="3 steps do not make 4 stages"):
        bottleneck(3, 4, lambda i, j: 1.0)
