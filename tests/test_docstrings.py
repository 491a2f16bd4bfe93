"""The examples of every public function's docstring run and print what they say."""

import doctest
import inspect

import pytest
import stretto as st


def public():
    for name in sorted(n for n in dir(st) if not n.startswith("_")):
        item = getattr(st, name)
        if (inspect.isfunction(item) or inspect.isclass(item)) and item.__module__.startswith("stretto"):
            yield name, item


@pytest.mark.parametrize(("name", "item"), list(public()))
def test_examples(name, item):
    for test in doctest.DocTestFinder(recurse=False).find(item, name, globs={}):
        said: list[str] = []
        failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
        assert not failed, "".join(said)
