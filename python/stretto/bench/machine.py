"""What a result must say of where it was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["describe"]

# The flags that decide which kernels a library chooses.
FLAGS = """
avx avx2 fma f16c avx512f avx512bw avx512vl avx512dq avx512_vnni avx512_bf16 avx512_fp16
amx_tile amx_bf16 amx_int8 asimd asimdhp bf16 sve sve2
"""


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def describe() -> dict[str, Any]:
    """Model, instruction sets, cores and caches, from lscpu and the operating system."""
    rows = dict(line.split(":", 1) for line in _output("lscpu").splitlines() if ":" in line)
    present = set(rows.get("Flags", "").split())
    return {
        "model": rows.get("Model name", platform.processor()).strip(),
        "family": _number(rows, "CPU family"),
        "model_number": _number(rows, "Model"),
        "architecture": platform.machine(),
        "flags": [flag for flag in FLAGS.split() if flag in present],
        "cores": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)),
        "caches": {key: value.strip() for key, value in rows.items() if "cache" in key},
        "hypervisor": rows.get("Hypervisor vendor", "").strip() or None,
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load": os.getloadavg()[0],
        "system": f"{platform.system()}, {' '.join(platform.libc_ver())}",
        "python": platform.python_version(),
    }


def _number(rows: dict[str, str], key: str) -> int | None:
    text = rows.get(key, "").strip()
    return int(text) if text.isdecimal() else None


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return None
