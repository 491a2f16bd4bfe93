"""What each item waits for, as literals."""

import numpy as np
import pytest
import stretto as st
from stretto.schedule import orders
from stretto.schedule.items import items_of, stage_dependencies
from stretto.schedule.orders import Work
from stretto.schedule.plan import MicroBatch, Stage


@pytest.fixture(scope="module")
def program():
    """Stage 0 is read by the stages 1 and 2, which stage 3 reads."""

    def f(x):
        a = st.relu(x)
        return st.add(st.exp(a), st.tanh(a))

    return st.trace(f, np.zeros((4, 2), "f4"))


STAGES = tuple(Stage(name, (step,)) for step, name in enumerate(("relu", "exp", "tanh", "add")))


def waits(program, stages, batches, workers):
    """{work: what it waits for}, both as text."""
    items, lists = items_of(program, stages, batches, workers)
    assert [list(worker) for worker in lists] == split(range(len(items)), [len(worker) for worker in workers])
    names = [f"{item.stage}{item.phase}{item.micro_batch}" for item in items]
    return {name: " ".join(names[i] for i in item.after) for name, item in zip(names, items, strict=True)}


def split(values, sizes):
    values = iter(values)
    return [[next(values) for _ in range(size)] for size in sizes]


def test_forward(program):
    found = waits(program, STAGES, [MicroBatch(0, 4)], list(orders.stream(4, 1)))
    assert found == {"0F0": "", "1F0": "0F0", "2F0": "0F0", "3F0": "1F0 2F0"}


def test_training(program):
    found = waits(program, STAGES, [MicroBatch(0, 4)], list(orders.one_forward_one_backward(4, 1)))
    assert found == {
        "0F0": "",
        "1F0": "0F0",
        "2F0": "0F0",
        "3F0": "1F0 2F0",
        "3B0": "",  # after 3F0, on the same worker
        "2B0": "3B0",
        "1B0": "3B0",
        "0B0": "1B0 2B0",
        "3W0": "",
        "2W0": "",
        "1W0": "",
        "0W0": "",
    }


def test_phases_on_workers_of_their_own(program):
    workers = [[Work(phase, stage, 0) for stage in range(4)] for phase in "FBW"]
    found = waits(program, STAGES, [MicroBatch(0, 4)], workers)
    assert {work: after for work, after in found.items() if work[1] != "F"} == {
        **{f"{stage}B0": f"{stage}F0" for stage in range(4)},
        **{f"{stage}W0": f"{stage}B0" for stage in range(4)},
    }


def test_a_slot_is_taken_over_when_all_is_done(program):
    batches = [MicroBatch(0, 1, 0), MicroBatch(1, 1, 1), MicroBatch(2, 2, 0)]
    stages = (Stage("all but the last", (0, 1, 2)), Stage("add", (3,)))
    found = waits(program, stages, batches, list(orders.stream(2, 3)))
    assert {work: found[work] for work in ("0F0", "0F1", "0F2")} == {"0F0": "", "0F1": "", "0F2": "1F0"}
    found = waits(program, stages, batches, list(orders.one_forward_one_backward(2, 3)))
    assert {work: found[work] for work in ("0F0", "0F1", "0F2")} == {"0F0": "", "0F1": "", "0F2": "1W0"}


def test_all_parts_of_a_step_are_waited_for(program):
    stages = (Stage("relu", (0,), (0, 2)), Stage("relu", (0,), (1, 2)), Stage("rest", (1, 2, 3)))
    assert stage_dependencies(program, stages) == [set(), set(), {0, 1}]
    found = waits(program, stages, [MicroBatch(0, 4)], list(orders.gpipe(3, 1)))
    assert (found["2F0"], found["0B0"], found["1B0"]) == ("0F0 1F0", "2B0", "2B0")


def test_what_there_is_not(program):
    with pytest.raises(ValueError, match=r"plan: Work.*stage=4.*: there are 4 stages and 1 micro-batches"):
        items_of(program, STAGES, [MicroBatch(0, 4)], [[Work("F", 4, 0)]])
