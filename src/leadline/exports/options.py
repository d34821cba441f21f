"""The options of ``leadline export``: what an option is, and those that several kinds of exports have."""

from __future__ import annotations

from dataclasses import dataclass

from leadline.metrics.request import AGGREGATIONS


@dataclass(frozen=True)
class Option:
    """An option of the command: its value goes into the request's body at ``field`` (a path with dots).

    ``choices`` are taken in any letter case. ``many`` can be repeated and takes several values separated by commas.
    """

    flag: str
    field: str
    help: str
    choices: tuple[str, ...] = ()
    default: str | None = None
    metavar: str | None = None
    many: bool = False


def groups(help_text: str) -> Option:
    """Which groups of the catalogue."""
    return Option("--group", "metricGroups", help_text, metavar="NAME", many=True)


def granularity(choices: tuple[str, ...]) -> Option:
    """How long periods are."""
    lower = tuple(choice.lower() for choice in choices)
    return Option("--granularity", "options.granularity", "Length of a period.", lower, "monthly")


METRICS = Option("--metric", "metrics", "Metric by column or id; repeatable.", metavar="NAME", many=True)
AGGREGATION = Option("--aggregation", "options.aggregation", "How averages are taken.", AGGREGATIONS, "mean")
