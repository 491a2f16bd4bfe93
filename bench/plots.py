"""Draw a result of run.py or write it as Markdown.

python bench/plots.py result.json --svg result.svg --markdown result.md
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from stretto.bench.report import fastest_peer, ratio  # noqa: E402

Result = dict[str, Any]


def groups_of(result: Result) -> dict[str, list[Result]]:
    """Cases of each group, in order."""
    groups: dict[str, list[Result]] = {}
    for case in result["cases"]:
        groups.setdefault(case["group"], []).append(case)
    return groups


def names_of(result: Result) -> list[str]:
    """Libraries that took part."""
    return [name for name, peer in result["peers"].items() if "absent" not in peer]


def markdown(result: Result) -> str:
    """Tables of the result with where it was measured."""
    machine = result["machine"]
    peak = result["peak"] or {}
    versions = {key: value for peer in result["peers"].values() for key, value in peer.get("versions", {}).items()}
    lines = [
        f"{machine['model']}, {machine['cores_usable']} core(s), {result['threads']} thread(s), {result['dtype']}.",
        f"Measured on {result['date'][:10]} at commit `{(result['commit'] or 'unknown')[:12]}`.",
        "Versions: " + ", ".join(f"{key} {value}" for key, value in versions.items()) + ".",
    ]
    if peak:
        lines.append("Peak of one core: " + ", ".join(f"{key} {value:.0f}" for key, value in peak.items()) + ".")
    names = names_of(result)
    for group, cases in groups_of(result).items():
        unit = "GFLOP/s" if group in ("bmm", "conv") else "microseconds"
        lines += ["", f"| {group}, {unit} | " + " | ".join(names) + " | fastest peer / ours |"]
        lines.append("|---|" + "---:|" * (len(names) + 1))
        for case in cases:
            cells = [_cell(case, name) for name in names]
            quotient = ratio(case)
            lines.append(f"| {case['name']} | " + " | ".join([*cells, f"{quotient:.2f}" if quotient else ""]) + " |")
        best = result["summary"].get(group, {}).get("best")
        if best:
            lines += [
                "",
                f"Geometric mean {best['geometric_mean']:.2f}, worst {best['worst']:.2f} ({best['worst_case']}).",
            ]
    return "\n".join(lines) + "\n"


def _cell(case: Result, name: str) -> str:
    seconds = case["times"].get(name, {}).get("best")
    if seconds is None:
        return "-"
    return f"{case['flops'] / seconds / 1e9:.1f}" if case["group"] in ("bmm", "conv") else f"{seconds * 1e6:.2f}"


def draw(result: Result, file: Path) -> None:
    """One panel a group: the speed of each library over that of the fastest peer, which is the line at one."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups, names = groups_of(result), names_of(result)
    figure, axes = pyplot.subplots(len(groups), 1, figsize=(12, 3.2 * len(groups)), squeeze=False)
    width = 0.8 / len(names)
    for axis, (group, cases) in zip(axes[:, 0], groups.items(), strict=True):
        for i, name in enumerate(names):
            speeds = [_speed(case, name) for case in cases]
            places = [place + (i - (len(names) - 1) / 2) * width for place in range(len(cases))]
            axis.bar(places, speeds, width, label=name, color=f"C{i}")
        axis.axhline(1, color="black", linewidth=0.8)
        axis.set_xticks(range(len(cases)), [case["name"] for case in cases], rotation=35, ha="right")
        axis.set_ylabel("speed / fastest peer")
        axis.set_title(f"{group}: {result['dtype']}, {result['threads']} thread(s), {result['machine']['model']}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=len(names), fontsize="small")
    figure.tight_layout(rect=(0, 0.1 / len(groups), 1, 1))
    figure.savefig(file)
    pyplot.close(figure)


def _speed(case: Result, name: str) -> float:
    peer, seconds = fastest_peer(case), case["times"].get(name, {}).get("best")
    return float(peer[1] / seconds) if peer and seconds else 0.0


def main(command: list[str] | None = None) -> int:
    """Write what is asked for; Markdown to stdout when nothing is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("result", type=Path)
    parser.add_argument("--svg", type=Path, help="or any other suffix that matplotlib writes")
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args(command)
    result = json.loads(arguments.result.read_text(encoding="utf-8"))
    if arguments.svg:
        draw(result, arguments.svg)
    if arguments.markdown:
        arguments.markdown.write_text(markdown(result), encoding="utf-8")
    elif not arguments.svg:
        print(markdown(result), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
