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
from leadline.sources.github.refusals import told
from leadline.sources.github.rows import commit_row, deployment_rows, pull_request_rows, release_rows
from leadline.sources.kit.cursor import Cursor, Cursors, Stored
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.forge import ListStream, RepositoryStream, cursor_name
from leadline.sources.kit.lists import ListCursor, Listed, Step, before, walk
from leadline.sources.kit.page import Page, Skipped
from leadline.sources.kit.records import Node, Rows, merged, objects, rows_of
from leadline.sources.kit.streams import Stream

LAG = timedelta(minutes=2)
"""What is this new is read again next time: it may not have been shown in order yet."""
OPEN_FOR = timedelta(days=30)
"""How long a deployment that has not ended is asked for again."""
ENDED_FOR, READ_AGAIN = timedelta(days=7), timedelta(days=1)
"""How long after it was made a deployment that has ended is read again, since it may turn out to have failed; and how often,
where the overview does not show that it has changed."""

LISTS_OF = {
    "pull_request_commits": ("commits",),
    "pull_request_files": ("files",),
    "reviews": ("reviews",),
    "comments": ("comments", "reviews"),
}
"""Tables that have everything of a pull request once these lists of it are read."""


@dataclass(frozen=True)
class TokenCursor(ListCursor):
    """How far a list was read. ``change_token``: what the overview showed of it when it was last read to its end; None where
    something may still have appeared beside what was newest then."""

    VERSION = 2

    change_token: list[Any] | None = None

    @classmethod
    def upgraded(cls, stored: Stored, _version: int) -> Stored:
        """From version 1, which called the change token ``sign`` and had a reading under way as ``descent``."""
        document: Stored = {name: stored[name] for name in ("watermark", "commits", "open") if stored.get(name)}
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
    """How far deployments were read. ``open``: ids of those that have not ended, and when they were created; ``read_again``:
    when those that had ended were read again last."""

    open: Mapping[str, str] = field(default_factory=dict)
    read_again: str = ""


T = TypeVar("T", bound=TokenCursor)


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


class TokenStream(ListStream[T]):
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
        self._lacking: list[Skipped] = []

    def due(self, cursor: T) -> bool:
        """Whether the list is another than when it was last read to its end."""
        return self.token is not None and (cursor.change_token != self.token or cursor.backfill is not None)

    def read(self, cursor: T) -> Generator[Page, None, T]:
        """The list, from the newest down to what is known."""
        if self.token != [0]:
            return (yield from super().read(cursor))
        cursor = replace(cursor, change_token=self.token)
        yield self.page({}, cursor)
        return cursor

    def steps(self, cursor: T) -> Iterator[Step[Node]]:
        """The list, from ``cursor`` on."""
        return walk(cursor, self.ask, until=before(LAG), instant=self._instant, change_token=self.token)

    def moved(self, cursor: T, step: Step[Node], made: Sequence[tuple[Node, Rows]]) -> T:
        """``cursor`` behind a page; with the change token at the end, unless something may still appear."""
        cursor = super().moved(cursor, step, made)
        if not step.ended:
            return cursor
        token = step.change_token
        newest = max((value for value in token or () if isinstance(value, str)), default=None)
        return replace(cursor, change_token=token if token and self.reading.settled(newest) else None)

    def ask(self, after: str | None, _until: str | None) -> Listed[Node]:
        """One page of the list."""
        variables = {"owner": self.owner, "name": self.short_name, "size": LIST, "after": after}
        data = self.api.graphql(self.query, variables)
        self._lacking += told(self.name, data.refused)
        return connection(data, "repository", "things")

    def beside(self) -> tuple[Rows, list[Skipped]]:
        """What was refused of the page."""
        lacking, self._lacking = self._lacking, []
        return {}, lacking

    def number(self, node: Node) -> object:
        """What tells a record from others of its kind."""
        return node.get("databaseId") or node.get("number") or node.get("id")

    def _instant(self, node: Node) -> str | None:
        at = node.get(self.instant)
        return at if isinstance(at, str) else None


class PullRequestStream(TokenStream[PullRequestsCursor]):
    """Pull requests with all their lists, and their commits, where git is not read."""

    list_name, record = "pulls", "{subject}#{number}"
    connection = "pullRequests"
    token_fields = ("number", "updatedAt")
    instant = "updatedAt"
    lists_of = LISTS_OF
    cursor = PullRequestsCursor

    def __init__(self, reading: Reading, repository: Repository) -> None:
        super().__init__(reading, repository)
        self.brings_commits = repository.name not in reading.in_git
        commits = Commits(self.api, self.owner, self.short_name)
        self._reader = PullRequests(self.api, self.owner, self.short_name, commits)

    def due(self, cursor: PullRequestsCursor) -> bool:
        """Whether the list is another, or commits are to be asked for yet."""
        return super().due(cursor) or bool(self.brings_commits and cursor.commits)

    def read(self, cursor: PullRequestsCursor) -> Generator[Page, None, PullRequestsCursor]:
        """The pull requests, then the commits of the last of them."""
        self._reader.waiting = list(cursor.commits) if self.brings_commits else []
        if super().due(cursor):
            cursor = yield from super().read(cursor)
        if self._reader.waiting:
            self._reader.bring()
            rows, skipped = self.beside()
            cursor = replace(cursor, commits=())
            yield self.page(rows, cursor, skipped=list(dict.fromkeys(skipped)))
        return cursor

    def ask(self, after: str | None, _until: str | None) -> Listed[Node]:
        """One page of the list."""
        return self._reader.ask(after)

    def rows(self, node: Node) -> Rows:
        """A pull request with its lists; its commits are asked for later."""
        rows = pull_request_rows(self.subject, node)
        if self.brings_commits:
            self._reader.waiting += to_ask(node, self.repository.default_branch)
        return rows

    def moved(
        self, cursor: PullRequestsCursor, step: Step[Node], made: Sequence[tuple[Node, Rows]]
    ) -> PullRequestsCursor:
        """``cursor`` behind a page, with the commits that are to be asked for yet."""
        return replace(super().moved(cursor, step, made), commits=tuple(self._reader.waiting))

    def beside(self) -> tuple[Rows, list[Skipped]]:
        """The commits of earlier pages, and what could not be read."""
        rows, skipped = commit_rows(self.subject, self._reader.brought)
        skipped = [*self._reader.skipped, *skipped]
        self._reader.brought, self._reader.skipped = [], []
        return rows, skipped


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

    list_name = connection = "releases"
    query, record = RELEASES, "release {number} of {subject}"
    cursor = TokenCursor
    make = staticmethod(release_rows)


class DeploymentStream(TokenStream[DeploymentsCursor]):
    """Deployments; those that have not ended are remembered, for ``OpenDeployments``."""

    list_name = connection = "deployments"
    query, record = DEPLOYMENTS, "deployment {number} of {subject}"
    cursor = DeploymentsCursor
    _again = False

    def due(self, cursor: DeploymentsCursor) -> bool:
        """Whether the list is another, or recent outcomes were not looked at for long."""
        return super().due(cursor) or self._to_read_again(cursor)

    def _to_read_again(self, cursor: DeploymentsCursor) -> bool:
        now = self.api.now
        is_recent = self.repository.newest(self.connection) >= earlier(now, ENDED_FOR)
        return is_recent and cursor.read_again <= earlier(now, READ_AGAIN)

    def read(self, cursor: DeploymentsCursor) -> Generator[Page, None, DeploymentsCursor]:
        """The list, down to what is known for good."""
        self._again = self._to_read_again(cursor)
        return (yield from super().read(cursor))

    def steps(self, cursor: DeploymentsCursor) -> Iterator[Step[Node]]:
        """The list, from ``cursor`` on."""
        return walk(cursor, self.ask, until=self._until, instant=self._instant, change_token=self.token)

    def _until(self, watermark: str | None) -> str | None:
        """The instant down to which the list is read: all that the overview shows, and what may have changed without that."""
        if watermark is None:
            return None
        shown_since = self.repository.shown_since(self.connection) or watermark
        ended_for = earlier(self.api.now, ENDED_FOR) if self._again else watermark
        return min(earlier(watermark, LAG), shown_since, ended_for)

    def rows(self, node: Node) -> Rows:
        """A deployment."""
        return deployment_rows(self.subject, node, self.reading.prefix)

    def moved(
        self, cursor: DeploymentsCursor, step: Step[Node], made: Sequence[tuple[Node, Rows]]
    ) -> DeploymentsCursor:
        """``cursor`` behind a page, with what has not ended, but for what is too old to end ever."""
        still_open = dict(cursor.open)
        now = self.api.client.tool_time
        for node, rows in made:
            identity, created = str(node.get("id")), str(node.get("createdAt"))
            recent = now is None or created >= earlier(rfc3339(now), OPEN_FOR)
            if recent and rows["deployments"][0]["status"] == "running":
                still_open[identity] = created
            else:
                still_open.pop(identity, None)
        read_again = self.api.now if self._again and step.ended else cursor.read_again
        return replace(super().moved(cursor, step, made), open=still_open, read_again=read_again)


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
            nodes = {str(node.get("id")): node for node in objects(data.get("nodes"), "list.nodes")}
            for repository in dict.fromkeys(self._owners[identity] for identity in asked):
                own = [nodes[key] for key in asked if key in nodes and self._owners[key] is repository]
                cursor = self._cursor(repository)
                gone = cursor.open.keys() & (set(asked) - nodes.keys())
                cursor = replace(cursor, open={key: at for key, at in cursor.open.items() if key not in gone})
                yield from _Again(self.reading, repository, own).read(cursor)

    def _cursor(self, repository: Repository) -> DeploymentsCursor:
        return self.cursors.get(cursor_name(repository, DeploymentStream.list_name), DeploymentsCursor)


class _Again(DeploymentStream):
    """Deployments of a repository that were asked for by their ids: its list is not read any further by them."""

    def __init__(self, reading: Reading, repository: Repository, nodes: list[Node]) -> None:
        super().__init__(reading, repository)
        self.token, self._nodes = None, nodes

    def steps(self, cursor: DeploymentsCursor) -> Iterator[Step[Node]]:
        """One page."""
        yield Step(self._nodes, cursor.watermark, cursor.backfill, cursor.change_token)
