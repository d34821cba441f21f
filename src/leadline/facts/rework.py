"""Rework of pull requests: lines changed again in the files they touched, split by the age of that code (metrics, quality
group and "Age of reworked code"): by when the file last changed, or each deleted line (``rework_by_line``)."""

from __future__ import annotations

import ibis
from ibis.expr.types import IntegerValue, StringValue, Table

from leadline.derive.expressions import US, attach, is_merge
from leadline.engine import schema_table
from leadline.engine.functions import INSTANT, epoch_us
from leadline.facts.excluded_paths import named_by_setting
from leadline.facts.rework_by_line import recent_by_line
from leadline.materialize.model import Model
from leadline.settings.profile import Profile

_PR = ["repository", "number"]
_FILE = ["repository", "path"]
_DAY = 86_400 * US


def file_sums(profile: Profile) -> Table:
    """Per pull request with known files: file_additions, file_deletions of all of them, additions_left_out and
    deletions_left_out of those that are left out, left_out_by_attributes of them, refactored of the others (lines; binary
    files count 0)."""
    files = _files(profile)
    additions, deletions, by_attributes = files.additions, files.deletions, files.left_out & ~files.named
    return files.group_by(_PR).agg(
        file_additions=additions.sum().cast("int64"),
        file_deletions=deletions.sum().cast("int64"),
        additions_left_out=additions.sum(where=files.left_out).fill_null(0).cast("int64"),
        deletions_left_out=deletions.sum(where=files.left_out).fill_null(0).cast("int64"),
        left_out_by_attributes=(additions + deletions).sum(where=by_attributes).fill_null(0).cast("int64"),
        refactored=files.reworked.sum().cast("int64"),
    )


def rework(profile: Profile) -> Table:
    """Per pull request with known files: the sums of ``file_sums`` and refactored_recent, in lines.

    A file is recent if it last changed within ``rework.window_days`` before the pull request's first commit, which is to say if
    it changed in that window at all; with ``rework.method`` `line`, so is each deleted line.
    """
    if profile["rework.method"] == "line":
        return attach(file_sums(profile), _PR, recent_by_line(_touched(profile), _window(profile)))
    ordinary = _recent_by_bucket(_touched(profile).anti_join(EARLY.table(), _PR), _window(profile))
    return attach(file_sums(profile), _PR, ibis.union(ordinary, ODD.table()))


def _window(profile: Profile) -> int:
    window: int = profile["rework.window_days"] * _DAY
    return window


def _touched(profile: Profile) -> Table:
    reworked = _files(profile).filter(lambda t: t.reworked > 0)
    return reworked.inner_join(_starts(), _PR).select(*_PR, "path", "deletions", "reworked", "start")


def _starts() -> Table:
    first = FIRST_COMMITS.table()
    return first.select(*_PR, start=epoch_us(first.first_commit_at))


def _recent_by_bucket(touched: Table, window: int) -> Table:
    """A window is never longer than a bucket of time, so it reaches into the bucket of its end and the one before: the
    earliest change of the one and the latest of the other decide, and no file's history is paired with itself."""
    bucket = max(window, _DAY)
    changes = ibis.union(
        _commit_changes(schema_table("commit_files").select("repository", "sha", "path")).drop("sha"),
        _merge_changes(schema_table("pull_request_files").select(*_PR, "path")).drop("sha"),
    )
    ends = (
        changes.mutate(bucket=changes.changed // bucket)
        .group_by(*_FILE, "bucket")
        .agg(earliest=lambda t: t.changed.min(), latest=lambda t: t.changed.max())
    )
    touched = touched.mutate(bucket=touched.start // bucket)
    this = ends.select(*_FILE, "bucket", "earliest")
    previous = ends.select(*_FILE, "latest", bucket=ends.bucket + 1)
    touched = attach(touched, [*_FILE, "bucket"], this, previous)
    # The latest of the bucket before, or the earliest of this one if the whole window lies in it.
    changed_since = (touched.earliest < touched.start) & (touched.start - touched.earliest <= window)
    return _sum(
        touched.filter(changed_since.fill_null(False) | (touched.start - touched.latest <= window).fill_null(False))
    )


def _recent_by_pair(profile: Profile) -> Table:
    """The same by pairing each file with all its changes, leaving out the pull request's own: for the few pull requests
    that have own commits dated before their first one."""
    own = EARLY.table()
    files = _touched(profile).semi_join(own, _PR)
    by_commit = files.inner_join(schema_table("commit_files").select("repository", "path", "sha"), _FILE)
    by_commit = _commit_changes(by_commit)
    others = schema_table("pull_request_files").select("repository", "path", other="number")
    by_merge = files.inner_join(others, _FILE)
    merged = _merge_changes(by_merge.select("repository", "path", number="other").distinct())
    by_merge = files.inner_join(merged, _FILE)
    columns = [*_PR, "path", "reworked", "start", "sha", "changed"]
    pairs = ibis.union(by_commit.select(columns), by_merge.select(columns))
    within = pairs.filter((pairs.changed < pairs.start) & (pairs.start - pairs.changed <= _window(profile)))
    of_others = within.anti_join(own, [*_PR, "sha"])
    return _sum(of_others.select(*_PR, "path", "reworked").distinct())


def _sum(files: Table) -> Table:
    return files.group_by(_PR).agg(refactored_recent=lambda t: t.reworked.sum().cast("int64"))


def _files(profile: Profile) -> Table:
    files = attach(schema_table("pull_request_files"), [*_PR, "path"], EXCLUDED_FILES.table().mutate(excluded=True))
    additions, deletions = files.additions.fill_null(0), files.deletions.fill_null(0)
    named = named_by_setting(files, profile)
    left_out = named | files.excluded.fill_null(False)
    return files.select(
        *_PR,
        "path",
        additions=additions,
        deletions=deletions,
        named=named,
        left_out=left_out,
        reworked=ibis.cases((left_out, 0), else_=ibis.least(additions, deletions)),
    )


def _excluded_files() -> Table:
    """Paths (repository, number, path) that one of a pull request's own commits marks as excluded."""
    files = schema_table("commit_files")
    marked = files.filter(files.excluded.fill_null(False)).select("repository", "sha", "path")
    return own_commits().inner_join(marked, ["repository", "sha"]).select(*_PR, "path").distinct()


def own_commits() -> Table:
    """The listed commits and the merge commit of each pull request: repository, number, sha."""
    pulls = schema_table("pull_requests")
    return ibis.union(
        schema_table("pull_request_commits").select(*_PR, "sha"),
        pulls.filter(pulls.merge_commit_sha.notnull()).select(*_PR, sha=pulls.merge_commit_sha),
    )


def _commit_changes(files: Table) -> Table:
    """``files`` (repository, sha, path, …) with when they changed (µs): the author date of their non-merge commit."""
    commits = schema_table("commits")
    dated = commits.filter(~is_merge(commits.parents) & commits.authored_at.notnull())
    return files.inner_join(
        dated.select("repository", "sha", changed=epoch_us(dated.authored_at)), ["repository", "sha"]
    )


def _merge_changes(files: Table) -> Table:
    """Files of pull requests (repository, number, path) with when they were merged (µs), in repositories that have no
    commit files at all; ``sha`` is the number, which no commit is called."""
    pulls = schema_table("pull_requests")
    merged = pulls.filter(pulls.merged_at.notnull())
    merged = merged.anti_join(schema_table("commit_files").select("repository").distinct(), "repository")
    merged = merged.select(*_PR, sha=_merge_name(merged.number), changed=epoch_us(merged.merged_at))
    return files.inner_join(merged, _PR).drop("number")


def _merge_name(number: IntegerValue) -> StringValue:
    return ibis.literal("#") + number.cast("string")


def _early_commits() -> Table:
    """Changes that are a pull request's own (repository, number, sha) and dated before its first commit: a merge commit
    with a wrong clock, or a listed commit dated otherwise in `commits`."""
    first = FIRST_COMMITS.table()
    commits = schema_table("commits")
    dated = commits.select("repository", "sha", dated=commits.authored_at)
    pulls = schema_table("pull_requests")
    own = own_commits().inner_join(first, _PR).inner_join(dated, ["repository", "sha"])
    by_commit = own.filter(own.dated < own.first_commit_at).select(*_PR, "sha")
    merged = pulls.select(*_PR, "merged_at").inner_join(first, _PR)
    by_merge = merged.filter(merged.merged_at < merged.first_commit_at)
    return ibis.union(by_commit, by_merge.select(*_PR, sha=_merge_name(by_merge.number))).distinct()


def _first_commits() -> Table:
    """The earliest author date of the listed commits; `commits` fills in where the list has none."""
    listed = schema_table("pull_request_commits")
    commits = schema_table("commits").select("repository", "sha", known_at="authored_at")
    undated = listed.filter(listed.authored_at.isnull()).select(*_PR, "sha")
    dated = ibis.union(
        listed.filter(listed.authored_at.notnull()).select(*_PR, "authored_at"),
        undated.inner_join(commits, ["repository", "sha"]).select(*_PR, authored_at="known_at"),
    )
    first = dated.group_by(_PR).agg(first_commit_at=dated.authored_at.min())
    return first.filter(first.first_commit_at.notnull())


PULL_REQUEST_KEY = {"repository": "string", "number": "int64"}

FIRST_COMMITS = Model(
    "first_commits",
    {**PULL_REQUEST_KEY, "first_commit_at": INSTANT},
    expression=lambda _profile: _first_commits(),
    by_repository=True,
)
EXCLUDED_FILES = Model(
    "excluded_files",
    {**PULL_REQUEST_KEY, "path": "string"},
    expression=lambda _profile: _excluded_files(),
    by_repository=True,
)
EARLY = Model(
    "early_commits",
    {**PULL_REQUEST_KEY, "sha": "string"},
    expression=lambda _profile: _early_commits(),
    by_repository=True,
)
ODD = Model(
    "odd_rework",
    {**PULL_REQUEST_KEY, "refactored_recent": "int64"},
    expression=_recent_by_pair,
    by_repository=True,
)
REWORK = Model(
    "rework",
    {
        **PULL_REQUEST_KEY,
        "file_additions": "int64",
        "file_deletions": "int64",
        "additions_left_out": "int64",
        "deletions_left_out": "int64",
        "left_out_by_attributes": "int64",
        "refactored": "int64",
        "refactored_recent": "int64",
    },
    expression=rework,
    by_repository=True,
)
