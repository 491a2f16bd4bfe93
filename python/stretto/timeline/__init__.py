"""What ran when, predicted or measured: the data, its drawings and its traces."""

from __future__ import annotations

from stretto.timeline.spans import Span, Timeline, timeline_of

__all__ = ["Span", "Timeline", "timeline_of"]
