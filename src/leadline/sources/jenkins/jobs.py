"""Which jobs a Jenkins has: found folder by folder, several levels with one call.

Targets (full names of jobs or folders, or patterns) come in; the jobs wanted go out with their newest builds, so that jobs in
which nothing is new need not be asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from leadline.errors import NotFound
from leadline.sources.jenkins.api import LEVELS, Api, Node, jobs_tree
from leadline.sources.jenkins.rows import Job, place_of
from leadline.sources.kit.client import Refused, Unavailable
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.page import Skipped
from leadline.sources.kit.text import Misshapen

ATTEMPTS_WHILE_DEEP = 2
"""How often several levels are asked for at once, before they are asked for one by one."""
_WILD = "*?["


@dataclass(frozen=True)
class Wanted:
    """The targets: a job is wanted if its full name, or that of a folder it is in, fits one. None: all are."""

    targets: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether the job called ``name`` is wanted."""
        parts = name.lower().split("/")
        names = ["/".join(parts[: at + 1]) for at in range(len(parts))]
        return not self.targets or any(fnmatchcase(each, target.lower()) for target in self.targets for each in names)

    def may_have(self, folder: Sequence[str]) -> bool:
        """Whether anything in the folder can be wanted."""
        return not self.targets or any(_may_have(target.lower().split("/"), folder) for target in self.targets)

    def starts(self) -> list[tuple[str, ...]]:
        """Where to begin: the folders (or jobs) that the targets name before their first wild card."""
        found = {tuple(_literal(target)) for target in self.targets} or {()}
        return sorted(each for each in found if not any(each[: len(one)] == one for one in found if one != each))


def _may_have(target: Sequence[str], folder: Sequence[str]) -> bool:
    for pattern, name in zip(target, folder, strict=False):
        if "*" in pattern:  # it stands for slashes, too: what follows may be deeper
            return fnmatchcase(name.lower(), pattern[: pattern.index("*") + 1])
        if not fnmatchcase(name.lower(), pattern):
            return False
    return True


def _literal(target: str) -> Iterator[str]:
    for part in target.split("/"):
        if any(letter in part for letter in _WILD):
            return
        yield part


@dataclass
class Listing:
    """Finds the jobs wanted. ``skipped`` tells of folders that could not be listed, which are ``unread``."""

    api: Api
    wanted: Wanted
    rules: DeployRules
    skipped: list[Skipped] = field(default_factory=list)
    unread: list[tuple[str, ...]] = field(default_factory=list)

    def jobs(self) -> list[Job]:
        """The jobs, by name. Raises ``NotFound`` for a target that is not there, and as ``Api.get`` does."""
        found: list[Job] = []
        for start in self.wanted.starts():
            node, levels = self._asked(start)
            if "jobs" in node or not start:
                found += self._below(start, node, levels)
            else:
                of_branch = len(start) > 1 and _is_multibranch(self.api.get(start[:-1], "_class"))
                found.append(self._job(start, node, of_branch=of_branch))
        return sorted((job for job in found if self.wanted.has(job.name)), key=lambda job: job.names)

    def _asked(self, names: tuple[str, ...]) -> tuple[Node, int]:
        """A folder (or a job), and how many levels of it are there."""
        own = "lastBuild[number,timestamp,building]," if names else ""
        try:
            return self.api.get(names, own + jobs_tree(LEVELS), attempts=ATTEMPTS_WHILE_DEEP), LEVELS
        except Unavailable:
            return self.api.get(names, own + jobs_tree(1)), 1

    def _below(self, names: tuple[str, ...], node: Node, levels: int) -> Iterator[Job]:
        """The jobs in ``node``, which has ``levels`` of them."""
        children = node.get("jobs")
        if not isinstance(children, list):
            raise Refused(f"{self.api.client.tool} answered as no Jenkins does; is {self.api.server.base} its address?")
        is_multibranch = _is_multibranch(node)
        for child in children:
            if not isinstance(child, dict) or not isinstance(child.get("name"), str):
                self.skipped.append(Skipped(f"a job of {'/'.join(names) or 'the server'}", "it has no name"))
                continue
            its = (*names, child["name"])
            if not isinstance(child.get("jobs"), list):
                yield self._job(its, child, of_branch=is_multibranch)
            elif self.wanted.may_have(its):
                if levels > 1:
                    yield from self._below(its, child, levels - 1)
                elif child["jobs"]:
                    yield from self._folder(its)

    def _folder(self, names: tuple[str, ...]) -> list[Job]:
        try:
            return list(self._below(names, *self._asked(names)))
        except (Refused, NotFound, Unavailable) as error:
            self.unread.append(names)
            self.skipped.append(Skipped(f"jobs in {'/'.join(names)}", error.message))
            return []

    def _job(self, names: tuple[str, ...], node: Node, *, of_branch: bool) -> Job:
        job = Job(names, of_branch)
        # Not by a branch's own name: one called deploy-fix deploys nothing.
        rule = self.rules.of(job.name, job.pipeline, job.pipeline.rpartition("/")[2])
        last = node.get("lastBuild")
        if not isinstance(last, dict):
            return Job(names, of_branch, rule)
        try:
            return Job(names, of_branch, rule, place_of(last), last.get("building") is True)
        except Misshapen as error:
            self.skipped.append(Skipped(f"the last build of {job.name}", str(error)))
            return Job(names, of_branch, rule)


def _is_multibranch(node: Node) -> bool:
    return str(node.get("_class", "")).endswith("MultiBranchProject")
