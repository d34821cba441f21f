"""The fact `commits`: one row per commit, with its developer, its lines and whether it is credited.

Commits, commit files, pull requests with their listed commits, and accounts come in; the fact's expression goes out.
The rule is metrics, ground rules, "Credited commits".
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.attribution import with_developer
from leadline.derive.expressions import attach, is_merge, reasons, repeated
from leadline.engine import schema_table

_ROW = ["repository", "sha"]


def commits_fact() -> Table:
    """Columns: repository, sha, author_email, developer, bot, authored_at, additions, deletions, credited, why."""
    commits = _with_lines()
    parts = ("repository", "sha", "author_email", "authored_at", "committed_at", "additions", "deletions", "source")
    base = with_developer(commits.select(*parts, merge=is_merge(commits.parents)), "author_email", "git")
    base = base.mutate(squash=base.sha.isin(_squashes().sha) & ~base.merge)
    base = attach(base, _ROW, _elsewhere(base), _copies(base))
    copy_of_squash = base.copy_of_squash.fill_null(False)
    elsewhere = base.first_repository.notnull() & (base.first_repository != base.repository)
    copy = base.copy_of.notnull() & (base.copy_of != base.sha)
    return base.select(
        "repository",
        "sha",
        "author_email",
        "developer",
        "bot",
        "authored_at",
        "additions",
        "deletions",
        credited=~(base.merge | elsewhere | base.squash | copy | copy_of_squash),
        why=reasons(
            (base.merge, "merge commit: not credited"),
            (base.squash, "result of a squash or rebase: its listed commits are credited"),
            (copy_of_squash & ~base.squash, "copy of the result of a squash: not credited"),
            (copy & ~copy_of_squash & ~base.merge, ibis.literal("copy of ") + base.copy_of + ": credited once"),
            (elsewhere, ibis.literal("credited in ") + base.first_repository),
            (base.bot, "bot"),
            (base.developer.isnull() & ~base.bot, "author is no known developer"),
        ),
    )


def _with_lines() -> Table:
    """Commits with additions and deletions, from the commit or else the sum of its files."""
    commits = schema_table("commits")
    files = schema_table("commit_files")
    unknown = commits.filter(commits.additions.isnull() | commits.deletions.isnull()).select(_ROW)
    sums = (
        files.semi_join(unknown, _ROW)
        .group_by(_ROW)
        .agg(
            file_additions=lambda t: t.additions.sum().fill_null(0).cast("int64"),
            file_deletions=lambda t: t.deletions.sum().fill_null(0).cast("int64"),
        )
    )
    joined = attach(commits, _ROW, sums)
    return joined.mutate(
        additions=joined.additions.fill_null(joined.file_additions),
        deletions=joined.deletions.fill_null(joined.file_deletions),
    )


def _squashes() -> Table:
    """Merge commits (repository, number, sha) that are not among their pull request's listed commits although one of
    these is known."""
    pulls = schema_table("pull_requests")
    listed = schema_table("pull_request_commits").select("repository", "number", "sha")
    known = listed.semi_join(schema_table("commits").select("sha"), "sha").select("repository", "number")
    candidates = pulls.filter(pulls.merge_commit_sha.notnull()).select(
        "repository", "number", sha=pulls.merge_commit_sha
    )
    return candidates.semi_join(known, ["repository", "number"]).anti_join(listed, ["repository", "number", "sha"])


def _elsewhere(commits: Table) -> Table:
    """For shas in several repositories: the first repository by name, per row."""
    several = repeated(commits.select(_ROW), [commits.sha])
    return several.mutate(
        first_repository=several.repository.min().over(ibis.window(group_by=several.sha)),
    )


def _copies(commits: Table) -> Table:
    """For non-merge commits of one repository with the same author, author date and lines: the sha that is credited,
    and whether it goes uncredited because all are copies of the result of a squash.

    A rebased merge commit is a copy of a listed commit: there the listed one is credited, so it comes first.
    """
    known = commits.filter(~commits.merge & commits.authored_at.notnull() & commits.author_email.notnull())
    known = known.select(
        *_ROW,
        "authored_at",
        "additions",
        "deletions",
        "committed_at",
        "squash",
        person=known.developer.fill_null(known.author_email.lower()),
    )
    same = ["repository", "person", "authored_at", "additions", "deletions"]
    several = repeated(known, [known[column] for column in same])
    several = attach(several, _ROW, _elsewhere(commits))
    copies = several.mutate(
        # A commit credited in another repository stands for its copies here too.
        foreign=(several.first_repository != several.repository).fill_null(False),
        listed=several.sha.isin(_listed_of_squashes().sha),
    )
    group = ibis.window(group_by=same)
    ordered = ibis.window(
        group_by=same,
        order_by=[
            copies.foreign.desc(),
            copies.listed.desc(),
            copies.squash.asc(),
            copies.committed_at.asc(nulls_first=False),
            copies.sha.asc(),
        ],
    )
    return copies.select(
        *_ROW,
        copy_of=copies.sha.first().over(ordered),
        copy_of_squash=copies.squash.any().over(group) & ~copies.listed.any().over(group),
    )


def _listed_of_squashes() -> Table:
    listed = schema_table("pull_request_commits").select("repository", "number", "sha")
    return listed.semi_join(_squashes(), ["repository", "number"])
