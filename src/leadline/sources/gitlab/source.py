"""GitLab: the projects of a group with its subgroups or of a user, with merge requests, issues, releases and pipelines.

An API and patterns of project paths come in; pages of rows with their cursors go out (``leadline.sources.kit.page``). One query
tells of a hundred projects whether there is anything new in them; only those that have something are read. A project is
known by its number, so that one that was renamed or transferred is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from leadline.errors import InvalidRequest, LeadlineError, NotFound
from leadline.sources.gitlab.api import Api
from leadline.sources.gitlab.projects import Project, Projects
from leadline.sources.gitlab.queries import ISSUES, PIPELINES, RELEASES
from leadline.sources.gitlab.reading import (
    LAG,
    Ask,
    Deployments,
    MergeRequests,
    asking,
    earlier,
    newest_first,
    settle,
    still_there,
    tallied,
    text,
    updated,
)
from leadline.sources.gitlab.rows import (
    SOURCE,
    Node,
    Rows,
    deployment_rows,
    issue_key,
    issue_rows,
    merge_request_rows,
    merged,
    number,
    pipeline_rows,
    release_rows,
    repository_row,
)
from leadline.sources.kit.client import Refused, Unavailable
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.page import (
    CallStats,
    ConnectionReport,
    Page,
    Row,
    RunContext,
    Skipped,
    State,
    left_out,
    with_cursors,
)
from leadline.sources.kit.text import Misshapen

MAX_FAILED_STREAMS = 3
"""Streams that fail one after the other before the whole run is given up."""
ASKED_ANYWAY, ASKED_OUTSIDE = timedelta(days=7), timedelta(days=1)
"""How often deployments are looked for where no pipeline moved; the second, where some are made without a job."""
GONE_AT_ONCE = 2000
"""Things that vanished told of on one page."""

_STREAM = ":stream "
"""Between a project's key and the name of a list, in a cursor's name."""

WHOLE = {
    "pull_request_commits": ("commits",),
    "pull_request_files": ("diffStats",),
    "reviews": ("notes", "approvedBy"),
    "comments": ("notes",),
}
"""Tables that have everything of a merge request once these lists of it are read."""


@dataclass
class GitLab:
    """One group or user at one server, and the patterns of the projects wanted of it."""

    api: Api
    owner: str
    patterns: Sequence[str]
    rules: DeployRules = field(default_factory=DeployRules)
    kind: str = SOURCE
    _states: dict[str, State] = field(default_factory=dict)
    _begun: str = ""
    """The instant up to which the overview tells of everything."""
    _bounded: bool = False
    """Whether the overview tells only of pipelines that moved since the last run."""

    @property
    def lock(self) -> str:
        """One run at a time reads a group."""
        return f"source:gitlab:{self.api.server.host}:{self.owner.lower()}"

    @property
    def prefix(self) -> str:
        """What makes GitLab's numbers differ from those of other tools and servers."""
        return SOURCE if self.api.server.is_cloud else self.api.server.host

    def figures(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.figures()

    def check(self) -> ConnectionReport:
        """What the token may see, without reading anything else. Raises ``LeadlineError`` as ``pages`` does."""
        found, hidden = self._projects(None)
        for what in ("merge_requests", "issues", "releases", "deployments", "pipelines"):
            try:
                self.api.rest(f"/projects/{found[0].identity}/{what}", {"per_page": "1"})
            except (Refused, NotFound) as error:
                hidden.append(Skipped(f"{what} of {found[0].name}", error.message))
        return ConnectionReport(
            self.api.server.host, self.owner, "projects", tuple(each.name for each in found), tuple(hidden)
        )

    def _projects(self, since: str | None) -> tuple[list[Project], list[Skipped]]:
        """The projects wanted, by name. Raises ``NotFound`` for an unknown group, ``InvalidRequest`` if none fits."""
        reader = Projects(self.api, self.owner)
        found, hidden = reader.read(since)
        self._begun = earlier(reader.begun, LAG)
        below = len(self.owner) + 1
        wanted = [
            each
            for each in found
            if each.name.lower() == self.owner.lower()
            or any(fnmatchcase(each.name.lower()[below:], pattern) for pattern in self.patterns)
        ]
        if not wanted:
            names = ", ".join(each.name for each in found[:5])
            raise InvalidRequest(
                f"No project of {self.owner} is called {' or '.join(self.patterns)}"
                + (f"; there are {names}{' …' if len(found) > 5 else ''}" if found else "; the token sees none at all")
            )
        return wanted, hidden

    def pages(self, context: RunContext) -> Iterator[Page]:
        """Everything new, project by project. Raises ``LeadlineError`` when GitLab cannot be read any further."""
        self._states = dict(context.cursors)
        run = f"{self.api.server.host}/{self.owner} {' '.join(self.patterns)}{_STREAM}run"
        since = self._states.get(run, {}).get("since") or self._earliest()
        found, skipped = self._projects(since)
        self._bounded = since is not None
        for page in self._described(found, skipped):
            yield self._known(page)
        troubles = failed = 0
        for project in found:
            for read in (self._merge_requests, self._issues, self._releases, self._deployments, self._pipelines):
                calls = self.api.client.calls
                try:
                    for page in read(project):
                        yield self._known(page)
                        troubles = 0 if self.api.client.calls > calls else troubles
                except (Refused, NotFound, Misshapen) as error:
                    yield self._left_out(project, read, error)
                except Unavailable as error:
                    troubles, failed = troubles + 1, failed + 1
                    if troubles == MAX_FAILED_STREAMS:
                        raise
                    yield self._left_out(project, read, error)
        if not failed:
            yield Page(self.owner, cursors={run: {"since": self._begun}})

    def _earliest(self) -> str | None:
        """Since when pipelines may have moved unseen where no run has come to its end yet."""
        mine = (
            state.get("since")
            for name, state in self._states.items()
            if name.startswith(f"{self.api.server.host}#") and name.endswith(f"{_STREAM}pipelines")
        )
        return min((since for since in mine if since), default=None)

    def _left_out(self, project: Project, read: Callable[..., Any], error: LeadlineError) -> Page:
        what = f"{read.__name__.strip('_').replace('_', ' ')} of {project.name}"
        return left_out(project.name, what, error)

    def _known(self, page: Page) -> Page:
        return with_cursors(self._states, page)

    def _described(self, found: Sequence[Project], skipped: Sequence[Skipped]) -> Iterator[Page]:
        """The rows of ``repositories``, and the names that projects gave up.

        A name counts as given up also where another project bears it now: its rows are mixed, and read anew.
        """
        now = {each.key: each.name for each in found}
        here = f"{self.api.server.host}#"
        before = {
            name: str(state["repository"])
            for name, state in self._states.items()
            if name.startswith(here) and set(state) == {"repository"}
        }
        moved = {key for key, name in now.items() if before.get(key, name) != name}
        left = {before[key] for key in moved}
        names = set(now.values())
        left |= {name for key, name in before.items() if key not in now and name in names}
        stale = {key for key, name in before.items() if name in left} | {key for key in now if now[key] in left}
        for key in stale:
            top = self._states.get(f"{key}{_STREAM}issues", {}).get("top", 0)
            yield from self._gone_issues(before.get(key, ""), range(1, top + 1))
        cursors: dict[str, State | None] = {name: None for name in self._states if name.partition(_STREAM)[0] in stale}
        cursors.update({each.key: {"repository": each.name} for each in found if before.get(each.key) != each.name})
        rows = {"repositories": [repository_row(each.node) for each in found]}
        yield Page(self.owner, rows, renamed_away=tuple(sorted(left)), cursors=cursors, skipped=tuple(skipped))

    # -- streams -----------------------------------------------------------------------------------------------------

    def _stream(self, project: Project, name: str) -> tuple[str, State]:
        """The cursor's name and value of one list of a project."""
        cursor = f"{project.key}{_STREAM}{name}"
        return cursor, self._states.get(cursor, {})

    def _read(
        self,
        project: Project,
        cursor: str,
        ask: Ask,
        rows: Callable[[Sequence[Node]], dict[str, Any]],
        counted: str | None = None,
    ) -> Iterator[Page]:
        """One list of a project, to its end; of a ``counted`` one, also how many it has, for what vanishes later.

        A reading that a former run began goes on where it was; what came since then needs one of its own.
        """
        if counted is not None and project.count(counted) == 0 and cursor not in self._states:
            yield Page(project.name, cursors={cursor: {"since": self._begun, "count": 0}})
            return
        while True:
            state = self._states.get(cursor, {})
            tally: State = state.get("tally", {})
            resumed = bool(state.get("descent"))
            for nodes, after, ended in updated(ask, state, text(self.api.now)):
                if counted is not None:
                    tally = tallied(tally, nodes, state.get("top"))
                    after.update(tally=tally)
                    if ended:
                        settle(after, project.count(counted))
                yield Page(project.name, cursors={cursor: after}, records=len(nodes), **rows(nodes))
            if not resumed:
                return

    def _due(self, project: Project, name: str, state: State) -> bool:
        """Whether a counted list has anything new."""
        if (count := project.count(name)) is None:
            return False
        latest = project.latest(name)
        return (
            bool(state.get("descent"))
            or state.get("count") != count
            or (latest is not None and latest >= str(state.get("since") or ""))
        )

    def _merge_requests(self, project: Project) -> Iterator[Page]:
        cursor, state = self._stream(project, "merge requests")
        if not self._due(project, "mergeRequests", state):
            return
        reader = MergeRequests(self.api, project.name, project.identity)

        def rows(nodes: Sequence[Node]) -> dict[str, Any]:
            made, skipped = _taken(nodes, f"{project.name}!", lambda node: merge_request_rows(project.name, node))
            whole: dict[str, list[Row]] = {}
            for node, found in made:
                key = {"repository": project.name, "number": found["pull_requests"][0]["number"]}
                for table, lists in WHOLE.items():
                    if all(node.get(name) is not None for name in lists):
                        whole.setdefault(table, []).append(key)
            told = tuple(dict.fromkeys([*reader.skipped, *skipped]))
            reader.skipped = []
            return {"rows": merged(each for _, each in made), "complete_parents": whole, "skipped": told}

        yield from self._read(project, cursor, reader.ask, rows, "mergeRequests")
        for missing, after in self._vanished(project, cursor, "mergeRequests"):
            keys: list[Row] = [{"repository": project.name, "number": at} for at in missing]
            tables = dict.fromkeys(("pull_requests", *WHOLE), keys) if keys else {}
            yield Page(project.name, complete_parents=tables, cursors=after)

    def _issues(self, project: Project) -> Iterator[Page]:
        cursor, state = self._stream(project, "issues")
        if not self._due(project, "issues", state):
            return

        def rows(nodes: Sequence[Node]) -> dict[str, Any]:
            made, skipped = _taken(nodes, f"{project.name}#", lambda node: issue_rows(project.name, node))
            moved = [
                {"project": project.name, "key": issue_key(node.get("iid"))}
                for node, found in made
                if "work_items" not in found
            ]
            whole = {"work_items": moved} if moved else {}
            return {"rows": merged(each for _, each in made), "complete_parents": whole, "skipped": tuple(skipped)}

        yield from self._read(project, cursor, asking(self.api, ISSUES, project.name), rows, "issues")
        for missing, after in self._vanished(project, cursor, "issues"):
            yield from self._gone_issues(project.name, missing)
            yield Page(project.name, cursors=after)

    def _gone_issues(self, project: str, numbers: Sequence[int]) -> Iterator[Page]:
        for start in range(0, len(numbers), GONE_AT_ONCE):
            keys: list[Row] = [
                {"project": project, "key": issue_key(at)} for at in numbers[start : start + GONE_AT_ONCE]
            ]
            yield Page(project, complete_parents={"work_items": keys})

    def _vanished(self, project: Project, cursor: str, name: str) -> Iterator[tuple[list[int], dict[str, State]]]:
        """Numbers that nothing bears (any more), if there are not as many things as there should be; then the cursor."""
        state = self._states.get(cursor, {})
        if state.get("count") is not None:
            return
        there = {int(each) for each in still_there(self.api, name, project.name) if each.isdigit()}
        top = max([*there, int(state.get("top") or 0)], default=0)
        missing = [at for at in range(1, top + 1) if at not in there]
        for start in range(0, len(missing), GONE_AT_ONCE):
            yield missing[start : start + GONE_AT_ONCE], {}
        yield [], {cursor: {**state, "count": len(there), "top": top}}

    def _releases(self, project: Project) -> Iterator[Page]:
        cursor, state = self._stream(project, "releases")
        if not self._due(project, "releases", state):
            return

        def rows(nodes: Sequence[Node]) -> dict[str, Any]:
            return _simple(nodes, f"release of {project.name} ", lambda node: release_rows(project.name, node))

        ask = newest_first(asking(self.api, RELEASES, project.name))
        yield from self._read(project, cursor, ask, rows, "releases")
        state = self._states.get(cursor, {})
        if state.get("count") is None:
            tags = still_there(self.api, "releases", project.name)
            kept: list[Row] = [{"repository": project.name, "tag": tag} for tag in sorted(tags)]
            whole: list[Row] = [{"repository": project.name}]
            after = {**state, "count": len(tags)}
            yield Page(
                project.name,
                complete_parents={"releases": whole},
                still_present={"releases": kept},
                cursors={cursor: after},
            )

    def _deployments(self, project: Project) -> Iterator[Page]:
        cursor, state = self._stream(project, "deployments")
        now = text(self.api.now)
        often = ASKED_OUTSIDE if state.get("outside") else ASKED_ANYWAY
        due = str(state.get("asked") or "") < earlier(now, often)
        if not (project.pipelines_moved or due or state.get("descent")):
            return
        try:
            for nodes, after in Deployments(self.api, project.identity).read(state, now):
                label = f"deployment of {project.name} "
                parts = _simple(nodes, label, lambda node: deployment_rows(project.name, node, self.prefix))
                yield Page(project.name, cursors={cursor: after}, records=len(nodes), **parts)
        except (Refused, NotFound):
            # Asked again only when there is a reason to; this run tells of the refusal.
            yield Page(project.name, cursors={cursor: {**state, "asked": now}})
            raise

    def _pipelines(self, project: Project) -> Iterator[Page]:
        cursor, state = self._stream(project, "pipelines")
        moved = project.pipelines_moved
        if moved is None or not (moved or state.get("descent") or "since" not in state):
            return
        if not moved and not state and not self._bounded:
            yield Page(project.name, cursors={cursor: {"since": self._begun}})
            return

        def rows(nodes: Sequence[Node]) -> dict[str, Any]:
            def make(node: Node) -> Rows:
                return pipeline_rows(project.name, node, self.prefix, self.api.server.origin, self.rules)

            return _simple(nodes, f"pipeline of {project.name} ", make)

        yield from self._read(project, cursor, asking(self.api, PIPELINES, project.name), rows)


def _taken(
    nodes: Sequence[Node], label: str, make: Callable[[Node], Rows]
) -> tuple[list[tuple[Node, Rows]], list[Skipped]]:
    """The rows of every record, and the records that are not of their shape; ``label`` stands before a record's number."""
    made, skipped = [], []
    for node in nodes:
        try:
            made.append((node, make(node)))
        except Misshapen as error:
            skipped.append(
                Skipped(f"{label}{node.get('iid') or node.get('tagName') or number(node.get('id'))}", str(error))
            )
    return made, skipped


def _simple(nodes: Sequence[Node], label: str, make: Callable[[Node], Rows]) -> dict[str, Any]:
    """What a page has of records that are rows and no more."""
    made, skipped = _taken(nodes, label, make)
    return {"rows": merged(rows for _, rows in made), "skipped": tuple(skipped)}
