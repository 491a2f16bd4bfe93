"""How streams end: errors of stages and sources, halfway, cancelled, closed."""

import gc
import re
import threading
from concurrent.futures import CancelledError

import pytest

from tests.execute.test_stream import IDS, SIZES, X, batches, drained, make_net, opened, plan, table_plan

__all__ = ["plan", "table_plan"]  # fixtures


@pytest.mark.parametrize("bad", [0, 3, 7])
def test_an_error_of_a_stage_comes_after_the_results_before_it(table_plan, bad):
    good = table_plan(IDS).tobytes()
    for _ in range(5):
        wrong = IDS.copy()
        wrong[5] = 99
        stream = table_plan.stream(wrong if i >= bad else IDS for i in range(12))
        results, error = drained(stream)
        assert isinstance(error, ValueError | IndexError)
        assert re.search(rf"\[batch {bad}, stage 0, step 0 \(take\), micro-batch \d, inputs", str(error))
        assert [y.tobytes() for y in results] == [good] * bad
        assert list(stream) == []
        assert table_plan(IDS).tobytes() == good
        assert [y.tobytes() for y in table_plan.stream([IDS] * 3)] == [good] * 3


@pytest.mark.parametrize("bad", [0, 2, 5])
def test_an_error_of_the_source_comes_after_the_results_before_it(plan, bad):
    def source(wrong):
        yield from batches()[:bad]
        if wrong is None:
            raise KeyError("mine") from OSError("its cause")
        yield wrong

    for wrong, kind, text in [
        (None, KeyError, "mine"),
        (X[:, :3], ValueError, rf"x has the wrong shape: it is \(12, 3\).* \[batch {bad}\]"),
        (X.astype("f8"), TypeError, rf"x has the wrong dtype: it is float64.* \[batch {bad}\]"),
        ((X, X), TypeError, rf"2 arrays given; the network takes 1 \[batch {bad}\]"),
    ]:
        results, error = drained(plan.stream(source(wrong)))
        assert type(error) is kind
        assert re.search(text, str(error))
        assert wrong is not None or type(error.__cause__) is OSError
        assert [len(y) for y in results] == SIZES[:bad]


def test_a_stream_that_is_left_halfway(plan):
    before = set(threading.enumerate())
    for way in range(3):
        stream = plan.stream(X for _ in range(100))
        assert len(next(stream)) == 12
        if way == 0:
            stream.close()
            assert list(stream) == []
        elif way == 1:
            with stream:
                next(stream)
        del stream
        gc.collect()
    assert set(threading.enumerate()) <= before  # those of earlier tests may end meanwhile
    assert len(list(plan.stream([X] * 3))) == 3


def test_cancel(plan):
    stream = plan.stream(X for _ in iter(int, 1))
    next(stream)
    threading.Timer(0.05, plan.cancel).start()
    with pytest.raises(CancelledError, match=r"stream: cancelled after \d+ batches: "):
        for _ in stream:
            pass
    assert plan(X).shape == (12, 4)
    assert len(list(plan.stream([X] * 3))) == 3


def test_a_closed_plan_ends_its_streams():
    plan = opened(make_net(), "data")
    stream = plan.stream(X for _ in range(100))
    next(stream)
    plan.close()
    with pytest.raises(CancelledError, match="the plan was closed after 1 batches"):
        next(stream)
    with pytest.raises(ValueError, match="the plan is closed"):
        next(plan.stream([X]))
