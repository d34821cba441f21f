"""Which commit a deployment deployed: from what its row says to a commit of the graph, or to the ids it lists.

Nothing is guessed: what is ambiguous or unknown has no ancestry (metrics, "Which deployment carries a change").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leadline.derive.commit_graph import Graph

_PREFIX = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True)
class DeployedCommit:
    """``sha`` is the known commit deployed; if there is none, ``listed`` are the commit ids that the deployment brings,
    known or not, without their ancestry. ``note`` says why it is not just the row's sha."""

    sha: str | None
    listed: tuple[str, ...]
    note: str | None


@dataclass(frozen=True)
class _Resolved:
    """A text looked up: ``known`` tells whether ``sha`` is a known commit."""

    sha: str
    known: bool
    note: str | None


class CommitResolver:
    """Looks up the deployments of one repository in its ``graph`` and ``releases`` (tag, sha).

    ``unresolved`` collects the texts, not commits themselves, that commits still to come may change the meaning of by
    beginning with them.
    """

    def __init__(self, graph: Graph, releases: Iterable[tuple[str, str]], *, cyclic: int = 0) -> None:
        self._graph = graph
        self._releases = dict(releases)
        self._by_lower: dict[str, set[str]] = {}
        for tag, sha in self._releases.items():
            self._by_lower.setdefault(tag.lower(), set()).add(sha)
        self._cycles = _cycles_note(cyclic)
        self._remembered: dict[str, _Resolved] = {}
        self.unresolved: set[str] = set()

    def resolve(self, sha: str | None, shas: Sequence[str], tags: Sequence[str]) -> DeployedCommit:
        """What a deployment deployed; ``sha`` and ``shas`` are lower case."""
        if sha:
            own = self._find(sha)
        elif shas:
            return self._listed(shas, "no sha: it carries only the shas it lists")
        else:
            tagged = next((released for tag in tags if (released := self._release(tag)) is not None), None)
            if tagged is None:
                return DeployedCommit(None, (), "no sha, and no tag that is a release" if tags else "no sha")
            own = tagged
        if own.known:
            return DeployedCommit(own.sha, (), "; ".join(filter(None, (own.note, self._cycles))) or None)
        carries = "no ancestry, it carries only the shas it lists" if shas else "no ancestry, it carries that sha alone"
        return self._listed((*shas, own.sha), f"{own.note}: {carries}")

    def _listed(self, shas: Sequence[str], note: str) -> DeployedCommit:
        return DeployedCommit(None, tuple(dict.fromkeys(self._find(sha).sha for sha in shas)), note)

    def _find(self, text: str) -> _Resolved:
        if (resolved := self._remembered.get(text)) is None:
            resolved = self._remembered[text] = self._look_up(text)
        return resolved

    def _look_up(self, text: str) -> _Resolved:
        """A known commit, else the only one that begins so, else a release's."""
        if (commit := self._commit(text)) is not None:
            return commit
        released = self._release(text)
        return released if released is not None else _Resolved(text, False, f"sha {text} is not a known commit")

    def _commit(self, text: str) -> _Resolved | None:
        """The known commit that is, or alone begins with, ``text``; unknown if several do; None if none does."""
        node = self._graph.find(text.encode())
        if node >= 0 and self._graph.is_commit(node):
            return _Resolved(text, True, None)
        self.unresolved.add(text)
        if not _PREFIX.fullmatch(text):
            return None
        near = self._graph.starting_with(text.encode())
        if len(near) == 1:
            sha = self._graph.sha(near[0]).decode()
            return _Resolved(sha, True, f"sha {text} is short for {sha}")
        return _Resolved(text, False, f"sha {text} is a prefix of {len(near)} commits") if near else None

    def _release(self, tag: str) -> _Resolved | None:
        """The commit of a release. Tags are told apart by case where that is needed and known."""
        sha = self._releases.get(tag)
        if sha is None:
            likely = self._by_lower.get(tag.lower(), set())
            if len(likely) != 1:
                return None
            (sha,) = likely
        commit = self._commit(sha)
        if commit is not None and commit.known:
            return _Resolved(commit.sha, True, f"tag {tag} is {commit.sha}")
        return _Resolved(sha, False, f"tag {tag} is {sha}, which is not a known commit")


def _cycles_note(cyclic: int) -> str | None:
    if not cyclic:
        return None
    commits = "1 commit is its own parent" if cyclic == 1 else f"{cyclic} commits are on a cycle of parents"
    return f"{commits} in this repository: the parents of these are ignored"


def touches(unresolved: Iterable[str], arrived: Iterable[bytes]) -> bool:
    """Whether one of the commit ids that ``arrived`` begins with one of the texts ``unresolved``."""
    texts = {text.encode() for text in unresolved}
    lengths = sorted({len(text) for text in texts})
    return any(sha[:length] in texts for sha in arrived for length in lengths)
