"""What a run of ``sync git`` has to do: the comparison of what was taken last time with what the repository holds now.

A stored ``Cursor`` (None before the first run) and a fresh ``State`` come in, a ``Plan`` comes out. Pure: no git, no lake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from leadline.sources.git import State, Walk

_FORMAT = 1
_UNSETTLED = "unsettled"


@dataclass(frozen=True)
class Cursor:
    """What the lake has of a repository: everything reachable from ``heads``, committed at ``since`` or later.

    ``pending`` says that a run began to write and was not seen to finish: some of its commits may be there as well.
    ``mailmap``, ``boundary``, ``url`` and ``default_branch`` are those of the last ``State``; ``location`` says where it
    was read, without secrets.
    """

    heads: tuple[str, ...] = ()
    since: int | None = None
    mailmap: str | None = None
    boundary: tuple[str, ...] = ()
    url: str | None = None
    default_branch: str | None = None
    location: str = ""
    pending: bool = False

    def stored(self) -> dict[str, Any]:
        """As JSON for the cursors table."""
        return {"format": _FORMAT, **asdict(self)}

    @staticmethod
    def restored(value: Mapping[str, Any] | None) -> Cursor | None:
        """The cursor ``stored`` made ``value`` of; None if there is none, or one of another format."""
        if value is None or value.get("format") != _FORMAT:
            return None
        fields: dict[str, Any] = {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}
        del fields["format"]
        return Cursor(**fields)


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
    during: Cursor
    after: Cursor

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to read and nothing to take away."""
        return not self.walk.include and not self.gone and not self.compare


def plan(
    before: Cursor | None, state: State, *, since: int | None, location: str, lake_empty: bool, others: bool = False
) -> Plan:
    """What to do so that the lake has of the repository what ``state`` says.

    ``since`` (epoch seconds) restricts the first run; later it only counts when it reaches further back than before.
    Everything is read again when the mailmap changed (other addresses on the same commits), when a shallow clone's end
    moved (other line counts on the commits there), or when the lake has lost the table. ``others``: other tools may have
    brought commits, which the first run replaces.
    """
    known = before or Cursor()
    if not known.heads:
        known = replace(known, since=since)
    since = min(known.since, since) if known.since is not None and since is not None else known.since
    rewrite = others if before is None else (known.mailmap != state.mailmap or known.boundary != state.boundary)
    full = rewrite or since != known.since or (lake_empty and bool(known.heads))
    heads = set(state.heads)
    include = heads if full else heads - set(known.heads)
    after = Cursor(
        heads=state.heads,
        since=since,
        mailmap=state.mailmap,
        boundary=state.boundary,
        url=state.url,
        default_branch=state.default_branch,
        location=location,
    )
    return Plan(
        walk=Walk(sorted(include), () if full or not include else known.heads, since),
        rewrite=rewrite,
        gone=tuple(sorted(set(known.heads) - heads)),
        compare=known.pending,
        described=before is None
        or known.pending
        or (known.url, known.default_branch) != (state.url, state.default_branch),
        # Rows half rewritten match no mailmap: should this run be cut, the next one rewrites whatever it finds.
        during=replace(known, pending=True, mailmap=_UNSETTLED if rewrite else known.mailmap),
        after=after,
    )
