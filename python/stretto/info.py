"""``python -m stretto info``: what this machine has, and what stretto uses of it."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np

from stretto import __version__, _core
from stretto.cuda import cuda_status

OPENMP_LIBRARIES = ("libgomp", "libomp", "libiomp")
OPTIONAL = {
    "ml_dtypes": ("ml_dtypes",),
    "cupy": ("cupy-cuda13x", "cupy-cuda12x", "cupy"),
    "tqdm": ("tqdm",),
    "matplotlib": ("matplotlib",),
}


def openmp_loaded() -> list[str]:
    """Return the paths of the OpenMP libraries in this process, without the first call that would load one."""
    try:
        lines = Path("/proc/self/maps").read_text(errors="replace").splitlines()
    except OSError:
        return []
    paths = {fields[5] for fields in (line.split(maxsplit=5) for line in lines) if len(fields) == 6}
    return sorted({str(Path(p).resolve()) for p in paths if Path(p).name.startswith(OPENMP_LIBRARIES)})


def version_of(module: str) -> str | None:
    """Return the version of an optional part, or None when it is not installed; nothing is imported."""
    if importlib.util.find_spec(module) is None:
        return None
    for distribution in OPTIONAL[module]:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"


def collect() -> dict[str, Any]:
    """Return all that ``info`` prints, as data for JSON."""
    machine, threads = _core.machine(), _core.threads()
    return {
        "version": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "compiler": machine["compiler"],
        "instruction_sets": {
            "built": machine["isa_built"],
            "found": machine["isa_found"],
            "chosen": machine["isa_chosen"],
        },
        "threads": {key: threads[key] for key in ("count", "reason", "affinity", "quota")},
        "engine": threads["engine"],
        "caches": {level: machine[f"{level}_bytes"] for level in ("l1d", "l2", "l3")},
        "openmp": {"specification": threads["openmp_date"] or None, "loaded": openmp_loaded()},
        "cuda": cuda_status(),
        "optional": {name: version_of(name) for name in OPTIONAL},
        "ops": len(_core.op_names()),
    }


def size(count: int) -> str:
    """Return a number of bytes as people write caches."""
    if count <= 0:
        return "none"
    return f"{count / 2**20:g} MiB" if count >= 2**20 else f"{count / 2**10:g} KiB"


def render(info: dict[str, Any]) -> str:
    """Return the lines for people."""
    sets, threads, openmp = info["instruction_sets"], info["threads"], info["openmp"]
    quota = "no CPU quota" if threads["quota"] is None else f"a CPU quota of {threads['quota']:g}"
    rows = {
        "stretto": f"{info['version']}, {info['ops']} ops",
        "python": f"{info['python']}, NumPy {info['numpy']}, {info['platform']}",
        "compiler": info["compiler"],
        "instruction sets": f"{sets['chosen']} chosen; found {', '.join(sets['found'])}; built "
        f"{', '.join(sets['built'])}",
        "threads": f"{threads['count']}, from {threads['reason']} ({threads['affinity']} CPUs in the affinity mask, "
        f"{quota})",
        "engine": info["engine"],
        "caches": ", ".join(f"{level.upper()} {size(count)}" for level, count in info["caches"].items()),
        "OpenMP": f"{', '.join(openmp['loaded']) or 'none loaded'} (built for {openmp['specification'] or 'none'})",
        "CUDA": info["cuda"],
        "optional parts": ", ".join(f"{name} {found or 'absent'}" for name, found in info["optional"].items()),
    }
    lines = [f"{name:18}{text}" for name, text in rows.items()]
    if len(openmp["loaded"]) > 1:
        lines.append("warning           more than one OpenMP runtime is loaded: they compete for the CPUs")
    return "\n".join(lines)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print what was collected."""
    info = collect()
    print(json.dumps(info, indent=2) if options.json else render(info))
    return 0
