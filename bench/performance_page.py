"""The text of docs/performance.md, a function of the measured results alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from stretto import info
from stretto.bench.report import by_group, cell, fastest_peer, fraction, median_fraction, ratio, unit_of

from bench.schedules.result import duration

__all__ = ["figures_of", "page"]

Result: TypeAlias = dict[str, Any]

INTRODUCTION = """\
Written by `python -m bench.performance` from `bench/results/kernels/*.json`: no figure is typed by hand. With `measure
--peers-python PATH` behind it that command measures anew; `python -m stretto bench` measures the suites of your choice
on your machine."""

METHOD = """\
* Every library runs in a process of its own, its threads pinned; the processes take turns on one case, so that a busy
  moment of the machine hits them all. The time of a library is the best of all its samples.
* A result is verified against float64 before it is timed.
* Data is standard normal. Weights of convolutions are constants: ours are prepared, ONNX Runtime's and OpenVINO's
  belong to the model; PyTorch takes them as they are, contiguous and channels last. *Plain* is our call without
  `prepare` and `out=`.
* *Ratio* is the time of the fastest other library over ours: above 1 we are faster.
* *Roofline* is the least time that the machine allows over ours: the larger of the operations at the measured fma rate
  and the compulsory bytes (inputs once, output once) at the measured rate of a stream through a working set of that
  size. *Limit* says which: `flops`, or the level of memory that holds the data.
* bfloat16 follows the order of sums of [the contract](numerics.md) on every CPU; its roofline is that of float32
  arithmetic."""


TOGETHER = """\
A product of two 384x384 matrices by each library: in a process of its own (*alone*), and in a process where all of them
call one after the other (*in turns*). Threads that spin after a call are in the way of the next library."""


def name_of(result: Result) -> str:
    """Dtype and threads."""
    return f"{result['dtype']}, {result['threads']} thread{'s' if result['threads'] > 1 else ''}"


def stem_of(result: Result) -> str:
    """Part of a file's name."""
    return f"{result['dtype']}_{result['threads']}"


def figures_of(results: Sequence[Result]) -> dict[str, tuple[str, Sequence[Result]]]:
    """The plots of the page: file name, what is drawn, of which results."""
    figures: dict[str, tuple[str, Sequence[Result]]] = {}
    for result in results:
        figures[f"ratios_{stem_of(result)}.svg"] = ("ratios", [result])
        if result["threads"] == 1:
            figures[f"roofline_{stem_of(result)}.svg"] = ("roofline", [result])
    for dtype in dict.fromkeys(result["dtype"] for result in results):
        own = [result for result in results if result["dtype"] == dtype]
        if len(own) > 1 and own[0]["threads"] == 1:
            figures[f"scaling_{dtype}.svg"] = ("scaling", own)
    return figures


def page(results: Sequence[Result], coexistence: Result) -> str:
    """The whole page, as Markdown."""
    lines = [
        "# Performance",
        "",
        INTRODUCTION,
        "",
        *machine(results),
        "",
        "## Method",
        "",
        METHOD,
        "",
        *summary(results),
        "",
        *slower(results),
    ]
    for result in results:
        lines += [*details(result), ""]
    scaled = [name for name, (what, _) in figures_of(results).items() if what == "scaling"]
    if scaled:
        lines += ["## Scaling", "", *(f"![several threads against one](figures/{name})" for name in scaled)]
        lines.append("")
    lines += together(coexistence)
    return "\n".join(lines).rstrip() + "\n"


def machine(results: Sequence[Result]) -> Iterator[str]:
    """What was measured where."""
    first = results[0]
    where = first["machine"]
    family = f" (family {where['family']}, model {where['model_number']})" if where["family"] else ""
    virtual = ", a virtual machine" if where["hypervisor"] else ""
    yield from ("## Machine", "")
    yield f"* {where['model']}{family}, {where['cores_usable']} core(s){virtual}"
    yield f"* instruction sets: {' '.join(where['flags'])}; stretto chose {first['peaks']['isa']}"
    yield f"* caches: {', '.join(f'{level} {size}' for level, size in where['caches'].items())}"
    versions = {
        key: value for result in results for peer in result["peers"].values() for key, value in peer_versions(peer)
    }
    yield f"* versions: {', '.join(f'{key} {value}' for key, value in versions.items())}"
    absent = dict.fromkeys(n for result in results for n, peer in result["peers"].items() if "absent" in peer)
    if absent:
        yield f"* absent: {', '.join(absent)}"
    yield from ("", "| run | date | commit | seconds a case and library | turns |", "|---|---|---|---:|---:|")
    for result in results:
        state = f"`{result['commit'][:12]}`" + (" with changes" if "+" in result["commit"] else "")
        yield f"| {name_of(result)} | {result['date'][:10]} | {state} | {result['seconds']:g} | {result['rounds']} |"
    yield from ("", "What the machine reached in these runs:", "")
    yield "| threads | instruction set | float32 GFLOP/s | float64 GFLOP/s |"
    yield "|---:|---|---:|---:|"
    for result in widest_by_threads(results):
        for isa, own in result["peaks"]["flops"].items():
            yield f"| {result['threads']} | {isa} | {own['float32'] / 1e9:.0f} | {own['float64'] / 1e9:.0f} |"
    yield from ("", "| threads | working set | read GB/s | copy GB/s | write GB/s |", "|---:|---:|---:|---:|---:|")
    for result in widest_by_threads(results):
        peaks = result["peaks"]
        for size, own in zip(peaks["sizes"], peaks["streams"], strict=True):
            rates = " | ".join(f"{own[kind] / 1e9:.1f}" for kind in ("read", "copy", "write"))
            yield f"| {result['threads']} | {info.size(size)} | {rates} |"


def peer_versions(peer: Result) -> Iterator[tuple[str, str]]:
    """Names and versions, without what a library says of its own build."""
    for key, value in peer.get("versions", {}).items():
        if key not in ("isa", "mkl"):
            yield key, value.split(" (")[0].removeprefix("Intel(R) MKL-DNN v").split("-releases")[0]


def widest_by_threads(results: Sequence[Result]) -> list[Result]:
    """One result for each number of threads: the peaks do not depend on the rest."""
    return list({result["threads"]: result for result in reversed(results)}.values())[::-1]


def summary(results: Sequence[Result]) -> Iterator[str]:
    """A line for each run and suite."""
    yield from ("## Summary", "")
    yield "| run | suite | cases | ratio: geometric mean | worst | plain: geometric mean | worst | roofline: median |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for result in results:
        for group, rows in by_group(result["cases"]).items():
            share = median_fraction(rows)
            yield (
                f"| {name_of(result)} | {group} | {len(rows)} | {_mean_and_worst(rows, 'stretto')}"
                f" | {_mean_and_worst(rows, 'stretto-plain')} | {'' if share is None else f'{share:.2f}'} |"
            )
    share = median_fraction([row for result in results for row in result["cases"]])
    yield ""
    yield f"Median fraction of the roofline over all: {'none' if share is None else f'{share:.2f}'}."


def _mean_and_worst(rows: Sequence[Result], ours: str) -> str:
    ratios = {row["name"]: found for row in rows if (found := ratio(row, ours)) is not None}
    if not ratios:
        return " | "
    worst = min(ratios, key=lambda name: ratios[name])
    return f"{math.exp(sum(map(math.log, ratios.values())) / len(ratios)):.2f} | {ratios[worst]:.2f} ({worst})"


def slower(results: Sequence[Result]) -> Iterator[str]:
    """Every case in which another library is faster."""
    yield from ("## Where another library is faster", "")
    for result in results:
        rows = sorted((row for row in result["cases"] if (ratio(row) or 1) < 1), key=lambda row: ratio(row) or 1)
        timed = sum(ratio(row) is not None for row in result["cases"])
        yield f"{name_of(result)[0].upper()}{name_of(result)[1:]}: {len(rows)} of {timed} cases."
        yield ""
        for row in rows:
            peer, share = fastest_peer(row), fraction(row)
            assert peer is not None
            limit = "" if share is None else f"; ours reaches {share:.2f} of the {row['bound']['by']} limit"
            yield f"* {ratio(row):.3f}: `{row['name']}` ({row['group']}), {peer[0]}{limit}"
        if rows:
            yield ""


def together(result: Result) -> Iterator[str]:
    """Several libraries in one process."""
    yield from ("## Several libraries in one process", "")
    yield TOGETHER
    yield ""
    yield "| threads | library | alone | in turns | in turns / alone | 99 %: alone | in turns |"
    yield "|---:|---|---:|---:|---:|---:|---:|"
    for row in result["rows"]:
        alone, turns = row["alone"], row["turns"]
        times = [duration(own["median"]) for own in (alone, turns)]
        tails = [duration(own["percentile_99"]) for own in (alone, turns)]
        cells = [str(row["threads"]), row["library"], *times, f"{turns['median'] / alone['median']:.2f}", *tails]
        yield f"| {' | '.join(cells)} |"


def details(result: Result) -> Iterator[str]:
    """All cases of a run, with plots."""
    yield from (f"## {name_of(result)[0].upper()}{name_of(result)[1:]}", "")
    if result["threads"] == 1:
        yield from (f"![fraction of the peak against intensity](figures/roofline_{stem_of(result)}.svg)", "")
    yield f"![our speed over each library's](figures/ratios_{stem_of(result)}.svg)"
    for group, rows in by_group(result["cases"]).items():
        names = [name for name in result["peers"] if any("best" in row["times"].get(name, {}) for row in rows)]
        yield ""
        yield f"| {group}, {unit_of(group)} | {' | '.join(names)} | ratio | roofline | limit |"
        yield "|---|" + "---:|" * (len(names) + 2) + "---|"
        for row in rows:
            quotient, share = ratio(row), fraction(row)
            numbers = ["" if number is None else f"{number:.2f}" for number in (quotient, share)]
            cells = [cell(row, name) for name in names] + numbers
            yield f"| {row['name']} | {' | '.join(cells)} | {row['bound']['by'] if row['bound'] else ''} |"
