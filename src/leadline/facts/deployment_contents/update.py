"""Brings the state of the step `carried`, and with it the files of rows, to what the lake holds, repository by repository.

Work is done only in repositories whose rows changed: commits are added to their graphs, and of their deployments those are
walked that come after all walked before. A deployment that came late, changed or went begins its repository's walks anew;
commits that cannot just be added begin its graph anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from leadline.derive.deployed_commit import touches
from leadline.derive.graph_growth import extend
from leadline.facts.deployment_contents.lake import CommitChanges, LakeReader
from leadline.facts.deployment_contents.parts import Setting, parts_of, processes_for, take_over, work_in_processes
from leadline.facts.deployment_contents.state import Repository, State
from leadline.facts.deployment_contents.walks import BATCH_COMMITS, Pairing, Walks, batches
from leadline.materialize.model import BuildContext
from leadline.settings.engine_limits import EngineLimits

_LEAST_LATER = 1000
_LATER_SHARE = 8
"""A graph is built anew once more than a share of its nodes (1 ÷ this) came after it was built: these are looked up in a
dictionary made each time."""


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
        self._replaced = context.spellings.replaced.get("commits", {})
        self._first_carries = bool(context.profile["deployments.first_carries"])
        self._digests: dict[str, tuple[str, str]] = {}
        self._walks = Walks(self._engine, state, self._lake.rows, self._digests, first_carries=self._first_carries)
        self.carried, self.anchors = self._walks.carried, self._walks.anchors

    def run(self) -> None:
        """Bring the state and its rows to what the lake holds."""
        lake, manifest = self._lake, self._state.manifest
        inputs = lake.inputs()
        if manifest.inputs == inputs and not self._state.is_new:
            return
        self._digests.update(lake.digests())
        changes = lake.commit_changes(manifest.commits)
        if changes is None:
            self._state.discard()
            changes = CommitChanges((), {}, frozenset())
        plan = self._plan(changes)
        files = lake.commit_files()
        self._state.begin()
        try:
            self._carry_out(plan, changes)
            self._walks.finish()
        finally:
            self._walks.abandon()
        self._state.manifest.commits = files
        self._state.manifest.inputs = inputs
        self._state.finish()

    def _plan(self, changes: CommitChanges) -> _Plan:
        repositories = self._state.manifest.repositories
        plan = _Plan(gone=sorted(repositories.keys() - self._digests.keys()))
        for name in sorted(self._digests):
            repository, new = repositories.get(name), changes.new.get(name, 0)
            if repository is None or name in changes.replaced or _outgrown(repository, new):
                plan.build.append(name)
            elif new:
                plan.grow.append(name)
            elif not self._walks.is_current(name, repository):
                plan.look.append(name)
        return plan

    # -- the work ------------------------------------------------------------------------------------------------------

    def _carry_out(self, plan: _Plan, changes: CommitChanges) -> None:
        repositories = self._state.manifest.repositories
        leaving = [name for name in (*plan.gone, *plan.build) if name in repositories]
        self._walks.drop(leaving)
        for name in leaving:
            self._state.forget(name)
        again: list[str] = []
        if plan.look:
            self._walks.attribute(plan.look)
        if plan.grow:
            again = self._grow(plan.grow, changes.files)
        self._walks.drop(again)
        if names := sorted((*plan.build, *again)):
            self._build(names)

    def _build(self, names: Sequence[str]) -> None:
        """Make graphs anew, in several processes where there is enough to do for them."""
        sizes = self._lake.sizes()
        limits = self._engine.limits
        processes = processes_for(limits, sum(sizes.get(name, 0) for name in names))
        if processes == 1:
            for part in batches(names, sizes, limits.fitting(BATCH_COMMITS)):
                self._walks.build(part, self._lake.files)
            return
        folder = self._state.folder / "parts"
        each = limits.shared_by(processes)
        setting = self._setting(folder, names, each)
        parts = parts_of(folder, names, sizes, self._digests, each, processes)
        work_in_processes(setting, parts, processes, self._walks.go_on)
        take_over(self._state, parts)

    def _setting(self, folder: Path, names: Sequence[str], limits: EngineLimits) -> Setting:
        deployments, releases = folder / "deployments.parquet", folder / "releases.parquet"
        shutil.rmtree(folder, ignore_errors=True)
        rows = self._lake.rows
        rows.choose(names)
        rows.copy_deployments(deployments)
        rows.copy_releases(releases)
        return Setting(
            self._state.manifest.made_by,
            self._lake.files,
            self._replaced,
            str(deployments),
            str(releases),
            self._first_carries,
            str(folder),
            limits.threads,
            limits.memory,
        )

    def _grow(self, names: Sequence[str], files: Sequence[str]) -> list[str]:
        """Add commits to repositories; those whose graph must be made anew instead."""
        again: list[str] = []
        look: list[str] = []
        self._lake.rows.choose(names)
        commits = Pairing(self._lake.rows.commits(files))
        for name in names:
            self._walks.go_on()
            repository = self._state.manifest.repositories[name]
            rows = commits.of(name)
            extension = extend(self._state.graph(repository), rows)
            if extension is None:
                again.append(name)
                continue
            # New commits change what is there only if a deployment, or what it carries, named one of them before.
            if self._state.any_visited(repository, extension.filled):
                self._walks.walk_anew(name, repository)
            self._state.grow(repository, extension)
            changed = extension.cyclic or extension.filled or touches(repository.unresolved, (row[0] for row in rows))
            if changed or not self._walks.is_current(name, repository):
                look.append(name)
        if look:
            self._walks.attribute(look)
        return again


def _outgrown(repository: Repository, new: int) -> bool:
    later = repository.nodes - repository.built + new
    return later > max(_LEAST_LATER, repository.built // _LATER_SHARE)
