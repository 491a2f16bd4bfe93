"""Fixtures of the tests of servers."""

import pytest

from tests.serve.gate import Gate, opened


@pytest.fixture
def gate():
    gate = Gate(opened())
    yield gate
    gate.open()
