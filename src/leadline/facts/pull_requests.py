"""The fact `pull-requests`: one row per pull request, with its instants, durations, sizes, rework and whether it is linked.

Instants are UTC, durations whole microseconds (``*_us``), never negative.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.attribution import same_person
from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach, between, not_negative, reasons
from leadline.derive.links import links, mentions
from leadline.derive.paths import without
from leadline.engine import schema_table
from leadline.engine.functions import INSTANT, epoch_us
from leadline.facts.accounts import ACCOUNTS, with_developer
from leadline.facts.agents import AGENT_PULLS
from leadline.facts.commits import lines_left_out
from leadline.facts.former_keys import FORMER_KEYS
from leadline.facts.pull_request_filters import LEFT_OUT, has_team_values, left_out
from leadline.facts.reverts import REVERTED
from leadline.facts.rework import FIRST_COMMITS, PULL_REQUEST_KEY, REWORK
from leadline.facts.work_types import by_each_rule
from leadline.materialize.model import Model
from leadline.settings.profile import Profile

PR = ["repository", "number"]
NOBODY = ("", "ghost")
"""Writers who are nobody: none, and what GitHub puts in the place of accounts that were deleted."""


def authored_pull_requests() -> Table:
    """Every pull request with whose it is (``developer``) and ``opened_at``: when it was ready for review, else created. It is
    its author's; an AI agent's is whose ``AGENT_PULLS`` says, and ``agent_why`` says why."""
    pulls = schema_table("pull_requests")
    authored = with_developer(
        pulls.select(
            *PR,
            "author",
            "source",
            "created_at",
            "ready_at",
            "merged_at",
            "merge_commit_sha",
            "additions",
            "deletions",
            "base_branch",
            "labels",
            "title",
            "url",
            opened_at=pulls.ready_at.fill_null(pulls.created_at),
        ),
        "author",
        "code",
    )
    authored = attach(authored, PR, AGENT_PULLS.table())
    return authored.mutate(developer=authored.developer.coalesce(authored.behind)).drop("behind")


def pull_requests_fact(profile: Profile) -> Table:
    """One row per pull request; see the module's opening for units. ``file_lines`` is null where no file is known."""
    links = LINKS.table()
    linked = links.group_by(PR).agg(linked=links.count(), types=links.type.collect(order_by=links.type, distinct=True))
    steps = (FIRST_COMMITS.table(), REWORK.table(), linked, COMMENTS.table(), REVIEWS.table())
    base = attach(authored_pull_requests(), PR, *steps)
    base = base.mutate(left_out=left_out(base, profile), work_types=by_each_rule(base.types, profile)).drop("types")
    return _durations(_sizes(base.mutate(linked=base.linked.notnull()), profile))


def _sizes(base: Table, profile: Profile) -> Table:
    files = base.file_additions + base.file_deletions
    additions, deletions = (base[name].fill_null(base[f"file_{name}"]) for name in ("additions", "deletions"))
    base = base.mutate(
        additions=without(additions, base.additions_left_out),
        deletions=without(deletions, base.deletions_left_out),
        lines_cut=(additions < base.additions_left_out) | (deletions < base.deletions_left_out),
        size_from_files=(base.additions.isnull() | base.deletions.isnull()) & base.file_additions.notnull(),
        file_lines=without(files, base.additions_left_out + base.deletions_left_out),
        refactored=base.refactored.fill_null(0),
        refactored_recent=base.refactored_recent.fill_null(0),
        new_work=(base.file_additions - base.additions_left_out - base.refactored).fill_null(0),
    )
    lines = base.additions + base.deletions
    return base.mutate(
        lines=lines,
        size=ibis.cases(
            (lines < profile["pr_size.small"], "small"),
            (lines < profile["pr_size.medium"], "medium"),
            (lines.notnull(), "large"),
        ),
    ).drop("file_additions", "file_deletions")


def _durations(base: Table) -> Table:
    first_comment_at = ibis.least(base.commented_at, base.reviewed_at)
    base = base.mutate(
        first_comment_at=first_comment_at,
        comments=base.comments.fill_null(0),
        cycle=between(base.first_commit_at, base.merged_at),
        creation=between(base.first_commit_at, base.opened_at),
        first_comment=between(base.opened_at, first_comment_at),
        approval=between(first_comment_at, base.approved_in_time_at),
        merge=between(base.approved_in_time_at, base.merged_at),
    )
    merged = base.merged_at.notnull()
    out_of_time = base.approved_at.notnull() & base.approved_in_time_at.isnull()
    why = reasons(
        (base.author.isnull(), "no author"),
        (base.agent_why.notnull(), base.agent_why),
        (base.bot & base.agent_why.isnull(), "bot: counts for nobody"),
        (base.author.notnull() & base.developer.isnull() & ~base.bot, "author is no known developer"),
        (~merged, "not merged: counts in no period"),
        (base.first_commit_at.isnull(), "no dated listed commit: no cycle time"),
        (base.cycle < 0, "merged before its first commit: cycle time cut to 0"),
        (base.creation < 0, "opened before its first commit: time to creation cut to 0"),
        (merged & base.first_comment_at.isnull(), "no comment or review by others: left out of time to first comment"),
        (merged & base.approved_at.isnull(), "no approval by others: left out of the times to approval and from it"),
        (
            merged & out_of_time,
            "approved by others only before it was ready or after its merge: left out of the times to approval and from it",
        ),
        (base.lines.isnull(), "no size known"),
        (base.size_from_files, "size from its files"),
        *lines_left_out(base, base.lines_cut),
        (merged & base.file_lines.isnull(), "no files known: left out of rework"),
        (~base.linked, "linked to no work item"),
    )
    spans = ("cycle", "creation", "first_comment", "approval", "merge")
    lengths = {f"{name}_us": not_negative(base[name]) for name in spans}
    return base.mutate(why=why, **lengths).drop(*spans, "commented_at", "reviewed_at", "approved_in_time_at")


def _linked_items() -> Table:
    """Per link of a pull request to a work item: the item as `PROJECT-KEY`, its type in lower case ('' none), and where its key was
    seen."""
    linked = links(MENTIONS.table(), FORMER_KEYS.table())
    linked = linked.group_by(*PR, "project", "key").agg(seen=lambda t: t.seen.collect(order_by=t.seen))
    items = schema_table("work_items")
    linked = attach(linked, ITEM, items.select(*ITEM, type=items.type.fill_null("").strip().lower()))
    plain = linked.key.lower().startswith(linked.project.lower() + "-")
    return linked.mutate(item=ibis.cases((plain, linked.key), else_=linked.project + "-" + linked.key.replace("#", "")))


def _comments() -> Table:
    comments = _by_others(schema_table("comments").select(*PR, "author", "source", written_at="created_at"))
    return comments.group_by(PR).agg(
        comments=lambda t: t.count(), commented_at=lambda t: t.written_at.min(where=t.in_time)
    )


def reviews_by_others() -> Table:
    """Reviews (state, written_at) by humans other than whose the pull request is; ``in_time`` as ``_by_others`` says."""
    reviews = schema_table("reviews")
    return _by_others(reviews.select(*PR, "review_id", "author", "source", "state", written_at="submitted_at"))


def _reviews() -> Table:
    reviews = reviews_by_others()
    return reviews.group_by(PR).agg(
        reviewed_at=lambda t: t.written_at.min(where=t.in_time),
        approved_at=lambda t: t.written_at.min(where=t.state == "approved"),
        approved_in_time_at=lambda t: t.written_at.min(where=(t.state == "approved") & t.in_time),
        reviewers=lambda t: t.author.collect(order_by=t.author, distinct=True),
    )


def _by_others(written: Table) -> Table:
    """Rows of ``written`` by humans that are not whose the pull request is, under whatever account; ``in_time`` says whether
    one was written at or after it was ready for review, and not after the merge."""
    written = written.filter(~written.author.strip().lower().isin(NOBODY))
    humans = with_developer(written, "author", "code")
    humans = humans.filter(~humans.bot)
    pulls = authored_pull_requests()
    joined = humans.inner_join(
        pulls.select(*PR, "opened_at", "merged_at", pr_author="author", pr_developer="developer"), PR
    )
    ready = (joined.written_at >= joined.opened_at).fill_null(True)
    joined = joined.mutate(in_time=ready & (joined.written_at <= joined.merged_at).fill_null(True))
    return joined.filter(~same_person(joined.developer, joined.author, joined.pr_developer, joined.pr_author))


def _counted(profile: Profile) -> Table:
    fact = attach(pull_requests_fact(profile), PR, REVERTED.table())
    counted = fact.filter(fact.merged_at.notnull() & fact.developer.notnull())
    if not has_team_values(profile):
        counted = counted.filter(counted.left_out.isnull())
    return counted.select(
        *(name for name in PULL_REQUESTS.columns if name in counted.columns),
        unlinked=~counted.linked,
        unreviewed=counted.first_comment_at.isnull(),
        reverted=counted.is_reverted.fill_null(False),
        happened_us=epoch_us(counted.merged_at),
    )


MENTIONS = Model(
    "mentions",
    {**PULL_REQUEST_KEY, "mention": "string", "seen": "string"},
    expression=lambda _profile: mentions(),
    by_repository=True,
)
LINKS = Model(
    "links",
    {**PULL_REQUEST_KEY, **dict.fromkeys(("project", "key", "item", "type"), "string"), "seen": "array<string>"},
    expression=lambda _profile: _linked_items(),
    by_repository=True,
)
COMMENTS = Model(
    "comments",
    {**PULL_REQUEST_KEY, "comments": "int64", "commented_at": INSTANT},
    expression=lambda _profile: _comments(),
    by_repository=True,
)
REVIEWS = Model(
    "reviews",
    {
        **PULL_REQUEST_KEY,
        **dict.fromkeys(("reviewed_at", "approved_at", "approved_in_time_at"), INSTANT),
        "reviewers": "array<string>",
    },
    expression=lambda _profile: _reviews(),
    by_repository=True,
)
STEPS = (ACCOUNTS, AGENT_PULLS, FIRST_COMMITS, REWORK, LINKS, COMMENTS, REVIEWS)
"""What ``pull_requests_fact`` reads."""

PULL_REQUESTS = Model(
    "pull_requests",
    {
        "developer": "string",
        **PULL_REQUEST_KEY,
        "happened_us": "int64",
        "size": "string",
        "lines": "int64",
        "file_lines": "int64",
        "refactored": "int64",
        "refactored_recent": "int64",
        "new_work": "int64",
        "comments": "int64",
        **dict.fromkeys(("cycle_us", "creation_us", "first_comment_us", "approval_us", "merge_us"), "int64"),
        "work_types": "array<string>",
        "left_out": LEFT_OUT,
        "unlinked": "boolean",
        "unreviewed": "boolean",
        "reverted": "boolean",
    },
    expression=_counted,
    by_repository=True,
)
"""Merged pull requests of known developers: what metrics count, but for those that are left out for their developer.
``work_types`` is what each is ``by_each_rule``."""
