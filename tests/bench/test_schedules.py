"""The benches of schedules run, verify, and say what they measured; how fast is not tested."""

import doctest
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stretto as st
from stretto.runner import Runner
from stretto.schedule.plan import Choice
from stretto.schedule.simulate import idle_fraction, simulate

from bench.networks import NETWORKS
from bench.schedules import bubbles, choices, plots, predict, regret, result, stream, tail, timing
from bench.schedules.__main__ import main
from bench.schedules.choices import every_choice, plan_of
from bench.schedules.points import OPS, points
from bench.schedules.prediction import Predictor
from bench.schedules.timing import ratio_interval, take_turns

Result = dict[str, Any]


def measured(tmp_path: Path, *command: str) -> Result:
    file = tmp_path / "result.json"
    assert main([*command, "--out", str(file)]) == 0
    result: Result = json.loads(file.read_text())
    assert {"date", "commit", "machine", "settings"} <= result.keys()
    return result


def program_of(name: str, batch: int) -> tuple[st.Program, tuple[Any, ...]]:
    inputs = NETWORKS[name].example(batch)
    return st.trace(NETWORKS[name].make(), *inputs), inputs


@pytest.mark.parametrize("module", [choices, result, timing])
def test_examples(module: Any) -> None:
    ran = doctest.testmod(module)
    assert ran.attempted > 0
    assert ran.failed == 0


def test_every_choice_is_legal_and_there_once() -> None:
    program, inputs = program_of("two_towers", 9)
    found = every_choice(Predictor(program, inputs, 2, seconds=0.0).model, 9, 2)
    assert {choice.schedule for choice in found} >= {"serial", "data", "task", "pipeline"}
    assert Choice("intra", threads=2) in found or Choice("serial", threads=2) in found  # the same plan
    assert {choice.micro_batch for choice in found} >= {5, 3, 2, 1}
    assert all(choice.workers * choice.threads <= 2 for choice in found)
    plans = [plan_of(program, choice, 9) for choice in found]
    assert len(set(plans)) == len(plans)
    expected = program_result(program, inputs)
    for choice in found:
        with Runner(program, choice) as runner:
            assert (runner(*inputs) == expected).all()


def program_result(program: st.Program, inputs: tuple[Any, ...]) -> Any:
    with Runner(program, Choice("serial")) as runner:
        return runner(*inputs)


def test_choices_of_a_network_that_mixes_samples_leave_the_batch_whole() -> None:
    x = np.ones((8, 4), "f4")
    program = st.trace(lambda x: st.sub(x, st.mean(x, axis=0, keepdims=True)), x)
    found = every_choice(Predictor(program).model, 8, 2)
    assert {choice.schedule for choice in found} <= {"serial", "intra", "task", "tensor"}
    assert {choice.micro_batch for choice in found} == {None}


def test_turns_are_taken_in_every_round() -> None:
    order: list[str] = []
    samples = take_turns([lambda: order.append("a"), lambda: order.append("b")], rounds=3, turn=0.0)
    assert [len(own) for own in samples] == [3, 3]
    assert "".join(order[4:]) == "aabb" * 3  # in each turn the first call is not timed


def test_interval_holds_the_ratio_and_narrows_with_agreement() -> None:
    rng = np.random.default_rng(1)
    base = rng.uniform(1.0, 1.1, 21)
    ratio, low, high = ratio_interval(list(1.2 * base), list(base))
    assert low <= ratio <= high
    assert ratio == pytest.approx(1.2)
    assert low > 1.15
    _, wide_low, wide_high = ratio_interval(list(rng.uniform(0.5, 2, 21)), list(base))
    assert wide_high - wide_low > high - low


def test_regret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = measured(
        tmp_path, "regret", "--networks", "tiny,digits", "--batches", "2", "--rounds", "3", "--seconds", "0.01",
        "--workers", "2",
    )  # fmt: skip
    assert [row["network"] for row in result["rows"]] == ["tiny", "digits"]
    for row in result["rows"]:
        assert row["regret"] >= 1
        assert row["candidates"][0]["choice"] == row["chosen"]
        assert min(c["median"] for c in row["candidates"]) * row["regret"] == pytest.approx(
            row["candidates"][0]["median"]
        )
        assert row["counts"] == (row["interval"][0] > regret.ALLOWED) == ("again" in row)
    assert "schedules chosen" in capsys.readouterr().out


def test_predicted_against_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = measured(
        tmp_path, "predict", "--ops", "15", "--networks", "digits", "--batches", "4", "--rounds", "1",
        "--seconds", "0.01", "--workers", "2",
    )  # fmt: skip
    of_kind = {kind: [row for row in result["rows"] if row["kind"] == kind] for kind in predict.KINDS}
    assert {row["what"] for row in of_kind["op"]} == OPS.keys()
    assert {row["detail"] for row in of_kind["step"]} >= {"conv2d", "matmul"}
    assert {row["batch"] for row in of_kind["step"]} == set(predict.BETWEEN)
    assert {row["batch"] for row in of_kind["plan"]} == {4}
    assert len(of_kind["plan"]) > 2
    assert all(row["predicted"] > 0 and row["measured"] > 0 for row in result["rows"])
    assert result["summary"]["op"]["points"] == 15
    assert "15 ops: median error" in capsys.readouterr().out


def test_error_is_relative_to_what_was_measured() -> None:
    rows = [{"kind": "step", "predicted": p, "measured": 2.0} for p in (1.0, 2.0, 2.5)]
    found = predict.summary(rows, "step")
    assert found is not None
    assert found["median_error"] == pytest.approx(0.25)
    assert predict.summary(rows, "plan") is None


def test_points_are_a_function_of_the_seed() -> None:
    first, again, other = (list(points(30, seed)) for seed in (1, 1, 2))
    assert [(p.op, p.size, p.batch) for p in first] == [(p.op, p.size, p.batch) for p in again]
    assert [(p.op, p.size, p.batch) for p in first] != [(p.op, p.size, p.batch) for p in other]


def test_prediction_of_a_plan_adds_up() -> None:
    program, _ = program_of("digits", 8)
    predictor = Predictor(program)
    rates = predictor.model.rates
    steps = [predictor.step(i, 8, 1) for i in range(len(program.steps))]
    assert predictor.plan(Choice("serial"), 8) == pytest.approx(sum(steps) + rates.item + rates.run)


def test_predictor_knows_what_was_measured() -> None:
    program, inputs = program_of("digits", 8)
    predictor = Predictor(program, inputs, 2, seconds=0.0)
    assert predictor.is_measured(8, 1)
    assert not any(predictor.is_measured(batch, 1) for batch in predict.BETWEEN)
    assert not Predictor(program).is_measured(8, 1)


def test_bubbles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = measured(
        tmp_path, "bubbles", "--workers", "2,3", "--micro-batches", "4", "--seconds", "0.0005", "--rounds", "1"
    )
    assert [row["schedule"] for row in result["rows"]] == list(bubbles.SCHEDULES)  # 3 does not divide 4
    formulas = {row["schedule"]: row["formula"] for row in result["rows"]}
    assert formulas == {"stream": 1 / 5, "gpipe": 1 / 5, "1f1b": 1 / 5, "interleaved": 1 / 9, "zb-h1": 1 / 13}
    assert all(0 < row["measured"] < 1 for row in result["rows"])
    assert "largest difference" in capsys.readouterr().out


@pytest.mark.parametrize("schedule", bubbles.SCHEDULES)
@pytest.mark.parametrize(("workers", "micro_batches"), [(2, 4), (4, 8), (8, 8)])
def test_formula_is_what_the_simulator_says(schedule: str, workers: int, micro_batches: int) -> None:
    plan = bubbles.plan_of(schedule, workers, micro_batches)
    timeline = simulate(plan, [[seconds] for seconds in bubbles.sleeps(plan, 1.0)])
    formula = bubbles.SCHEDULES[schedule][1](workers, micro_batches)
    assert idle_fraction(timeline, workers) == pytest.approx(formula, abs=1e-9)


def test_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = measured(
        tmp_path, "stream", "--networks", "tiny", "--batches", "1,32", "--rounds", "1", "--seconds", "0.01",
        "--against", "onnxruntime", "--peers-python", "/bin/false",
    )  # fmt: skip
    assert "absent" in result["peers"]["onnxruntime-sessions"]
    for row in result["rows"]:
        for name in (stream.OURS, stream.SERIAL):
            entry = row["times"][name]
            assert entry["error"] == 0  # the same bits
            assert entry["rate"] == pytest.approx(row["batch"] * row["length"] / entry["median"])
    assert "absent: onnxruntime-threads" in capsys.readouterr().out


def test_wrong_result_is_not_timed() -> None:
    right = np.ones((2, 3))
    assert stream._verified(right, right) == {"error": 0}
    assert "wrong" in stream._verified(right, right * 1.001)
    assert "wrong" in stream._verified(right, right[:1])


def test_ratios_are_to_the_best_setting_of_each_library() -> None:
    rates = {
        "stretto-stream": 100,
        "stretto-serial": 40,
        "torch-threads": 20,
        "torch-sessions": 50,
        "openvino-queue": 80,
    }
    found = stream._ratios({name: {"rate": rate} for name, rate in rates.items()}, 2)
    assert found["efficiency"] == pytest.approx(1.25)
    assert found["best"] == {"torch": "torch-sessions", "openvino": "openvino-queue"}
    assert found["ratios"] == {"torch": 2, "openvino": 1.25}
    assert not found["is_small"]


def test_tail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = measured(
        tmp_path, "tail", "--threads", "1", "--rounds", "1", "--seconds", "0.02", "--peers-python", "/bin/false"
    )
    assert result["absent"].keys() == {"numpy", "torch"}
    assert {(row["library"], row["neighbours"]) for row in result["rows"]} == {
        (name, count) for name in (tail.PLAN, "stretto") for count in tail.NEIGHBOURS
    }
    for row in result["rows"]:
        assert 0 < row["median"] <= row["percentile_99"]
        if row["neighbours"] == 0:
            assert row["ratio"] == pytest.approx(row["percentile_99"] / row["median"])
    assert "absent: torch" in capsys.readouterr().out


def test_overheads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = measured(tmp_path, "overheads", "--rounds", "2", "--seconds", "0.001")
    ratios = [row for row in result["rows"] if "ratio" in row]
    assert len(ratios) == 3
    assert all(row["interval"][0] <= row["ratio"] <= row["interval"][1] for row in ratios)
    assert len(result["rows"]) == 8
    assert "hand-off to a worker that polls" in capsys.readouterr().out


def test_unknown_library_is_named() -> None:
    with pytest.raises(SystemExit, match="unknown library: numpy; the libraries are onnxruntime"):
        main(["stream", "--against", "numpy", "--peers-python", sys.executable])


def test_gantt(tmp_path: Path) -> None:
    found = measured(tmp_path, "gantt", "--network", "tiny", "--batch", "4", "--micro-batch", "2")
    assert len(found["measured"]) == len(found["predicted"]) > 0
    picture = tmp_path / "gantt.svg"
    assert plots.main([str(tmp_path / "result.json"), "--svg", str(picture)]) == 0
    assert picture.read_text().startswith("<svg")
