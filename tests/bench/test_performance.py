"""docs/performance.md is what the committed results say, and plots are made from results alone."""

import copy
from pathlib import Path

import pytest

from bench import performance, plots
from bench.performance_page import Result, figures_of, name_of, page

RESULTS = performance.committed()
COEXISTENCE = performance.coexistence()


@pytest.fixture(scope="module")
def small() -> Result:
    """The first run, cut down to two cases of each suite."""
    result = copy.deepcopy(RESULTS[0])
    kept: dict[str, list[Result]] = {}
    for row in result["cases"]:
        kept.setdefault(row["group"], []).append(row)
    result["cases"] = [row for rows in kept.values() for row in rows[:2]]
    return result


def scaled(result: Result, threads: int) -> Result:
    """As if so many threads were 1.9 times as fast."""
    other = copy.deepcopy(result)
    other["threads"] = threads
    for row in other["cases"]:
        for entry in row["times"].values():
            if "best" in entry:
                entry["best"] /= 1.9
    return other


def test_the_page_is_what_the_results_say() -> None:
    assert performance.PAGE.read_text() == page(RESULTS, COEXISTENCE)


def test_figures_of_the_page_are_there() -> None:
    text = performance.PAGE.read_text()
    for name in figures_of(RESULTS):
        assert f"(figures/{name})" in text
        assert (performance.PAGE.parent / "figures" / name).is_file()


def test_every_run_of_one_thread_is_there() -> None:
    measured = {(result["dtype"], result["threads"]) for result in RESULTS}
    assert {(dtype, threads) for dtype, threads, _ in performance.runs([1])} <= measured


def test_cases_in_which_a_peer_is_faster_are_named(small: Result) -> None:
    row = next(row for row in small["cases"] if row["group"] == "bmm")
    row["times"]["stretto"]["best"] = 10 * row["times"]["numpy"]["best"]
    row["times"]["torch"]["best"] = row["times"]["numpy"]["best"] * 2
    assert f"* 0.100: `{row['name']}` (bmm), numpy; ours reaches " in page([small], COEXISTENCE)


def test_several_threads_are_held_against_one(small: Result) -> None:
    text = page([small, scaled(small, 2)], COEXISTENCE)
    assert name_of(scaled(small, 2)) == "float32, 2 threads"
    assert "| float32, 2 threads | bmm | 2 |" in text
    assert "(figures/scaling_float32.svg)\n" in text


@pytest.mark.parametrize("what", plots.DRAWINGS)
def test_a_result_becomes_svg(what: str, small: Result, tmp_path: Path) -> None:
    results = [small, scaled(small, 2)] if what == "scaling" else [small]
    files = [tmp_path / name for name in ("once.svg", "again.svg")]
    for file in files:
        plots.draw(what, results, file)
    assert "<svg" in files[0].read_text()
    assert files[0].read_bytes() == files[1].read_bytes()


def test_scaling_needs_one_thread_and_more(small: Result, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="plots: scaling needs a result of one thread and others of more threads"):
        plots.draw("scaling", [small, small][1:], tmp_path / "scaling.svg")
