"""The bands of a rating in words, by the bounds that are in force for a tree."""

from __future__ import annotations

from leadline.charts.words import number, span_text
from leadline.metrics.bindings import BAND_NAMES
from leadline.metrics.catalogue import by_ids
from leadline.metrics.metric import Rating
from leadline.settings.profile import Profile

_DAY = 86_400


def bands_in_words(profile: Profile, rating: str) -> str:
    """`Elite under 24 h · High under 7 days · Medium under 30 days · Low above`: of the metric of a rating, by its id."""
    formula = by_ids((rating,))[0].metric.team
    if not isinstance(formula, Rating):
        return ""
    bounds = [float(profile[f"ratings.{formula.bands}.{band}"]) for band in BAND_NAMES]
    words = [f"{band.capitalize()} {_bound(formula, bound)}" for band, bound in zip(BAND_NAMES, bounds, strict=True)]
    return " · ".join([*words, f"Low {'less' if formula.most else 'above'}"])


def _bound(rating: Rating, bound: float) -> str:
    if rating.bands == "change_failure_rate":
        return f"under {number(bound)} %"
    if rating.bands == "deployment_frequency":
        return f"at least {_rate(bound)}"
    return f"under {span_text(bound * _DAY)}"


def _rate(per_day: float) -> str:
    if per_day >= 1:
        return f"{number(per_day)} a day"
    days = round(1 / per_day)
    return {7: "1 a week", 30: "1 a month"}.get(days, f"1 every {days} days")
