"""Different jobs at once: who takes what, the budget, the bits, and wrong arguments."""

import itertools
import os
import threading
from collections import Counter
from functools import partial

import numpy as np
import pytest
import stretto as st
from stretto import _core
from stretto.jobs import Job, together
from stretto.jobs.task import Task

from tests.jobs.plans import BATCHES, opened


class Units:
    """Units of work that count how many of them run, and note who ran in which order."""

    def __init__(self):
        self.lock = threading.Lock()
        self.order, self.inside, self.most = [], 0, 0

    def of(self, name, count, work=lambda: None):
        """A generator of ``count`` units."""
        for number in range(count):
            self(name, work)
            yield number

    def __call__(self, name, work=lambda: None):
        with self.lock:
            self.order.append(name)
            self.inside += 1
            self.most = max(self.most, self.inside)
        work()
        with self.lock:
            self.inside -= 1
        return name


@pytest.mark.parametrize("schedule", ["serial", "data", "pipeline", "intra"])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_are_in_order_and_have_the_same_bits(schedule, workers):
    with opened(schedule=schedule) as plan:
        expected = [plan(batch) for batch in BATCHES]
        one, two, product = together(
            Job(plan, BATCHES * 5),
            Job(plan, iter(BATCHES), priority=1),
            Job(st.matmul, BATCHES[0], BATCHES[0].T),
            workers=workers,
        )
    assert (one.units, two.units, product.units) == (40, 8, 1)
    for y, want in zip([*one.value, *two.value], expected * 6, strict=True):
        np.testing.assert_array_equal(y, want, strict=True)
    np.testing.assert_array_equal(product.value, st.matmul(BATCHES[0], BATCHES[0].T), strict=True)
    assert (one.name, two.name, product.name) == ("job 0", "job 1", "matmul")
    assert all(result.error is None and result.seconds > 0 for result in (one, two, product))


def test_batches_of_several_inputs():
    with opened(st.add, (BATCHES[0], BATCHES[3])) as plan:
        (result,) = together(Job(plan, [(BATCHES[0], BATCHES[3])] * 3))
    for y in result.result():
        np.testing.assert_array_equal(y, BATCHES[0] + BATCHES[3])


def test_the_weights_are_those_of_the_plan_and_packed_once():
    net = st.Sequential(st.Linear(8, 16, rng=1), st.Linear(16, 4, rng=3))
    with opened(net) as plan:
        plan(BATCHES[0])
        constants = plan._shop.constants()
        before = constants.packings
        together(Job(plan, BATCHES), workers=3)
        assert plan._shop.constants() is constants
        assert constants.packings == before
        net[0].weight = net[0].weight * 2
        (result,) = together(Job(plan, BATCHES), workers=3)
        for y, batch in zip(result.value, BATCHES, strict=True):
            np.testing.assert_array_equal(y, net(batch))


def test_the_highest_priority_is_taken_first():
    units = Units()
    jobs = [Job(units.of(name, 2), name=name, priority=p) for name, p in (("a", 0), ("b", 5), ("c", 5), ("d", 7))]
    together(*jobs, workers=1)
    assert units.order == list("ddbbccaa")


def test_a_free_worker_goes_to_the_highest_priority():
    """While worker 0 is held by the first job, worker 1 does all of the second before any of the third."""
    units, last = Units(), threading.Event()

    def hold():
        assert last.wait(30)

    together(
        Job(partial(units, "held", hold), priority=9),
        Job(units.of("low", 3, last.set), priority=1),
        Job(units.of("high", 3), priority=2),
        workers=2,
    )
    assert [name for name in units.order if name != "held"] == ["high"] * 3 + ["low"] * 3


def test_equals_share_the_workers():
    """Each source waits for the other: it would break if both workers took the first job."""
    both = threading.Barrier(2, timeout=30)

    def source():
        for batch in BATCHES[:4]:
            both.wait()
            yield batch

    with opened() as plan:
        results = together(Job(plan, source()), Job(plan, source()), workers=2)
    assert [result.units for result in results] == [4, 4]


def test_batches_of_one_job_run_at_once(monkeypatch):
    """A batch runs while another worker waits for the next, which comes when the first has been run."""
    ran = threading.Event()
    finish = Task.finish
    monkeypatch.setattr(Task, "finish", lambda *arguments: (finish(*arguments), ran.set()))

    def source():
        yield BATCHES[0]
        assert ran.wait(30)
        yield BATCHES[1]

    with opened() as plan:
        (result,) = together(Job(plan, source()), workers=2)
    assert result.units == 2


def test_the_budget_is_never_exceeded():
    units, others = Units(), []
    before = len(os.listdir("/proc/self/task"))
    a = np.random.default_rng(0).normal(size=(120, 120)).astype("f4")

    def work():
        named = [t for t in threading.enumerate() if t.name.startswith("stretto-together-")]
        others.append((len(named), len(os.listdir("/proc/self/task")) - before, _core.resolve_threads()))
        st.matmul(a, a)

    with opened(schedule="data") as plan:
        before = len(os.listdir("/proc/self/task"))

        def sampled():
            for batch in BATCHES * 10:
                units("plan", work)
                yield batch

        results = together(
            Job(plan, sampled()),
            *(Job(units.of(name, 20, work), name=name) for name in "abc"),
            *(Job(partial(units, "once", work)) for _ in range(5)),
            workers=3,
        )
    assert units.most <= 3
    assert Counter(units.order) == {"plan": 80, "a": 20, "b": 20, "c": 20, "once": 5}
    assert max(named for named, _, _ in others) == 3
    assert max(started for _, started, _ in others) <= 3  # no kernel has started a thread of its own
    assert {limit for _, _, limit in others} == {1}
    assert_no_worker_overlaps(results.timeline, 3)


def assert_no_worker_overlaps(timeline, workers):
    assert {span.worker for span in timeline.spans} <= set(range(workers))
    for worker in range(workers):
        spans = [span for span in timeline.spans if span.worker == worker]
        assert all(a.end <= b.begin for a, b in itertools.pairwise(spans))


def test_the_timeline_shows_units():
    results = together(Job(iter("abc"), name="letters"), Job(sum, [1, 2]), workers=1)
    spans = [(s.worker, s.stage, s.name, s.micro_batch) for s in results.timeline.spans]
    assert spans == [(0, 0, "letters", 0), (0, 0, "letters", 1), (0, 0, "letters", 2), (0, 1, "sum", 0)]
    assert results.timeline.draw().splitlines()[1].startswith("  worker 0")


def test_jobs_inside_jobs_keep_the_budget():
    seen = []
    inner = partial(together, Job(lambda: seen.append(_core.resolve_threads())))
    (result,) = together(Job(inner), workers=2)
    assert result.result()[0].error is None
    assert seen == [1]


def test_no_jobs():
    results = together()
    assert results == []
    assert results.timeline.spans == ()


def test_nothing_to_do():
    with opened() as plan:
        empty, nothing = together(Job(plan, []), Job([]), workers=2)
    assert (empty.value, empty.error, empty.units) == ([], None, 0)
    assert (nothing.value, nothing.error, nothing.units) == ([], None, 0)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda plan: Job(3), TypeError, "Job: work is of the wrong kind: int; it must be a plan, a callable"),
        (lambda plan: Job([1], 2), TypeError, "Job: 1 inputs given; an iterable takes none"),
        (lambda plan: Job(plan), TypeError, "Job: 0 inputs given; a plan takes one iterable of batches"),
        (lambda plan: Job(plan, 3), TypeError, "Job: 1 inputs given; a plan takes one iterable of batches"),
        (
            lambda plan: together(sum),
            TypeError,
            "an argument is of the wrong kind: builtin_function_or_method",
        ),
        (lambda plan: together(workers=0), ValueError, "together: workers is out of range: 0; it must be 1 to 4096"),
        (lambda plan: together(workers=True), ValueError, "together: workers is out of range: True"),
        (lambda plan: together(timeout=-1), ValueError, "together: timeout is out of range: -1"),
    ],
)
def test_wrong_arguments(make, error, text):
    with opened() as plan, pytest.raises(error, match=text):
        make(plan)
