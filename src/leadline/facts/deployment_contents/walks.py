"""Makes the graphs of some repositories and walks their deployments, whose rows go to files of the state: by itself, or in one of
several processes that have a part of the repositories each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from leadline.derive.commit_graph import CommitRow, Graph
from leadline.derive.deployed_commit import CommitResolver, DeployedCommit
from leadline.derive.first_deployment import FirstDeployment
from leadline.derive.graph_growth import extend, mention
from leadline.engine import Interrupted
from leadline.facts.deployment_contents.repository_rows import DeploymentRow, RepositoryRows
from leadline.facts.deployment_contents.rows import Rows
from leadline.facts.deployment_contents.state import Group, Repository, State
from leadline.facts.deployment_contents.tables import (
    ANCHORS_COLUMNS,
    CARRIED_COLUMNS,
    CarriedRows,
    GroupKey,
    anchor_rows,
    schema,
)

if TYPE_CHECKING:
    from leadline.engine import Backend

BATCH_COMMITS = 400_000
"""Commits that are read and sorted at a time; fewer where there is little memory (``EngineLimits.fitting``)."""
_CARRIED_ROWS_PER_FILE = 500_000
_ANCHORS_PER_FILE = 50_000

_Row = TypeVar("_Row")
Digests = Mapping[str, tuple[str, str]]
"""By repository: a digest of its deployments and one of its releases."""


class Walks:
    """The walks of repositories in ``state``, whose rows come from ``rows``. What is done is kept with the ``digests`` of what it
    was done with. Close it by ``finish``, or ``abandon`` it."""

    def __init__(
        self, engine: Backend, state: State, rows: RepositoryRows, digests: Digests, *, first_carries: bool
    ) -> None:
        self._engine = engine
        self._state = state
        self._rows = rows
        self._digests = digests
        self._first_carries = first_carries
        self.carried = Rows(state, "carried", schema(CARRIED_COLUMNS), _CARRIED_ROWS_PER_FILE)
        self.anchors = Rows(state, "anchors", schema(ANCHORS_COLUMNS), _ANCHORS_PER_FILE)

    def finish(self) -> None:
        """Complete the files of rows."""
        self.carried.finish()
        self.anchors.finish()

    def abandon(self) -> None:
        """Let open files go, unfinished."""
        self.carried.abandon()
        self.anchors.abandon()

    def drop(self, names: Sequence[str]) -> None:
        """Take out all rows of repositories."""
        self.carried.drop(names)
        self.anchors.drop(names)

    def is_current(self, name: str, repository: Repository) -> bool:
        """Whether the deployments and releases of a repository are those that it was walked with."""
        return (repository.deployments, repository.releases) == self._digests[name]

    def build(self, names: Sequence[str], files: Sequence[str]) -> None:
        """Make graphs anew of the commits in ``files`` of the lake, and walk all deployments."""
        for name in names:
            self._state.fresh(name)
        self._rows.choose(names)
        self.attribute(names, Pairing(self._rows.commits(files)))

    def attribute(self, names: Sequence[str], commits: Pairing[CommitRow] | None = None) -> None:
        """Anchor and walk the deployments of repositories, first making their graphs of ``commits``, if given."""
        self._rows.choose(names)
        if commits is None:
            self.anchors.drop(names)
        releases = self._rows.releases()
        deployments = Pairing(self._rows.deployments())
        for name in names:
            self.go_on()
            repository = self._state.manifest.repositories[name]
            if commits is not None:
                if (made := extend(Graph(), commits.of(name))) is None:
                    raise AssertionError("whatever commits there are make a graph")
                self._state.grow(repository, made)
            rows = deployments.of(name)
            anchored = self._anchor(name, repository, rows, releases.get(name, []))
            self._walk(name, repository, rows, anchored)
            if commits is not None:
                repository.built = repository.nodes  # with what its deployments name
            repository.deployments, repository.releases = self._digests[name]

    def _anchor(
        self, name: str, repository: Repository, rows: Sequence[DeploymentRow], releases: Sequence[tuple[str, str]]
    ) -> list[DeployedCommit]:
        graph = self._state.graph(repository)
        resolver = CommitResolver(graph, releases, cyclic=repository.cyclic)
        anchored = [_faulted(row, resolver.resolve(row.sha, row.shas, row.tags) if name else None) for row in rows]
        repository.unresolved = sorted(resolver.unresolved)
        self.anchors.add(name, anchor_rows(name, rows, anchored))
        named = {sha.encode() for row, anchor in zip(rows, anchored, strict=True) if row.kinds for sha in anchor.listed}
        if more := [sha for sha in sorted(named) if graph.find(sha) < 0]:
            self._state.grow(repository, mention(graph, more))
        return anchored

    def _walk(
        self, name: str, repository: Repository, rows: Sequence[DeploymentRow], anchored: Sequence[DeployedCommit]
    ) -> None:
        """Walk the deployments of every group that were not walked before."""
        members: dict[GroupKey, list[int]] = {}
        for at, row in enumerate(rows):
            for kind in row.kinds:
                for service in row.services:
                    members.setdefault((kind, service), []).append(at)
        keys = [_walk_key(row, anchor) for row, anchor in zip(rows, anchored, strict=True)]
        if any(
            _digest(keys, members.get((group.kind, group.service), ())[: group.deployments]) != group.digest
            for group in repository.groups
        ):
            self.walk_anew(name, repository)
        number_of = {(group.kind, group.service): number for number, group in enumerate(repository.groups)}
        graph = self._state.graph(repository)
        targets = _Targets(graph, anchored)
        for key in sorted(members):
            if key not in number_of:
                number_of[key] = len(repository.groups)
                repository.groups.append(Group(*key, 0, "", 0))
            group = repository.groups[number_of[key]]
            if group.deployments == len(members[key]):
                continue
            carried_rows = CarriedRows(graph, name, key)
            with self._state.visited(repository, number_of[key]) as visited:
                walker = FirstDeployment(graph, visited)
                for number in range(group.deployments, len(members[key])):
                    at = members[key][number]
                    carried = walker.walk(*targets.of(at))
                    if number or self._first_carries:
                        carried_rows.add(at, carried)
            group.deployments, group.digest = len(members[key]), _digest(keys, members[key])
            self.carried.add(name, carried_rows.rows(rows))

    def walk_anew(self, name: str, repository: Repository) -> None:
        """Forget what the deployments of a repository carried."""
        self.carried.drop([name])
        self._state.forget_walks(repository)

    def go_on(self) -> None:
        """Raises ``Interrupted`` once the work is to stop."""
        if self._engine.stopped:
            raise Interrupted("Stopped on request")


def _faulted(row: DeploymentRow, anchor: DeployedCommit | None) -> DeployedCommit:
    """A deployment's anchor, none without a repository, with what keeps it from carrying anything."""
    if anchor is None:
        return DeployedCommit(None, (), row.fault)
    return anchor if row.fault is None else replace(anchor, note="; ".join(filter(None, (anchor.note, row.fault))))


class _Targets:
    """The nodes of what deployments deployed, each looked up once."""

    def __init__(self, graph: Graph, anchored: Sequence[DeployedCommit]) -> None:
        self._graph = graph
        self._anchored = anchored
        self._nodes: dict[int, tuple[int | None, list[int]]] = {}

    def of(self, at: int) -> tuple[int | None, list[int]]:
        """The commit of one, or what it lists."""
        if (nodes := self._nodes.get(at)) is None:
            anchor = self._anchored[at]
            node = None if anchor.sha is None else self._graph.node(anchor.sha.encode())
            nodes = self._nodes[at] = node, [self._graph.node(sha.encode()) for sha in anchor.listed]
        return nodes


def _walk_key(row: DeploymentRow, anchor: DeployedCommit) -> bytes:
    return repr((row.deployment_id, row.finished_us, anchor.sha, anchor.listed)).encode()


def _digest(keys: Sequence[bytes], members: Sequence[int]) -> str:
    digest = hashlib.sha256()
    for at in members:
        digest.update(keys[at])
    return f"{len(members)}-{digest.hexdigest()}"


def batches(names: Sequence[str], sizes: Mapping[str, int], most: int) -> Iterator[list[str]]:
    """``names`` in parts of at most ``most`` commits, as ``sizes`` has them by repository, unless one alone has more."""
    part: list[str] = []
    commits = 0
    for name in names:
        size = sizes.get(name, 0)
        if part and commits + size > most:
            yield part
            part, commits = [], 0
        part.append(name)
        commits += size
    if part:
        yield part


class Pairing(Generic[_Row]):
    """Rows grouped by repository, in order, handed out for repositories asked for in the same order."""

    def __init__(self, groups: Iterator[tuple[str, list[_Row]]]) -> None:
        self._groups = groups
        self._next = next(groups, None)

    def of(self, name: str) -> list[_Row]:
        """The rows of a repository."""
        if self._next is None or self._next[0] != name:
            return []
        rows, self._next = self._next[1], next(self._groups, None)
        return rows
