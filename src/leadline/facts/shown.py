"""Each fact as `leadline facts` shows it: its documented columns, with the durations in seconds and the reasons in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import ibis
from ibis.expr.types import StringValue, Table, Value

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach, joined, reasons, seconds
from leadline.derive.production import DEFAULT_CLASS
from leadline.engine import BoundTable, schema_table
from leadline.facts import commits, pull_requests
from leadline.facts.accounts import ACCOUNTS
from leadline.facts.changes import CHANGES, HEAD, MERGE, OUTER, OUTSIDE, carried_changes, merged_pulls
from leadline.facts.code_deployments import CODE_DEPLOYMENTS
from leadline.facts.deployment_contents import ANCHORS, CARRIED
from leadline.facts.deployments import DEPLOYMENTS, FAILURES, by_incident
from leadline.facts.incidents import INCIDENTS, incidents_fact
from leadline.facts.item_incidents import ITEM_INCIDENTS
from leadline.facts.lead_time import (
    CARRIED_PULLS,
    ITEM_PULLS,
    MERGE_BUILDS,
    begun_later,
    lead_of_pull_requests,
    lead_of_work_items,
)
from leadline.facts.ownership import by_repositories, by_rules, developer_class, needed
from leadline.facts.phases import instant_of
from leadline.facts.production import ENVIRONMENTS
from leadline.facts.pull_request_filters import in_words
from leadline.facts.pull_requests import LINKS, PR
from leadline.facts.rework import FIRST_COMMITS
from leadline.facts.runs import EVENT, FINISHED, runs, with_production
from leadline.facts.work_items import ITEMS, work_items_fact
from leadline.facts.work_types import with_work_type
from leadline.materialize.model import Model
from leadline.settings.event_sources import MERGES, PIPELINES, RELEASES, WORK_ITEMS
from leadline.settings.profile import Profile
from leadline.settings.setting import STAGES

TEAM_PATHS = BoundTable("team_paths", {"of_unit": "int64", "path": "string"})
"""The nodes that deployments and incidents may count for, in order of the tree."""

_FALLBACK_HOW = "repositories its people merged to in the days before"
_DELIVERED = (ITEMS, LINKS, FIRST_COMMITS, ITEM_PULLS, MERGE_BUILDS, CARRIED_PULLS, CARRIED, OUTSIDE)

NEEDS: Mapping[str, Sequence[Model]] = {
    "pull-requests": (*pull_requests.STEPS, *_DELIVERED),
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
    "commits": commits.STEPS,
}
"""The stored tables that each fact reads."""


def rows_of(fact: str, profile: Profile, has_team_rules: bool = False, dated: bool = False) -> Table:
    """The rows of ``fact`` with (at least) its documented columns. ``has_team_rules`` says whether any team rule is in force,
    ``dated`` whether people move."""
    if fact == "commits":
        return commits.commits_fact()
    if fact in ("deployments", "incidents"):
        return _OF_TEAMS[fact](profile, has_team_rules, dated)
    return {"pull-requests": _pull_requests, "work-items": _work_items}[fact](profile)


# -- pull requests and work items --------------------------------------------------------------------------------------


def _pull_requests(profile: Profile) -> Table:
    fact = pull_requests.pull_requests_fact(profile)
    fact = in_words(fact, profile, instant_of(fact.merged_at))
    fact = lead_of_pull_requests(fact, profile)
    fact = attach(developer_class(fact, instant_of(fact.merged_at)), PR, _known_merges(), _untouched())
    linked = LINKS.table()
    links = linked.group_by(PR).agg(
        work_items=linked["item"].collect(order_by=linked["item"], distinct=True),
        seen=(linked["item"] + " in " + linked.seen.join(" and ")).collect(order_by=linked["item"]),
    )
    fact = attach(fact, PR, links)
    fact = attach(fact, PR, _written(), _without_files())
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
                (fact.refactored > 0) & fact.without_files.fill_null(True),
                "no files of commits known: the age of reworked code by the merges of earlier pull requests",
            ),
        ),
        seen_in(fact.seen),
        reasons(*_stage_reasons(fact, profile), *_delivery_reasons(fact, merged, profile)),
    )
    return _in_seconds(fact.mutate(why=why), ("cycle", "first_comment", "coding", "review", "build", "deploy", "lead"))


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
    fact = attach(fact, ITEM, links, _later_mentions()).rename(type="type_shown")
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
    return _in_seconds(fact.mutate(why=why), (*STAGES, "lead", "complete"))


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


def _without_files() -> Table:
    """Pull requests of repositories of which files of commits are known: ``without_files`` is false."""
    known = schema_table("commit_files").select("repository").distinct()
    return schema_table("pull_requests").select(*PR).semi_join(known, "repository").mutate(without_files=False)


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


def _in_seconds(fact: Table, names: Iterable[str]) -> Table:
    return fact.mutate(**{f"{name}_seconds": seconds(fact[f"{name}_us"]) for name in names})


def seen_in(seen: Value) -> StringValue:
    """Where keys of work items were seen, as a sentence; empty where nothing is linked."""
    return ibis.cases((seen.notnull(), ibis.literal("linked: ") + seen.join(", ")), else_=ibis.literal(""))


# -- deployments and incidents -----------------------------------------------------------------------------------------


def _deployments(profile: Profile, has_team_rules: bool, dated: bool) -> Table:
    teams = _teams("deployments", EVENT, has_team_rules, dated)
    table = attach(runs(), EVENT, FAILURES.table(), _contents(profile), _undone(), teams)
    table = attach(table, ["deployment_id"], ANCHORS.table().select("deployment_id", "note"))
    table = with_production(table)
    finished = table.status.isin(FINISHED)
    by_incident = profile["cfr.source"] == "incidents"
    undone = table.failed_by.notnull()
    broken = table.status == "failure"
    itself = ibis.cases((broken, ibis.array([table.deployment_id])), else_=ibis.literal([], "array<string>"))
    is_production = table.called_production
    counts = table.classes.length() > 0
    is_code = table.source != PIPELINES
    succeeded = counts & (table.status == "success").fill_null(False) & table.finished_at.notnull()
    rolls_back = table.rollback & ~ibis.literal(by_incident) & counts
    first = table.finished_at.min(where=succeeded).over(ibis.window(group_by=["repository", "service"]))
    carries_nothing = succeeded & table.repository.notnull() & table.commits.isnull()
    by_default = table.classes.contains(DEFAULT_CLASS)
    why = reasons(
        (table.source == RELEASES, ibis.literal("the release ") + table.tag),
        (table.source == MERGES, ibis.literal("a merge into ") + table.branch),
        (~is_production, "not production: counts in nothing"),
        (is_production & ~counts, "a run of a pipeline: deployments come from elsewhere (deployments.source)"),
        (counts & ~by_default & ~is_code, "production by an environment rule alone, or by a team's deployments.source"),
        (is_code & ~by_default, "a deployment only by a team's rule deployments.source"),
        (table.status.isnull(), "no status: not finished"),
        (table.status.notnull() & ~finished, table.status + ": counts in nothing"),
        (table.finished_at.isnull(), "no finish known: counts in no period"),
        (table.finished_at < table.started_at, "finished before it started"),
        (table.rollback & ~rolls_back, "a rollback"),
        (rolls_back & broken, "a rollback that failed: undoes nothing"),
        (rolls_back & ~broken & table.undoes.isnull(), "a rollback, of nothing that is known"),
        (rolls_back & ~broken & table.undoes.notnull(), ibis.literal("a rollback, of ") + table.undoes),
        (is_production & broken, "failed: carries nothing"),
        (carries_nothing & (table.finished_at == first), "the first known of its service: carries nothing"),
        (carries_nothing & (table.finished_at > first), "carries nothing new"),
        (broken & is_production & ibis.literal(by_incident), "failed: change failure rate looks at incidents alone"),
        (undone & ibis.literal(by_incident), "failed: it caused incidents"),
        (undone & ~ibis.literal(by_incident), "failed: it was rolled back"),
        (
            undone & ~broken & by_default & ~table.failed_in.contains(DEFAULT_CLASS),
            "failed only for teams with an environment rule or sources of their own",
        ),
        (table.repository.isnull(), "no repository: carries nothing"),
    )
    failed_by = itself.concat(table.failed_by.fill_null(ibis.literal([], "array<string>")))
    return table.mutate(
        production=is_production,
        outcome=ibis.cases((finished & (undone | broken), "failure"), (finished, "success")),
        failed_by=ibis.cases((failed_by.length() > 0, failed_by)),
        why=joined(why, table.note.fill_null(""), _teams_in_words(table, counts & finished)),
    )


def _undone() -> Table:
    """Per run the deployments that failed by it, in words (``undoes``)."""
    failures = FAILURES.table().mutate(by=lambda t: t.failed_by.unnest())
    return failures.group_by(deployment_id="by", service="service").agg(
        undoes=failures.deployment_id.collect(order_by=failures.deployment_id).join(", ")
    )


def _contents(profile: Profile) -> Table:
    """What each run carries for its service: commits, and the pull requests whose merge is among them."""
    carried = CARRIED.table()
    # Under several classes of production a run carries what the first one that knows it says.
    first = carried["class"].min().over(ibis.window(group_by=EVENT))
    carried = carried.mutate(first=first)
    carried = carried.filter(carried["class"] == carried.first)
    shas = carried.group_by(EVENT).agg(commits=carried.sha.collect(order_by=carried.sha))
    contents = carried_changes(carried, profile)
    first = ibis.row_number().over(
        ibis.window(group_by=["service", *PR], order_by=[contents.deployed_at, contents.deployment_id, contents.way])
    )
    contents = contents.mutate(position=first).filter(lambda t: t.position == 0)
    name = contents.repository + "#" + contents.number.cast("string")
    order = [contents.repository, contents.number]
    return attach(shas, EVENT, contents.group_by(EVENT).agg(pull_requests=name.collect(order_by=order)))


def _incidents(profile: Profile, has_team_rules: bool, dated: bool) -> Table:
    blamed = by_incident(profile).filter(lambda t: t["class"] == DEFAULT_CLASS)
    blamed = blamed.group_by(incident_id="by").agg(by_rule=blamed.deployment_id.min())
    fact = incidents_fact(profile)
    teams = _teams("incidents", ["incident_id"], has_team_rules, dated)
    table = attach(fact.filter(fact.counted_in.length() > 0), ["incident_id"], teams)
    # One by one: of two parts that come from incidents themselves, ibis takes one's key for the other's.
    table = attach(table, ["incident_id"], blamed)
    resolved = table.resolved_at.notnull()
    named = table.known_deployment
    served = table.service != ""
    why = reasons(
        (table.source == WORK_ITEMS, ibis.literal("a work item of ") + table.project),
        (~table.counted_in.contains(0), "an incident only by a team's rules"),
        (~resolved, "not resolved: counts in no period"),
        (resolved & table.created_at.isnull(), "creation unknown: no time to restore"),
        (table.restore < 0, "resolved before it was created: cut to 0"),
        (
            table.deployment_id.notnull() & ~named,
            ibis.literal("names a deployment that is not known: ") + table.deployment_id,
        ),
        (named, "deployment: the one that it names"),
        (~named & table.by_rule.isnull(), "no production deployment before it is known"),
        (~named & table.by_rule.notnull() & served, "deployment: the latest of its service before it"),
        (~named & table.by_rule.notnull() & ~served, "deployment: the latest of its repository before it"),
    )
    shown = table.mutate(
        why=joined(why, _teams_in_words(table, resolved)),
        service=table.service.nullif(""),
        deployment_id=ibis.cases((named, table.deployment_id), else_=table.by_rule),
    )
    return _in_seconds(shown, ("restore",))


def _teams_in_words(table: Table, counts: Value) -> StringValue:
    return ibis.cases(
        (table.how.notnull(), ibis.literal("teams by ") + table.how.join("; by ")),
        (
            counts,
            "no team: nobody merged to its repository in the days before (deployments.team_days), and no rule matches it",
        ),
        else_=ibis.literal(""),
    )


def _teams(kind: str, key: list[str], has_team_rules: bool, dated: bool) -> Table:
    """Per event the teams for which it counts, and in words by which of the rules."""
    events = (DEPLOYMENTS if kind == "deployments" else INCIDENTS).table()
    ways = by_repositories(kind, events, dated).mutate(how=ibis.literal(_FALLBACK_HOW))
    if has_team_rules:
        ways = ways.union(by_rules(kind, events, dated)).distinct()
    owned = events.select("event", *key).inner_join(ways, "event").drop("event")
    paths = TEAM_PATHS.table()
    named = owned.inner_join(paths, "of_unit")
    ways = named.group_by(*key, "how").agg(paths=named.path.collect(order_by=named.of_unit), first=named.of_unit.min())
    in_words = ways.group_by(key).agg(
        # All by one rule need not be listed twice.
        how=ibis.cases(
            (ways.count() == 1, ways.how.collect()),
            else_=(ways.how + ": " + ways.paths.join(", ")).collect(order_by=[ways.first, ways.how]),
        )
    )
    units = owned.select(*key, "of_unit").distinct().inner_join(paths, "of_unit")
    teams = units.group_by(key).agg(teams=units.path.collect(order_by=units.of_unit))
    return attach(teams, key, in_words)


_OF_TEAMS: Mapping[str, Callable[[Profile, bool, bool], Table]] = {
    "deployments": _deployments,
    "incidents": _incidents,
}
