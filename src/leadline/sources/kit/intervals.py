"""How often a source may be run, and how that is written."""

from __future__ import annotations

from leadline.errors import Detail, InvalidRequest

INTERVALS = {"15m": 900, "30m": 1800, "1h": 3600, "3h": 10_800, "6h": 21_600, "12h": 43_200, "1d": 86_400, "off": 0}
"""Seconds between runs by how they are written; 0: only when asked."""

USUAL = "1h"
"""Where nothing is said."""


def interval_of(text: str) -> int:
    """The seconds that ``text`` says. Raises ``InvalidRequest``."""
    if text not in INTERVALS:
        would_do = f"one of {', '.join(INTERVALS)}"
        raise InvalidRequest(
            f"--every cannot be {text[:40]!r}; it must be {would_do}", details=[Detail("every", would_do)]
        )
    return INTERVALS[text]


def interval_text(seconds: int) -> str:
    """How ``seconds`` are written."""
    return next((text for text, known in INTERVALS.items() if known == seconds), f"{seconds}s")
