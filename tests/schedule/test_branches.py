"""Chains and their placement, as literals."""

import numpy as np
import pytest
import stretto as st
from stretto.schedule import branches
from stretto.schedule.plan import Stage


@pytest.fixture(scope="module")
def program():
    w = np.eye(4, dtype="f4")

    def f(x):
        a = st.matmul(x, w)  # 0
        b = st.matmul(st.matmul(a, w), w)  # 1, 2
        c = st.matmul(a, w)  # 3
        return st.matmul(b, w, residual=c)  # 4

    return st.trace(f, np.zeros((3, 4), "f4"))


def test_chains(program):
    names = [Stage("matmul", steps) for steps in ((0,), (1, 2), (3,), (4,))]
    assert list(branches.chains(program)) == names


def test_the_critical_path_goes_first(program):
    stages = branches.chains(program)
    times = [1.0, 2.0, 2.0, 3.0, 1.0]
    assert branches.place(program, stages, times, 2, 0.1) == ((0, 1, 3), (2,))
    assert branches.place(program, stages, times, 4, 0.1) == ((0, 1, 3), (2,))


def test_no_second_worker_when_a_hand_off_costs_more(program):
    stages = branches.chains(program)
    assert branches.place(program, stages, [1.0, 2.0, 2.0, 3.0, 1.0], 2, 100.0) == ((0, 1, 2, 3),)
    assert branches.place(program, stages, [1.0] * 5, 1, 0.0) == ((0, 1, 2, 3),)


def test_what_could_run_at_the_same_time(program):
    assert branches.any_independent(program, branches.chains(program))
    chain = st.trace(lambda x: st.relu(st.matmul(x, np.eye(4, dtype="f4"))), np.zeros((3, 4), "f4"))
    assert not branches.any_independent(chain, [Stage("a", (0,)), Stage("b", (1,))])
