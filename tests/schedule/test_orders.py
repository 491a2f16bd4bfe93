"""Orders are literal."""

from stretto.schedule import orders


def test_depth_first():
    assert list(orders.depth_first(2, 3)) == [[(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]]


def test_breadth_first():
    assert list(orders.breadth_first(2, 3)) == [[(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]]


def test_stream():
    assert list(orders.stream(3, 2)) == [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(2, 0), (2, 1)]]


def test_in_shares():
    assert list(orders.in_shares(2, 3, 2)) == [[(0, 0), (1, 0), (0, 1), (1, 1)], [(0, 2), (1, 2)]]


def test_shares():
    assert orders.shares(7, 3) == [(0, 3), (3, 2), (5, 2)]
    assert orders.shares(2, 4) == [(0, 1), (1, 1)]
    assert orders.shares(0, 4) == [(0, 0)]
