"""When the people of each team without a rule had which repository: from a merge of theirs on, for so many days. By these spans a
team has deployments and incidents."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table, Value

from leadline.derive.expressions import DAY_US
from leadline.engine import BoundTable
from leadline.engine.functions import epoch_us
from leadline.facts.pull_requests import authored_pull_requests
from leadline.materialize.model import Model
from leadline.settings.profile import Profile

CLASSES = {"deployments": "production_class", "failures": "failure_class", "incidents": "incident_class"}
"""By kind of events: the class in which someone counts them."""
FALLBACK = BoundTable(
    "fallback_members", {"of_unit": "int64", "member": "string", **dict.fromkeys(CLASSES.values(), "int64")}
)
"""The people of each unit without a rule in force, with the classes by which their own team says what counts."""
DATED_FALLBACK = BoundTable(
    "dated_fallback_members", {**FALLBACK.columns, "member_from_us": "int64", "member_until_us": "int64"}
)
"""As ``FALLBACK``, of all units, and when, where people move."""
UNIT_TIMES = BoundTable("unit_times", {"timed_unit": "int64", "from_us": "int64", "until_us": "int64"})
"""When each unit is there and has no rule in force, where people move."""
UNIT_SPANS = "unit_spans"
"""Within a query: of_unit, repository, from_us, until_us: when the people of each unit without a rule had a repository."""


def _merges(profile: Profile) -> Table:
    pulls = authored_pull_requests()
    merged = pulls.filter(pulls.merged_at.notnull() & pulls.developer.notnull())
    merges = merged.select("developer", "repository", from_us=epoch_us(merged.merged_at))
    return merges.mutate(until_us=merges.from_us + profile["deployments.team_days"] * DAY_US)


def _merges_in_spans(profile: Profile) -> Table:
    merges = _numbered_spans(_merges(profile).distinct(), _WHOSE)
    span = ibis.window(group_by=[*_WHOSE, "number"])
    whole = merges.mutate(span_from_us=merges.from_us.min().over(span), span_until_us=merges.until_us.max().over(span))
    return whole.drop("opens", "number")


_WHOSE = ["developer", "repository"]
_SPANS = {"developer": "string", "repository": "string", "from_us": "int64", "until_us": "int64"}
MERGES = Model("merges", {**_SPANS, "span_from_us": "int64", "span_until_us": "int64"}, expression=_merges_in_spans)
"""Each merge: who has which repository from it until `deployments.team_days` after it, both included, and the span of
``MERGE_SPANS`` that it is in."""
MERGE_SPANS = Model("merge_spans", _SPANS, expression=lambda profile: joined_spans(_merges(profile), _WHOSE))
"""When each developer had which repository: from a merge until `deployments.team_days` after it, both included; spans that meet are
one. By these a team without rules has its repositories."""


def spans_of_units(dated: bool) -> Table:
    """of_unit, repository, the classes of ``CLASSES``, from_us, until_us (both included), for units (teams that rows are about)
    without a rule. ``dated``: people move; one's merges are the unit's in which the person was on their day, and a unit has nothing
    on days on which it is not there."""
    group = ["of_unit", "repository", *CLASSES.values()]
    # A large unit has hundreds of people in a repository: joined, their spans are few. By its name the engine knows that
    # deployments and incidents ask for the same, and works it out once.
    had = joined_spans(_dated_spans(group) if dated else _spans(group), group)
    return (_while_there(had) if dated else had).alias(UNIT_SPANS)


def joined_spans(spans: Table, group: list[str]) -> Table:
    """``spans`` (group, from_us, until_us; both included) with those of a group that meet made one."""
    numbered = _numbered_spans(spans, group).group_by(*group, "number")
    return numbered.agg(from_us=lambda t: t.from_us.min(), until_us=lambda t: t.until_us.max()).drop("number")


def _numbered_spans(spans: Table, group: list[str]) -> Table:
    """``spans`` with a ``number`` that those of a group share which meet, one after the other."""
    order = ["from_us", "until_us"]
    before = spans.until_us.max().over(ibis.rows_window(preceding=(None, 1), group_by=group, order_by=order))
    marked = spans.mutate(opens=(before.isnull() | (spans.from_us > before)).cast("int64"))
    so_far = ibis.cumulative_window(group_by=group, order_by=order)
    return marked.mutate(number=marked.opens.sum().over(so_far))


def _spans(group: list[str]) -> Table:
    members, spans = FALLBACK.table(), MERGE_SPANS.table()
    return members.inner_join(spans, members.member == spans.developer).select(*group, "from_us", "until_us").distinct()


def _dated_spans(group: list[str]) -> Table:
    """As ``_spans``, of the merges that somebody made while in the unit. Nearly everybody is in it for all of a span, which then
    counts as it is; only of spans in which somebody came or went it takes the single merges."""
    members, spans, merges = DATED_FALLBACK.table(), MERGE_SPANS.table(), MERGES.table()
    whole = members.inner_join(spans, [members.member == spans.developer, *_all_while_in(spans, "", members)])
    merged = [merges.from_us >= members.member_from_us, merges.from_us < members.member_until_us]
    partly = ~ibis.and_(*_all_while_in(merges, "span_", members))
    single = members.inner_join(merges, [members.member == merges.developer, *merged, partly])
    return ibis.union(*(part.select(*group, "from_us", "until_us") for part in (whole, single)), distinct=True)


def _while_there(spans: Table) -> Table:
    """``spans`` of units, cut to when each unit is there. Of spans, not of what lies in them: asked of events, the engine would
    pair every event with every unit that is there then."""
    times = UNIT_TIMES.table().rename(there_from_us="from_us", there_until_us="until_us")
    of_unit = spans.inner_join(times, spans.of_unit == times.timed_unit)
    start = ibis.greatest(of_unit.from_us, of_unit.there_from_us)
    end = ibis.least(of_unit.until_us, of_unit.there_until_us - 1)
    return of_unit.mutate(from_us=start, until_us=end).filter(start <= end).select(spans.columns)


def _all_while_in(spans: Table, named: str, members: Table) -> list[Value]:
    """Whether a whole span lies within the time of a member, so that every merge of it does. A span outlasts its last merge, so
    one that merely ends too late is looked at merge by merge."""
    inside = spans[f"{named}from_us"] >= members.member_from_us
    return [inside, spans[f"{named}until_us"] < members.member_until_us]
