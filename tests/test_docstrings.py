"""Every public name is documented, with an example that runs."""

import doctest
import importlib
from typing import Any

import pytest
import stretto as st

DOCUMENTED = [name for name in st.__all__ if callable(getattr(st, name))]


def examples_of(name: str) -> list[doctest.DocTest]:
    return doctest.DocTestFinder(exclude_empty=False).find(getattr(st, name), name, module=False, globs={})


def test_all_names_are_public_and_there() -> None:
    assert len(set(st.__all__)) == len(st.__all__)
    assert {name for name in st.__all__ if name not in DOCUMENTED} == {"__version__"}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_docstring_has_an_example(name: str) -> None:
    own: Any = getattr(st, name).__doc__
    assert own, f"{name} has no docstring"
    assert ">>> " in own, f"the docstring of {name} has no example"


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_examples_run(name: str) -> None:
    written: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    for test in examples_of(name):
        runner.run(test, out=written.append)
    assert runner.failures == 0, "".join(written)
    assert runner.tries > 0


def test_the_types_of_arguments_can_be_imported() -> None:
    types = importlib.import_module("stretto.ops.types")
    assert {"Activation", "Array", "ArrayLike", "DTypeLike", "Padding"} <= set(vars(types))
