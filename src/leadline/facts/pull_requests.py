"""The fact `pull-requests`: one row per pull request, with its instants, durations, sizes, rework and links.

Pull requests with their commits, files, reviews and comments, work items and accounts come in; the fact's expression goes
out. Instants are UTC, durations whole microseconds (``*_us``), never negative.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.attribution import same_person, with_developer
from leadline.derive.expressions import attach, between, epoch_us, not_negative, reasons
from leadline.derive.links import links
from leadline.engine import schema_table
from leadline.facts.accounts import ACCOUNTS
from leadline.facts.rework import file_sums, recent_rework
from leadline.facts.stored import Stored
from leadline.settings.profile import Profile

PR = ["repository", "number"]


def pull_requests_fact(profile: Profile) -> Table:
    """One row per pull request; see the module's opening for units. ``file_lines`` is null where no file is known."""
    pulls = schema_table("pull_requests")
    base = with_developer(
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
            opened_at=pulls.ready_at.fill_null(pulls.created_at),
        ),
        "author",
        "code",
    )
    first_commits = _first_commits()
    starts = attach(base.select(*PR, "merge_commit_sha"), PR, first_commits)
    reactions = _reactions(base.select(*PR, "author", "developer"))
    recent = recent_rework(starts, profile["rework.window_days"])
    base = attach(base, PR, first_commits, file_sums(), recent, _linked_items(), *reactions)
    return _durations(_sizes(base, profile))


def _sizes(base: Table, profile: Profile) -> Table:
    base = base.mutate(
        additions=base.additions.fill_null(base.file_additions),
        deletions=base.deletions.fill_null(base.file_deletions),
        size_from_files=(base.additions.isnull() | base.deletions.isnull()) & base.file_additions.notnull(),
        file_lines=base.file_additions + base.file_deletions,
        refactored=base.refactored.fill_null(0),
        refactored_recent=base.refactored_recent.fill_null(0),
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
        first_comment=between(base.opened_at, first_comment_at),
        coding=between(base.first_commit_at, base.opened_at),
        review=between(base.opened_at, base.merged_at),
    )
    merged = base.merged_at.notnull()
    why = reasons(
        (base.author.isnull(), "no author"),
        (base.bot, "bot: counts for nobody"),
        (base.author.notnull() & base.developer.isnull() & ~base.bot, "author is no known developer"),
        (~merged, "not merged: counts in no period"),
        (base.first_commit_at.isnull(), "no dated listed commit: no cycle time"),
        (base.cycle < 0, "merged before its first commit: cycle time cut to 0"),
        (base.coding < 0, "opened before its first commit: coding time cut to 0"),
        (base.review < 0, "merged before it was opened: review time cut to 0"),
        (merged & base.first_comment_at.isnull(), "no comment or review by others: left out of time to first comment"),
        (base.first_comment < 0, "first comment before it was ready: cut to 0"),
        (base.lines.isnull(), "no size known"),
        (base.size_from_files, "size from its files"),
        (merged & base.file_lines.isnull(), "no files known: left out of rework"),
        (base.links.isnull(), "linked to no work item"),
    )
    return (
        base.mutate(why=why)
        .mutate(
            cycle_us=not_negative(base.cycle),
            first_comment_us=not_negative(base.first_comment),
            coding_us=not_negative(base.coding),
            review_us=not_negative(base.review),
        )
        .drop("cycle", "first_comment", "coding", "review", "commented_at", "reviewed_at")
    )


def _first_commits() -> Table:
    """The earliest author date of the listed commits; `commits` fills in where the list has none."""
    listed = schema_table("pull_request_commits")
    commits = schema_table("commits").select("repository", "sha", known_at="authored_at")
    undated = listed.filter(listed.authored_at.isnull()).select(*PR, "sha")
    dated = ibis.union(
        listed.filter(listed.authored_at.notnull()).select(*PR, "authored_at"),
        undated.inner_join(commits, ["repository", "sha"]).select(*PR, authored_at="known_at"),
    )
    return dated.group_by(PR).agg(first_commit_at=dated.authored_at.min())


def _linked_items() -> Table:
    """Per pull request its work items as `PROJECT-KEY`, sorted."""
    found = links().select(*PR, "project", "key").distinct()
    plain = found.key.lower().startswith(found.project.lower() + "-")
    named = found.select(
        *PR, item=ibis.cases((plain, found.key), else_=found.project + "-" + found.key.replace("#", ""))
    )
    return named.group_by(PR).agg(links=named.item.collect(order_by=named.item, distinct=True))


def _reactions(pulls: Table) -> tuple[Table, Table]:
    """What others than the author wrote: per pull request comments and commented_at, and reviewed_at and approved_at."""
    comments = _by_others(schema_table("comments"), pulls)
    reviews = _by_others(schema_table("reviews"), pulls)
    return (
        comments.group_by(PR).agg(
            comments=lambda t: t.count(),
            commented_at=lambda t: t.created_at.min(),
        ),
        reviews.group_by(PR).agg(
            reviewed_at=lambda t: t.submitted_at.min(),
            approved_at=lambda t: t.submitted_at.min(where=t.state == "approved"),
        ),
    )


def _by_others(written: Table, pulls: Table) -> Table:
    """Rows of ``written`` by humans that are not the pull request's author under whatever account."""
    written = written.filter(written.author.notnull())
    written = with_developer(written, "author", "code")
    humans = written.filter(~written.bot)
    authors = pulls.select(*PR, pr_author="author", pr_developer="developer")
    joined = humans.inner_join(authors, PR)
    return joined.filter(~same_person(joined.developer, joined.author, joined.pr_developer, joined.pr_author))


def _counted(profile: Profile) -> Table:
    fact = pull_requests_fact(profile)
    counted = fact.filter(fact.merged_at.notnull() & fact.developer.notnull())
    return counted.select(
        *(name for name in PULL_REQUESTS.columns if name in counted.columns),
        unlinked=counted.links.isnull(),
        happened_us=epoch_us(counted.merged_at),
    )


PULL_REQUESTS = Stored(
    "pull_requests",
    {
        "developer": "string",
        "happened_us": "int64",
        "size": "string",
        "lines": "int64",
        "file_lines": "int64",
        "refactored": "int64",
        "refactored_recent": "int64",
        "comments": "int64",
        "cycle_us": "int64",
        "first_comment_us": "int64",
        "unlinked": "boolean",
    },
    reads=(
        "pull_requests",
        "pull_request_commits",
        "pull_request_files",
        "reviews",
        "comments",
        "commits",
        "commit_files",
        "work_items",
    ),
    expression=_counted,
    needs=(ACCOUNTS,),
    settings=("pr_size.small", "pr_size.medium", "rework.window_days", "rework.method"),
    by_repository=True,
)
"""Merged pull requests of known developers: what metrics count."""
