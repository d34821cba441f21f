"""Lead time for changes: the five stages of a unit of work, and the stored rows that metrics take statistics of (metrics,
"Lead time for changes").

A unit is a completed work item or, without a work tracker, a merged pull request. Durations are whole microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, Table, TimestampValue, Value

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach, between, not_negative
from leadline.derive.production import classes
from leadline.engine import schema_table
from leadline.engine.functions import INSTANT, epoch_us
from leadline.facts.accounts import ACCOUNTS
from leadline.facts.agents import AGENT_PULLS
from leadline.facts.changes import HEAD, MERGE, carried_changes, merged_pulls
from leadline.facts.deployment_contents import CARRIED
from leadline.facts.production import CLASS_RULES, CLASS_SETTINGS
from leadline.facts.pull_request_filters import BRANCHES, LABELS, LEFT_OUT, has_team_values, left_out
from leadline.facts.pull_requests import LINKS, PR
from leadline.facts.rework import FIRST_COMMITS, PULL_REQUEST_KEY
from leadline.facts.work_items import ITEMS, assigned_items
from leadline.materialize.model import BuildContext, Computation, Model
from leadline.settings.profile import Profile
from leadline.settings.setting import STAGES

Ends = Mapping[str, tuple[TimestampValue, TimestampValue]]
"""The start and the end of each stage that a unit has."""


def with_stages(units: Table, ends: Ends, profile: Profile) -> Table:
    """``units`` with ``planning_us`` … ``deploy_us`` and their sum ``lead_us`` (empty without any), and the same stages
    as they are, negative ones too, as ``planning`` … ``deploy``.

    A stage that is switched off, or misses an event, is empty. A negative one counts 0 or, if the profile allows
    exceptions, is left out.
    """
    raw = {name: between(*ends[name]) for name in ends if name in profile["lead_time.stages"]}
    units = units.mutate(**{name: raw.get(name, ibis.null("int64")) for name in STAGES})
    enforce = profile["lead_time.order"] == "enforce"
    units = units.mutate(**{f"{name}_us": _kept(units[name], enforce) for name in STAGES})
    durations = [units[f"{name}_us"] for name in STAGES]
    total = sum((duration.fill_null(0) for duration in durations[1:]), durations[0].fill_null(0))
    return units.mutate(lead_us=ibis.cases((ibis.coalesce(*durations).notnull(), total)))


def _kept(duration: IntegerValue, enforce: bool) -> Value:
    return not_negative(duration) if enforce else ibis.cases((duration >= 0, duration))


def pull_request_ends(pulls: Table) -> Ends:
    """The stages of a pull request; it has no planning."""
    return {
        "coding": (pulls.first_commit_at, pulls.opened_at),
        "review": (pulls.opened_at, pulls.merged_at),
        "build": (pulls.merged_at, pulls.build_finished_at),
        "deploy": (pulls.build_finished_at.fill_null(pulls.merged_at), pulls.deployed_at),
    }


def work_item_ends(items: Table) -> Ends:
    """The stages of a work item."""
    return {
        "planning": (items.created_at, items.started_at),
        "coding": (items.started_at, items.first_commit_at),
        "review": (items.first_commit_at, items.last_merged_at),
        "build": (items.last_merged_at, items.build_finished_at),
        "deploy": (items.build_finished_at.fill_null(items.last_merged_at), items.deployed_at),
    }


def with_classes(units: Table, profile: Profile) -> Table:
    """``units`` once for every class of production."""
    numbers = [ibis.literal(number, "int64") for number in range(len(classes(profile)))]
    return units.mutate(**{"class": numbers[0] if len(numbers) == 1 else ibis.array(numbers).unnest()})


def _merge_builds(_profile: Profile) -> Table:
    """Per merged pull request the end of the last build of its merge; a build without repository is any one's."""
    builds = schema_table("builds")
    builds = builds.filter(builds.finished_at.notnull() & builds.sha.notnull())
    ended = builds.group_by(of_repository=builds.repository, of_sha=builds.sha.lower()).agg(
        finished_at=builds.finished_at.max()
    )
    pulls = merged_pulls()
    joined = pulls.inner_join(ended, pulls.sha == ended.of_sha)
    joined = joined.filter(joined.of_repository.isnull() | (joined.of_repository == joined.repository))
    return joined.group_by(PR).agg(build_finished_at=joined.finished_at.max())


def _carried_pulls(profile: Profile) -> Table:
    """Per class and merged pull request the first deployment over the services of its repository that carries it."""
    joined = carried_changes(CARRIED.table(), profile).rename(deployed_service="service")
    way = ibis.cases((joined.way == MERGE, 0), (joined.way == HEAD, 1), else_=2)
    first = ibis.row_number().over(
        ibis.window(
            group_by=["class", *PR],
            order_by=[joined.deployed_at, joined.deployment_id, joined.deployed_service, way, joined.outer],
        )
    )
    return joined.mutate(position=first).filter(lambda t: t.position == 0).select(*CARRIED_PULLS.columns)


def _item_pulls(_profile: Profile) -> Table:
    """Per work item with linked pull requests: the first commit of all of them and the last merged one; but for those that
    were begun after it was completed."""
    pulls = schema_table("pull_requests").select(*PR, "merged_at")
    joined = attach(LINKS.table().select(*ITEM, *PR), PR, FIRST_COMMITS.table(), pulls)
    joined = attach(joined, ITEM, ITEMS.table().select(*ITEM, "completed_at"))
    joined = joined.filter(~begun_later(joined))
    merged = joined.merged_at.notnull()
    order = ibis.row_number().over(
        ibis.window(group_by=ITEM, order_by=[joined.merged_at.asc(nulls_first=False), joined.repository, joined.number])
    )
    joined = joined.mutate(position=ibis.cases((merged, order)))
    last = joined.position == joined.position.max().over(ibis.window(group_by=ITEM))
    marked = joined.mutate(last=last.fill_null(False))
    return marked.group_by(ITEM).agg(
        first_commit_at=marked.first_commit_at.min(),
        repository=marked.repository.max(where=marked["last"]),
        number=marked.number.max(where=marked["last"]),
        last_merged_at=marked.merged_at.max(),
    )


def begun_later(linked: Table) -> BooleanValue:
    """Whether the first commit of a pull request is later than the completion of the item that it is linked to: a later
    mention does not rewrite an old month."""
    return (linked.first_commit_at > linked.completed_at).fill_null(False)


def delivered(units: Table) -> Table:
    """``units`` (repository, number, class) with the end of the build and the deployment of that pull request."""
    units = attach(units, PR, MERGE_BUILDS.table())
    return attach(units, ["class", *PR], CARRIED_PULLS.table())


def lead_of_work_items(items: Table, profile: Profile) -> Table:
    """Completed ``items`` (project, key, created_at, started_at, …) with ``class`` and their stages."""
    units = with_classes(attach(items, ITEM, ITEM_PULLS.table()), profile)
    units = delivered(units)
    return with_stages(units, work_item_ends(units), profile)


def lead_of_pull_requests(pulls: Table, profile: Profile) -> Table:
    """``pulls`` (repository, number, opened_at, merged_at, first_commit_at, …) with ``class`` and their stages."""
    units = delivered(with_classes(pulls, profile))
    return with_stages(units, pull_request_ends(units), profile)


def unit_of(profile: Profile, work_items: int) -> str:
    """The unit of lead time: as the profile says; `auto` is work items if the project has any."""
    unit: str = profile["lead_time.unit"]
    return ("work_items" if work_items else "pull_requests") if unit == "auto" else unit


def _lead(profile: Profile, unit: str) -> Table:
    from leadline.facts.pull_requests import authored_pull_requests

    if unit == "work_items":
        items = assigned_items()
        units = lead_of_work_items(items.filter(items.completed_at.notnull() & items.developer.notnull()), profile)
        units = units.mutate(left_out=ibis.null(LEFT_OUT)).drop(*PR)
        happened = units.completed_at
    else:
        pulls = attach(authored_pull_requests(), PR, FIRST_COMMITS.table())
        pulls = pulls.mutate(left_out=left_out(pulls, profile))
        counted = pulls.merged_at.notnull() & pulls.developer.notnull()
        if not has_team_values(profile):
            counted &= pulls.left_out.isnull()
        units = lead_of_pull_requests(pulls.filter(counted), profile)
        happened = units.merged_at
    units = units.mutate(happened_us=epoch_us(happened))
    if profile["lead_time.work"] == "deployed":
        units = units.filter(units.deployed_at.notnull())
    enforce = profile["lead_time.order"] == "enforce"
    delivery = _kept(between(units.first_commit_at, units.deployed_at), enforce)
    keys = {name: ibis.null(LEAD.columns[name]) for name in (*ITEM, *PR) if name not in units.columns}
    return units.mutate(delivery_us=delivery, **keys).select(*LEAD.columns)


def _compute_lead(context: BuildContext) -> None:
    unit = unit_of(context.profile, context.snapshot.row_counts().get("work_items", 0))
    text = context.sql("lead", unit, lambda: _lead(context.profile, unit))
    context.engine.copy(text, context.folder / "lead.parquet", "parquet")


MERGE_BUILDS = Model("merge_builds", {**PULL_REQUEST_KEY, "build_finished_at": INSTANT}, expression=_merge_builds)
CARRIED_PULLS = Model(
    "carried_pulls",
    {
        "class": "int64",
        **PULL_REQUEST_KEY,
        "deployment_id": "string",
        "deployed_at": INSTANT,
        "deployed_service": "string",
        "via": "string",
        "picked_by": "string",
        "way": "string",
        "outer": "int64",
    },
    expression=_carried_pulls,
)
ITEM_PULLS = Model(
    "item_pulls",
    {
        "project": "string",
        "key": "string",
        "first_commit_at": INSTANT,
        **PULL_REQUEST_KEY,
        "last_merged_at": INSTANT,
    },
    expression=_item_pulls,
)
"""Per work item its pull requests together; repository and number are those of the last merged one."""

LEAD = Model(
    "lead",
    {
        "class": "int64",
        **dict.fromkeys(ITEM, "string"),
        **PULL_REQUEST_KEY,
        "developer": "string",
        "happened_us": "int64",
        **{f"{name}_us": "int64" for name in (*STAGES, "lead", "delivery")},
        "left_out": LEFT_OUT,
    },
    computation=Computation(
        _compute_lead,
        sources=("work_items", "pull_requests"),
        depends_on=(ACCOUNTS, AGENT_PULLS, FIRST_COMMITS, ITEMS, ITEM_PULLS, MERGE_BUILDS, CARRIED_PULLS),
        settings=(
            *("lead_time.unit", "lead_time.stages", "lead_time.work", "lead_time.order"),
            *(BRANCHES, LABELS),
            *CLASS_SETTINGS,
        ),
        rules=(*CLASS_RULES, BRANCHES, LABELS),
    ),
)
"""Units of work completed by known developers, once per class of production: what metrics count. One is a work item (project,
key) or a pull request (repository, number). ``delivery_us`` is the time
from the first commit to the deployment, whatever the stages."""
