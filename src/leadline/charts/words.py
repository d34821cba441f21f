"""Numbers and days in a reader's words: `3.4 h`, `12 %`, `1–31 Jan 2026`. What is exact stands beside them, never only they."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from leadline.metrics.metric import CatalogueEntry

NOTHING = "–"
"""What stands where nothing is known."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SECONDS = "seconds"
_HOURS = {"days": 24.0, "hours": 1.0, SECONDS: 1 / 3600}
"""How many hours a unit of durations has."""
_LADDER = (("min", 1 / 60, 1.5), ("h", 1.0, 48.0), ("days", 24.0, float("inf")))
"""Units that durations are told in: how many hours each has, and up to how many hours it is used."""


@dataclass(frozen=True)
class Scale:
    """What values are divided by to be told in ``unit``."""

    unit: str
    divisor: float = 1.0

    def of(self, value: float) -> float:
        """``value`` in this unit."""
        return value / self.divisor


def is_duration(metric: CatalogueEntry) -> bool:
    """Whether values of ``metric`` are lengths of time (coding days, for one, are numbers of days)."""
    return metric.kind in ("statistic", "percentile") and metric.unit in _HOURS


def duration_scale(unit: str, longest: float) -> Scale:
    """The scale that suits durations in ``unit`` (`days`, `hours`) up to ``longest``."""
    hours = longest * _HOURS[unit]
    name, length, _ = next(step for step in _LADDER if hours < step[2])
    return Scale(name, length / _HOURS[unit])


def number(value: float) -> str:
    """With as many digits as a reader needs: three that count, none after the point from a hundred on."""
    size = abs(value)
    digits = 0 if size >= 100 or float(value).is_integer() else 1 if size >= 10 else 2
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def a_week(per_day: float) -> str:
    """`3.5 a week`, of a number for each day: how often something happens, in the words of deployments and their goal."""
    return f"{number(7 * per_day)} a week"


def percent(value: float | None) -> str:
    """``12.5 %`` of 12.5."""
    if value is None:
        return NOTHING
    return f"{value:,.0f} %" if abs(value) >= 10 else f"{value:,.1f} %"


def counted(count: int, one: str, several: str | None = None) -> str:
    """``1 team``, ``3 teams``, ``no teams``."""
    return f"{'no' if count == 0 else number(count)} {one if count == 1 else several or one + 's'}"


def value_text(value: float | None, metric: CatalogueEntry, per: str = "period") -> str:
    """``value`` with its unit; ``NOTHING`` for none. ``per`` is what a rate by unit of granularity is per."""
    if value is None:
        return NOTHING
    figure, unit = value_parts(value, metric, per)
    return f"{figure} {unit}".rstrip()


def span_text(seconds: float) -> str:
    """A length of time: `43 min`, `5.2 h`, `3 days`."""
    return " ".join(_span(seconds, SECONDS))


def _span(value: float, unit: str) -> tuple[str, str]:
    scale = duration_scale(unit, abs(value))
    return number(scale.of(value)), scale.unit


def value_parts(value: float, metric: CatalogueEntry, per: str = "period") -> tuple[str, str]:
    """The figure and its unit."""
    if is_duration(metric):
        return _span(value, metric.unit)
    return number(value), unit_text(metric, per)


def unit_text(metric: CatalogueEntry, per: str = "period") -> str:
    """The unit of ``metric``, as it stands after a figure; '' for a mere count, and for money, whose currency a setting says."""
    units = {
        "count": "",
        "rating": "",
        "currency": "",
        "percent": "%",
        "deployments/unit": f"per {per}",
        "PRs/developer": "per developer",
    }
    return units.get(metric.unit, metric.unit)


def day_text(day: date, *, year: bool = True) -> str:
    """`5 Jan 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")


def range_text(start: date, end: date) -> str:
    """`1–31 Jan 2026`, `29 Dec 2025 – 4 Jan 2026`, one day as itself."""
    if start == end:
        return day_text(start)
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day}–{day_text(end)}"
    return f"{day_text(start, year=start.year != end.year)} – {day_text(end)}"
