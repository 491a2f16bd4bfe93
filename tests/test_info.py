"""``python -m stretto info`` and the manners of the command line."""

import json
import os
import subprocess
import sys

import pytest
import stretto as st
from stretto import cli, info


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "stretto", *arguments], env=os.environ | environment, capture_output=True, text=True
    )


def test_json() -> None:
    done = command("info", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["version"] == st.__version__
    assert data["instruction_sets"]["chosen"] in data["instruction_sets"]["found"]
    assert set(data["instruction_sets"]["built"]) >= {"reference"}
    assert data["threads"]["count"] >= 1
    assert data["engine"] in {"claim", "openmp"}
    assert data["caches"]["l1d"] >= 8 << 10
    assert set(data["optional"]) == {"ml_dtypes", "cupy", "tqdm", "matplotlib"}
    assert data["ops"] == len(st._core.op_names())


def test_text_says_why_that_many_threads() -> None:
    done = command("info", STRETTO_NUM_THREADS="3")
    assert done.returncode == 0, done.stderr
    assert "3, from STRETTO_NUM_THREADS" in done.stdout
    assert done.stderr == ""


def test_a_forced_instruction_set() -> None:
    assert (
        json.loads(command("info", "--json", STRETTO_ISA="reference").stdout)["instruction_sets"]["chosen"]
        == "reference"
    )
    wrong = command("info", STRETTO_ISA="mmx")
    assert wrong.returncode == 1
    assert "unknown instruction set mmx" in wrong.stderr


def test_a_wrong_engine_is_an_error() -> None:
    assert "STRETTO_ENGINE: unknown engine: cilk" in command("info", STRETTO_ENGINE="cilk").stderr


def test_more_than_one_openmp_is_said() -> None:
    data = info.collect()
    data["openmp"]["loaded"] = ["/a/libgomp.so.1", "/b/libomp.so"]
    assert "more than one OpenMP runtime" in info.render(data)


@pytest.mark.parametrize("arguments", [[], ["inf"], ["info", "--js"], ["--vers"], ["nonsense"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as error:
        cli.main(arguments)
    assert error.value.code == 2
    assert "usage: stretto" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"stretto {st.__version__}\n"


def test_every_command_is_there() -> None:
    for name in cli.COMMANDS:
        done = command(name, "--help")
        assert done.returncode == 0, done.stderr
        assert "--json" in done.stdout


def test_a_reader_that_leaves_is_no_traceback() -> None:
    pipe = subprocess.Popen([sys.executable, "-m", "stretto", "info"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pipe.stdout.close()
    assert pipe.stderr.read() == b""
    pipe.stderr.close()
    pipe.wait()
