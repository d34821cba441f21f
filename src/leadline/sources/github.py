"""GitHub: the repositories of an organization or a user, with pull requests, releases, deployments and workflow runs.

An API and patterns of repository names come in; pages of rows with their cursors go out (``leadline.sources.pages``). One
query tells of a hundred repositories whether there is anything new in them; only those that have something are read. A
repository is known by its number, so that one that was renamed or transferred is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from leadline.errors import InvalidRequest, LeadlineError, NotFound
from leadline.sources.github_api import Api
from leadline.sources.github_builds import Builds
from leadline.sources.github_queries import (
    DEPLOYMENTS,
    DEPLOYMENTS_BY_ID,
    IDS,
    LIST,
    OVERVIEW,
    RELEASES,
    REPOSITORIES,
)
from leadline.sources.github_reading import Listed, PullRequests, Step, descend, earlier, listed
from leadline.sources.github_rows import (
    SOURCE,
    Misshapen,
    Node,
    deployment_rows,
    elements,
    inner,
    merged,
    pull_request_rows,
    release_rows,
    repository_row,
)
from leadline.sources.http import Overloaded, Refused
from leadline.sources.pages import Figures, Page, Row, Skipped, State

LAG = timedelta(minutes=2)
"""What is this new is read again next time: it may not have been shown in order yet."""
OPEN_FOR = timedelta(days=30)
"""How long a deployment that has not ended is asked for again."""
TROUBLES = 3
"""Streams that fail one after the other before the whole run is given up."""

_STREAM = ":stream "
"""Between a repository's key and the name of a list, in a cursor's name."""

WHOLE = {
    "pull_request_commits": ("commits",),
    "pull_request_files": ("files",),
    "reviews": ("reviews",),
    "comments": ("comments", "reviews"),
}
"""Tables that have everything of a pull request once these lists of it are read."""


@dataclass(frozen=True)
class Checked:
    """What a connection may see: the repositories by name, and what it may not."""

    host: str
    owner: str
    repositories: tuple[str, ...]
    hidden: tuple[Skipped, ...]


@dataclass(frozen=True, eq=False)
class Repository:
    """A repository as the overview shows it."""

    node: Node
    key: str

    @property
    def name(self) -> str:
        """``owner/name``, as it is called now."""
        return str(self.node["nameWithOwner"])

    def sign(self, connection: str, *fields: str) -> list[Any] | None:
        """What shows whether a list has changed: how long it is, and what is newest in it. None if it may not be seen."""
        if (found := inner(self.node, connection)) is None:
            return None
        newest = elements(self.node, connection)
        return [found.get("totalCount"), *(newest[0].get(name) for name in fields)] if newest else [0]


@dataclass
class GitHub:
    """One owner (organization or user) at one server, and the patterns of the repositories wanted of it."""

    api: Api
    owner: str
    patterns: Sequence[str]
    kind: str = SOURCE
    _states: dict[str, State] = field(default_factory=dict)

    @property
    def lock(self) -> str:
        """One run at a time reads an owner."""
        return f"source:github:{self.api.server.host}:{self.owner.lower()}"

    @property
    def prefix(self) -> str:
        """What makes GitHub's numbers differ from those of other tools and servers."""
        return SOURCE if self.api.server.is_cloud else self.api.server.host

    def figures(self) -> Figures:
        """What the reading has cost so far."""
        client = self.api.client
        return Figures(client.calls, client.waited, None if client.tool_time is None else _text(client.tool_time))

    def repositories(self) -> tuple[list[Repository], list[Skipped]]:
        """The repositories wanted, by name, and what the token may not see of them.

        Raises ``NotFound`` for an unknown owner, ``InvalidRequest`` if no repository fits.
        """
        found: list[Repository] = []
        hidden: dict[tuple[str, str], int] = {}
        after: str | None = None
        while True:
            variables = {"login": self.owner, "size": REPOSITORIES, "after": after}
            data = self.api.graphql(OVERVIEW, variables)
            if data.data.get("repositoryOwner") is None:
                raise NotFound(
                    f"{self.api.client.tool} knows no organization or user {self.owner!r}, or the token from "
                    f"{self.api.token_from} may not see it"
                )
            nodes, after = listed(data, "repositoryOwner", "repositories")
            for path, message in data.refused:
                part = (str(path[-1]) if path else "something", message)
                hidden[part] = hidden.get(part, 0) + 1
            found += [Repository(node, f"{self.api.server.host}#{node.get('databaseId')}") for node in nodes]
            if after is None:
                break
        wanted = [each for each in found if self._wanted(each.name.partition("/")[2])]
        if not wanted:
            names = ", ".join(each.name for each in found[:5])
            raise InvalidRequest(
                f"No repository of {self.owner} is called {' or '.join(self.patterns)}"
                + (f"; there are {names}{' …' if len(found) > 5 else ''}" if found else "; the token sees none at all")
            )
        skipped = [
            Skipped(f"{what} of {count} repositories of {self.owner}", said) for (what, said), count in hidden.items()
        ]
        return sorted(wanted, key=lambda each: each.name), skipped

    def check(self) -> Checked:
        """What the token may see, without reading anything else. Raises ``LeadlineError`` as ``pages`` does."""
        found, hidden = self.repositories()
        try:
            self.api.rest(f"/repos/{found[0].name}/actions/runs", {"per_page": "1"})
        except (Refused, NotFound) as error:
            hidden = [*hidden, Skipped(f"builds of {found[0].name}", error.message)]
        return Checked(self.api.server.host, self.owner, tuple(each.name for each in found), tuple(hidden))

    def _wanted(self, name: str) -> bool:
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.patterns)

    def pages(self, cursors: Mapping[str, State]) -> Iterator[Page]:
        """Everything new, repository by repository. Raises ``LeadlineError`` when GitHub cannot be read any further."""
        self._states = dict(cursors)
        found, skipped = self.repositories()
        yield self._known(self._described(found, skipped))
        for page in self._open_deployments(found):
            yield self._known(page)
        troubles = 0
        for repository in found:
            for read in (self._pulls, self._releases, self._deployments, self._builds):
                try:
                    for page in read(repository):
                        yield self._known(page)
                        troubles = 0
                except (Refused, NotFound, Misshapen) as error:
                    yield self._left_out(repository, read, error)
                except Overloaded as error:
                    troubles += 1
                    if troubles == TROUBLES:
                        raise
                    yield self._left_out(repository, read, error)

    def _left_out(self, repository: Repository, read: Callable[..., Any], error: Exception) -> Page:
        what = f"{read.__name__.strip('_')} of {repository.name}"
        why = error.message if isinstance(error, LeadlineError) else str(error)
        return Page(repository.name, skipped=(Skipped(what, why),))

    def _known(self, page: Page) -> Page:
        """``page``, with its cursors remembered as if they were stored."""
        for name, state in page.cursors.items():
            if state is None:
                self._states.pop(name, None)
            else:
                self._states[name] = state
        return page

    def _described(self, found: Sequence[Repository], skipped: Sequence[Skipped]) -> Page:
        """The rows of ``repositories``, and the names that repositories gave up.

        A name counts as given up also where another repository bears it now: its rows are mixed, and read anew.
        """
        now = {each.key: each.name for each in found}
        before = {
            name: str(state["repository"]) for name, state in self._states.items() if set(state) == {"repository"}
        }
        moved = {key for key, name in now.items() if before.get(key, name) != name}
        left = {before[key] for key in moved}
        names = set(now.values())
        left |= {name for key, name in before.items() if key not in now and name in names}
        stale = {key for key, name in before.items() if name in left} | {key for key in now if now[key] in left}
        cursors: dict[str, State | None] = {name: None for name in self._states if name.partition(_STREAM)[0] in stale}
        cursors.update({each.key: {"repository": each.name} for each in found if before.get(each.key) != each.name})
        rows = {"repositories": [repository_row(each.node) for each in found]}
        return Page(self.owner, rows, gone=tuple(sorted(left)), cursors=cursors, skipped=tuple(skipped))

    # -- streams -----------------------------------------------------------------------------------------------------

    def _stream(self, repository: Repository, name: str) -> tuple[str, State]:
        """The cursor's name and value of one list of a repository."""
        cursor = f"{repository.key}{_STREAM}{name}"
        return cursor, self._states.get(cursor, {})

    def _settled(self, newest: object) -> bool:
        """Whether what was newest is old enough, by GitHub's clock, that nothing can still appear beside it."""
        now = self.api.client.tool_time
        return not isinstance(newest, str) or (now is not None and newest < str(earlier(_text(now), LAG)))

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
        reader = PullRequests(self.api, owner, short)

        def rows(nodes: Sequence[Node]) -> dict[str, Any]:
            made = []
            whole: dict[str, list[Row]] = {}
            for node in nodes:
                try:
                    made.append(pull_request_rows(repository.name, node))
                except Misshapen as error:
                    reader.skipped.append(Skipped(f"{repository.name}#{node.get('number')}", str(error)))
                    continue
                for table, lists in WHOLE.items():
                    if all(node.get(name) is not None for name in lists):
                        key = {"repository": repository.name, "number": node.get("number")}
                        whole.setdefault(table, []).append(key)
            skipped, reader.skipped = tuple(dict.fromkeys(reader.skipped)), []
            return {"rows": merged(made), "whole": whole, "skipped": skipped}

        yield from self._read(
            repository, "pulls", repository.sign("pullRequests", "number", "updatedAt"), "updatedAt", reader.ask, rows
        )

    def _releases(self, repository: Repository) -> Iterator[Page]:
        def rows(nodes: Sequence[Node]) -> dict[str, Any]:
            return {"rows": merged(release_rows(repository.name, node) for node in nodes)}

        sign = repository.sign("releases", "databaseId", "updatedAt")
        yield from self._read(repository, "releases", sign, "createdAt", self._asking(repository, RELEASES), rows)

    def _deployments(self, repository: Repository) -> Iterator[Page]:
        _, state = self._stream(repository, "deployments")
        waiting: dict[str, str] = dict(state.get("open") or {})

        def rows(nodes: Sequence[Node]) -> dict[str, Any]:
            made = [(node, deployment_rows(repository.name, node, self.prefix)) for node in nodes]
            for node, row in made:
                self._keep_open(waiting, node, row)
            return {"rows": merged(row for _, row in made), "state": {"open": dict(waiting)}}

        sign = repository.sign("deployments", "databaseId", "updatedAt")
        yield from self._read(repository, "deployments", sign, "createdAt", self._asking(repository, DEPLOYMENTS), rows)

    def _keep_open(self, waiting: dict[str, str], node: Node, rows: Mapping[str, list[Row]]) -> None:
        """Remember a deployment that has not ended, unless it is too old to end ever; forget one that has."""
        identity, created = str(node.get("id")), str(node.get("createdAt"))
        now = self.api.client.tool_time
        recent = now is None or created >= str(earlier(_text(now), OPEN_FOR))
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
                rows = []
                for identity in [key for key in asked if key in nodes and owners[key] is repository]:
                    rows.append(deployment_rows(repository.name, nodes[identity], self.prefix))
                    self._keep_open(waiting, nodes[identity], rows[-1])
                yield Page(
                    repository.name, merged(rows), cursors={cursor: {**state, "open": waiting}}, records=len(rows)
                )

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
        builds = Builds(self.api, repository.name, self.prefix)
        for rows, after in builds.read(state, sign, settled=settled):
            yield Page(repository.name, rows, cursors={cursor: after}, records=sum(map(len, rows.values())))


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
