"""Taking turns, on a clock that only the timed calls move."""

from types import SimpleNamespace

import pytest
from stretto import measuring, timing
from stretto.schedule.candidate import Candidate
from stretto.schedule.plan import Choice
from stretto.schedule.predict import Prediction
from stretto.timeline import Timeline


class Clock:
    """Calls of known seconds; one after another of its kind may take less."""

    def __init__(self, monkeypatch):
        self.now, self.last, self.made = 0.0, None, []
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)

    def call(self, name, seconds, after_others=None):
        def run():
            self.now += seconds if self.last == name or after_others is None else after_others
            self.last = name
            self.made.append(name)

        return run


def turns(calls, seconds=10.0):
    return timing.taking_turns(calls, seconds, lambda: None)


def test_short_calls_are_timed_as_in_a_loop(monkeypatch):
    clock = Clock(monkeypatch)
    timings = turns({0: clock.call("a", 50e-6, after_others=90e-6), 1: clock.call("b", 60e-6)})
    assert timings[0] == pytest.approx([50e-6] * len(timings[0]))
    assert timings[1] == pytest.approx([60e-6] * len(timings[1]))


def test_long_calls_are_all_timed(monkeypatch):
    clock = Clock(monkeypatch)
    timings = turns({0: clock.call("a", 1.0), 1: clock.call("b", 1.01)}, seconds=10.0)
    assert [len(times) for times in timings.values()] == [4, 4]
    assert len(clock.made) == 2 * (1 + 4)  # one call to get to know each


def test_calls_longer_than_there_is_time_are_made_once(monkeypatch):
    clock = Clock(monkeypatch)
    timings = turns({i: clock.call(i, 1.0) for i in range(3)}, seconds=0.5)
    assert timings == {0: [1.0], 1: [1.0], 2: [1.0]}
    assert clock.now == 3.0


def test_what_takes_far_too_long_is_not_timed():
    def kept(seconds):
        return timing._affordable([4, 5, 6, 7, 8], lambda i: 1.0, seconds)

    assert [kept(s) for s in (0.5, 0.6, 2.0, 2.6, 1e300)] == [
        [],
        [4, 5, 6],
        [4, 5, 6, 7],
        [4, 5, 6, 7, 8],
        [4, 5, 6, 7, 8],
    ]
    assert timing._affordable([4, 5], lambda i: 1.0, 0.4) == [4, 5]


def test_who_is_behind_leaves_sooner_the_farther_it_is(monkeypatch):
    clock = Clock(monkeypatch)
    calls = {i: clock.call(i, seconds * 1e-3) for i, seconds in enumerate([1.0, 1.01, 1.2, 1.5])}
    rounds = [len(times) for times in turns(calls).values()]
    assert rounds == [timing.ROUNDS, timing.ROUNDS, 7, timing.LEAST_ROUNDS]


def test_one_disturbed_turn_costs_nobody_the_place(monkeypatch):
    clock = Clock(monkeypatch)
    seconds = iter([1e-3, 1e-3, 1e-3, 9e-3, 1e-3])

    def disturbed():
        clock.now += next(seconds, 1e-3)

    rounds = [len(times) for times in turns({0: disturbed, 1: clock.call("b", 1e-3)}).values()]
    assert rounds == [timing.ROUNDS, timing.ROUNDS]


def test_nobody_is_timed_alone(monkeypatch):
    clock = Clock(monkeypatch)
    timings = turns({0: clock.call("a", 1e-3), 1: clock.call("b", 2e-3)})
    assert [len(times) for times in timings.values()] == [timing.LEAST_ROUNDS] * 2


def test_the_least_of_the_takes_counts():
    takes = iter([{"hand_off": 3.0, "wake": 1.0}, {"hand_off": 2.0, "wake": 5.0}, {"hand_off": 9.0, "wake": 4.0}])
    assert measuring._least(lambda: next(takes)) == {"hand_off": 2.0, "wake": 1.0}


def candidate(choice, period, seconds=()):
    return Candidate(
        choice, Prediction(period, period, 0.0, (period,), "arithmetic", Timeline((), "predicted")), seconds=seconds
    )


def test_of_long_networks_three_kinds_of_streams_are_timed():
    data = [candidate(Choice("data", 2, micro_batch=n), 1.0 + n / 1000) for n in range(1, 8)]
    considered = [*data, candidate(Choice("pipeline", 2), 1.1), candidate(Choice("intra", threads=2), 1.3, (0.9,))]
    assert timing._streams_to_time(considered, 0.2) == []
    assert timing._streams_to_time(considered, 3.0) == [8, 0, 7]
    assert timing._streams_to_time(considered, 100.0) == [8, 0, 7, 1, 2, 3]


def test_streams_are_compared_with_what_runs_calls():
    considered = [
        candidate(Choice("serial"), 0.8, (0.92,)),
        candidate(Choice("intra", threads=2), 0.85, (0.9,)),
        *(candidate(Choice(name, 2), 0.8 + i / 100) for i, name in enumerate(("data", "task", "pipeline", "tensor"))),
    ]
    assert timing._streams_to_time(considered, 3.0)[0] == 0


def test_a_period_is_without_what_fills_the_stages(monkeypatch):
    clock = Clock(monkeypatch)

    class Pipeline:
        """A result each second after the five that fill it."""

        def __init__(self, program, choice, _shop):
            pass

        def stream(self, batches, copy):
            clock.now += 5.0
            for _ in batches:
                clock.now += 1.0
                yield

    monkeypatch.setattr(timing, "Runner", Pipeline)
    considered = [candidate(Choice("pipeline", workers), 1.0) for workers in (2, 3)]
    timed = timing.time_streams(SimpleNamespace(program=None), considered, (), 3.0, lambda: None)
    assert [c.periods for c in timed] == [(1.0,), (1.0,)]
