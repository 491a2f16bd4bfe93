"""Compiles C and Cython sources the way a user would, warnings being errors."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import stretto as st

INCLUDES = [f"-I{st.get_include()}", f"-I{sysconfig.get_path('include')}"]


def run(*command: object) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def shared_library(source: Path, to: Path, *flags: str) -> Path:
    run("cc", "-shared", "-fPIC", "-O0", "-Wall", "-Wextra", "-Werror", *flags, *INCLUDES, source, "-o", to)
    return to


def cython_module(source: Path, folder: Path) -> Path:
    c_file = folder / f"{source.stem}.c"
    # Nothing says where the .pxd is: Cython looks along sys.path.
    run(sys.executable, "-m", "cython", "-3", "-Werror", source, "-o", c_file)
    # What Cython itself writes has unused parameters.
    return shared_library(c_file, folder / f"{source.stem}{EXTENSION_SUFFIXES[0]}", "-Wno-unused-parameter")
