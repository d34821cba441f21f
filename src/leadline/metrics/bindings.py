"""The small tables that the query of an export reads beside stored facts: their names and columns, bound for each run."""

from __future__ import annotations

from leadline.engine import BoundTable
from leadline.metrics.request import LEADING, TRAILING
from leadline.settings.profile import BANDS

PERIOD_COLUMNS = ("Granularity", "Start_Date", "End_Date")
BAND_NAMES = ("elite", "high", "medium")


def unit_columns(level: str) -> tuple[str, ...]:
    """The columns that describe the unit (developer or team) of a row."""
    return tuple(column for column in (*LEADING[level], *TRAILING.get(level, ())) if column not in PERIOD_COLUMNS)


def units(level: str, dated: bool = False) -> BoundTable:
    """The units that rows are about, numbered in the order of the rows, with how many developers each has unless people move."""
    named = dict.fromkeys(unit_columns(level), "string")
    if dated:
        return BoundTable("dated_units", {"unit": "int64", **named})
    return BoundTable("units", {"unit": "int64", "developers": "int64", **named})


PLACES = BoundTable("places", {"place": "int64", "of_unit": "int64"})
"""The places (see ``sums``), each with the units in which who is there is."""
MEMBERS = BoundTable("members", {"member": "string", "person": "int64", "in_place": "int64"})
"""The developers who are in any unit, by email, numbered, each with the place."""
DATED_MEMBERS = BoundTable(
    "dated_members",
    {
        "member": "string",
        "person": "int64",
        "since_us": "int64",
        "before_us": "int64",
        "in_place": "int64",
    },
)
"""The same over time, where people move: from an instant (microseconds), before another."""
HEADS = BoundTable("heads", {"heads_unit": "int64", "heads_period": "int64", "developers": "int64"})
"""How many developers are in each unit within each period, where people move."""
PERIODS = BoundTable(
    "periods",
    {
        **dict.fromkeys(
            ("period", "period_days", "unit_days", "first_day", "last_day", "elapsed_us", "ends_us"), "int64"
        ),
        **dict(zip(PERIOD_COLUMNS, ("string", "date", "date"), strict=True)),
    },
)
"""The periods, numbered in order: the days of each that count in rates, those of its whole unit, its first and last day (days
since 1970), how long it has been and the instant before which its last day that counts is (microseconds, unknown of one to come),
and label, first and last day as they are shown."""
DAYS = BoundTable("days", {"of_day": "int64", "period": "int64"})
"""The period of each day (days since 1970) in range."""
PERIOD_PARTS = BoundTable("period_parts", {"part": "int64", "in_period": "int64"})
"""Where some periods are parts of another: the number of each, with those of the periods that it is in, itself among them."""
DAY_SPANS = BoundTable("day_spans", {"day_from_us": "int64", "day_until_us": "int64"})
"""The days in range that count in rates: the instants (microseconds) from which and before which each is."""
RATING_BANDS = BoundTable("rating_bands", {f"{name}_{band}": "float64" for name in BANDS for band in BAND_NAMES})
"""One row: the bounds of all ratings."""

SIZE = " n"


def size_name(column: str) -> str:
    """The column that says of how many things the values of ``column`` are."""
    return f"{column}{SIZE}"
