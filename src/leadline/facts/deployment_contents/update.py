"""Brings the state of the step `carried`, and with it the files of rows, to what the lake holds, repository by repository.

Work is done only in repositories whose rows changed: commits are added to their graphs, and of their deployments those are
walked that come after all walked before. A deployment that came late, changed or went begins its repository's walks anew;
commits that cannot just be added begin its graph anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from leadline.derive.commit_graph import CommitRow, Graph
from leadline.derive.deployed_commit import CommitResolver, DeployedCommit, touches
from leadline.derive.first_deployment import FirstDeployment
from leadline.derive.graph_growth import extend, mention
from leadline.engine import Interrupted
from leadline.facts.deployment_contents.lake import CommitChanges, DeploymentRow, LakeReader
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
from leadline.materialize.model import BuildContext

_BATCH_COMMITS = 400_000
"""Commits that are read and sorted at a time."""
_CARRIED_ROWS_PER_FILE = 500_000
_ANCHORS_PER_FILE = 50_000
_LEAST_LATER = 1000
_LATER_SHARE = 8
"""A graph is built anew once more than a share of its nodes (1 ÷ this) came after it was built: these are looked up in a
dictionary made each time."""

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class _Plan:
    """Repositories by what is to be done: make the graph anew, add commits to it, or only look at the deployments."""

    build: list[str] = field(default_factory=list)
    grow: list[str] = field(default_factory=list)
    look: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.build or self.grow or self.look or self.gone)


class ContentsUpdate:
    """One computation of the step."""

    def __init__(self, context: BuildContext, state: State) -> None:
        self._engine = context.engine
        self._state = state
        self._lake = LakeReader(context)
        self._first_carries = bool(context.profile["deployments.first_carries"])
        self.carried = Rows(state, "carried", schema(CARRIED_COLUMNS), _CARRIED_ROWS_PER_FILE)
        self.anchors = Rows(state, "anchors", schema(ANCHORS_COLUMNS), _ANCHORS_PER_FILE)
        self._deployments: dict[str, str] = {}
        self._releases: dict[str, str] = {}

    def run(self) -> None:
        """Bring the state and its rows to what the lake holds."""
        lake, manifest = self._lake, self._state.manifest
        inputs = lake.inputs()
        if manifest.inputs == inputs and not self._state.is_new:
            return
        self._deployments = lake.deployments_by_repository()
        self._releases = lake.releases_by_repository()
        changes = lake.commit_changes(manifest.commits)
        if changes is None:
            self._state.discard()
            changes = CommitChanges((), {}, frozenset())
        plan = self._plan(changes)
        files = lake.commit_files()
        self._state.begin()
        try:
            self._carry_out(plan, changes)
            self.carried.finish()
            self.anchors.finish()
        finally:
            self.carried.abandon()
            self.anchors.abandon()
        self._state.manifest.commits = files
        self._state.manifest.inputs = inputs
        self._state.finish()

    def _plan(self, changes: CommitChanges) -> _Plan:
        repositories = self._state.manifest.repositories
        plan = _Plan(gone=sorted(repositories.keys() - self._deployments.keys()))
        for name in sorted(self._deployments):
            repository, new = repositories.get(name), changes.new.get(name, 0)
            if repository is None or name in changes.replaced or _outgrown(repository, new):
                plan.build.append(name)
            elif new:
                plan.grow.append(name)
            elif not self._is_current(name, repository):
                plan.look.append(name)
        return plan

    def _is_current(self, name: str, repository: Repository) -> bool:
        return (repository.deployments, repository.releases) == (self._deployments[name], self._releases.get(name, ""))

    # -- the work ------------------------------------------------------------------------------------------------------

    def _carry_out(self, plan: _Plan, changes: CommitChanges) -> None:
        repositories = self._state.manifest.repositories
        leaving = [name for name in (*plan.gone, *plan.build) if name in repositories]
        self._drop(leaving)
        for name in leaving:
            self._state.forget(name)
        again: list[str] = []
        if plan.look:
            self._attribute(plan.look, None)
        if plan.grow:
            again = self._grow(plan.grow, changes.files)
        self._drop(again)
        for names in _batches(sorted((*plan.build, *again)), self._lake.sizes() if plan.build or again else {}):
            self._build(names)

    def _drop(self, names: Sequence[str]) -> None:
        self.carried.drop(names)
        self.anchors.drop(names)

    def _build(self, names: Sequence[str]) -> None:
        for name in names:
            self._state.fresh(name)
        self._lake.choose(names)
        commits = _Pairing(self._lake.commits())
        self._attribute(names, commits)

    def _grow(self, names: Sequence[str], files: Sequence[str]) -> list[str]:
        """Add commits to repositories; those whose graph must be made anew instead."""
        again: list[str] = []
        look: list[str] = []
        self._lake.choose(names)
        commits = _Pairing(self._lake.commits(files))
        for name in names:
            self._go_on()
            repository = self._state.manifest.repositories[name]
            rows = commits.of(name)
            extension = extend(self._state.graph(repository), rows)
            if extension is None:
                again.append(name)
                continue
            # New commits change what is there only if a deployment, or what it carries, named one of them before.
            if self._state.any_visited(repository, extension.filled):
                self._walk_anew(name, repository)
            self._state.grow(repository, extension)
            changed = extension.cyclic or extension.filled or touches(repository.unresolved, (row[0] for row in rows))
            if changed or not self._is_current(name, repository):
                look.append(name)
        if look:
            self._attribute(look, None)
        return again

    def _attribute(self, names: Sequence[str], commits: _Pairing[CommitRow] | None) -> None:
        """Anchor and walk the deployments of repositories, first making their graphs of ``commits``, if given."""
        self._lake.choose(names)
        if commits is None:
            self.anchors.drop(names)
        releases = self._lake.releases()
        deployments = _Pairing(self._lake.deployments())
        for name in names:
            self._go_on()
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
            repository.deployments = self._deployments[name]
            repository.releases = self._releases.get(name, "")

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
            self._walk_anew(name, repository)
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

    def _walk_anew(self, name: str, repository: Repository) -> None:
        self.carried.drop([name])
        self._state.forget_walks(repository)

    def _go_on(self) -> None:
        if self._engine.stopped:
            raise Interrupted("Stopped on request")


def _faulted(row: DeploymentRow, anchor: DeployedCommit | None) -> DeployedCommit:
    """A deployment's anchor, none without a repository, with what keeps it from carrying anything."""
    if anchor is None:
        return DeployedCommit(None, (), row.fault)
    return anchor if row.fault is None else replace(anchor, note="; ".join(filter(None, (anchor.note, row.fault))))


def _outgrown(repository: Repository, new: int) -> bool:
    later = repository.nodes - repository.built + new
    return later > max(_LEAST_LATER, repository.built // _LATER_SHARE)


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


def _batches(names: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    part: list[str] = []
    commits = 0
    for name in names:
        size = sizes.get(name, 0)
        if part and commits + size > _BATCH_COMMITS:
            yield part
            part, commits = [], 0
        part.append(name)
        commits += size
    if part:
        yield part


class _Pairing(Generic[_Row]):
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
