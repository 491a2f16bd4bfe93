"""Orders are literal."""

import pytest
from stretto.schedule import orders


def written(order):
    """Each worker's order as one text: stage, phase and micro-batch of each work."""
    return [" ".join(f"{work.stage}{work.phase}{work.micro_batch}" for work in worker) for worker in order]


def test_depth_first():
    assert written(orders.depth_first(2, 3)) == ["0F0 1F0 0F1 1F1 0F2 1F2"]


def test_breadth_first():
    assert written(orders.breadth_first(2, 3)) == ["0F0 0F1 0F2 1F0 1F1 1F2"]


def test_stream():
    assert written(orders.stream(3, 2)) == ["0F0 0F1", "1F0 1F1", "2F0 2F1"]


def test_in_shares():
    assert written(orders.in_shares(2, [2, 1])) == ["0F0 1F0 0F1 1F1", "0F2 1F2"]


def test_shares():
    assert orders.shares(7, 3) == [(0, 3), (3, 2), (5, 2)]
    assert orders.shares(2, 4) == [(0, 1), (1, 1)]
    assert orders.shares(0, 4) == [(0, 0)]


def test_replicated():
    assert written(orders.replicated([1, 3], 5)) == ["0F0 0F1 0F2 0F3 0F4", "1F0 1F3", "1F1 1F4", "1F2"]
    assert written(orders.replicated([2], 4, turn=5)) == ["0F1 0F3", "0F0 0F2"]
    assert written(orders.replicated([3], 1)) == ["0F0", "", ""]


@pytest.mark.parametrize("turn", range(7))
def test_replicas_take_turns_from_one_batch_to_the_next(turn):
    replicas, batches = [2, 3], 7
    for worker, order in enumerate(orders.replicated(replicas, batches, turn)):
        stage, replica = (0, worker) if worker < 2 else (1, worker - 2)
        assert order == [
            orders.Work("F", stage, batch) for batch in range(batches) if (batch + turn) % replicas[stage] == replica
        ]


def test_gpipe():
    assert written(orders.gpipe(2, 3)) == [
        "0F0 0F1 0F2 0B0 0W0 0B1 0W1 0B2 0W2",
        "1F0 1F1 1F2 1B0 1W0 1B1 1W1 1B2 1W2",
    ]


def test_one_forward_one_backward():
    assert written(orders.one_forward_one_backward(3, 4)) == [
        "0F0 0F1 0F2 0B0 0W0 0F3 0B1 0W1 0B2 0W2 0B3 0W3",
        "1F0 1F1 1B0 1W0 1F2 1B1 1W1 1F3 1B2 1W2 1B3 1W3",
        "2F0 2B0 2W0 2F1 2B1 2W1 2F2 2B2 2W2 2F3 2B3 2W3",
    ]


def test_interleaved():
    assert written(orders.interleaved(2, 4, 2)) == [
        "0F0 0F1 2F0 2F1 0F2 2B0 2W0 0F3 2B1 2W1 2F2 0B0 0W0 2F3 0B1 0W1 2B2 2W2 2B3 2W3 0B2 0W2 0B3 0W3",
        "1F0 1F1 3F0 3B0 3W0 3F1 3B1 3W1 1F2 1B0 1W0 1F3 1B1 1W1 3F2 3B2 3W2 3F3 3B3 3W3 1B2 1W2 1B3 1W3",
    ]


def test_zero_bubble_h1():
    assert written(orders.zero_bubble_h1(3, 4)) == [
        "0F0 0F1 0F2 0B0 0W0 0F3 0B1 0W1 0B2 0W2 0B3 0W3",
        "1F0 1F1 1B0 1F2 1B1 1W0 1F3 1B2 1W1 1B3 1W2 1W3",
        "2F0 2B0 2F1 2B1 2F2 2B2 2W0 2F3 2B3 2W1 2W2 2W3",
    ]


def test_fewer_micro_batches_than_stages():
    assert written(orders.one_forward_one_backward(3, 1)) == ["0F0 0B0 0W0", "1F0 1B0 1W0", "2F0 2B0 2W0"]
    assert written(orders.zero_bubble_h1(3, 1)) == ["0F0 0B0 0W0", "1F0 1B0 1W0", "2F0 2B0 2W0"]
    assert written(orders.gpipe(3, 1)) == written(orders.one_forward_one_backward(3, 1))
    with pytest.raises(ValueError, match=r"interleaved: 2 micro-batches on 3 workers: .* must divide"):
        orders.interleaved(3, 2, 2)


def test_interleaved_needs_chunks():
    with pytest.raises(ValueError, match="interleaved: chunks is out of range: 1; with one, take one_forward_one_b"):
        orders.interleaved(2, 4, 1)
