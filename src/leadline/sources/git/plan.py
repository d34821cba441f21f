"""What a run has to do: compares what was taken of a repository last time with what it holds now. Runs no git itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from leadline.sources.git.log import Walk
from leadline.sources.git.repository import State
from leadline.sources.kit.cursor import Cursor, Stored

_UNSETTLED = "unsettled"


@dataclass(frozen=True)
class HistoryCursor(Cursor):
    """What the lake has of a repository: everything reachable from ``heads``, committed at ``since`` or later.

    ``pending`` says that a run began to write and was not seen to finish: some of its commits may be there as well.
    ``ai_notes`` is where ``refs/notes/ai`` was. ``lines`` names the state of the walk through the lines (``line_ages``), whose rows
    are there, too.
    ``mailmap``, ``boundary``, ``url`` and ``default_branch`` are those of the last ``State``; ``location`` says where it
    was read, without secrets.
    """

    VERSION: ClassVar[int] = 3

    heads: tuple[str, ...] = ()
    since: int | None = None
    mailmap: str | None = None
    boundary: tuple[str, ...] = ()
    url: str | None = None
    default_branch: str | None = None
    location: str = ""
    pending: bool = False
    ai_notes: str | None = None
    lines: str | None = None

    @classmethod
    def upgraded(cls, stored: Stored, _version: int) -> Stored:
        """Version 1 had a version of its own, which was always 1, and every field. Until version 2 files were not asked whether
        they are excluded: all are read once more."""
        return {name: value for name, value in stored.items() if name != "format"} | {"mailmap": _UNSETTLED}


@dataclass(frozen=True)
class Plan:
    """``walk``: the commits to read. ``rewrite``: they may be in the lake with other contents. ``gone``: heads that were
    there last time; what only they reach has vanished. ``compare``: heads do not tell what has vanished, only a
    comparison of all commits does. ``described``: the repository's own row changed. ``during`` and ``after``: the
    cursor while writing and when done.
    """

    walk: Walk
    rewrite: bool
    gone: tuple[str, ...]
    compare: bool
    described: bool
    during: HistoryCursor
    after: HistoryCursor

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to read and nothing to take away."""
        return not self.walk.include and not self.gone and not self.compare


def plan(
    before: HistoryCursor | None,
    state: State,
    *,
    since: int | None,
    location: str,
    commits_lost: bool,
    replace_others: bool = False,
) -> Plan:
    """What to do so that the lake has of the repository what ``state`` says. ``since``: as in ``GitHistory``.

    Everything is read again when the mailmap changed (other addresses on the same commits), when a shallow clone's end
    moved (other line counts on the commits there), or when the lake has lost the table. ``replace_others``: other tools may have
    brought commits, which the first run replaces.
    """
    taken = before or HistoryCursor()
    if not taken.heads:
        taken = replace(taken, since=since)
    since = min(taken.since, since) if taken.since is not None and since is not None else taken.since
    rewrite = replace_others if before is None else (taken.mailmap != state.mailmap or taken.boundary != state.boundary)
    full = rewrite or since != taken.since or (commits_lost and bool(taken.heads))
    heads = set(state.heads)
    include = heads if full else heads - set(taken.heads)
    return Plan(
        walk=Walk(sorted(include), () if full or not include else taken.heads, since),
        rewrite=rewrite,
        gone=tuple(sorted(set(taken.heads) - heads)),
        compare=taken.pending,
        described=before is None
        or taken.pending
        or (taken.url, taken.default_branch) != (state.url, state.default_branch),
        # Rows half rewritten match no mailmap: should this run be cut, the next one rewrites whatever it finds.
        during=replace(taken, pending=True, mailmap=_UNSETTLED if rewrite else taken.mailmap),
        after=HistoryCursor(
            state.heads,
            since,
            state.mailmap,
            state.boundary,
            state.url,
            state.default_branch,
            location,
            ai_notes=state.ai_notes,
            lines=taken.lines,
        ),
    )
