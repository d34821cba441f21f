"""Rework of pull requests: lines changed again in the files they touched, split by the age of that code.

Pull request files, commits and commit files come in; one row per pull request goes out (metrics, quality group and "Age
of reworked code", method `file`).
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.expressions import US, attach, epoch_us, is_merge
from leadline.engine import schema_table

_PR = ["repository", "number"]
_FILE = ["repository", "path"]
_DAY = 86_400 * US


def file_sums() -> Table:
    """Per pull request with known files: file_additions, file_deletions, refactored (lines; binary files count 0)."""
    files = _files()
    return files.group_by(_PR).agg(
        file_additions=files.additions.sum().cast("int64"),
        file_deletions=files.deletions.sum().cast("int64"),
        refactored=files.reworked.sum().cast("int64"),
    )


def recent_rework(starts: Table, window_days: int) -> Table:
    """Per pull request of ``starts`` (repository, number, merge_commit_sha, first_commit_at) with reworked recent code:
    refactored_recent, in lines.

    A file is recent if it last changed within ``window_days`` before the pull request's first commit, which is to say if
    it changed in that window at all.
    """
    window = window_days * _DAY
    reworked = _files().filter(lambda t: t.reworked > 0)
    touched = reworked.inner_join(starts.filter(starts.first_commit_at.notnull()), _PR)
    touched = touched.select(*_PR, "path", "reworked", start=epoch_us(touched.first_commit_at))
    early = _early_commits(starts)
    ordinary = _recent_by_bucket(touched.anti_join(early.select(_PR), _PR), window)
    odd = _recent_by_pair(touched.semi_join(early.select(_PR), _PR), early, window)
    return ibis.union(ordinary, odd)


def _recent_by_bucket(touched: Table, window: int) -> Table:
    """A window is never longer than a bucket of time, so it reaches into the bucket of its end and the one before: the
    earliest change of the one and the latest of the other decide, and no file's history is paired with itself."""
    bucket = max(window, _DAY)
    changes = _changes()
    changes = changes.semi_join(touched.select(_FILE).distinct(), _FILE)
    ends = (
        changes.mutate(bucket=changes.changed // bucket)
        .group_by(*_FILE, "bucket")
        .agg(earliest=lambda t: t.changed.min(), latest=lambda t: t.changed.max())
    )
    touched = touched.mutate(bucket=touched.start // bucket)
    this = ends.select(*_FILE, "bucket", "earliest")
    former = ends.select(*_FILE, "latest", bucket=ends.bucket + 1)
    touched = attach(touched, [*_FILE, "bucket"], this, former)
    # The latest of the bucket before, or the earliest of this one if the whole window lies in it.
    here = (touched.earliest < touched.start) & (touched.start - touched.earliest <= window)
    return _sum(touched.filter(here.fill_null(False) | (touched.start - touched.latest <= window).fill_null(False)))


def _recent_by_pair(touched: Table, own: Table, window: int) -> Table:
    """The same by pairing each file with all its changes, leaving out the pull request's own: for the few pull requests
    that have own commits dated before their first one."""
    changes = _changes()
    pairs = touched.inner_join(changes, _FILE)
    within = pairs.filter((pairs.changed < pairs.start) & (pairs.start - pairs.changed <= window))
    theirs = within.anti_join(own, [*_PR, "sha"])
    return _sum(theirs.select(*_PR, "path", "reworked").distinct())


def _sum(files: Table) -> Table:
    return files.group_by(_PR).agg(refactored_recent=lambda t: t.reworked.sum().cast("int64"))


def _files() -> Table:
    files = schema_table("pull_request_files")
    additions, deletions = files.additions.fill_null(0), files.deletions.fill_null(0)
    return files.select(
        *_PR, "path", additions=additions, deletions=deletions, reworked=ibis.least(additions, deletions)
    )


def _changes() -> Table:
    """Every change of a file: repository, path, sha, changed (µs). By commits or, where a repository has no commit
    files at all, by merges of pull requests."""
    commits = schema_table("commits")
    dated = commits.filter(~is_merge(commits.parents) & commits.authored_at.notnull())
    dated = dated.select("repository", "sha", changed=epoch_us(dated.authored_at))
    files = schema_table("commit_files").select("repository", "sha", "path")
    by_commit = files.inner_join(dated, ["repository", "sha"]).select("repository", "path", "sha", "changed")
    pulls = schema_table("pull_requests")
    merged = pulls.filter(pulls.merged_at.notnull())
    merged = merged.select(*_PR, sha=merged.number.cast("string"), changed=epoch_us(merged.merged_at))
    merged = merged.anti_join(files.select("repository").distinct(), "repository")
    by_merge = schema_table("pull_request_files").select(*_PR, "path").inner_join(merged, _PR)
    return ibis.union(by_commit, by_merge.select("repository", "path", "sha", "changed"))


def _early_commits(starts: Table) -> Table:
    """Changes that are a pull request's own (repository, number, sha) and dated before its first commit: a merge commit
    with a wrong clock, or a listed commit dated otherwise in `commits`."""
    commits = schema_table("commits")
    dated = commits.select("repository", "sha", dated=commits.authored_at)
    listed = schema_table("pull_request_commits").select(*_PR, "sha")
    merges = starts.filter(starts.merge_commit_sha.notnull()).select(*_PR, sha=starts.merge_commit_sha)
    first = starts.select(*_PR, "first_commit_at")
    own = ibis.union(listed, merges).inner_join(dated, ["repository", "sha"]).inner_join(first, _PR)
    by_commit = own.filter(own.dated < own.first_commit_at).select(*_PR, "sha")
    pulls = schema_table("pull_requests")
    merged = pulls.select(*_PR, "merged_at").inner_join(first, _PR)
    by_merge = merged.filter(merged.merged_at < merged.first_commit_at)
    return ibis.union(by_commit, by_merge.select(*_PR, sha=by_merge.number.cast("string"))).distinct()
