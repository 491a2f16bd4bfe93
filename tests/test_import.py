"""What ``import stretto`` costs, and what it does not load."""

import re
import subprocess
import sys
from pathlib import Path

import stretto
from stretto import _core


def import_seconds(*names: str) -> list[float]:
    """Times of importing modules one after the other, from the interpreter's own clock."""
    code = f"import {', '.join(names)}"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    found = [re.search(rf"\|\s+(\d+) \| {name}$", done.stderr, re.MULTILINE) for name in names]
    return [int(match.group(1)) / 1e6 for match in found]


MOST = 0.75  # of the time of ``import numpy``


def test_import_takes_a_part_of_the_time_of_numpys() -> None:
    shares = []
    for _ in range(7):  # the least of several: the machine may be busy
        numpys, ours = import_seconds("numpy", "stretto")
        shares.append(ours / numpys)
        if shares[-1] <= MOST:
            break
    print(f"import stretto: {min(shares):.2f} of the time of import numpy before it")
    assert min(shares) <= MOST


def test_optional_and_heavy_modules_stay_out() -> None:
    code = "import sys, numpy; before = set(sys.modules); import stretto; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = done.stdout.split()
    assert {"stretto.cuda", "stretto._cuda"}.isdisjoint(names)
    loaded = {name.split(".")[0] for name in names}
    assert loaded.isdisjoint({"ml_dtypes", "cupy", "tqdm", "matplotlib", "scipy", "torch", "onnx", "argparse"})


def test_importing_prints_nothing() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", "import stretto"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_size_of_the_extension() -> None:
    size = Path(_core.__file__).stat().st_size
    print(f"{Path(_core.__file__).name}: {size / 2**20:.2f} MiB")
    assert size <= 16 << 20  # the wheel, which .ci/run checks, is it compressed


def test_all_names_exist() -> None:
    assert all(hasattr(stretto, name) for name in stretto.__all__)
    assert len(set(stretto.__all__)) == len(stretto.__all__)
