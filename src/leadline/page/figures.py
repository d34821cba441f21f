"""Figures as screens show them: one value of an insight with its unit, of how many things it is, its rating, and how it changed, in
words. Nothing is computed here that an answer does not have, but for the change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from leadline.charts.words import is_duration, number, unit_text, value_parts, value_text
from leadline.metrics.goals import Goal
from leadline.metrics.metric import CatalogueEntry

FEW = 5
"""A figure that is of fewer things than this is shown in grey: one more could change it a lot."""
Cell = float | int | str | None


@dataclass(frozen=True)
class Change:
    """How a value changed, in words; ``direction`` is `up`, `down` or '', ``sense`` `better`, `worse` or ''."""

    text: str
    direction: str = ""
    sense: str = ""


@dataclass(frozen=True)
class Figure:
    """A value of a metric. ``count`` says of how many ``things`` it is, ``before`` what it was in the range before; ``better`` is
    `higher`, `lower` or ''; ``per`` what a rate is per; ``behind`` makes the address of the rows behind it: few of the figures that
    are computed with are links."""

    metric: CatalogueEntry
    column: str
    title: str
    value: Cell
    count: int | None = None
    things: str = ""
    before: Cell = None
    better: str = ""
    per: str = "period"
    behind: Callable[[], str] | None = None

    @property
    def href(self) -> str:
        """Where the rows behind it are shown; '' if nowhere."""
        return self.behind() if self.behind else ""

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    @property
    def figure(self) -> str:
        """The value in a reader's words, without its unit."""
        return value_parts(self.value, self.metric, self.per)[0] if isinstance(self.value, int | float) else self.text

    @property
    def unit(self) -> str:
        """The unit of ``figure``."""
        return value_parts(self.value, self.metric, self.per)[1] if isinstance(self.value, int | float) else ""

    @property
    def text(self) -> str:
        """Both."""
        if isinstance(self.value, str):
            return self.value
        return value_text(self.value, self.metric, self.per)

    @property
    def exact(self) -> str:
        """The value as files have it, for whoever reads the page by a program."""
        return "" if self.value is None else str(self.value)

    @property
    def of(self) -> str:
        """`of 42 work items`."""
        if self.count is None or not self.things:
            return ""
        return f"of {number(self.count)} {self.things}"

    @property
    def few(self) -> bool:
        """Whether it is of so few things that it says little."""
        return self.known and self.count is not None and self.count < FEW

    @property
    def change(self) -> Change | None:
        """How it changed since the range before; None where there is nothing to say."""
        if not isinstance(self.value, int | float):
            return None
        if not isinstance(self.before, int | float):
            return Change("nothing known before")
        return _change(self.value, self.before, self.metric, self.better)


@dataclass(frozen=True)
class ShownGoal:
    """A goal in words; ``met`` says whether the value is as good (None: there is none)."""

    text: str
    met: bool | None

    @classmethod
    def of(cls, goal: Goal, figure: Figure) -> Self:
        """The goal of what ``figure`` says."""
        met = goal.met(figure.value) if isinstance(figure.value, int | float) else None
        side = "at least" if goal.better == "higher" else "at most"
        return cls(f"Goal: {side} {value_text(goal.target, figure.metric, figure.per)}", met)


def _change(value: float, before: float, metric: CatalogueEntry, better: str) -> Change:
    if value == before:
        return Change("as before")
    if _is_about(value, before, metric):
        return Change("about as before")
    up = value > before
    sense = "" if not better else "better" if up == (better == "higher") else "worse"
    return Change(_by(value, before, metric, up=up), "up" if up else "down", sense)


def _is_about(value: float, before: float, metric: CatalogueEntry) -> bool:
    """Whether the change would round to nothing."""
    if unit_text(metric) == "%":
        return abs(value - before) < 0.05
    return before != 0 and abs(value / before - 1) < 0.005


def _by(value: float, before: float, metric: CatalogueEntry, *, up: bool) -> str:
    more, fewer, many = _comparatives(metric)
    if unit_text(metric) == "%":
        points = number(round(abs(value - before), 1))
        return f"{points} point{'' if points == '1' else 's'} {more if up else fewer}"
    if before == 0:
        return f"{more}; it was 0"
    times = value / before
    if times >= 2:
        return f"{number(round(times, 1))} times as {many}"
    return f"{number(round(100 * abs(times - 1)))} % {more if up else fewer}"


def _comparatives(metric: CatalogueEntry) -> tuple[str, str, str]:
    if is_duration(metric):
        return "longer", "shorter", "long"
    if unit_text(metric) in ("", "lines"):
        return "more", "fewer", "many"
    return "higher", "lower", "high"


def spark(line: Sequence[Figure]) -> list[float | None]:
    """The values of ``line`` as heights between 0 and 1."""
    return heights([figure.value if isinstance(figure.value, int | float) else None for figure in line])


def heights(values: Sequence[float | None]) -> list[float | None]:
    """``values`` between 0, for the lowest, and 1; all the same in the middle."""
    known = [value for value in values if value is not None]
    low, span = min(known, default=0), max(known, default=0) - min(known, default=0)
    return [None if value is None else (value - low) / span if span else 0.5 for value in values]


def in_words(line: Sequence[Figure]) -> str:
    """The values of ``line``, one after another."""
    return ", ".join(figure.text for figure in line)


FILTERS = {"spark": spark, "in_words": in_words}
"""The filters of templates that this adds."""
