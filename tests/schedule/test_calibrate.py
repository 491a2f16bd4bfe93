"""What is measured, in which order, and where it is kept."""

import json

import numpy as np
import pytest
import stretto as st
from stretto.schedule.calibrate import Store, measure_steps, points_to_measure
from stretto.schedule.cost import CostModel
from stretto.schedule.machine import Machine, Rates, this_machine

MACHINE = Machine(cores=4, name="a test")


@pytest.fixture
def model():
    return CostModel(st.trace(st.Sequential(st.Linear(4, 4), st.ReLU()), np.zeros((64, 4), "f4")), MACHINE)


def test_points_in_the_order_of_their_use():
    points = points_to_measure(64, 4, may_cut=True)
    assert points[:4] == [(64, 1), (64, 4), (16, 1), (1, 1)]
    assert {samples for samples, _ in points} == {1, 2, 4, 8, 16, 32, 64}
    assert points_to_measure(64, 4, may_cut=False) == [(64, 1), (64, 4)]
    assert points_to_measure(1, 1, may_cut=True) == [(1, 1)]


def test_the_median_of_each_step_is_kept(model):
    runs = iter([[9.0, 9.0], [1.0, 5.0], [2.0, 4.0], [3.0, 6.0]] + [[2.0, 5.0]] * 9)
    asked = []

    def measure(samples, threads):
        asked.append((samples, threads))
        return next(runs)

    assert measure_steps(model, [(64, 1)], measure, seconds=10.0)
    assert [model.step(i, 64, held=model.held([0, 1], 64)) for i in range(2)] == [2.0, 5.0]
    assert not measure_steps(model, [(64, 1)], measure, seconds=10.0)  # known by now
    assert set(asked) == {(64, 1)}


def test_no_longer_than_allowed_but_one_point(model):
    asked = []

    def measure(samples, threads):
        asked.append((samples, threads))
        return [1.0, 1.0]

    told = []
    assert measure_steps(model, [(64, 1), (64, 4), (1, 1)], measure, 0.0, lambda: told.append(1))
    assert set(asked) == {(64, 1)}
    assert told == [1]


def test_the_file(model, tmp_path, monkeypatch):
    monkeypatch.setenv("STRETTO_CACHE", str(tmp_path / "deep" / "cache"))
    store = Store(MACHINE)
    assert store.rates is None
    assert len(store.table) == 0
    store.rates = Rates(flops=1.0)
    measure_steps(CostModel(model.program, MACHINE, None, store.table), [(8, 1)], lambda *_: [1.0, 2.0], 1.0)
    store.save()
    again = Store(MACHINE)
    assert again.rates == Rates(flops=1.0)
    assert again.table.as_data() == store.table.as_data()
    assert Store(Machine(cores=8, name="a test")).rates is None  # another machine
    for damage in ("", "{", '{"format": 99}', json.dumps({"format": 1, "rates": {"no": 1}, "steps": []}), "[]"):
        store.path.write_text(damage)
        assert Store(MACHINE).rates is None


def test_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("STRETTO_CACHE", "off")
    assert Store(MACHINE).path is None
    Store(MACHINE).save()
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    monkeypatch.setenv("STRETTO_CACHE", str(in_the_way / "below"))
    Store(MACHINE).save()  # cannot be written: as good as none
    assert Store(MACHINE).rates is None


def test_a_user_without_a_home(monkeypatch):
    def nobody():
        raise RuntimeError("no home")

    for name in ("STRETTO_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.home", nobody)
    assert Store(MACHINE).path is None


def test_this_machine():
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.l3 >= machine.l2 > 0
    assert machine.nodes >= 1
    assert machine.gpus == 0
    assert machine.name
