"""Programs: what a trace writes down, what it refuses, and that it is data."""

import pickle

import numpy as np
import pytest
import stretto as st
from stretto.program import Size

RNG = np.random.default_rng(0)


def array(*shape, dtype="f4"):
    return RNG.normal(size=shape).astype(dtype)


@pytest.fixture
def net():
    return st.Sequential(st.Linear(8, 16, activation="relu", rng=1), st.Linear(16, 4, rng=2))


def test_print_is_one_line_a_step(net):
    assert str(st.trace(net, array(5, 8))).splitlines() == [
        "program(x: float32 (N, 8))",
        "  %3: float32 (N, 16) = matmul(x, 0.weight, bias=0.bias, activation='relu', precision='highest')",
        "  %6: float32 (N, 4) = matmul(%3, 1.weight, bias=1.bias, precision='highest')",
        "  return %6",
    ]


def test_types_hold_for_any_batch(net):
    program = st.trace(net, array(5, 8))
    assert program.types(3)[program.outputs[0]] == ("float32", (3, 4))
    assert program.types(0)[program.outputs[0]] == ("float32", (0, 4))


def test_equal_and_picklable(net):
    one, two = st.trace(net, array(5, 8)), st.trace(net, array(9, 8))
    assert one == two
    assert hash(one) == hash(two)
    other = st.trace(net, array(5, 8, dtype="f8"))
    assert one != other
    copy = pickle.loads(pickle.dumps(one))
    assert copy == one
    x = array(6, 8)
    np.testing.assert_array_equal(st.plan(copy, x, schedule="serial")(x), net(x))


def test_captured_arrays_are_copied_and_compared():
    w = array(8, 3)
    kept = w.copy()
    program = st.trace(lambda x: st.matmul(x, w), array(5, 8))
    w[:] = 0
    x = array(4, 8)
    np.testing.assert_array_equal(st.plan(program, x, schedule="serial")(x), st.matmul(x, kept))
    assert program != st.trace(lambda x: st.matmul(x, w), array(5, 8))


def test_batch_size_is_a_symbol(net):
    def f(x):
        assert x.ndim == 3
        assert x.dtype == np.float32
        assert isinstance(x.shape[0], Size)
        assert x.shape[1:] == (2, 4)
        return net(st.reshape(x, (x.shape[0], 8)))

    program = st.trace(f, array(5, 2, 4))
    x = array(3, 2, 4)
    np.testing.assert_array_equal(st.plan(program, x, schedule="data", workers=2)(x), net(x.reshape(3, 8)))


@pytest.mark.parametrize(
    ("misuse", "instead"),
    [
        (lambda x: x @ x, "st.matmul"),
        (lambda x: x**2, "st.pow"),
        (lambda x: x < 1, "st.where"),
        (lambda x: x == 1, "st.where"),
        (lambda x: 1 if x else 2, "st.where"),
        (lambda x: len(x), "shape"),
        (lambda x: int(x), "st functions"),
        (lambda x: float(x), "st functions"),
        (lambda x: [*x], "st.split"),
        (lambda x: x[0], "st.split or st.take"),
        (lambda x: np.asarray(x), "st functions"),
        (lambda x: np.concatenate([x, x]), "st.concat"),
        (lambda x: np.exp(x), "np.exp"),
        (lambda x: np.ones((8, 8), "f4") @ x, "st.matmul"),
        (lambda x: x.reshape(1), "st.reshape"),
        (lambda x: x.sum(), "sum"),
        (lambda x: x.shape[0] * 2, "symbol"),
        (lambda x: range(x.shape[0]), "symbol"),
        (lambda x: st.matmul(x, np.ones((8, 2), "f4"), out=np.ones((5, 2), "f4")), "out="),
        (lambda x: np.ones(3), "returned ndarray"),
    ],
)
def test_misuse_of_a_symbol_names_what_to_use(misuse, instead):
    with pytest.raises(TypeError, match=instead):
        st.trace(misuse, array(5, 8))


def test_plus_minus_times_and_divided_by_are_recorded():
    x, w = array(5, 4), array(4)

    def f(x):
        return (2 * x + w - x / 3.0) * (w + x) - (1 - x) / (2 + x * x)

    program = st.trace(f, x)
    assert {step.op for step in program.steps} == {"add", "sub", "mul", "div"}
    assert all(value.dtype == "float32" for value in program.values)
    with st.plan(program, x, schedule="data", workers=2) as plan:
        assert plan(x).tobytes() == f(x).tobytes()
    np.testing.assert_array_equal(st.plan(lambda x: -x, x, schedule="serial")(x), -x)


def test_symbol_of_an_ended_trace():
    kept = []
    st.trace(lambda x: kept.append(x) or st.matmul(x, np.ones((8, 2), "f4")), array(5, 8))
    with pytest.raises(TypeError, match="ended"):
        st.matmul(kept[0], np.ones((8, 2), "f4"))


def test_errors_of_an_op_come_at_trace():
    with pytest.raises(ValueError, match="matmul: inner dimensions differ"):
        st.trace(lambda x: st.matmul(x, np.ones((9, 2), "f4")), array(5, 8))


def test_a_size_tied_to_the_example_is_refused():
    with pytest.raises(ValueError, match="works for a batch of 5 but not of 6"):
        st.trace(lambda x: st.reshape(x, (5, 8)), array(5, 8))


def test_examples():
    with pytest.raises(TypeError, match="examples are missing"):
        st.trace(lambda: 1)
    with pytest.raises(ValueError, match="batches differ"):
        st.trace(lambda x, y: st.matmul(x, y), array(5, 8), array(8, 2))
    program = st.trace(lambda x, y: st.matmul(x, y), array(5, 8), array(8, 2), batch_axes=(0, None))
    x, y = array(7, 8), array(8, 2)
    np.testing.assert_array_equal(st.plan(program, (x, y), schedule="data", workers=3)(x, y), st.matmul(x, y))


def test_a_step_that_mixes_samples_is_marked():
    program = st.trace(lambda x: st.matmul(st.transpose(x, (1, 0)), x), array(5, 8))
    assert "mixes samples" in (program.why_not_cut() or "")
    x = array(6, 8)
    for schedule in ("serial", "intra"):
        np.testing.assert_array_equal(st.plan(program, x, schedule=schedule)(x), st.matmul(x.T.copy(), x))
    for schedule in ("data", "pipeline"):
        with pytest.raises(ValueError, match=r"step 1 \(matmul\) mixes samples"):
            st.plan(program, x, schedule=schedule, workers=2)


def test_an_array_that_is_written_between_two_uses_is_two_constants():
    mask = np.ones(3, "f4")

    def f(x):
        mask[:] = 1
        y = st.add(x, mask)
        mask[:] = 2
        return st.mul(st.mul(y, mask), mask)

    x = np.ones((2, 3), "f4")
    program = st.trace(f, x)
    assert len(program.constants) == 2
    with st.plan(program, x, schedule="serial") as plan:
        assert np.array_equal(plan(x), f(x))


def test_a_symbol_is_not_written_into_an_array():
    def add_in_place(x):
        total = np.zeros((2, 3), "f4")
        total += x
        return total

    for f in (add_in_place, lambda x: np.add(1, x, out=np.zeros((2, 3))), lambda x: np.add(1, x, dtype="f8")):
        with pytest.raises(TypeError, match="symbol"):
            st.trace(f, np.ones((2, 3), "f4"))
