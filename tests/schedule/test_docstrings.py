"""The examples in the docstrings of the schedules, run."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["check", "orders", "partition", "simulate"])
def test_the_examples_run(module):
    failed, tried = doctest.testmod(importlib.import_module(f"stretto.schedule.{module}"))
    assert tried > 0
    assert failed == 0
