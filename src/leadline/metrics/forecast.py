"""Forecasts by drawing weeks: when so many work items will be completed, or how many by a day, if weeks to come are like those of
the history in random order. The same history and seed give the same forecast."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

PERCENTILES = (50, 85, 95)
"""In how many of a hundred runs it comes out as told, or better."""


def weeks_needed(history: Sequence[int], remaining: int, runs: int, seed: int) -> dict[int, int]:
    """After how many weeks ``remaining`` items are completed, in so many of a hundred runs. Some week of the history must have
    any."""
    draw = _Draw(history, seed)
    needed = []
    for _ in range(runs):
        left, weeks = remaining, 0
        while left > 0:
            left -= draw()
            weeks += 1
        needed.append(weeks)
    needed.sort()
    return {percent: needed[_rank(percent, runs)] for percent in PERCENTILES}


def completed_within(history: Sequence[int], weeks: int, runs: int, seed: int) -> dict[int, int]:
    """How many items at least are completed in ``weeks``, in so many of a hundred runs."""
    draw = _Draw(history, seed)
    completed = sorted((sum(draw() for _ in range(weeks)) for _ in range(runs)), reverse=True)
    return {percent: completed[_rank(percent, runs)] for percent in PERCENTILES}


class _Draw:
    """Draws weeks of a history with replacement."""

    def __init__(self, history: Sequence[int], seed: int) -> None:
        self._history = history
        self._number = Random(seed).random  # noqa: S311 -- that it can be foretold is meant

    def __call__(self) -> int:
        # What ``random`` gives for a seed is the same in every version of Python, which is not said of ``choice``.
        return self._history[int(self._number() * len(self._history))]


def _rank(percent: int, runs: int) -> int:
    """The place of the first of ``runs`` in order that this share of them does not exceed."""
    return -(-percent * runs // 100) - 1
