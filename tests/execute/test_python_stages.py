"""Python stages of streams: order, errors, lanes in the timeline."""

import time

import numpy as np
import pytest

from tests.execute.test_stream import SIZES, X, batches, drained, make_net, plan

__all__ = ["plan"]  # the fixture


def double(x):
    return x * 2


def plus_one(y):
    return y + 1


@pytest.mark.parametrize("python_workers", [1, 3])
@pytest.mark.parametrize("before", [(), double, (double, double)])
@pytest.mark.parametrize("after", [(), plus_one])
def test_python_stages(plan, before, after, python_workers):
    net = make_net()
    factor = {(): 1, double: 2}.get(before, 4)
    expected = [net(x * np.float32(factor)) + (1 if after else 0) for x in batches()]
    stream = plan.stream(batches(), before=before, after=after, python_workers=python_workers, timeline=True)
    with stream:
        assert [y.tobytes() for y in stream] == [y.tobytes() for y in expected]
        spans = stream.timeline().spans
    names = {double: "double", plus_one: "plus_one"}
    for function in (before, after):
        if function in names:
            own = [s for s in spans if s.name == names[function]]
            assert sorted(s.micro_batch for s in own) == list(range(len(SIZES)))
            assert all(s.worker >= (1 if plan.choice.workers == 1 else 2) for s in own)


@pytest.mark.parametrize("where", ["before", "after"])
def test_an_error_of_a_python_stage_names_it_and_the_item(plan, where):
    def fragile(x):
        fragile.calls += 1
        if fragile.calls == 4:
            raise ZeroDivisionError("mine")
        return x

    fragile.calls = 0
    results, error = drained(plan.stream([X] * 9, **{where: fragile}))
    assert type(error) is ZeroDivisionError
    assert len(results) == 3
    assert error.__notes__ == ["in the Python stage fragile, on item 3 of the stream"]
    assert len(list(plan.stream([X] * 3, before=double))) == 3


def test_slow_python_stages_overlap_and_the_source_is_pulled_as_far_as_needed(plan):
    pulled = []

    def source():
        for i in range(12):
            pulled.append(i)
            yield X

    def slow(x):
        time.sleep(0.002)
        return x

    stream = plan.stream(source(), before=slow, after=slow, python_workers=2, in_flight=5, memory_limit=10**6)
    for delivered, _ in enumerate(stream):
        assert len(pulled) <= delivered + 5
    assert len(pulled) == 12
    stream = plan.stream(source(), before=slow, after=slow)
    next(stream)
    stream.close()


def test_a_stop_iteration_of_a_python_stage_does_not_end_the_stream_unseen(plan):
    results, error = drained(plan.stream([X] * 3, after=lambda y: next(iter(()))))
    assert results == []
    assert type(error) is RuntimeError
    assert "raised StopIteration on item 0" in str(error)
