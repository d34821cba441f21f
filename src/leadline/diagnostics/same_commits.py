"""Repositories with the same commits: which may be one that was renamed, and which are a repository and its fork. Nothing counts by
it: a renaming is for a person to say (``former_names``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from leadline.engine.functions import epoch_us
from leadline.engine.tables import schema_table

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from leadline.materialize.session import Session

_MOST = 0.5
"""Repositories that share less of the smaller one's commits have them by the way: a template, a vendored library."""
_SEVERAL = 30
"""Of a commit in more repositories than these, each is compared with the first alone."""
_TOLD = 20
"""Pairs that are told at most."""


@dataclass(frozen=True)
class History:
    """What is known of a repository: its ``commits``, how many, when the ``newest`` was authored, and when the ``first`` and the
    ``last`` pull request or deployment was of it (µs; None: none)."""

    name: str
    commits: int
    newest: int
    first: int | None = None
    last: int | None = None

    @property
    def owner(self) -> str:
        """Whose it is by its name."""
        return self.name.lower().rpartition("/")[0]

    @property
    def at_work(self) -> bool:
        """Whether anything is known of it but commits."""
        return self.first is not None


@dataclass(frozen=True)
class Pair:
    """Two repositories with ``common`` commits. If ``renamed``, ``old`` may be what ``new`` was called; else ``new`` may be its
    fork."""

    old: History
    new: History
    common: int
    renamed: bool

    def sentence(self) -> str:
        """What is told of them."""
        old, new = self.old.name, self.new.name
        whole = [history.name for history in (self.old, self.new) if history.commits == self.common]
        some = f"{self.common:,} commit{'s' if self.common > 1 else ''}"
        have = f"{old} and {new} have {f'all {some} of {whole[0]}' if whole else some} in common"
        if self.renamed:
            return (
                f"is {old} now {new}? {have}; if so, say it: import a file repositories.csv with the lines "
                f"`repository,former_names` and `{new},{old}`"
            )
        return (
            f"{have}: taken for a repository and its fork, each commit counts once; had one only been renamed, the table "
            "repositories would have to say so (`former_names`)"
        )


def judged(one: History, other: History, common: int) -> Pair | None:
    """What two repositories with ``common`` commits are; None if these are few.

    One that ended (no pull request, no deployment any more) before the other began may be what that one was called. Two that are at
    work at the same time are two. Where nothing but commits is known of one of them, the owner decides: forks are somebody else's,
    and a repository that was renamed is its owner's.
    """
    if common < _MOST * min(one.commits, other.commits):
        return None
    old, new = sorted((one, other), key=_age)
    if old.last is not None and new.first is not None:
        return Pair(old, new, common, old.last <= new.first)
    renamed = old.owner == new.owner
    if not renamed and new.at_work and not old.at_work:
        old, new = new, old
    return Pair(old, new, common, renamed)


def _age(history: History) -> tuple[int, int, int, str]:
    """Sorts what is over before what goes on: by the last event, else by the newest commit."""
    return history.newest if history.last is None else history.last, history.newest, history.commits, history.name


def told(pairs: Iterable[Pair]) -> list[str]:
    """The sentences: of several that an old name may mean now, and of several forks of one, those that have the most in common."""
    best: dict[str, Pair] = {}
    for pair in sorted(pairs, key=lambda pair: (-pair.renamed, -pair.common, pair.old.name, pair.new.name)):
        best.setdefault(pair.old.name if pair.renamed else pair.new.name, pair)
    shown = sorted(best.values(), key=lambda pair: (not pair.renamed, pair.old.name, pair.new.name))
    more = [f"{len(shown) - _TOLD:,} more pairs of repositories have most of their commits in common"]
    return [pair.sentence() for pair in shown[:_TOLD]] + (more if len(shown) > _TOLD else [])


def same_commits(opened: Session) -> list[str]:
    """A sentence for each pair. The raw tables are bound already."""
    from leadline.facts.commits import SHARED

    opened.facts.bind([SHARED])
    common = _common(_sets(opened, SHARED.table()))
    if not common:
        return []
    histories = _histories(opened, {name for pair in common for name in pair})
    pairs = (judged(histories[one], histories[other], number) for (one, other), number in common.items())
    return told(pair for pair in pairs if pair is not None)


def _sets(opened: Session, shared: Table) -> list[tuple[Sequence[str], int]]:
    """The sets of repositories that have the same commit, and how many commits each set has."""
    of_sha = shared.group_by("sha").agg(
        repositories=shared.repository.collect(order_by=shared.repository, distinct=True)
    )
    counted = of_sha.group_by("repositories").agg(commits=of_sha.count()).order_by("repositories")
    rows = opened.engine.arrow(counted).to_pylist()
    return [(row["repositories"], row["commits"]) for row in rows]


def _common(sets: Iterable[tuple[Sequence[str], int]]) -> Counter[tuple[str, str]]:
    common: Counter[tuple[str, str]] = Counter()
    for repositories, commits in sets:
        first, *others = repositories
        pairs = combinations(repositories, 2) if len(repositories) <= _SEVERAL else ((first, other) for other in others)
        for one, other in pairs:
            common[one, other] += commits
    return common


def _histories(opened: Session, names: Iterable[str]) -> Mapping[str, History]:
    commits, pulls, runs = (schema_table(name) for name in ("commits", "pull_requests", "deployments"))
    wanted = sorted(names)
    commits = commits.filter(commits.repository.isin(wanted))
    sizes = commits.group_by("repository").agg(rows=commits.count(), newest=epoch_us(commits.authored_at).max())
    happened = pulls.select("repository", at=pulls.merged_at.coalesce(pulls.created_at))
    happened = happened.union(runs.select("repository", at=runs.finished_at.coalesce(runs.started_at)))
    happened = happened.filter(happened.repository.isin(wanted) & happened["at"].notnull())
    spans = happened.group_by("repository").agg(
        first=epoch_us(happened["at"]).min(), last=epoch_us(happened["at"]).max()
    )
    span_of = {row["repository"]: (row["first"], row["last"]) for row in opened.engine.arrow(spans).to_pylist()}
    return {
        row["repository"]: History(
            row["repository"], row["rows"], row["newest"] or 0, *span_of.get(row["repository"], (None, None))
        )
        for row in opened.engine.arrow(sizes).to_pylist()
    }
