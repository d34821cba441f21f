"""How much of the lines that pull requests rework is recent, by when each line that they delete was last changed (setting
``rework.method`` `line`)."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.expressions import attach
from leadline.engine import schema_table
from leadline.engine.functions import epoch_us

_PR = ["repository", "number"]
_PATH = [*_PR, "path"]


def recent_by_line(touched: Table, window: int) -> Table:
    """Per pull request, refactored_recent in lines. ``touched``: its files (repository, number, path, deletions, reworked, start in
    µs, that of its first commit). A line is recent if it was last changed at most ``window`` µs before the start, or later.

    What is reworked of a file is recent to the part that its deleted lines are, rounded to whole lines, half up. They are
    those of the commit that merged the pull request, if it deletes as many in the file as the pull request does (a squash, or
    a single commit); else those that its listed commits delete, but for lines which one of them had written. Lines of which
    nothing is known are old."""
    pulls = schema_table("pull_requests")
    merges = pulls.filter(pulls.merge_commit_sha.notnull()).select(*_PR, sha=pulls.merge_commit_sha)
    deleted = schema_table("deleted_lines")
    at_once = _counted(touched, merges.inner_join(deleted, ["repository", "sha"]), window)
    listed = schema_table("pull_request_commits").select(*_PR, "sha").distinct()
    own = ibis.union(listed, merges).select(*_PR, origin="sha")
    by_commits = listed.inner_join(deleted, ["repository", "sha"]).anti_join(own, [*_PR, "origin"])
    step_by_step = _counted(touched, by_commits, window).rename(lines_of_commits="lines", recent_of_commits="recent")
    files = attach(touched, _PATH, at_once, step_by_step)
    squashed = (files.lines >= files.deletions).fill_null(False) | files.lines_of_commits.isnull()
    files = files.mutate(
        recent=ibis.ifelse(squashed, files.recent, files.recent_of_commits).fill_null(0),
        lines=ibis.greatest(ibis.ifelse(squashed, files.lines, files.lines_of_commits).fill_null(0), files.deletions),
    )
    recent = (2 * files.reworked * files.recent + files.lines) // (2 * files.lines)
    return files.group_by(_PR).agg(refactored_recent=recent.sum().cast("int64"))


def _counted(touched: Table, deleted: Table, window: int) -> Table:
    """For each touched file of a pull request (repository, number, path), how many ``lines`` of it are among the ``deleted``
    ones, and how many of them are ``recent``."""
    found = touched.select(*_PATH, "start").inner_join(deleted, _PATH)
    recent = (found.start - epoch_us(found.changed_at) <= window).fill_null(False)
    return found.group_by(_PATH).agg(
        lines=found.lines.sum().cast("int64"), recent=found.lines.sum(where=recent).fill_null(0).cast("int64")
    )
