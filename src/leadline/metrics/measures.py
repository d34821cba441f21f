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
    from ibis.expr.types import BooleanValue, Table, Value

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
    also: tuple[Model, ...] = ()
    """Further stored tables that ``derived`` reads."""

    def table(self) -> Table:
        """The events as an unbound table."""
        return self.stored.table() if self.derived is None else self.derived()


@dataclass(frozen=True)
class Shown:
    """How the events of a measured fact are shown: each is one row of ``fact`` (see ``facts.catalogue``), found by the columns
    ``key``, which both have. ``things`` is what they are called, in the plural."""

    things: str
    fact: str
    key: tuple[str, str] | tuple[str]


PULL_REQUEST_ROWS = Shown("merged pull requests", "pull-requests", ("repository", "number"))
WORK_ITEM_ROWS = Shown("completed work items", "work-items", ("project", "key"))
INCIDENT_ROWS = Shown("resolved incidents", "incidents", ("incident_id",))
USAGE_ROWS = Shown("days of use by an account", "", ("tool",))
"""Usage is no fact that is shown."""
DEPLOYMENT_ROWS = Shown("deployments", "deployments", ("deployment_id", "service"))


@dataclass(frozen=True, eq=False)
class MeasuredFact:
    """A fact as metrics see it. An event belongs to the person in its ``developer`` or, if ``team_events`` names a kind of
    ``facts.ownership``, to the teams that have it by its rules; its number is in ``event``. Its events are ``shown`` as rows of a
    fact, units of lead time that are pull requests as ``without_tracker`` says. ``of_spans``: they are made of the instants of days
    and periods (see ``bindings``), any number of one thing."""

    name: str
    shown: Shown
    load: Callable[[], Events]
    """Imports the fact when a query is made: its libraries take longer to import than most requests to answer."""
    team_events: str = ""
    without_tracker: Shown | None = None
    of_spans: bool = False
    single: MeasuredFact | None = None
    """The fact whose events are behind those of this one, each of which stands for several: so many as the column ``many`` says."""
    many: str = ""

    def shown_by(self, unit: str) -> Shown:
        """How its events are shown where the unit of lead time is ``unit`` (see ``facts.lead_time.unit_of``)."""
        return self.without_tracker if self.without_tracker and unit == "pull_requests" else self.shown

    @cached_property
    def events(self) -> Events:
        """The rows that the measures are taken of."""
        return self.load()

    @property
    def stored_tables(self) -> tuple[Model, ...]:
        """The stored tables that a query of it reads."""
        from leadline.facts.ownership import needed

        own = needed(self.team_events) if self.team_events else (self.events.stored, *self.events.also)
        return own if self.single is None else (*own, *self.single.stored_tables)


class Measure:
    """One column of a fact's events: ``value`` makes it of their table. Its name is that of the attribute it is.

    A ``flag`` is 1 for the events that are meant and 0 for the others, so that its sum says how many are. ``things`` is what
    the events that have it (of a flag: that are meant) are called, unless they are called as all are.
    """

    name: str

    def __init__(
        self,
        fact: MeasuredFact,
        value: Callable[[Table], Value],
        combine: Combine = "sum",
        *,
        flag: bool = False,
        things: str | None = None,
    ) -> None:
        self.fact = fact
        self.value = value
        self.combine = combine
        self.flag = flag
        self._things = things

    def things(self, unit: str) -> str:
        """What the events that have it are called, in the plural, where the unit of lead time is ``unit``."""
        return self._things or self.fact.shown_by(unit).things

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"{self.fact.name}.{self.name}"


def stored(module: str, name: str) -> Callable[[], Events]:
    """The stored table ``name`` of a module of ``leadline.facts``, as it is."""
    return lambda: Events(getattr(import_module(f"leadline.facts.{module}"), name))


def one(_event: Table) -> Value:
    """What every event has once."""
    import ibis

    return ibis.literal(1, "int64")


def every(fact: MeasuredFact) -> Measure:
    """A flag that every event has."""
    return Measure(fact, one, flag=True)


def _those(fact: MeasuredFact, condition: Callable[[Table], Value], things: str) -> Measure:
    """A flag of the events that fulfil a condition."""
    return Measure(fact, lambda events: condition(events).cast("int64"), flag=True, things=things)


def column(name: str) -> Callable[[Table], Value]:
    """The column ``name`` of events."""
    return lambda events: events[name]


# -- facts of people ---------------------------------------------------------------------------------------------------


class Commits:
    """Credited commits."""

    FACT = MeasuredFact(
        "commits", Shown("credited commits", "commits", ("repository", "sha")), stored("commits", "COMMITS")
    )
    lines_added = Measure(FACT, column("additions"))
    lines_removed = Measure(FACT, column("deletions"))


def _sized(size: str) -> Callable[[Table], Value]:
    return lambda events: (events["size"] == size).fill_null(False)


def _pull_requests() -> Events:
    from leadline.facts.pull_request_filters import counted
    from leadline.facts.pull_requests import PULL_REQUESTS
    from leadline.facts.work_types import of_linked_items

    def typed() -> Table:
        pulls = counted(PULL_REQUESTS.table())
        return of_linked_items(pulls, pulls.happened_us)

    return Events(PULL_REQUESTS, typed)


def _typed(work_type: str) -> Callable[[Table], Value]:
    return lambda events: (events.work_type == work_type).fill_null(False)


class PullRequests:
    """Merged pull requests. Durations are microseconds."""

    FACT = MeasuredFact("pull_requests", PULL_REQUEST_ROWS, _pull_requests)
    merged = every(FACT)
    merged_small = _those(FACT, _sized("small"), "small pull requests")
    merged_medium = _those(FACT, _sized("medium"), "medium pull requests")
    merged_large = _those(FACT, _sized("large"), "large pull requests")
    merged_feature = _those(FACT, _typed("feature"), "pull requests for features")
    merged_bug = _those(FACT, _typed("bug"), "pull requests for bugs")
    merged_other = _those(FACT, _typed("other"), "pull requests for work items that are neither feature nor bug")
    refactored = Measure(FACT, column("refactored"))
    refactored_recent = Measure(FACT, column("refactored_recent"))
    refactored_legacy = Measure(FACT, lambda events: events.refactored - events.refactored_recent)
    new_work = Measure(FACT, column("new_work"))
    file_lines = Measure(FACT, column("file_lines"), things="merged pull requests whose files are known")
    lines = Measure(FACT, column("lines"))
    missing_tickets = _those(FACT, lambda events: events.unlinked, "pull requests linked to no work item")
    without_review = _those(FACT, lambda events: events.unreviewed, "pull requests that nobody else looked at")
    reverted = _those(FACT, lambda events: events.reverted, "reverted pull requests")
    cycle = Measure(FACT, column("cycle_us"), things="merged pull requests whose first commit is known")
    creation = Measure(FACT, column("creation_us"), things="merged pull requests whose first commit is known")
    approval = Measure(FACT, column("approval_us"), things="merged pull requests with an approval by another")
    merge = Measure(FACT, column("merge_us"), things="merged pull requests with an approval by another")
    comments = Measure(FACT, column("comments"))
    first_comment = Measure(FACT, column("first_comment_us"), things="merged pull requests with a comment by another")


def _work_items() -> Events:
    from leadline.facts.work_items import WORK_ITEMS
    from leadline.facts.work_types import with_work_type

    def typed() -> Table:
        items = WORK_ITEMS.table()
        return with_work_type(items, items.happened_us)

    return Events(WORK_ITEMS, typed)


class WorkItems:
    """Completed work items. Durations are microseconds."""

    FACT = MeasuredFact("work_items", WORK_ITEM_ROWS, _work_items)
    completed = every(FACT)
    completed_feature = _those(FACT, _typed("feature"), "completed features")
    completed_bug = _those(FACT, _typed("bug"), "completed bugs")
    completed_other = _those(FACT, _typed("other"), "completed work items that are neither feature nor bug")
    complete = Measure(FACT, column("complete_us"))


class Associations:
    """Completed work items, and whether a pull request is linked to each."""

    FACT = MeasuredFact("associations", WORK_ITEM_ROWS, stored("work_items", "ASSOCIATIONS"))
    completed = every(FACT)
    linked = _those(FACT, lambda events: events.linked, "completed work items with a pull request")


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

    FACT = MeasuredFact("lead", WORK_ITEM_ROWS, _lead, without_tracker=PULL_REQUEST_ROWS)
    planning = Measure(FACT, column("planning_us"))
    coding = Measure(FACT, column("coding_us"))
    review = Measure(FACT, column("review_us"))
    build = Measure(FACT, column("build_us"))
    deploy = Measure(FACT, column("deploy_us"))
    lead = Measure(FACT, column("lead_us"))
    delivery = Measure(FACT, column("delivery_us"))


# -- what AI tools had part in -----------------------------------------------------------------------------------------


def _ai_commits() -> Events:
    from leadline.facts.ai_marks import AI_COMMITS, credited_commits
    from leadline.facts.commits import COMMITS

    return Events(COMMITS, credited_commits, (AI_COMMITS,))


class AiCommits:
    """Credited commits with what AI tools had part in."""

    FACT = MeasuredFact("ai_commits", Shown("credited commits", "commits", ("repository", "sha")), _ai_commits)
    commits = every(FACT)
    marked = _those(FACT, lambda events: events.marked, "credited commits with a mark of an AI tool")
    lines_added = Measure(FACT, column("additions"))
    lines_ai = Measure(FACT, column("ai_additions"))
    told = _those(FACT, lambda events: events.lines_ai.notnull(), "credited commits whose lines by AI tools are known")
    untold = _those(
        FACT, lambda events: events.marked & events.lines_ai.isnull(), "marked commits whose lines are not known"
    )


def _ai_pull_requests() -> Events:
    from leadline.facts.ai_marks import AI_PULLS, merged_pulls
    from leadline.facts.pull_requests import PULL_REQUESTS

    return Events(PULL_REQUESTS, merged_pulls, (AI_PULLS,))


class AiPullRequests:
    """Merged pull requests with whether AI tools had part in them."""

    FACT = MeasuredFact("ai_pull_requests", PULL_REQUEST_ROWS, _ai_pull_requests)
    merged = every(FACT)
    assisted = _those(FACT, lambda events: events.assisted, "pull requests that AI tools had part in")
    by_agents = _those(FACT, lambda events: events.by_agent, "pull requests of AI agents")


class AiUsage:
    """How much AI tools were used, by day and account. Costs are in millionths."""

    FACT = MeasuredFact("ai_usage", USAGE_ROWS, stored("ai_usage", "AI_USAGE"))
    active_days = Measure(FACT, lambda events: _where(events.active, events.day), "distinct")
    active_people = Measure(FACT, lambda events: events.active.cast("int64"), "any", flag=True, things="active users")
    licensed_people = Measure(
        FACT, lambda events: events.licensed.cast("int64"), "any", flag=True, things="licensed users"
    )
    lines_suggested = Measure(FACT, column("lines_suggested"))
    lines_accepted = Measure(FACT, column("lines_accepted"))
    offered = Measure(FACT, lambda events: _where(events.acceptances.notnull(), events.suggestions))
    accepted = Measure(FACT, lambda events: _where(events.suggestions.notnull(), events.acceptances))
    cost = Measure(FACT, column("cost_millionths"))


def _where(condition: BooleanValue, value: Value) -> Value:
    import ibis

    return ibis.cases((condition, value))


# -- facts of teams ----------------------------------------------------------------------------------------------------


class Deployments:
    """Finished production deployments."""

    FACT = MeasuredFact("deployments", DEPLOYMENT_ROWS, stored("deployments", "DEPLOYMENTS"), "deployments")
    succeeded = _those(FACT, lambda events: events.succeeded, "successful deployments")
    finished = _those(FACT, lambda events: events.counted, "finished deployments")


def _failures() -> Events:
    from leadline.facts.deployments import DEPLOYMENTS

    return Events(DEPLOYMENTS, lambda: DEPLOYMENTS.table().filter(lambda events: events.failed_in.length() > 0))


class Failures:
    """Production deployments that failed."""

    FACT = MeasuredFact("failures", DEPLOYMENT_ROWS, _failures, "failures")
    deployments = Measure(FACT, one, flag=True, things="failed deployments")


def _incidents() -> Events:
    from leadline.facts.incidents import INCIDENTS, resolved_incidents

    return Events(INCIDENTS, resolved_incidents)


class Incidents:
    """Resolved incidents. Durations are microseconds."""

    FACT = MeasuredFact(
        "incidents",
        Shown("resolved incidents", "incidents", ("incident_id",)),
        _incidents,
        "incidents",
    )
    resolved = every(FACT)
    restore = Measure(FACT, column("restore_us"))


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
ELAPSED = RowColumn("elapsed_us")
"""How long the row's period has been, up to the end of its last day that counts in rates, in microseconds."""
