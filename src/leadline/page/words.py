"""Values as a reader writes them: numbers with their thousands apart, days and spans in words. These are the filters of
templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from markupsafe import Markup, escape

from leadline.charts import words
from leadline.charts.words import NOTHING, counted, percent


def number(value: float | int | None, places: int | None = None) -> str:
    """``1,234.5``: with ``places`` after the point, else as many as tell something (``charts.words.number``)."""
    if value is None:
        return NOTHING
    return words.number(value) if places is None else f"{value:,.{places}f}"


def day(value: date | None) -> str:
    """``3 Mar 2026``."""
    return NOTHING if value is None else words.day_text(value)


def moment(value: datetime | None) -> str:
    """``3 Mar 2026, 14:05 UTC``."""
    if value is None:
        return NOTHING
    at = value.astimezone(UTC)
    return f"{day(at)}, {at:%H:%M} UTC"


def span(seconds: float | None) -> str:
    """A length of time in the unit that suits it: ``20 s``, ``4 min``, ``3.5 h``, ``2.1 days``. Axes begin with minutes, so that a
    short one alone does not change their unit (``charts.words``)."""
    if seconds is None:
        return NOTHING
    return words.span_text(seconds) if abs(seconds) >= 60 else f"{seconds:.0f} s"


def capitalize_first(text: str) -> str:
    """With a capital at the beginning, the rest as it is."""
    return text[:1].upper() + text[1:]


def code_words(text: str) -> Markup:
    """A text in which what stands between backticks is code."""
    parts = [escape(part) for part in text.split("`")]
    marked = (
        Markup("<code>%s</code>") % part if at % 2 and at + 1 < len(parts) else part for at, part in enumerate(parts)
    )
    return Markup("").join(marked)


def script_json(text: str) -> Markup:
    """JSON, to stand in a script element: nothing in it can end the element."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 -- what could be markup is gone


def spark_path(points: Sequence[float | None], width: int, height: int, area: bool = False) -> str:
    """The path of a line through ``points``, which lie between 0 and 1, over the whole width; with ``area``, down to the ground.
    Where a value is not known the line has a gap."""
    step = width / max(1, len(points) - 1)
    stretches: list[list[str]] = [[]]
    for at, value in enumerate(points):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{at * step:.1f} {(height - 2) * (1 - value) + 1:.1f}")
    lines = [stretch for stretch in stretches if len(stretch) > 1]
    if not area:
        return "".join("M" + "L".join(line) for line in lines)
    return "".join(f"M{line[0].split()[0]} {height}L{'L'.join(line)}L{line[-1].split()[0]} {height}Z" for line in lines)


_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    *(number, percent, counted, day, moment, span),
    *(capitalize_first, code_words, script_json, spark_path),
)
FILTERS = {function.__name__: function for function in _FUNCTIONS}
