"""Which jobs a Jenkins has: found folder by folder, several levels with one call, each with its newest build, so that jobs in which
nothing is new need not be asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import takewhile

from leadline.errors import NotFound
from leadline.sources.jenkins.api import LEVELS, Api, jobs_tree
from leadline.sources.jenkins.rows import Job, is_running, place_of
from leadline.sources.kit.client import Lasting, Refused, Unavailable
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.lists import ATTEMPTS_WHILE_LARGE
from leadline.sources.kit.page import Skipped
from leadline.sources.kit.records import Node
from leadline.sources.kit.streams import StreamReader, left_out
from leadline.sources.kit.text import Misshapen

_WILD = "*?["


@dataclass(frozen=True)
class Wanted:
    """The targets: a job is wanted if its full name, or that of a folder it is in, fits one. None: all are."""

    targets: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether the job called ``name`` is wanted."""
        parts = name.lower().split("/")
        names = ["/".join(parts[: at + 1]) for at in range(len(parts))]
        return not self.targets or any(fnmatchcase(part, target.lower()) for target in self.targets for part in names)

    def may_have(self, folder: Sequence[str]) -> bool:
        """Whether anything in the folder can be wanted."""
        return not self.targets or any(_may_have(target.lower().split("/"), folder) for target in self.targets)

    def starts(self) -> list[tuple[str, ...]]:
        """Where to begin: the folders (or jobs) that the targets name before their first wild card."""
        starts: list[tuple[str, ...]] = []
        for start in sorted({tuple(_literal(target)) for target in self.targets} or {()}):
            if not starts or start[: len(starts[-1])] != starts[-1]:  # else it is in the one before
                starts.append(start)
        return starts


def _may_have(target: Sequence[str], folder: Sequence[str]) -> bool:
    for pattern, name in zip(target, folder, strict=False):
        if "*" in pattern:  # it stands for slashes, too: what follows may be deeper
            return fnmatchcase(name.lower(), pattern[: pattern.index("*") + 1])
        if not fnmatchcase(name.lower(), pattern):
            return False
    return True


def _literal(target: str) -> Iterator[str]:
    return takewhile(lambda part: not any(letter in part for letter in _WILD), target.split("/"))


@dataclass
class Listing:
    """Finds the jobs wanted. ``skipped`` tells of what was refused, ``failed`` of folders that the server could not list;
    folders of both kinds are ``unread``."""

    api: Api
    wanted: Wanted
    rules: DeployRules
    reader: StreamReader
    skipped: list[Skipped] = field(default_factory=list)
    failed: list[Skipped] = field(default_factory=list)
    unread: list[tuple[str, ...]] = field(default_factory=list)

    def jobs(self) -> list[Job]:
        """The jobs, by name. Raises ``NotFound`` for a target that is not there, and as ``Api.get`` does."""
        jobs: list[Job] = []
        for start in self.wanted.starts():
            node, levels = self._asked(start)
            if "jobs" in node or not start:
                jobs += self._below(start, node, levels)
            else:
                of_branch = len(start) > 1 and _is_multibranch(self.api.get(start[:-1], "_class"))
                jobs.append(self._job(start, node, of_branch=of_branch))
        return sorted((job for job in jobs if self.wanted.has(job.name)), key=lambda job: job.names)

    def _asked(self, names: tuple[str, ...]) -> tuple[Node, int]:
        """A folder (or a job), and how many levels of it are there."""
        own = "lastBuild[number,timestamp,building]," if names else ""
        try:
            return self.api.get(names, own + jobs_tree(LEVELS), attempts=ATTEMPTS_WHILE_LARGE), LEVELS
        except Lasting:
            raise
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
            child_names = (*names, child["name"])
            if not isinstance(child.get("jobs"), list):
                yield self._job(child_names, child, of_branch=is_multibranch)
            elif self.wanted.may_have(child_names):
                if levels > 1:
                    yield from self._below(child_names, child, levels - 1)
                elif child["jobs"]:
                    yield from self._folder(child_names)

    def _folder(self, names: tuple[str, ...]) -> list[Job]:
        try:
            return list(self._below(names, *self._asked(names)))
        except (Refused, NotFound) as error:
            self.skipped.append(left_out(f"jobs in {'/'.join(names)}", error))
        except Unavailable as error:
            self.failed.append(self.reader.note_failure(f"jobs in {'/'.join(names)}", error))
            if self.reader.gives_up:
                raise
        self.unread.append(names)
        return []

    def _job(self, names: tuple[str, ...], node: Node, *, of_branch: bool) -> Job:
        job = Job(names, of_branch)
        # Not by a branch's own name: one called deploy-fix deploys nothing.
        job = replace(job, rule=self.rules.of(job.name, job.pipeline, job.pipeline.rpartition("/")[2]))
        if isinstance(last := node.get("lastBuild"), dict):
            try:
                return replace(job, last=place_of(last), running=is_running(last))
            except Misshapen as error:
                self.skipped.append(Skipped(f"the last build of {job.name}", error.message))
        return job


def _is_multibranch(node: Node) -> bool:
    return str(node.get("_class", "")).endswith("MultiBranchProject")
