"""The arrows between the parts, as docs/architecture.md draws them, and what must not creep in."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "python" / "stretto"

# A part includes itself and what stands before it.
CPP_LEVELS = {"base": 0, "simd": 1, "cuda": 1, "kernels": 2, "ops": 3, "execute": 4, "bindings": 5}
PYTHON_LEVELS = {
    name: level
    for level, names in enumerate(
        (
            {"_core"},
            {"threads", "headers", "ops", "progress", "cuda"},
            {"program", "timeline"},
            {"inputs", "symbol"},
            {"tracing"},
            {"gradient", "rewrite"},
            {"layers"},
            {"schedule", "importers"},
            {"opening", "rehearsal", "budget", "gpu_flow"},
            {"channels", "player", "python_stages"},
            {"gpu_channels", "feed", "submission"},
            {"stream"},
            {"serve"},
            {"runner"},
            {"measuring"},
            {"timing"},
            {"layout", "gpu_planning"},
            {"planning"},
            {"jobs", "train"},
            {"distributed"},
            {"__init__", "__main__", "cli", "info", "demo", "bench"},
        )
    )
    for name in names
}
BANNED_NAMES = {"utils", "helpers", "common", "misc"}
BUILD_FILES = tuple(
    ROOT / f
    for f in ("CMakeLists.txt", "csrc/CMakeLists.txt", "csrc/bindings/CMakeLists.txt", "csrc/cuda/CMakeLists.txt")
)
LINE_LIMIT = 500
CPP = sorted(p for p in CSRC.rglob("*") if p.suffix in {".h", ".cpp", ".inc", ".cu"})
OWN = sorted(
    p
    for folder in ("csrc", "python", "tests", "bench", "examples", "docs")
    for p in (ROOT / folder).rglob("*")
    if p.suffix in {".h", ".cpp", ".inc", ".cu", ".cuh", ".py", ".pyi", ".md"}
)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def includes(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s+["<]([^">]+)[">]', path.read_text(), re.MULTILINE)


def op_folder(path: str) -> str | None:
    """The folder of a kernel; None for what all kernels may share."""
    parts = path.split("/")
    return parts[1] if parts[0] == "kernels" and len(parts) > 2 and parts[1] != "tile" else None


def test_includes_follow_the_layers() -> None:
    wrong = []
    for path in CPP:
        own = str(path.relative_to(CSRC))
        if own.split("/")[0] not in CPP_LEVELS:
            continue
        for included in includes(path):
            part = included.split("/")[0]
            if part not in CPP_LEVELS or "/" not in included:
                continue
            upward = CPP_LEVELS[part] > CPP_LEVELS[own.split("/")[0]]
            sideways = op_folder(included) is not None and own.startswith("kernels/")
            if upward or (sideways and op_folder(included) != op_folder(own)):
                wrong.append(f"{own} includes {included}")
    assert wrong == []


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"#include <pybind11|#include <Python\.h>", r"bindings/"),
        (
            r'pybind11/numpy\.h|"numpy"|"cupy"|"ml_dtypes"|__cuda_array_interface__',
            r"bindings/(arrays|cupy\w*)\.(h|cpp)$",
        ),
        (r"#pragma omp|\bomp_\w+\(|<omp\.h>", r"base/parallel\w*\.(h|cpp)$"),
        (r"#include <thread>|\bstd::(thread|jthread|async)\b", r"base/(parallel\w*|worker)\.(h|cpp)$"),
    ],
)
def test_only_one_part_knows(pattern: str, allowed: str) -> None:
    outside = [p for p in CPP if not re.match(allowed, str(p.relative_to(CSRC)))]
    assert [relative(p) for p in outside if re.search(pattern, p.read_text())] == []


def imported_parts(path: Path) -> set[str]:
    """The parts of stretto that a file imports when it runs, wherever the import stands."""

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}: relative import"
            names.extend([f"stretto.{a.name}" for a in node.names] if node.module == "stretto" else [node.module or ""])
        for child in ast.iter_child_nodes(node):
            visit(child)

    names: list[str] = []
    visit(ast.parse(path.read_text()))
    return {(name.split(".")[1:] or ["__init__"])[0] for name in names if name.split(".")[0] == "stretto"}


def test_python_imports_follow_the_layers() -> None:
    top = PYTHON_LEVELS["__init__"]  # these may import anything
    imports = []
    for path in PACKAGE.rglob("*.py"):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        assert own in PYTHON_LEVELS, f"{own}: give it its place in PYTHON_LEVELS"
        if PYTHON_LEVELS[own] < top:
            imports += [(path, own, part) for part in imported_parts(path) - {own}]
    wrong = [(path, part) for path, own, part in imports if PYTHON_LEVELS.get(part, top) >= PYTHON_LEVELS[own]]
    assert [f"{relative(path)} imports stretto.{part}" for path, part in wrong] == []


def test_file_sizes() -> None:
    files = [*OWN, *BUILD_FILES, *(p for p in (ROOT / ".ci").iterdir() if p.is_file())]
    assert [relative(p) for p in files if len(p.read_text().splitlines()) > LINE_LIMIT] == []


def test_names() -> None:
    assert [relative(p) for p in OWN if BANNED_NAMES & {part.split(".")[0] for part in p.relative_to(ROOT).parts}] == []


def test_flags_of_the_contract() -> None:
    text = re.sub(r"#.*", "", "".join(path.read_text() for path in BUILD_FILES))
    assert "-ffp-contract=off" in text
    for flag in ("-fmad=false", "-ftz=false", "-prec-div=true", "-prec-sqrt=true"):
        assert flag in text
    for flag in (
        "--use_fast_math",
        "-use_fast_math",
        "-ffast-math",
        "-Ofast",
        "-funsafe-math-optimizations",
        "-march=native",
        "-mtune=native",
    ):
        assert flag not in text


def objects(target: str) -> list[Path]:
    """Objects of the targets whose name matches, from the newest build of the extension."""
    modules = sorted(ROOT.glob("build/*/csrc/bindings/_core*.so"), key=lambda p: p.stat().st_mtime)
    if not modules:
        pytest.skip("no build folder beside the tests: build with pip install . from this folder")
    return sorted(modules[-1].parents[1].glob(f"CMakeFiles/{target}.dir/**/*.o"))


def output_of(tool: str, *arguments: object) -> str:
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} on this machine")
    return subprocess.run([tool, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def test_wide_objects_share_no_symbol_with_the_baseline() -> None:
    """The linker keeps one copy of a weak function: were it a wide one, CPUs without the set would crash."""
    wrong = []
    assert objects("kernels_*")
    for path in objects("kernels_*"):
        isa = re.search(r"kernels_(\w+)\.dir", str(path)).group(1)
        for line in output_of("nm", "-C", "--defined-only", path).splitlines():
            kind, name = re.match(r"\S* +(\S) (.*)", line).groups()
            if kind == "W" and f"stretto::{isa}::" not in name:
                wrong.append(f"{path.name}: {name}")
    assert wrong == []


def test_baseline_objects_have_no_wide_instructions() -> None:
    listing = output_of("objdump", "-d", "--no-show-raw-insn", *objects("stretto_native"))
    assert "Disassembly" in listing
    assert not re.search(r"%[yz]mm", listing)
