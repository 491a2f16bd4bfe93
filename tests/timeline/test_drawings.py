"""Drawings of timelines, letter for letter where they are text, as a tree where they are SVG."""

import textwrap
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
import stretto as st
from stretto.timeline import Span, Timeline
from stretto.timeline.chart import as_text, marks, with_predicted

SVG = "{http://www.w3.org/2000/svg}"


def pipeline(stages: int, batches: int, step: float = 1.0, kind: str = "predicted") -> Timeline:
    """Two steps a stage, each half a ``step`` long."""
    names = ("conv2d", "relu", "matmul", "softmax", "add", "mul")
    spans = [
        Span(s, s, 2 * s + k, names[2 * s + k], m, (m + s + k / 2) * step, (m + s + k / 2 + 0.5) * step)
        for s in range(stages)
        for m in range(batches)
        for k in range(2)
    ]
    return Timeline(tuple(sorted(spans, key=lambda s: (s.begin, s.worker))), kind)


def drawn(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


def test_a_pipeline() -> None:
    assert pipeline(3, 3, 1e-5).draw(width=43) == drawn(
        """
        predicted  50 us
          worker 0  S0  m0--m1--m2--........   60 %
          worker 1  S1  ....m0--m1--m2--....   60 %
          worker 2  S2  ........m0--m1--m2--   60 %
                        |-------|-------|----
                        0       20      40 us
          S0: conv2d, relu
          S1: matmul, softmax
          S2: add, mul
          m0, m1, ...: micro-batches
        """
    )


def test_predicted_and_measured_share_the_axis() -> None:
    measured = pipeline(2, 2, 2e-3, "measured")
    both = Timeline(measured.spans, "measured", predicted=pipeline(2, 2, 1e-3))
    expected = drawn(
        """
        predicted  3 ms
          worker 0  S0  m0--m1--................   67 %
          worker 1  S1  ....m0--m1--............   67 %
        measured  6 ms
          worker 0  S0  m0------m1------........   67 %
          worker 1  S1  ........m0------m1------   67 %
                        |-------|-------|-------|
                        0       2       4       6 ms
          S0: conv2d, relu
          S1: matmul, softmax
          m0, m1, ...: micro-batches
        """
    )
    assert both.draw(width=47) == expected
    assert pipeline(2, 2, 1e-3).draw(measured, width=47) == expected
    assert both == measured


def test_workers_that_run_several_stages_name_them() -> None:
    spans = [
        Span(m // 2, s, s, f"op{s}", m, 2.0 * (m % 2) + s, 2.0 * (m % 2) + s + 1) for m in range(4) for s in range(2)
    ]
    assert Timeline(tuple(spans)).draw(width=43) == drawn(
        """
        measured  4 s
          worker 0  S0m0--S1m0--S0m1--S1m1--  100 %
          worker 1  S0m2--S1m2--S0m3--S1m3--  100 %
                    |-----------|-----------|
                    0           2           4 s
          S0: op0
          S1: op1
          m0, m1, ...: micro-batches
        """
    )


def test_branches_without_micro_batches_are_named_by_stage() -> None:
    spans = (Span(0, 0, 0, "conv2d", 0, 0, 2), Span(1, 1, 1, "matmul", 0, 0, 1), Span(0, 2, 2, "concat", 0, 2, 3))
    assert Timeline(spans).draw(width=43) == drawn(
        """
        measured  3 s
          worker 0  S0--------------S2------  100 %
          worker 1  S1------................   33 %
                    |-------|-------|-------|
                    0       1       2       3 s
          S0: conv2d
          S1: matmul
          S2: concat
        """
    )


def test_one_item_is_drawn_by_its_steps() -> None:
    spans = [Span(0, 0, i, name, 0, i * 1e-6, (i + 1) * 1e-6) for i, name in enumerate(("conv2d", "add", "linear"))]
    assert Timeline(tuple(spans)).draw(width=49) == drawn(
        """
        measured  3 us
          worker 0  conv2d----add-------linear----  100 %
                    |---------|---------|---------|
                    0         1         2         3 us
        """
    )


def test_phases() -> None:
    order = ("F0", "F1", "B0", "W0", "F2", "B1", "W1", "B2", "W2")
    spans = [Span(0, 0, 0, "linear", int(item[1]), i, i + 1, item[0]) for i, item in enumerate(order)]
    assert Timeline(tuple(spans), "predicted").draw(width=37) == drawn(
        """
        predicted  9 s
          worker 0  F0F1B0W0F2B1W1B2W2  100 %
                    |---------|--------
                    0         5 s
          F: forward; B: input gradient; W: weight gradient; numbers: micro-batches
        """
    )


def test_boxes_too_narrow_for_their_label() -> None:
    spans = [Span(0, 0, 0, "relu", m, m, m + 1) for m in range(8, 12)] + [Span(0, 0, 0, "relu", 12, 12, 24)]
    row = Timeline(tuple(spans)).draw(width=43).splitlines()[1]
    assert row == "  worker 0  ........89##m12---------  100 %"


def test_labels_of_workers_stand_for_their_numbers() -> None:
    timeline = Timeline((Span(1, 0, 0, "decode", 0, 0, 1),), labels=("worker 0", "python 0"))
    lines = timeline.draw(width=40).splitlines()
    assert lines[1:3] == ["  worker 0  .....................    0 %", "  python 0  decode---------------  100 %"]


def test_nothing_ran() -> None:
    assert Timeline(()).draw(width=20).splitlines()[0] == "measured  0 s"
    assert ET.fromstring(Timeline(()).draw(format="svg")).tag == f"{SVG}svg"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"format": "png"}, "draw: unknown format: 'png'; it must be 'text' or 'svg'"),
        ({"width": 20}, "draw: width is out of range: 20; it must be at least 31 columns"),
        ({"width": 100, "format": "svg"}, "draw: width is out of range: 100; it must be at least .* pixels"),
    ],
)
def test_bad_options(options: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        pipeline(2, 2).draw(**options)


def test_every_line_fits_the_width() -> None:
    for width in range(60, 140, 7):
        for line in pipeline(3, 7, 3.7e-5).draw(width=width).splitlines():
            assert len(line) <= width


def test_marks_are_round_numbers() -> None:
    assert marks(5.0, 5) == [(0.0, "0"), (1.0, "1"), (2.0, "2"), (3.0, "3"), (4.0, "4"), (5.0, "5 s")]
    assert [text for _, text in marks(0.9, 4)] == ["0", "500 ms"]
    assert [text for _, text in marks(2.4e-3, 10)] == ["0", "0.5", "1", "1.5", "2 ms"]
    assert marks(0.0, 9) == [(0.0, "0 s")]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (1.2345, "1.23 s"), (0.9994e-3, "999 us"), (0.9999e-3, "1 ms"), (0.25, "250 ms"), (5e-8, "50 ns")],
)
def test_durations_as_text(seconds: float, text: str) -> None:
    assert as_text(seconds) == text


def test_a_prediction_is_drawn_once() -> None:
    foretold, measured = pipeline(2, 2), pipeline(2, 2, 2.0, "measured")
    one = Timeline(measured.spans, predicted=foretold)
    two = Timeline(measured.spans[:4], predicted=foretold)
    assert with_predicted((one, two)) == [foretold, one, two]


def test_svg_is_a_tree_of_titled_boxes() -> None:
    foretold = pipeline(2, 4, 1e-5)
    text = Timeline(pipeline(2, 4, 2e-5).spans, predicted=foretold).draw(format="svg", width=800)
    root = ET.fromstring(text)
    assert (root.tag, root.get("width"), root.find(f"{SVG}title").text) == (
        f"{SVG}svg",
        "800",
        "Timeline: predicted  50 us, measured  100 us",
    )
    boxes = [r for r in root.iter(f"{SVG}rect") if r.find(f"{SVG}title") is not None]
    titles = [b.find(f"{SVG}title").text for b in boxes]
    assert len(boxes) == 2 * 2 * 4 * 2  # timelines, stages, micro-batches, steps
    assert len({b.get("fill") for b in boxes}) == 2
    assert titles[0] == "step 0 (conv2d), stage 0, micro-batch 0, forward\n0 s to 5 us: 5 us"
    assert titles[-1] == ("step 3 (softmax), stage 1, micro-batch 3, forward\n90 us to 100 us: 10 us, predicted 5 us")
    labels = [t.text for t in root.iter(f"{SVG}text") if t.get("class") == "label"]
    assert labels == [f"m{m}" for _ in range(4) for m in range(4)]
    headings = [t.text for t in root.iter(f"{SVG}text") if t.get("class") == "heading"]
    assert headings == ["predicted  50 us", "measured  100 us"]
    for box in boxes:
        assert 0 <= float(box.get("x")) <= float(box.get("x")) + float(box.get("width")) <= 800
    assert text == Timeline(pipeline(2, 4, 2e-5).spans, predicted=foretold).draw(format="svg", width=800)


def test_svg_escapes_names() -> None:
    spans = (Span(0, 0, 0, "<a & b>", 0, 0, 1),)
    root = ET.fromstring(Timeline(spans, labels=('"w" <0>',)).draw(format="svg"))
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert '"w" <0>' in texts
    assert "<a & b>" in texts


def test_svg_draws_narrow_steps_with_the_next() -> None:
    ends = (0.4999, 0.5, 0.7, 0.7001, 1.0, 1.00001)
    spans = tuple(Span(0, 0, i, "add", 0, b, e) for i, (b, e) in enumerate(pairwise((0.0, *ends))))
    spans += (Span(0, 0, 0, "add", 1, 1.1, 1.2),)
    root = ET.fromstring(Timeline(spans).draw(format="svg"))
    titles = [t.text for r in root.iter(f"{SVG}rect") for t in r.iter(f"{SVG}title")]
    assert [t.split(",")[0] for t in titles] == ["step 0 (add)", "steps 1 to 2", "steps 3 to 5", "step 0 (add)"]


def test_a_timeline_shows_itself_in_a_notebook() -> None:
    timeline: st.Timeline = pipeline(2, 3)
    assert timeline._repr_svg_() == timeline.draw(format="svg")
