"""Functions that hand plain calls to their op: users see functions."""

import inspect
import pickle
import pydoc
import weakref

import numpy as np
import pytest
import stretto as st
from stretto import _core

FUNCTIONS = [st.matmul, st.add, st.where, st.relu, st.exp]


@pytest.fixture
def a():
    return np.random.default_rng(0).normal(size=(4, 4)).astype("f4")


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_it_looks_like_the_function(function):
    plain = inspect.unwrap(function)
    assert isinstance(function, _core.PlainCall)
    assert inspect.isfunction(plain)
    assert inspect.signature(function) == inspect.signature(plain)
    assert (function.__name__, function.__doc__) == (plain.__name__, plain.__doc__)
    assert inspect.isroutine(function)
    assert f"{function.__name__}({next(iter(inspect.signature(plain).parameters))}" in pydoc.plaintext.docroutine(
        function
    )
    assert weakref.ref(function)() is function
    assert repr(function).startswith(f"<function {function.__name__} at ")
    assert pickle.loads(pickle.dumps(function)) is function


def test_every_way_to_call_gives_the_same(a):
    expected = st.matmul(a, a)
    out = np.empty_like(a)
    assert st.matmul(a, a, out=out) is out
    assert (out == expected).all()
    assert (st.matmul(a, a, threads=1, out=out) == expected).all()
    assert (st.matmul(a, b=a) == expected).all()
    assert (st.matmul(b=a, a=a) == expected).all()
    assert (st.matmul(a, a, **{"".join(["o", "ut"]): None}) == expected).all()  # a name that is not interned
    assert (st.matmul(a, a, activation="relu") == np.maximum(expected, 0)).all()
    assert st.matmul(a, a, dtype="f8").dtype == np.float64


def test_wrong_calls_are_those_of_the_function(a):
    with pytest.raises(TypeError, match=r"matmul\(\) missing 1 required positional argument: 'b'"):
        st.matmul(a)
    with pytest.raises(TypeError, match=r"matmul\(\) takes 2 positional arguments but 3 were given"):
        st.matmul(a, a, a)
    with pytest.raises(TypeError, match="unexpected keyword argument 'axis'"):
        st.matmul(a, a, axis=0)
    with pytest.raises(TypeError, match="threads is of the wrong kind"):
        st.matmul(a, a, threads=True)
    with pytest.raises(ValueError, match="inner dimensions differ"):
        st.matmul(a, a[:3])


def test_it_binds_as_functions_do(a):
    class Network:
        activation = st.relu

        def __array__(self, dtype=None, copy=None):
            return a

    assert (Network().activation() == st.relu(a)).all()
    assert Network.activation is st.relu


def test_symbols_are_recorded(a):
    program = st.trace(lambda x: st.relu(st.add(st.matmul(x, a), x)), a)
    assert [step.op for step in program.steps] == ["matmul", "add", "relu"]


def test_the_type_refuses_what_is_no_op():
    with pytest.raises((TypeError, RuntimeError)):
        _core.PlainCall(None, len, 1)
    with pytest.raises(TypeError):
        _core.PlainCall()
