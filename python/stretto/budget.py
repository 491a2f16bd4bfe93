"""The memory that batches in flight may hold."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["Budget"]


class Budget:
    """Counts bytes in and out, the first batch first. One batch alone always fits."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used = 0
        self._sizes: deque[int] = deque()
        self._changed = threading.Condition()

    def take(self, size: int, *, wait: bool) -> bool:
        """Count a batch in; False when it does not fit and nobody waits."""
        with self._changed:
            while self._sizes and self._used + size > self.limit:
                if not wait:
                    return False
                self._changed.wait()
            self._sizes.append(size)
            self._used += size
            return True

    def release(self) -> None:
        """Count the oldest batch out."""
        with self._changed:
            if self._sizes:
                self._used -= self._sizes.popleft()
            self._changed.notify_all()

    def release_all(self) -> None:
        """Count every batch out; who waits goes on."""
        with self._changed:
            self._sizes.clear()
            self._used = 0
            self.limit = 1 << 62
            self._changed.notify_all()
