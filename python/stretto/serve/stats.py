"""What a server says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from stretto.timeline.chart import as_text

__all__ = ["ServerStats"]


@dataclass(frozen=True, slots=True)
class ServerStats:
    """What a server has done; times in seconds, percentiles of the last 10,000 requests.

    Examples
    --------
    >>> from stretto.serve import ServerStats
    >>> print(ServerStats(requests=1200, failed=0, batches=80, p50=0.0012, p95=0.002, p99=0.0031, waiting=3))
    1200 requests in 80 batches (15.0 each), p50 1.2 ms, p95 2 ms, p99 3.1 ms, 3 waiting
    """

    requests: int  # answered, the failed ones too
    failed: int
    batches: int
    p50: float
    p95: float
    p99: float
    waiting: int  # in the queue

    @property
    def mean_batch(self) -> float:
        """Requests for each batch; 0 before the first."""
        return self.requests / self.batches if self.batches else 0.0

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return (
            f"{self.requests} requests in {self.batches} batches ({self.mean_batch:.1f} each){failed}, "
            f"p50 {as_text(self.p50)}, p95 {as_text(self.p95)}, p99 {as_text(self.p99)}, {self.waiting} waiting"
        )
