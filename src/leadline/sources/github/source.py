"""GitHub: an owner's repositories with pull requests, commits, releases, deployments and workflow runs, and their people.

An API and patterns of repository names come in; pages of rows with their cursors go out (``leadline.sources.kit.page``). One
query tells of a hundred repositories whether there is anything new in them; only those that have something are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from leadline.errors import LeadlineError, NotFound
from leadline.sources.github.api import Api
from leadline.sources.github.commits import Commits, to_ask
from leadline.sources.github.people import members, team_members, teams, without
from leadline.sources.github.pull_requests import PullRequests
from leadline.sources.github.queries import DEPLOYMENTS, DEPLOYMENTS_BY_ID, IDS, LIST, RELEASES
from leadline.sources.github.reading import Listed, Step, descend, earlier, listed
from leadline.sources.github.repositories import STREAM, Owned, Repository, moved, owned
from leadline.sources.github.rows import (
    SOURCE,
    Node,
    commit_row,
    deployment_rows,
    elements,
    merged,
    pull_request_rows,
    release_rows,
    repository_row,
)
from leadline.sources.github.workflow_runs import Builds
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
from leadline.sources.kit.text import Misshapen, rfc3339

LAG = timedelta(minutes=2)
"""What is this new is read again next time: it may not have been shown in order yet."""
OPEN_FOR = timedelta(days=30)
"""How long a deployment that has not ended is asked for again."""
MAX_FAILED_STREAMS = 3
"""Streams that fail one after the other before the whole run is given up."""

PEOPLE_EVERY = timedelta(days=1)
"""How often an organization's people are read."""

WHOLE = {
    "pull_request_commits": ("commits",),
    "pull_request_files": ("files",),
    "reviews": ("reviews",),
    "comments": ("comments", "reviews"),
}
"""Tables that have everything of a pull request once these lists of it are read."""


@dataclass
class GitHub:
    """One owner (organization or user) at one server, and the patterns of the repositories wanted of it."""

    api: Api
    owner: str
    patterns: Sequence[str]
    rules: DeployRules = field(default_factory=DeployRules)
    kind: str = SOURCE
    _mined: Set[str] = frozenset()
    _states: dict[str, State] = field(default_factory=dict)

    @property
    def lock(self) -> str:
        """One run at a time reads an owner."""
        return f"source:github:{self.api.server.host}:{self.owner.lower()}"

    @property
    def prefix(self) -> str:
        """What makes GitHub's numbers differ from those of other tools and servers."""
        return SOURCE if self.api.server.is_cloud else self.api.server.host

    def figures(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.figures()

    def check(self) -> ConnectionReport:
        """What the token may see, without reading anything else. Raises ``LeadlineError`` as ``pages`` does."""
        found = owned(self.api, self.owner, self.patterns)
        hidden, first = found.hidden, found.wanted[0].name
        try:
            self.api.rest(f"/repos/{first}/actions/runs", {"per_page": "1"})
        except (Refused, NotFound) as error:
            hidden = [*hidden, Skipped(f"builds of {first}", error.message)]
        names = tuple(each.name for each in found.wanted)
        return ConnectionReport(self.api.server.host, self.owner, "repositories", names, tuple(hidden))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """Everything new, repository by repository. Raises ``LeadlineError`` when GitHub cannot be read any further."""
        self._states = dict(context.cursors)
        self._mined = context.git_repositories
        found = owned(self.api, self.owner, self.patterns)
        yield self._known(self._described(found))
        for pages in (self._people(found), self._open_deployments(found.wanted)):
            for page in pages:
                yield self._known(page)
        troubles = 0
        for repository in found.wanted:
            for read in (self._pulls, self._commits, self._releases, self._deployments, self._builds):
                try:
                    for page in read(repository):
                        yield self._known(page)
                        troubles = 0
                except (Refused, NotFound, Misshapen) as error:
                    yield self._left_out(repository, read, error)
                except Unavailable as error:
                    troubles += 1
                    if troubles == MAX_FAILED_STREAMS:
                        raise
                    yield self._left_out(repository, read, error)

    def _left_out(self, repository: Repository, read: Callable[..., Any], error: LeadlineError) -> Page:
        return left_out(repository.name, f"{read.__name__.strip('_')} of {repository.name}", error)

    def _known(self, page: Page) -> Page:
        return with_cursors(self._states, page)

    def _described(self, found: Owned) -> Page:
        """The rows of ``repositories``, and the names that repositories gave up."""
        gone, cursors = moved(found.wanted, self._states)
        rows, skipped = [], list(found.hidden)
        for each in found.wanted:
            try:
                rows.append(repository_row(each.node))
            except Misshapen as error:
                skipped.append(Skipped(each.name, str(error)))
        return Page(self.owner, {"repositories": rows}, renamed_away=gone, cursors=cursors, skipped=tuple(skipped))

    def _people(self, found: Owned) -> Iterator[Page]:
        """The organization's members and teams, once a day; silently less where the token may not see them."""
        cursor = f"{self.api.server.host}:people {self.owner.lower()}"
        state = self._states.get(cursor, {})
        now = rfc3339(self.api.client.tool_time or datetime.now(UTC))
        if not found.organization or str(state.get("asked") or "") >= str(earlier(now, PEOPLE_EVERY)):
            return
        known = set(state.get("teams") or ())
        try:
            for rows in members(self.api, self.owner):
                yield Page(self.owner, {"tool_accounts": rows})
            there = teams(self.api, self.owner)
            for paths, rows in team_members(self.api, self.owner, there):
                yield Page(self.owner, {"tool_teams": rows}, complete_parents={"tool_teams": without(set(paths))})
            now_there = {team.path(self.owner) for team in there.values()}
            gone = {"tool_teams": without(known - now_there)} if known - now_there else {}
            after = {"asked": now, "teams": sorted(now_there)}
            yield Page(self.owner, complete_parents=gone, cursors={cursor: after})
        except (Refused, NotFound):
            yield Page(self.owner, cursors={cursor: {**state, "asked": now}})
        except (Unavailable, Misshapen) as error:
            said = error.message if isinstance(error, LeadlineError) else str(error)
            yield Page(self.owner, skipped=(Skipped(f"people of {self.owner}", said),))

    # -- streams -----------------------------------------------------------------------------------------------------

    def _stream(self, repository: Repository, name: str) -> tuple[str, State]:
        """The cursor's name and value of one list of a repository."""
        cursor = f"{repository.key}{STREAM}{name}"
        return cursor, self._states.get(cursor, {})

    def _settled(self, newest: object) -> bool:
        """Whether what was newest is old enough, by GitHub's clock, that nothing can still appear beside it."""
        now = self.api.client.tool_time
        return not isinstance(newest, str) or (now is not None and newest < str(earlier(rfc3339(now), LAG)))

    def _read(
        self,
        repository: Repository,
        name: str,
        sign: list[Any] | None,
        instant: str,
        ask: Callable[[str | None], Listed],
        rows: Callable[[Sequence[Node]], dict[str, Any]],
    ) -> Iterator[Page]:
        """One list of a repository, if its ``sign`` is another than when it was last read to its end."""
        cursor, state = self._stream(repository, name)
        if sign is None or (state.get("sign") == sign and not state.get("descent")):
            return
        if sign == [0]:
            yield Page(repository.name, cursors={cursor: {**state, "sign": sign}})
            return
        while True:
            # A descent of a former run goes down from what was newest then; what came since needs one of its own.
            begun = (state.get("descent") or {}).get("sign", sign)
            for step in descend(ask, state, instant, LAG):
                state = self._after(state, step, begun)
                parts = rows(step.nodes)
                state.update(parts.pop("state", {}))
                yield Page(repository.name, cursors={cursor: dict(state)}, records=len(step.nodes), **parts)
            if begun == sign:
                return

    def _after(self, state: State, step: Step, sign: list[Any]) -> State:
        if step.descent is not None:
            return {**state, "descent": {**step.descent, "sign": sign}}
        kept = {name: value for name, value in state.items() if name not in ("descent", "sign")}
        if self._settled(sign[-1]):
            kept["sign"] = sign
        return {**kept, "watermark": step.top or state.get("watermark")}

    def _pulls(self, repository: Repository) -> Iterator[Page]:
        owner, _, short = repository.name.partition("/")
        cursor, state = self._stream(repository, "pulls")
        mined = repository.name in self._mined
        waiting = [] if mined else list(state.get("commits") or [])
        reader = PullRequests(self.api, owner, short, Commits(self.api, owner, short), waiting)

        def rows(nodes: Sequence[Node]) -> dict[str, Any]:
            made = [self._brought(repository, reader)]
            whole: dict[str, list[Row]] = {}
            for node in nodes:
                try:
                    made.append(pull_request_rows(repository.name, node))
                    reader.waiting += [] if mined else to_ask(node, repository.default_branch)
                except Misshapen as error:
                    reader.skipped.append(Skipped(f"{repository.name}#{node.get('number')}", str(error)))
                    continue
                for table, lists in WHOLE.items():
                    if all(node.get(name) is not None for name in lists):
                        key = {"repository": repository.name, "number": node.get("number")}
                        whole.setdefault(table, []).append(key)
            state = {"commits": list(reader.waiting)}
            return {"rows": merged(made), "complete_parents": whole, "skipped": _taken(reader), "state": state}

        yield from self._read(
            repository, "pulls", repository.sign("pullRequests", "number", "updatedAt"), "updatedAt", reader.ask, rows
        )
        if reader.waiting:
            reader.bring()
            _, state = self._stream(repository, "pulls")
            made = self._brought(repository, reader)
            yield Page(repository.name, made, cursors={cursor: {**state, "commits": []}}, skipped=_taken(reader))

    def _brought(self, repository: Repository, reader: PullRequests) -> dict[str, list[Row]]:
        """Rows of the commits that came with the pull requests."""
        nodes, reader.brought = reader.brought, []
        return self._commit_rows(repository, nodes, reader.skipped)

    def _commits(self, repository: Repository) -> Iterator[Page]:
        """The default branch's history, unless git's is read."""
        if repository.head is None or repository.name in self._mined:
            return
        cursor, state = self._stream(repository, "commits")
        owner, _, short = repository.name.partition("/")
        for nodes, after in Commits(self.api, owner, short).since(state, repository.head):
            skipped: list[Skipped] = []
            rows = self._commit_rows(repository, nodes, skipped)
            yield Page(repository.name, rows, cursors={cursor: after}, records=len(nodes), skipped=tuple(skipped))

    def _commit_rows(
        self, repository: Repository, nodes: Sequence[Node], skipped: list[Skipped]
    ) -> dict[str, list[Row]]:
        rows = []
        for node in nodes:
            try:
                rows.append(commit_row(repository.name, node))
            except Misshapen as error:
                skipped.append(Skipped(f"commit {node.get('oid')} of {repository.name}", str(error)))
        return {"commits": rows} if rows else {}

    def _releases(self, repository: Repository) -> Iterator[Page]:
        def rows(nodes: Sequence[Node]) -> dict[str, Any]:
            made, skipped = _made("release", repository, nodes, lambda node: release_rows(repository.name, node))
            return {"rows": merged(row for _, row in made), "skipped": skipped}

        sign = repository.sign("releases", "databaseId", "updatedAt")
        yield from self._read(repository, "releases", sign, "createdAt", self._asking(repository, RELEASES), rows)

    def _deployments(self, repository: Repository) -> Iterator[Page]:
        _, state = self._stream(repository, "deployments")
        waiting: dict[str, str] = dict(state.get("open") or {})

        def rows(nodes: Sequence[Node]) -> dict[str, Any]:
            made, skipped = self._deployed(repository, nodes)
            for node, row in made:
                self._keep_open(waiting, node, row)
            return {"rows": merged(row for _, row in made), "state": {"open": dict(waiting)}, "skipped": skipped}

        sign = repository.sign("deployments", "databaseId", "updatedAt")
        yield from self._read(repository, "deployments", sign, "createdAt", self._asking(repository, DEPLOYMENTS), rows)

    def _deployed(self, repository: Repository, nodes: Iterable[Node]) -> _Made:
        return _made("deployment", repository, nodes, lambda node: deployment_rows(repository.name, node, self.prefix))

    def _keep_open(self, waiting: dict[str, str], node: Node, rows: Mapping[str, list[Row]]) -> None:
        """Remember a deployment that has not ended, unless it is too old to end ever; forget one that has."""
        identity, created = str(node.get("id")), str(node.get("createdAt"))
        now = self.api.client.tool_time
        recent = now is None or created >= str(earlier(rfc3339(now), OPEN_FOR))
        if recent and rows["deployments"][0]["status"] == "running":
            waiting[identity] = created
        else:
            waiting.pop(identity, None)

    def _open_deployments(self, found: Sequence[Repository]) -> Iterator[Page]:
        """What became of the deployments that had not ended, of all repositories at once."""
        owners = {
            identity: repository
            for repository in found
            for identity in self._stream(repository, "deployments")[1].get("open") or {}
        }
        identities = list(owners)
        for start in range(0, len(identities), IDS):
            asked = identities[start : start + IDS]
            data = self.api.graphql(DEPLOYMENTS_BY_ID, {"ids": asked}).data
            nodes = {str(node.get("id")): node for node in elements({"list": {"nodes": data.get("nodes")}}, "list")}
            for repository in dict.fromkeys(owners[identity] for identity in asked):
                cursor, state = self._stream(repository, "deployments")
                waiting = {key: value for key, value in state["open"].items() if key in nodes or key not in asked}
                mine = [nodes[key] for key in asked if key in nodes and owners[key] is repository]
                made, skipped = self._deployed(repository, mine)
                for node, row in made:
                    self._keep_open(waiting, node, row)
                rows = merged(row for _, row in made)
                cursors = {cursor: {**state, "open": waiting}}
                yield Page(repository.name, rows, cursors=cursors, records=len(made), skipped=skipped)

    def _asking(self, repository: Repository, query: str) -> Callable[[str | None], Listed]:
        owner, _, short = repository.name.partition("/")

        def ask(after: str | None) -> Listed:
            variables = {"owner": owner, "name": short, "size": LIST, "after": after}
            return listed(self.api.graphql(query, variables), "repository", "things")

        return ask

    def _builds(self, repository: Repository) -> Iterator[Page]:
        cursor, state = self._stream(repository, "builds")
        sign = [repository.node.get("pushedAt"), repository.sign("pullRequests", "number", "updatedAt")]
        settled = self._settled(sign[0]) and self._settled((sign[1] or [None])[-1])
        builds = Builds(self.api, repository.name, self.prefix, self.rules)
        for runs in builds.read(state, sign, settled=settled):
            records = sum(map(len, runs.rows.values()))
            yield Page(repository.name, runs.rows, runs.whole, cursors={cursor: runs.cursor}, records=records)


def _taken(reader: PullRequests) -> tuple[Skipped, ...]:
    """What was left out, each thing once."""
    skipped, reader.skipped = tuple(dict.fromkeys(reader.skipped)), []
    return skipped


_Made = tuple[list[tuple[Node, dict[str, list[Row]]]], tuple[Skipped, ...]]
"""Records with their rows, and those that have another shape."""


def _made(
    what: str, repository: Repository, nodes: Iterable[Node], rows: Callable[[Node], dict[str, list[Row]]]
) -> _Made:
    made, skipped = [], []
    for node in nodes:
        try:
            made.append((node, rows(node)))
        except Misshapen as error:
            skipped.append(Skipped(f"{what} {node.get('databaseId')} of {repository.name}", error.message))
    return made, tuple(skipped)
