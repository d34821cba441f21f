"""Measures: for each fact the columns that metrics sum, count or take a statistic of.

A measure is one column per event, derived from the rows of the fact's stored table; it is null where the event does not
have it. Metrics name measures as attributes (``PullRequests.merged``), so that a name which does not exist fails at import.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

    from leadline.materialize.model import Model

Combine = Literal["sum", "distinct", "any"]
"""How a measure of one owner's events in a period is combined: summed, its distinct values counted, or 1 if any has it.
Over several owners the results are summed."""


@dataclass(frozen=True)
class Events:
    """What a fact's measures are taken of: the rows of ``stored`` or those that ``derived`` makes of them. They have
    ``happened_us`` (UTC, microseconds since 1970)."""

    stored: Model
    derived: Callable[[], Table] | None = None

    def table(self) -> Table:
        """The events as an unbound table."""
        return self.stored.table() if self.derived is None else self.derived()


@dataclass(frozen=True, eq=False)
class MeasuredFact:
    """A fact as metrics see it. An event belongs to the person in its ``developer`` or, if ``team_events`` names a kind of
    ``facts.ownership``, to the teams that have it by its rules; its number is in ``event``."""

    name: str
    load: Callable[[], Events]
    """Imports the fact when a query is made: its libraries take longer to import than most requests to answer."""
    team_events: str = ""

    @cached_property
    def events(self) -> Events:
        """The rows that the measures are taken of."""
        return self.load()

    @property
    def stored_tables(self) -> tuple[Model, ...]:
        """The stored tables that a query of it reads."""
        from leadline.facts.ownership import needed

        return needed(self.team_events) if self.team_events else (self.events.stored,)

    @property
    def owner(self) -> str:
        """The column that says whose an event is."""
        return "event" if self.team_events else "developer"


class Measure:
    """One column of a fact's events: ``value`` makes it of their table. Its name is that of the attribute it is."""

    name: str

    def __init__(self, fact: MeasuredFact, value: Callable[[Table], Value], combine: Combine = "sum") -> None:
        self.fact = fact
        self.value = value
        self.combine = combine

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"{self.fact.name}.{self.name}"


def _stored(module: str, name: str) -> Callable[[], Events]:
    """The stored table ``name`` of a module of ``leadline.facts``, as it is."""
    return lambda: Events(getattr(import_module(f"leadline.facts.{module}"), name))


def _one(_event: Table) -> Value:
    import ibis

    return ibis.literal(1, "int64")


def _column(name: str) -> Callable[[Table], Value]:
    return lambda events: events[name]


def _where(condition: Callable[[Table], Value]) -> Callable[[Table], Value]:
    return lambda events: condition(events).cast("int64")


# -- facts of people ---------------------------------------------------------------------------------------------------


class Commits:
    """Credited commits."""

    FACT = MeasuredFact("commits", _stored("commits", "COMMITS"))
    coding_days = Measure(FACT, _column("day"), "distinct")
    active_developers = Measure(FACT, _one, "any")
    lines_added = Measure(FACT, _column("additions"))
    lines_removed = Measure(FACT, _column("deletions"))


def _sized(size: str) -> Callable[[Table], Value]:
    return _where(lambda events: (events["size"] == size).fill_null(False))


def _pull_requests() -> Events:
    from leadline.facts.pull_request_filters import counted
    from leadline.facts.pull_requests import PULL_REQUESTS

    return Events(PULL_REQUESTS, lambda: counted(PULL_REQUESTS.table()))


class PullRequests:
    """Merged pull requests. Durations are microseconds."""

    FACT = MeasuredFact("pull_requests", _pull_requests)
    merged = Measure(FACT, _one)
    merged_small = Measure(FACT, _sized("small"))
    merged_medium = Measure(FACT, _sized("medium"))
    merged_large = Measure(FACT, _sized("large"))
    refactored = Measure(FACT, _column("refactored"))
    refactored_recent = Measure(FACT, _column("refactored_recent"))
    refactored_legacy = Measure(FACT, lambda events: events.refactored - events.refactored_recent)
    file_lines = Measure(FACT, _column("file_lines"))
    lines = Measure(FACT, _column("lines"))
    missing_tickets = Measure(FACT, _where(lambda events: events.unlinked))
    reverted = Measure(FACT, _where(lambda events: events.reverted))
    cycle = Measure(FACT, _column("cycle_us"))
    comments = Measure(FACT, _column("comments"))
    first_comment = Measure(FACT, _column("first_comment_us"))


def _work_items() -> Events:
    from leadline.facts.work_items import WORK_ITEMS
    from leadline.facts.work_types import with_work_type

    def typed() -> Table:
        items = WORK_ITEMS.table()
        return with_work_type(items, items.happened_us)

    return Events(WORK_ITEMS, typed)


def _typed(work_type: str) -> Callable[[Table], Value]:
    return _where(lambda events: events.work_type == work_type)


class WorkItems:
    """Completed work items. Durations are microseconds."""

    FACT = MeasuredFact("work_items", _work_items)
    completed = Measure(FACT, _one)
    completed_feature = Measure(FACT, _typed("feature"))
    completed_bug = Measure(FACT, _typed("bug"))
    completed_other = Measure(FACT, _typed("other"))
    complete = Measure(FACT, _column("complete_us"))


class Associations:
    """Completed work items, and whether a pull request is linked to each."""

    FACT = MeasuredFact("associations", _stored("work_items", "ASSOCIATIONS"))
    completed = Measure(FACT, _one)
    linked = Measure(FACT, _where(lambda events: events.linked))


def _lead() -> Events:
    from leadline.facts.lead_time import LEAD
    from leadline.facts.ownership import developer_class
    from leadline.facts.pull_request_filters import counted

    def of_class() -> Table:
        units = counted(LEAD.table())
        return developer_class(units, units.happened_us)

    return Events(LEAD, of_class)


class Lead:
    """Units of work with their lead time and its stages, in microseconds."""

    FACT = MeasuredFact("lead", _lead)
    planning = Measure(FACT, _column("planning_us"))
    coding = Measure(FACT, _column("coding_us"))
    review = Measure(FACT, _column("review_us"))
    build = Measure(FACT, _column("build_us"))
    deploy = Measure(FACT, _column("deploy_us"))
    lead = Measure(FACT, _column("lead_us"))
    delivery = Measure(FACT, _column("delivery_us"))


# -- facts of teams ----------------------------------------------------------------------------------------------------


class Deployments:
    """Finished production deployments."""

    FACT = MeasuredFact("deployments", _stored("deployments", "DEPLOYMENTS"), "deployments")
    succeeded = Measure(FACT, _where(lambda events: events.succeeded))
    finished = Measure(FACT, _where(lambda events: events.counted))


def _failures() -> Events:
    from leadline.facts.deployments import DEPLOYMENTS

    return Events(DEPLOYMENTS, lambda: DEPLOYMENTS.table().filter(lambda events: events.failed_in.length() > 0))


class Failures:
    """Production deployments that failed."""

    FACT = MeasuredFact("failures", _failures, "failures")
    deployments = Measure(FACT, _one)


class Incidents:
    """Resolved incidents. Durations are microseconds."""

    FACT = MeasuredFact("incidents", _stored("incidents", "INCIDENTS"), "incidents")
    resolved = Measure(FACT, _one)
    restore = Measure(FACT, _column("restore_us"))


FACT_MEASURES = (Commits, PullRequests, WorkItems, Associations, Lead, Deployments, Failures, Incidents)
"""Every fact with its measures."""


# -- what rows have beside events --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RowColumn:
    """A number that every row of an export has by itself, for ratios to be taken over."""

    name: str


DEVELOPERS = RowColumn("developers")
"""The distinct developers of the row's unit."""
PERIOD_DAYS = RowColumn("period_days")
"""The days of the row's period that are over or began: those to come are in no rate."""
UNIT_DAYS = RowColumn("unit_days")
"""The days of the whole day, week, month or quarter that the row's period is cut from."""
