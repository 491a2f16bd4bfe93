"""Candidates and decisions, as literals."""

import numpy as np
import pytest
import stretto as st
from stretto.schedule.choose import Candidate, candidates, decide
from stretto.schedule.plan import Choice


@pytest.fixture(scope="module")
def chain():
    return st.trace(st.Sequential(*(st.Linear(4, 4) for _ in range(4))), np.zeros((8, 4), "f4"))


def names(found):
    return [str(c.choice) for c in found if not c.verdict]


def test_candidates_of_a_chain(chain):
    found = candidates(chain, 8, [1.0] * 4, workers=2)
    assert names(found) == [
        "serial",
        "intra (2 threads)",
        "data (2 workers)",
        "pipeline (2 workers, micro-batch 1)",
        "pipeline (2 workers, micro-batch 2)",
    ]
    (ruled_out,) = [c for c in found if c.verdict]
    assert ruled_out.choice.schedule == "task"
    assert "no independent branches" in ruled_out.verdict


def test_candidates_of_one_sample_and_one_worker(chain):
    assert names(candidates(chain, 1, [1.0] * 4, workers=2)) == ["serial", "intra (2 threads)"]
    assert names(candidates(chain, 8, [1.0] * 4, workers=1)) == ["serial"]


def test_candidates_with_more_workers(chain):
    found = [c.choice for c in candidates(chain, 64, [1.0] * 4, workers=4)]
    assert {c.workers for c in found if c.schedule == "pipeline"} == {2, 4}
    assert [c.workers for c in found if c.schedule == "data"] == [4]


def test_stages_follow_the_times(chain):
    (found, *_) = candidates(chain, 8, [5.0, 1.0, 1.0, 3.0], workers=2, schedule="pipeline", micro_batch=2)
    assert [stage.steps for stage in found.choice.stages] == [(0,), (1, 2, 3)]


def test_a_mixing_program_is_not_cut():
    mixing = st.trace(lambda x: st.matmul(st.transpose(x, (1, 0)), x), np.zeros((4, 3), "f4"))
    found = candidates(mixing, 4, [1.0, 1.0], workers=2)
    verdicts = {c.choice.schedule: c.verdict for c in found}
    assert verdicts["data"] == verdicts["pipeline"] == "step 1 (matmul) mixes samples"
    assert verdicts["serial"] == verdicts["intra"] == ""


def candidate(schedule, *seconds, size=0, **options):
    return Candidate(Choice(schedule, **options), seconds, size)


def test_the_median_decides():
    chosen, rows = decide([candidate("serial", 1.0, 1.0, 9.0), candidate("data", 2.0, 2.0, 0.1)], "latency")
    assert chosen == 0
    assert rows[0].verdict == "chosen: the fastest"
    assert rows[1].verdict == "2.00 times the chosen time"


def test_the_simpler_one_within_three_percent():
    rows = [candidate("pipeline", 1.0, workers=2), candidate("data", 1.029, workers=2), candidate("serial", 1.031)]
    chosen, rows = decide(rows, "throughput")
    assert chosen == 1
    assert rows[1].verdict == "chosen: within 3 % of the fastest, and simpler"
    assert rows[2].verdict == "no faster by more than 3 %"


def test_memory_first_when_asked():
    rows = [candidate("serial", 3.0, size=10), candidate("data", 1.0, size=30), candidate("intra", 2.0, size=10)]
    chosen, rows = decide(rows, "memory")
    assert chosen == 2
    assert [row.verdict for row in rows] == ["1.50 times the chosen time", "more memory", "chosen: the least memory"]


def test_nothing_runs():
    with pytest.raises(ValueError, match="no schedule can run this: because"):
        decide([Candidate(Choice("data"), verdict="because")], "latency")
