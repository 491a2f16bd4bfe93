"""Replicas of a stage take the batches of a stream in turn."""

import numpy as np
import stretto as st
from stretto.schedule.pipelines import stages_ending


def test_every_replica_has_its_batches():
    net = st.Sequential(st.Linear(8, 8, rng=0), st.Linear(8, 8, rng=1))
    x = np.random.default_rng(0).normal(size=(2, 8)).astype("f4")
    program = st.trace(net, x)
    choice = st.Choice("replicated", 4, 1, 2, stages_ending(program, [1, 2]), replicas=(1, 3))
    with st.Runner(program, choice) as runner:
        stream = runner.stream([x] * 12, timeline=True)
        assert [y.tobytes() for y in stream] == [net(x).tobytes()] * 12
        batches = {}
        for span in stream.timeline().spans:
            if span.stage == 1:
                batches.setdefault(span.worker, []).append(span.micro_batch)
    assert sorted(map(sorted, batches.values())) == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
