"""How jobs end before they are done: errors, timeouts, Ctrl-C, a closed plan."""

import os
import signal
import threading

import numpy as np
import pytest
import stretto as st
from stretto.jobs import Job, together

from tests.jobs.plans import BATCHES, opened


def failing(count):
    yield from range(count)
    raise ZeroDivisionError(count)


def test_an_error_ends_its_job_alone():
    ids = np.arange(4)
    table = np.ones((5, 3), "f4")
    with opened(lambda ids: st.embedding(table, ids), ids) as plan:
        broken, raised, bad, good = together(
            Job(failing(3), name="broken"),
            Job(int, "x"),
            Job(plan, [ids, ids + 9, ids]),
            Job(plan, [ids, ids], priority=-1),
            workers=1,
        )
    assert (broken.value, broken.units, type(broken.error)) == ([0, 1, 2], 3, ZeroDivisionError)
    assert broken.error.__notes__ == ["together: in broken, unit 3"]
    assert raised.value is None
    with pytest.raises(ValueError, match="invalid literal"):
        raised.result()
    assert len(bad.value) == 1
    with pytest.raises((ValueError, IndexError), match="step 0"):
        bad.result()
    assert (good.error, good.units) == (None, 2)


@pytest.mark.parametrize("workers", [2, 4])
def test_the_error_of_the_earliest_unit_counts(workers):
    ids = np.arange(4)
    with opened(lambda ids: st.embedding(np.ones((5, 3), "f4"), ids), ids) as plan:
        for _ in range(20):
            (result,) = together(Job(plan, [ids, ids, ids + 9, *[ids + 7] * 9]), workers=workers)
            assert len(result.value) == 2
            assert result.error.__notes__ == ["together: in job 0, unit 2"]


def test_a_timeout_keeps_what_is_done():
    go = threading.Event()

    def endless():
        yield 1
        assert go.wait(30)
        yield 2
        go.clear()
        assert go.wait(30)

    stop = threading.Timer(0.2, go.set)
    stop.start()
    endless_result, quick = together(Job(endless(), name="endless"), Job(sum, [1, 2]), workers=2, timeout=0.05)
    stop.join()
    assert (endless_result.value, quick.result()) == ([1, 2], 3)
    with pytest.raises(TimeoutError, match=r"together: endless was not done in 0.05 seconds; 2 units were"):
        endless_result.result()


def test_control_c_stops_all():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    units, pause = [], threading.Event()

    def endless():
        while True:
            units.append(pause.wait(0.001))
            if len(units) == 3:
                os.kill(os.getpid(), signal.SIGINT)
            yield

    try:
        with pytest.raises(KeyboardInterrupt):
            together(Job(endless()), Job(endless()), workers=2)
        assert not [t for t in threading.enumerate() if t.name.startswith("stretto-together-")]
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_closed_plan():
    plan = opened()
    plan.close()
    with pytest.raises(ValueError, match="together: the plan is closed"):
        together(Job(plan, BATCHES))
