"""How requests and servers end: given up, cancelled, closed, interrupted, forked."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import CancelledError

import numpy as np
import pytest
from stretto.serve import Server

from tests.serve.gate import NET, X


def test_a_timeout_gives_the_request_up(gate):
    with Server(gate) as server:
        server.submit(X[0])
        assert gate.came.acquire(timeout=30)
        with pytest.raises(TimeoutError, match=r"serve: no result in 0.01 seconds; 1 requests wait"):
            server(X[1], timeout=0.01)
        gate.open()
    assert gate.sizes == [1]


def test_a_cancelled_request_is_not_run(gate):
    with Server(gate, max_wait=0) as server:
        server.submit(X[0])
        assert gate.came.acquire(timeout=30)
        futures = [server.submit(x) for x in X[1:4]]
        assert futures[1].cancel()
        gate.open()
        np.testing.assert_array_equal(futures[2].result(30), NET(X[3:4])[0])
        assert gate.sizes == [1, 2]


@pytest.mark.parametrize("cancel", [False, True])
def test_closing_finishes_or_cancels_what_waits(gate, cancel):
    server = Server(gate)
    running = server.submit(X[0])
    assert gate.came.acquire(timeout=30)
    waiting = server.submit(X[1])
    gate.open()
    server.close(cancel=cancel)
    np.testing.assert_array_equal(running.result(0), NET(X[:1])[0])
    if cancel:
        with pytest.raises(CancelledError):
            waiting.result(0)
    else:
        np.testing.assert_array_equal(waiting.result(0), NET(X[1:2])[0])
    with pytest.raises(ValueError, match="serve: the server is closed"):
        server(X[0])
    server.close()


def test_an_error_in_the_context_cancels_what_waits(gate):
    server = Server(gate)
    server.submit(X[0])
    assert gate.came.acquire(timeout=30)
    waiting = server.submit(X[1])
    gate.open()
    with pytest.raises(ZeroDivisionError), server:
        raise ZeroDivisionError
    assert waiting.cancelled()


def test_closing_wakes_those_who_wait_for_room(gate):
    server = Server(gate, max_queue=1)
    server.submit(X[0])
    assert gate.came.acquire(timeout=30)
    server.submit(X[1])
    errors = []

    def ask():
        try:
            server.submit(X[2])
        except ValueError as error:
            errors.append(str(error))

    caller = threading.Thread(target=ask)
    caller.start()
    closer = threading.Thread(target=server.close)
    closer.start()
    caller.join(30)
    gate.open()
    closer.join(30)
    assert errors == ["serve: the server is closed; make a new one"]


def test_a_callback_may_close_the_server(gate):
    gate.open()
    server = Server(gate)
    closed = threading.Event()
    server.submit(X[0]).add_done_callback(lambda _: (server.close(), closed.set()))
    assert closed.wait(30)
    with pytest.raises(ValueError, match="closed"):
        server(X[0])


def test_control_c_ends_the_wait_of_a_caller(gate):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Server(gate) as server:
            server.submit(X[0])
            assert gate.came.acquire(timeout=30)
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            with pytest.raises(KeyboardInterrupt):
                server(X[1], timeout=30)
            gate.open()
        assert gate.sizes == [1]
    finally:
        signal.signal(signal.SIGINT, before)


START = """
import os, threading, time
import numpy as np, stretto as st
from stretto.serve import Server
x = np.ones((8, 8), "f4")
net = st.Linear(8, 8, rng=0)
server = Server(st.plan(net, x, schedule="serial"))
expected = net(x[:1])[0].tobytes()
"""


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )


def test_the_exit_of_the_interpreter_finishes_what_waits():
    done = run_python("""
    for i in range(100):
        server.submit(x[0]).add_done_callback(lambda f: os.write(1, b"." if f.result().tobytes() == expected else b"!"))
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "." * 100, "")


def test_the_exit_of_the_interpreter_does_not_wait_for_callers_without_end():
    done = run_python("""
    def ask():
        while True:
            try:
                server(x[0])
            except (ValueError, RuntimeError):
                time.sleep(0.01)
    for _ in range(8):
        threading.Thread(target=ask, daemon=True).start()
    while server.stats().requests < 100:
        time.sleep(0.01)
    """)
    assert (done.returncode, done.stderr) == (0, "")


def test_fork():
    done = run_python("""
    server(x[0])
    pid = os.fork()
    if pid == 0:
        try:
            server(x[0])
        except RuntimeError as error:
            print(error, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    assert server(x[0]).tobytes() == expected
    """)
    assert done.returncode == 0, done.stderr
    assert "serve: the process was forked after the server was made; make one in the child" in done.stdout
