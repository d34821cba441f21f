"""How many requests a key may make: a bucket of tokens per key, so that one runaway client leaves the others their turn. A key over
its rate is refused with 429, which says when to come again. Each server counts for itself."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from leadline.errors import LeadlineError

BURST_SECONDS = 2.0
"""How many seconds' worth of requests a key that was quiet may make at once."""
_MOST_COUNTED = 4096


class TooManyRequests(LeadlineError):
    """A key made more requests than its share; ``retry_after`` is in how many whole seconds it has one again."""

    code = "too_many_requests"
    http_status = 429

    def __init__(self, per_second: int, retry_after: int) -> None:
        when = f"in {retry_after} second{'s' if retry_after > 1 else ''}"
        super().__init__(f"Too many requests: this key may make {per_second:,} per second; come again {when}")
        self.retry_after = retry_after


class RateLimit:
    """``per_second`` requests of each key (0: any number). Use from any thread; ``clock`` gives seconds that only grow."""

    def __init__(self, per_second: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._full_at: dict[str, float] = {}
        self._guard = threading.Lock()

    def take(self, key_id: str) -> None:
        """Count one request of a key. Raises ``TooManyRequests``; what is refused is not counted."""
        if not self._per_second:
            return
        with self._guard:
            now = self._clock()
            if len(self._full_at) > _MOST_COUNTED:
                self._full_at = {key: at for key, at in self._full_at.items() if at > now}
            # A bucket is known by when it will be full again: each token takes its time to come back.
            full_at = max(self._full_at.get(key_id, now), now) + 1 / self._per_second
            if full_at <= now + BURST_SECONDS:
                self._full_at[key_id] = full_at
                return
        raise TooManyRequests(self._per_second, max(1, math.ceil(full_at - now - BURST_SECONDS)))
