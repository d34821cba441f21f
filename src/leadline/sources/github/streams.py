"""The lists of a GitHub repository, each read by itself: pull requests, commits, releases and deployments.

The overview shows of every list how long it is and what is newest in it: its change token. Only lists whose token is another than
when they were last read to their end are read, from the newest down to what is known.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from leadline.instants import earlier, rfc3339
from leadline.sources.github.api import Api, connection
from leadline.sources.github.commits import Commits, CommitsCursor, to_ask
from leadline.sources.github.overview import Repository
from leadline.sources.github.pull_requests import PullRequests
from leadline.sources.github.queries import DEPLOYMENTS, DEPLOYMENTS_BY_ID, IDS, LIST, RELEASES
from leadline.sources.github.rows import commit_row, deployment_rows, pull_request_rows, release_rows
from leadline.sources.kit.cursor import Cursor, Cursors, Stored
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.forge import RepositoryStream, cursor_name
from leadline.sources.kit.lists import ListCursor, Listed, before, walk
from leadline.sources.kit.page import Page, Skipped
from leadline.sources.kit.records import Node, Rows, complete_parents, elements, merged, rows_of
from leadline.sources.kit.streams import Stream

LAG = timedelta(minutes=2)
"""What is this new is read again next time: it may not have been shown in order yet."""
OPEN_FOR = timedelta(days=30)
"""How long a deployment that has not ended is asked for again."""

LISTS_OF = {
    "pull_request_commits": ("commits",),
    "pull_request_files": ("files",),
    "reviews": ("reviews",),
    "comments": ("comments", "reviews"),
}
"""Tables that have everything of a pull request once these lists of it are read."""


# -- cursors -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TokenCursor(ListCursor):
    """How far a list was read. ``change_token``: what the overview showed of it when it was last read to its end; None where
    something may still have appeared beside what was newest then."""

    VERSION = 2

    change_token: list[Any] | None = None

    @classmethod
    def upgraded(cls, stored: Stored, _version: int) -> Stored:
        """From version 1, which called the change token ``sign`` and had a reading under way as ``descent``."""
        document: Stored = {name: stored[name] for name in ("watermark", "commits") if name in stored}
        if "sign" in stored:
            document["change_token"] = stored["sign"]
        if descent := stored.get("descent"):
            document["backfill"] = {
                "position": descent.get("after"),
                "until": descent["floor"],
                "newest": descent["top"],
                "change_token": descent.get("sign"),
            }
        return document


@dataclass(frozen=True)
class PullRequestsCursor(TokenCursor):
    """How far pull requests were read. ``commits``: ids of commits that they list and that are to be asked for yet."""

    commits: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeploymentsCursor(TokenCursor):
    """How far deployments were read. ``open``: ids of those that have not ended, and when they were created."""

    open: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def upgraded(cls, stored: Stored, version: int) -> Stored:
        """From version 1."""
        return {**super().upgraded(stored, version), "open": stored.get("open") or {}}


T = TypeVar("T", bound=TokenCursor)


# -- streams -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What the streams of one run share. ``prefix`` makes GitHub's numbers differ from those of other tools and servers;
    ``in_git``: names of repositories whose commits are read by git."""

    api: Api
    prefix: str
    rules: DeployRules = field(default_factory=DeployRules)
    in_git: Set[str] = frozenset()

    def settled(self, newest: object) -> bool:
        """Whether what was newest is old enough, by GitHub's clock, that nothing can still appear beside it."""
        now = self.api.client.tool_time
        return not isinstance(newest, str) or (now is not None and newest < earlier(rfc3339(now), LAG))


class TokenStream(RepositoryStream[T]):
    """A list with a change token. ``connection``, ``token_fields``: the list in the overview, and what of its newest is in the
    token; ``instant``: the field that the list is in the order of; ``query`` asks for a page of it."""

    connection: ClassVar[str]
    token_fields: ClassVar[tuple[str, str]] = ("databaseId", "updatedAt")
    instant: ClassVar[str] = "createdAt"
    query: ClassVar[str] = ""

    def __init__(self, reading: Reading, repository: Repository) -> None:
        super().__init__(repository)
        self.reading, self.api, self.repository = reading, reading.api, repository
        self.token = repository.change_token(self.connection, *self.token_fields)
        self.owner, _, self.short_name = repository.name.partition("/")

    def due(self, cursor: T) -> bool:
        """Whether the list is another than when it was last read to its end."""
        return self.token is not None and (cursor.change_token != self.token or cursor.backfill is not None)

    def read(self, cursor: T) -> Iterator[Page]:
        """The list, from the newest down to what is known."""
        yield from self.pages(cursor)

    def pages(self, cursor: T) -> Generator[Page, None, T]:
        """The pages of the list; returns the cursor of the last."""
        if self.token == [0]:
            cursor = replace(cursor, change_token=self.token)
            yield self.page({}, cursor)
            return cursor
        steps = walk(
            cursor,
            self.ask,
            until=before(LAG),
            instant=self._instant,
            change_token=self.token,
        )
        for step in steps:
            cursor = step.moved(cursor)
            if step.ended:
                token = step.change_token
                settled = token is not None and self.reading.settled(token[-1])
                cursor = replace(cursor, change_token=token if settled else None)
            cursor, page = self.of(step.nodes, cursor)
            yield page
        return cursor

    def ask(self, after: str | None, _until: str | None) -> Listed[Node]:
        """One page of the list."""
        variables = {"owner": self.owner, "name": self.short_name, "size": LIST, "after": after}
        return connection(self.api.graphql(self.query, variables), "repository", "things")

    def of(self, nodes: Sequence[Node], cursor: T) -> tuple[T, Page]:
        """The page that has the rows of ``nodes``, and its cursor."""
        raise NotImplementedError

    def _instant(self, node: Node) -> str | None:
        at = node.get(self.instant)
        return at if isinstance(at, str) else None

    def called(self, what: str) -> Any:
        """Names a record: by ``what`` it is and its number."""
        return lambda node: f"{what} {node.get('databaseId') or node.get('id')} of {self.subject}"


class PullRequestStream(TokenStream[PullRequestsCursor]):
    """Pull requests with all their lists, and their commits, where git is not read."""

    list_name = "pulls"
    connection = "pullRequests"
    token_fields = ("number", "updatedAt")
    instant = "updatedAt"
    cursor = PullRequestsCursor

    def __init__(self, reading: Reading, repository: Repository) -> None:
        super().__init__(reading, repository)
        self.brings_commits = repository.name not in reading.in_git
        self._reader = PullRequests(
            self.api, self.owner, self.short_name, Commits(self.api, self.owner, self.short_name)
        )

    def due(self, cursor: PullRequestsCursor) -> bool:
        """Whether the list is another, or commits are to be asked for yet."""
        return super().due(cursor) or bool(self.brings_commits and cursor.commits)

    def read(self, cursor: PullRequestsCursor) -> Iterator[Page]:
        """The pull requests, then the commits of the last of them."""
        self._reader.waiting = list(cursor.commits) if self.brings_commits else []
        if super().due(cursor):
            cursor = yield from self.pages(cursor)
        if self._reader.waiting:
            self._reader.bring()
            yield self.page(self._commits(), replace(cursor, commits=()), skipped=self._taken())

    def ask(self, after: str | None, until: str | None) -> Listed[Node]:
        """One page of the list."""
        return self._reader.ask(after, until)

    def of(self, nodes: Sequence[Node], cursor: PullRequestsCursor) -> tuple[PullRequestsCursor, Page]:
        """The page that has the rows of ``nodes`` and of the commits that came with them."""
        name = self.repository.name
        commits = self._commits()
        made, skipped = rows_of(nodes, self._rows, lambda node: f"{name}#{node.get('number')}")
        self._reader.skipped += skipped
        keys = [(node, {"repository": name, "number": node.get("number")}) for node, _ in made]
        cursor = replace(cursor, commits=tuple(self._reader.waiting))
        return cursor, self.page(
            merged([commits, *(rows for _, rows in made)]),
            cursor,
            records=len(nodes),
            complete_parents=complete_parents(keys, LISTS_OF),
            skipped=self._taken(),
        )

    def _rows(self, node: Node) -> Rows:
        rows = pull_request_rows(self.repository.name, node)
        if self.brings_commits:
            self._reader.waiting += to_ask(node, self.repository.default_branch)
        return rows

    def _commits(self) -> Rows:
        """Rows of the commits that came with the pull requests."""
        nodes, self._reader.brought = self._reader.brought, []
        rows, skipped = commit_rows(self.repository.name, nodes)
        self._reader.skipped += skipped
        return rows

    def _taken(self) -> list[Skipped]:
        """What was left out, each thing once."""
        skipped, self._reader.skipped = list(dict.fromkeys(self._reader.skipped)), []
        return skipped


def commit_rows(repository: str, nodes: Sequence[Node]) -> tuple[Rows, list[Skipped]]:
    """Rows of commits, and those that are not of their shape."""
    made, skipped = rows_of(
        nodes,
        lambda node: {"commits": [commit_row(repository, node)]},
        lambda node: f"commit {node.get('oid')} of {repository}",
    )
    return merged(rows for _, rows in made), skipped


class CommitStream(RepositoryStream[CommitsCursor]):
    """The default branch's history, unless git's is read."""

    list_name = "commits"
    cursor = CommitsCursor

    def __init__(self, reading: Reading, repository: Repository) -> None:
        super().__init__(repository)
        self.head = None if repository.name in reading.in_git else repository.head
        owner, _, short_name = repository.name.partition("/")
        self._commits = Commits(reading.api, owner, short_name)

    def due(self, cursor: CommitsCursor) -> bool:
        """Whether the branch has another head."""
        return self.head is not None and (cursor.head != self.head or cursor.walk is not None)

    def read(self, cursor: CommitsCursor) -> Iterator[Page]:
        """The commits that the head comes after and the one before does not."""
        for nodes, following in self._commits.since(cursor, self.head or ""):
            rows, skipped = commit_rows(self.subject, nodes)
            yield self.page(rows, following, records=len(nodes), skipped=skipped)


class ReleaseStream(TokenStream[TokenCursor]):
    """Releases."""

    list_name = "releases"
    connection = "releases"
    query = RELEASES
    cursor = TokenCursor

    def of(self, nodes: Sequence[Node], cursor: TokenCursor) -> tuple[TokenCursor, Page]:
        """The page that has the rows of ``nodes``."""
        made, skipped = rows_of(nodes, lambda node: release_rows(self.subject, node), self.called("release"))
        rows = merged(rows for _, rows in made)
        return cursor, self.page(rows, cursor, records=len(nodes), skipped=skipped)


class DeploymentStream(TokenStream[DeploymentsCursor]):
    """Deployments; those that have not ended are remembered, for ``OpenDeployments``."""

    list_name = "deployments"
    connection = "deployments"
    query = DEPLOYMENTS
    cursor = DeploymentsCursor

    def of(self, nodes: Sequence[Node], cursor: DeploymentsCursor) -> tuple[DeploymentsCursor, Page]:
        """The page that has the rows of ``nodes``, and what of them has not ended."""
        made, skipped = rows_of(
            nodes, lambda node: deployment_rows(self.subject, node, self.reading.prefix), self.called("deployment")
        )
        cursor = replace(cursor, open=self._still_open(cursor.open, made))
        return cursor, self.page(merged(rows for _, rows in made), cursor, records=len(nodes), skipped=skipped)

    def again(self, asked: Sequence[str], nodes: Sequence[Node], cursor: DeploymentsCursor) -> Page:
        """The page that has what became of the deployments ``asked`` for, of which ``nodes`` are there."""
        present = {str(node.get("id")) for node in nodes}
        still_asked = {
            identity: at for identity, at in cursor.open.items() if identity in present or identity not in asked
        }
        _, page = self.of(nodes, replace(cursor, open=still_asked))
        return page

    def _still_open(self, known: Mapping[str, str], made: Sequence[tuple[Node, Rows]]) -> dict[str, str]:
        """Those that have not ended, but for such that are too old to end ever."""
        still_open = dict(known)
        now = self.api.client.tool_time
        for node, rows in made:
            identity, created = str(node.get("id")), str(node.get("createdAt"))
            recent = now is None or created >= earlier(rfc3339(now), OPEN_FOR)
            if recent and rows["deployments"][0]["status"] == "running":
                still_open[identity] = created
            else:
                still_open.pop(identity, None)
        return still_open


class OpenDeployments(Stream[Cursor]):
    """What became of the deployments that had not ended, of all repositories at once. It has no cursor of its own: it moves those
    of the repositories' deployments."""

    cursor = Cursor

    def __init__(self, reading: Reading, owner: str, repositories: Sequence[Repository], cursors: Cursors) -> None:
        super().__init__(owner, f"open deployments of {owner}", "")
        self.reading, self.cursors = reading, cursors
        self._owners = {
            identity: repository for repository in repositories for identity in self._cursor(repository).open
        }

    def due(self, _cursor: Cursor) -> bool:
        """Whether there are any."""
        return bool(self._owners)

    def read(self, _cursor: Cursor) -> Iterator[Page]:
        """The deployments by their ids, and a page for each repository of which there are some."""
        identities = list(self._owners)
        for start in range(0, len(identities), IDS):
            asked = identities[start : start + IDS]
            data = self.reading.api.graphql(DEPLOYMENTS_BY_ID, {"ids": asked}).data
            nodes = {str(node.get("id")): node for node in elements({"list": {"nodes": data.get("nodes")}}, "list")}
            for repository in dict.fromkeys(self._owners[identity] for identity in asked):
                own = [nodes[key] for key in asked if key in nodes and self._owners[key] is repository]
                stream = DeploymentStream(self.reading, repository)
                yield stream.again(asked, own, self._cursor(repository))

    def _cursor(self, repository: Repository) -> DeploymentsCursor:
        return self.cursors.get(cursor_name(repository, DeploymentStream.list_name), DeploymentsCursor)
