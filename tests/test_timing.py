"""Taking turns, on a clock that only the timed calls move."""

import pytest
from stretto import measuring, timing


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
    timings = turns({0: clock.call("a", 1.0), 1: clock.call("b", 1.01)}, seconds=12.0)
    assert [len(times) for times in timings.values()] == [4, 4]
    assert len(clock.made) == 2 * (2 + 4)  # two calls to get to know each


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
