"""Timelines as SVG: a picture that needs no program of ours to be looked at, on white and on black."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from stretto.timeline.chart import PHASES, Box, Chart, Group, as_text, key_of, marks

if TYPE_CHECKING:
    from stretto.timeline.spans import Span

__all__ = ["svg_of"]

# Paul Tol's "light" scheme: told apart by the colour-blind, carries dark letters, stands out on white and on black.
COLOURS = ("#77aadd", "#ee8866", "#44bb99", "#eedd88", "#ffaabb", "#bbcc33", "#99ddff", "#aaaa00")
INK = "#1b1f24"  # on the colours
GREY = "#767676"  # on the page: contrast 4.5 on white, 4.2 on a dark page
WHITE = {"F": 0.0, "B": 0.35, "W": 0.65}  # how much of it is mixed in

LANE, GAP, HEADING, AXIS, LEGEND, MARGIN = 26, 5, 28, 40, 20, 14
LETTER = 6.6  # pixels of a label, on average
PERCENT = 48  # pixels right of the lanes
MARK = 80  # pixels between two marks of the axis, at least
NARROWEST_LANE = 100
NARROWEST_STEP = 2.0

STYLE = (
    f"text{{font:12px ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:{GREY}}}"
    "text.heading{font-size:13px;font-weight:600}"
    "text.right{text-anchor:end}"
    "text.mark{font-size:11px;text-anchor:middle}"
    f"text.label{{font-size:11px;fill:{INK};text-anchor:middle;pointer-events:none}}"
    f".lane{{fill:{GREY};fill-opacity:.12}}"
    f".rule{{stroke:{GREY};stroke-opacity:.4}}"
)


@dataclass(frozen=True, slots=True)
class Page:
    """Where time lies on the page: pixels from ``left`` to ``right``."""

    left: float
    right: float
    seconds: float

    def x(self, seconds: float) -> float:
        return self.left + self.width(seconds)

    def width(self, seconds: float) -> float:
        return seconds / self.seconds * (self.right - self.left) if self.seconds else 0.0

    def marks(self) -> list[tuple[float, str]]:
        return marks(self.seconds, (self.right - self.left) / MARK)


def svg_of(chart: Chart, width: int) -> str:
    """One lane a worker, coloured by stage, paler for gradients; titles say what, where and when."""
    longest = max((len(lane.label) for group in chart.groups for lane in group.lanes), default=0)
    page = Page(MARGIN + longest * LETTER + 12, width - MARGIN - PERCENT, chart.seconds)
    if page.right - page.left < NARROWEST_LANE:
        least = int(page.left + NARROWEST_LANE + PERCENT + MARGIN) + 1
        raise ValueError(f"draw: width is out of range: {width}; it must be at least {least} pixels")
    body: list[str] = []
    top = MARGIN
    for group in chart.groups:
        body.append(_text(MARGIN, top + 15, group.heading, "heading"))
        top += HEADING
        body += _grid(group, page, top)
        for lane in group.lanes:
            for box in lane.boxes:
                body += _box(box, group, page, top)
            top += LANE + GAP
    body += _axis(page, top)
    top += AXIS
    for row in _rows(_legend(chart), width - MARGIN):
        body += [_swatch(x, top, text, colour) for x, text, colour in row]
        top += LEGEND
    height = top + MARGIN // 2
    title = "Timeline: " + ", ".join(group.heading for group in chart.groups)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img"><title>{escape(title)}</title><style>{STYLE}</style>'
    )
    return "\n".join([head, *body, "</svg>"])


def _grid(group: Group, page: Page, top: int) -> Iterator[str]:
    """What lies behind the boxes: the workers' names, their lanes, and the marks of time."""
    for number, lane in enumerate(group.lanes):
        y = top + number * (LANE + GAP)
        yield _text(MARGIN, y + 17, lane.label)
        yield _text(page.right + PERCENT, y + 17, f"{100 * lane.busy:.0f} %", "right")
        yield _rectangle(page.left, y, page.right - page.left, 'class="lane"')
    bottom = top + len(group.lanes) * (LANE + GAP)
    for seconds, _ in page.marks():
        yield _line(page.x(seconds), top - GAP, page.x(seconds), bottom)


def _box(box: Box, group: Group, page: Page, top: int) -> Iterator[str]:
    """A rectangle for each step, the whole labelled."""
    parts = _parts(box.spans, page)
    paint = f'fill="{_colour(box.colour, box.spans[0].phase)}"'
    for part in parts:
        begin, end = _extent(part)
        gap = 1.5 if part is parts[-1] else 0.5
        yield _rectangle(page.x(begin), top, max(page.width(end - begin) - gap, 0.25), paint, _title(part, group))
    # In the first step that has room, so that no edge crosses the letters; else across all.
    for label in box.labels:
        for begin, end in (*map(_extent, parts), _extent(box.spans)):
            if len(label) * LETTER + 4 <= page.width(end - begin):
                yield _text(page.x((begin + end) / 2), top + 17, label, "label")
                return


def _parts(spans: Sequence[Span], page: Page) -> list[list[Span]]:
    """The steps that are drawn as one: those too narrow to be seen go with the next, or the last."""
    parts: list[list[Span]] = []
    narrow: list[Span] = []
    for span in spans:
        narrow.append(span)
        if page.width(narrow[-1].end - narrow[0].begin) >= NARROWEST_STEP:
            parts.append(narrow)
            narrow = []
    if narrow and parts:
        parts[-1].extend(narrow)
    return parts or [narrow]


def _extent(spans: Sequence[Span]) -> tuple[float, float]:
    return spans[0].begin, max(s.end for s in spans)


def _title(spans: Sequence[Span], group: Group) -> str:
    first, last = spans[0], spans[-1]
    steps = f"step {first.step} ({first.name})" if len(spans) == 1 else f"steps {first.step} to {last.step}"
    taken = last.end - first.begin
    text = (
        f"{steps}, stage {first.stage}, micro-batch {first.micro_batch}, {PHASES[first.phase]}\n"
        f"{as_text(first.begin)} to {as_text(last.end)}: {as_text(taken)}"
    )
    foretold = [group.predicted.get(key_of(s)) for s in spans]
    if None not in foretold:
        text += f", predicted {as_text(sum(f for f in foretold if f is not None))}"
    return text


def _axis(page: Page, top: int) -> Iterator[str]:
    yield _line(page.left, top, page.right, top)
    for seconds, text in page.marks():
        yield _text(page.x(seconds), top + 15, text, "mark")


def _legend(chart: Chart) -> Iterator[tuple[str, str]]:
    """Texts and colours."""
    for stage, steps in chart.stages:
        yield f"S{stage}  {steps}", _colour(stage, "F")
    for phase in chart.phases:
        yield f"{phase}  {PHASES[phase]}", _colour(chart.stages[0][0] if chart.stages else 0, phase)


def _rows(legend: Iterable[tuple[str, str]], right: float) -> list[list[tuple[float, str, str]]]:
    """The entries of the legend with their places, as many in a row as it holds."""
    rows: list[list[tuple[float, str, str]]] = []
    x = right
    for text, colour in legend:
        wide = 36 + len(text) * LETTER
        if x + wide > right:
            rows.append([])
            x = MARGIN
        rows[-1].append((x, text, colour))
        x += wide
    return rows


def _swatch(x: float, top: int, text: str, colour: str) -> str:
    return f'<rect x="{x:.2f}" y="{top}" width="12" height="12" rx="2" fill="{colour}"/>' + _text(
        x + 18, top + 10, text
    )


def _colour(stage: int, phase: str) -> str:
    """The stage's colour, paler for gradients."""
    white = WHITE[phase]
    channels = bytes.fromhex(COLOURS[stage % len(COLOURS)][1:])
    return "#" + bytes(round(c + (255 - c) * white) for c in channels).hex()


def _line(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line class="rule" x1="{x:.2f}" y1="{y}" x2="{to_x:.2f}" y2="{to_y}"/>'


def _rectangle(x: float, top: int, width: float, attributes: str, title: str = "") -> str:
    tag = f'<rect x="{x:.2f}" y="{top}" width="{width:.2f}" height="{LANE}" rx="2" {attributes}'
    return f"{tag}><title>{escape(title)}</title></rect>" if title else f"{tag}/>"


def _text(x: float, y: float, text: str, style: str = "") -> str:
    of_style = f' class="{style}"' if style else ""
    return f'<text x="{x:.2f}" y="{y}"{of_style}>{escape(text)}</text>'
