"""The options that say which days a command is about: the first and the last, or a range by its distance from today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli.context import Declared, checked_date
from leadline.cli.output import note

if TYPE_CHECKING:
    from leadline.home import Project


class _Missing(typer.BadParameter):
    def format_message(self) -> str:
        return f"Missing option '{self.param_hint}' (or --period, such as last-month)"


def _checked_period(text: str | None) -> str | None:
    from leadline.metrics.relative_range import relative_range

    if text is not None:
        try:
            relative_range(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    return text


Start = Annotated[str | None, typer.Option("--start", metavar="DATE", callback=checked_date, help="First day.")]
End = Annotated[str | None, typer.Option("--end", metavar="DATE", callback=checked_date, help="Last day.")]
Period = Annotated[
    str | None,
    typer.Option(
        "--period",
        metavar="PERIOD",
        callback=_checked_period,
        help="Instead of both: last-month, last-4-weeks, last-quarter, this-quarter, …",
    ),
]
DATE_OPTIONS: dict[str, Declared] = {"start": (Start, None), "end": (End, None), "period": (Period, None)}


@dataclass(frozen=True)
class AskedDays:
    """The values of ``DATE_OPTIONS``, each None if it was left out. Raises ``typer.BadParameter`` for two ways at once."""

    start: str | None
    end: str | None
    period: str | None

    def __post_init__(self) -> None:
        if self.period is not None and (said := [f"--{name}" for name in ("start", "end") if getattr(self, name)]):
            raise typer.BadParameter(
                f"it cannot be combined with {' and '.join(said)}; leave one out", param_hint="--period"
            )

    def required(self) -> AskedDays:
        """The same. Raises ``typer.BadParameter`` unless both days are said, or the range."""
        for name in ("start", "end"):
            if self.period is None and getattr(self, name) is None:
                raise _Missing("", param_hint=f"--{name}")
        return self

    @property
    def words(self) -> dict[str, str]:
        """What refusals call the range as a whole, where it was not said by its days."""
        whole = ("dateRange", "dateFrom to dateTo", "dateStart to dateEnd")
        return {} if self.period is None else dict.fromkeys(whole, "--period")

    def document(self) -> dict[str, str]:
        """As the API's ``dateRange``."""
        asked = {"start": self.start, "end": self.end, "period": self.period}
        return {name: value for name, value in asked.items() if value is not None}

    def days(self, project: Project, tree: str | None = None) -> tuple[date | None, date | None]:
        """The first and the last day, as far as they are said; today is that of the tree's time zone."""
        from leadline.metrics.relative_range import relative_range

        if self.period is None:
            first, last = (None if day is None else date.fromisoformat(day) for day in (self.start, self.end))
            return first, last
        today = datetime.now(project.profile(tree).zone).date()
        return relative_range(self.period).days(today)


def note_days_without_data(project: Project, start: date | None, end: date | None, tree: str | None = None) -> None:
    """Say so, and which days have data, where nothing is known of the days from ``start`` to ``end``; without one of them, which is
    a range without an end, say nothing."""
    from leadline.diagnostics.days_of_data import without_data

    if start is None or end is None:
        return
    if (none := without_data(project, start, end, tree)) is not None:
        note(f"note: {none.sentence}")
