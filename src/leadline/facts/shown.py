"""Each fact as `leadline facts` shows it: its documented columns, with the durations in seconds and the reasons in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import ibis
from ibis.expr.types import StringValue, Table, Value

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach, joined, reasons, with_seconds
from leadline.engine import schema_table
from leadline.facts import commits, item_ownership, pull_requests, status_visits
from leadline.facts.accounts import ACCOUNTS
from leadline.facts.ai_marks import AI_COMMITS, AI_PULLS
from leadline.facts.categories import CATEGORY_STEPS
from leadline.facts.changes import CHANGES, HEAD, MERGE, OUTER, OUTSIDE, merged_pulls
from leadline.facts.code_deployments import CODE_DEPLOYMENTS
from leadline.facts.deployment_contents import ANCHORS, CARRIED
from leadline.facts.deployments import FAILURES
from leadline.facts.effort import MODELS as EFFORT_MODELS
from leadline.facts.effort_rows import EFFORT, effort_rows
from leadline.facts.former_keys import FORMER_KEYS
from leadline.facts.item_incidents import ITEM_INCIDENTS
from leadline.facts.lead_time import (
    CARRIED_PULLS,
    ITEM_PULLS,
    MERGE_BUILDS,
    begun_later,
    lead_of_pull_requests,
    lead_of_work_items,
)
from leadline.facts.ownership import developer_class, needed
from leadline.facts.phases import instant_of
from leadline.facts.production import ENVIRONMENTS
from leadline.facts.pull_request_filters import in_words
from leadline.facts.pull_requests import LINKS, PR
from leadline.facts.rework import FIRST_COMMITS
from leadline.facts.shown_of_teams import deployments, incidents
from leadline.facts.shown_sprint_items import sprint_items
from leadline.facts.waiting import WAITS, with_waiting
from leadline.facts.work_items import ITEMS, work_items_fact
from leadline.facts.work_types import of_linked_items, with_work_type
from leadline.materialize.model import Model
from leadline.settings.profile import Profile
from leadline.settings.setting import STAGES

_CYCLE = ("cycle", "creation", "first_comment", "approval", "merge")
_DELIVERED = (ITEMS, LINKS, FIRST_COMMITS, ITEM_PULLS, MERGE_BUILDS, CARRIED_PULLS, CARRIED, OUTSIDE)

NEEDS: Mapping[str, Sequence[Model]] = {
    "pull-requests": (*pull_requests.STEPS, *_DELIVERED, WAITS, AI_PULLS),
    "work-items": (ACCOUNTS, *_DELIVERED),
    "deployments": (
        *needed("deployments"),
        ENVIRONMENTS,
        CODE_DEPLOYMENTS,
        FAILURES,
        CARRIED,
        CHANGES,
        OUTSIDE,
        ANCHORS,
    ),
    "incidents": (*needed("incidents"), ENVIRONMENTS, CODE_DEPLOYMENTS, ITEM_INCIDENTS),
    "commits": (*commits.STEPS, AI_COMMITS),
    "status-visits": status_visits.STEPS,
    "effort": (*EFFORT_MODELS, *CATEGORY_STEPS),
    "sprint-items": (FORMER_KEYS, *item_ownership.needed),
}
"""The stored tables that each fact reads."""


def rows_of(fact: str, profile: Profile, has_team_rules: bool = False, dated: bool = False) -> Table:
    """The rows of ``fact`` with (at least) its documented columns. ``has_team_rules`` says whether any team rule is in force,
    ``dated`` whether people move."""
    if fact == "commits":
        return attach(commits.commits_fact(), ["repository", "sha"], AI_COMMITS.table())
    if fact == "status-visits":
        return with_seconds(status_visits.shown_visits(), ("visit",))
    if fact == EFFORT:
        return effort_rows(profile)
    if fact == "sprint-items":
        return sprint_items()
    if fact in ("deployments", "incidents"):
        return {"deployments": deployments, "incidents": incidents}[fact](profile, has_team_rules, dated)
    return {"pull-requests": _pull_requests, "work-items": _work_items}[fact](profile)


# -- pull requests and work items --------------------------------------------------------------------------------------


def _pull_requests(profile: Profile) -> Table:
    fact = pull_requests.pull_requests_fact(profile)
    fact = of_linked_items(in_words(fact, profile, instant_of(fact.merged_at)), instant_of(fact.merged_at))
    fact = lead_of_pull_requests(fact, profile)
    fact = attach(developer_class(fact, instant_of(fact.merged_at)), PR, _known_merges(), _untouched())
    fact = with_waiting(fact)
    linked = LINKS.table()
    links = linked.group_by(PR).agg(
        work_items=linked["item"].collect(order_by=linked["item"], distinct=True),
        seen=(linked["item"] + " in " + linked.seen.join(" and ")).collect(order_by=linked["item"]),
    )
    fact = attach(fact, PR, links, AI_PULLS.table())
    by_line = profile["rework.method"] == "line"
    fact = attach(fact, PR, _written(), _without("deleted_lines" if by_line else "commit_files"))
    uncounted = fact.written.fill_null(0) - fact.comments
    too_early_or_late = fact.merged_at.notnull() & fact.first_comment_at.isnull() & (fact.comments > 0)
    merged = fact.merged_at.notnull()
    why = joined(
        fact.left_out_why.fill_null(""),
        fact.why,
        reasons(
            (
                uncounted > 0,
                ibis.literal("comments by its author, bots or nobody, not counted: ") + uncounted.cast("string"),
            ),
            (too_early_or_late, "comments by others were all before it was ready for review or after its merge"),
            (
                (fact.refactored > 0) & fact.without.fill_null(True),
                "no deleted lines of commits known: all reworked code is legacy"
                if by_line
                else "no files of commits known: the age of reworked code by the merges of earlier pull requests",
            ),
        ),
        seen_in(fact.seen),
        reasons(*_stage_reasons(fact, profile), *_delivery_reasons(fact, merged, profile)),
    )
    return with_seconds(fact.mutate(why=why), (*_CYCLE, "coding", "review", "build", "deploy", "lead"))


def _work_items(profile: Profile) -> Table:
    fact = lead_of_work_items(work_items_fact(profile), profile)
    fact = attach(developer_class(fact, instant_of(fact.completed_at)), PR, _known_merges(), _untouched())
    fact = fact.mutate(type_shown=fact.type, type=fact.type.strip().lower())
    fact = with_work_type(fact, instant_of(fact.completed_at)).drop("type")
    linked = LINKS.table()
    name = linked.repository + "#" + linked.number.cast("string")
    links = linked.group_by(ITEM).agg(
        pull_requests=name.collect(order_by=name),
        seen=(name + " in " + linked.seen.join(" and ")).collect(order_by=name),
    )
    described = schema_table("work_items").select(*ITEM, "title", "url")
    fact = attach(fact, ITEM, links, _later_mentions(), described).rename(type="type_shown")
    done, linked_to = fact.completed_at.notnull(), fact.pull_requests.notnull()
    closed = (fact.current_category == "done").fill_null(False)
    opened = fact.current_category.isin(("todo", "in_progress")).fill_null(False)
    from_start = profile["work_items.complete_from"] == "started"
    begun, verb = (fact.started_at, "started") if from_start else (fact.created_at, "created")
    why = joined(
        reasons(
            (fact.assignee.isnull(), "no assignee"),
            (fact.bot, "bot: counts for nobody"),
            (fact.assignee.notnull() & fact.developer.isnull() & ~fact.bot, "assignee is no known developer"),
            (~done & fact.left_out.notnull(), ibis.literal("left out: ") + fact.left_out),
            (~done & fact.left_out.isnull() & ~closed, "not completed: counts in no period"),
            (~done & fact.left_out.isnull() & closed, "done, but since when is not known: counts in no period"),
            (done & opened, "completed by its date, though its status is open"),
            (fact.complete_us.isnull() & done, "start unknown: no time to complete"),
            (
                (fact.completed_at < begun).fill_null(False),
                f"completed before it was {verb}: time to complete cut to 0",
            ),
            (done & fact.started_at.isnull(), "no start of work known: no planning and no coding"),
            (
                done & linked_to & fact.first_commit_at.isnull(),
                "no dated commit of its pull requests: no coding and no review",
            ),
            (
                done & linked_to & fact.last_merged_at.isnull(),
                "none of its pull requests is merged: no review, build and deploy",
            ),
            (fact.pull_requests.isnull(), "linked to no pull request"),
        ),
        seen_in(fact.seen),
        fact.begun_later.fill_null(""),
        reasons(*_stage_reasons(fact, profile), *_delivery_reasons(fact, fact.last_merged_at.notnull(), profile)),
    )
    return with_seconds(fact.mutate(why=why), (*STAGES, "lead", "complete"))


def _later_mentions() -> Table:
    """Per work item, in words, the pull requests that are linked to it and were begun after it was completed."""
    linked = attach(LINKS.table().select(*ITEM, *PR), ITEM, ITEMS.table().select(*ITEM, "completed_at"))
    linked = attach(linked, PR, FIRST_COMMITS.table())
    later = linked.filter(begun_later(linked))
    name = later.repository + "#" + later.number.cast("string")
    names = later.group_by(ITEM).agg(names=name.collect(order_by=name))
    sentence = ibis.literal("begun after it was completed, not among its times: ") + names.names.join(", ")
    return names.select(*ITEM, begun_later=sentence)


def _written() -> Table:
    """Per pull request all its comments, whoever wrote them."""
    comments = schema_table("comments")
    return comments.group_by(PR).agg(written=comments.count())


def _without(table: str) -> Table:
    """Pull requests of repositories of which rows of ``table`` are known: ``without`` is false."""
    known = schema_table(table).select("repository").distinct()
    return schema_table("pull_requests").select(*PR).semi_join(known, "repository").mutate(without=False)


def _known_merges() -> Table:
    """Pull requests whose merge commit is known."""
    known = merged_pulls().semi_join(schema_table("commits"), ["repository", "sha"])
    return known.select(*PR, merge_known=True)


def _untouched() -> Table:
    """Per pull request the services of its repository that are deployed and of whose paths it touches none (names as one text)."""
    deployed = CARRIED.table().select("repository", "service").distinct()
    outside = OUTSIDE.table().inner_join(
        deployed.mutate(of_service=deployed.service.lower()), ["repository", "of_service"]
    )
    return outside.group_by(PR).agg(untouched=outside.service.collect(order_by=outside.service).join(", "))


def _stage_reasons(fact: Table, profile: Profile) -> Iterable[tuple[Value, str]]:
    cut = "cut to 0" if profile["lead_time.order"] == "enforce" else "left out"
    for stage in STAGES:
        yield fact[stage] < 0, f"{stage} would be negative: {cut}"


def _delivery_reasons(fact: Table, merged: Value, profile: Profile) -> Iterable[tuple[Value, str | StringValue]]:
    service = ibis.cases(
        (fact.deployed_service != "", ibis.literal(" of service ") + fact.deployed_service), else_=ibis.literal("")
    )
    carried = fact.deployment_id.notnull()
    by_merge = carried & (fact.way == MERGE)
    outer = ibis.literal("deployed: with #") + fact.outer.cast("string") + ", which lists its merge"
    yield merged & fact.build_finished_at.isnull(), "no finished build of the merge: deploy starts at the merge"
    yield by_merge & (fact.via == "ancestor"), ibis.literal("deployed: its merge is in the deployed history") + service
    yield by_merge & (fact.via == "listed"), ibis.literal("deployed: the deployment lists its merge") + service
    yield (
        by_merge & (fact.via == "cherry-pick"),
        ibis.literal("deployed: cherry-picked as ") + fact.picked_by.fill_null("a listed commit") + service,
    )
    yield carried & (fact.way == HEAD), ibis.literal("deployed: with the last commit of its branch") + service
    yield carried & (fact.way == OUTER), outer + service
    known = fact.merge_known.fill_null(False)
    yield (
        merged & fact.untouched.notnull(),
        ibis.literal("not carried by service ") + fact.untouched.fill_null("") + ": touches none of its paths",
    )
    yield merged & ~carried & ~known, "its merge commit is not known: which deployment carries it cannot be told"
    yield merged & ~carried & known, "no production deployment after a service's first known one carries it"
    if profile["lead_time.work"] == "deployed":
        yield ~carried, "not deployed: left out of lead time"


def seen_in(seen: Value) -> StringValue:
    """Where keys of work items were seen, as a sentence; empty where nothing is linked."""
    return ibis.cases((seen.notnull(), ibis.literal("linked: ") + seen.join(", ")), else_=ibis.literal(""))
