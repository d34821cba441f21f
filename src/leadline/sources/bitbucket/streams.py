"""The lists of a Bitbucket repository: what they share, and its pull requests.

Bitbucket tells of no workspace at once which of its repositories have anything new, and lets a token ask a thousand times an
hour. So a list is asked for in every run while it is awake, once a day when it is asleep, and once a week in the end.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from leadline.errors import NotFound
from leadline.instants import earlier
from leadline.sources.bitbucket.api import Api
from leadline.sources.bitbucket.overview import Repository
from leadline.sources.bitbucket.pull_requests import PullRequests
from leadline.sources.bitbucket.rows import pull_request_rows
from leadline.sources.kit.client import Refused
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.forge import ListStream
from leadline.sources.kit.lists import ListCursor, Step, before, walk
from leadline.sources.kit.page import Page, Skipped
from leadline.sources.kit.records import Node, Rows, utc

LAG = timedelta(minutes=2)
"""What is this new when a list is read is read again next time: it may not have been shown yet."""
AWAKE_FOR, ASLEEP_FOR = timedelta(days=14), timedelta(days=90)
"""A list is awake so long after something was pushed to its repository or came into the list; then it is asleep until that is so
long ago."""
ASKED_ASLEEP, ASKED_ANYWAY = timedelta(days=1), timedelta(days=7)
"""How often a list is asked for that is asleep, and after that."""

LISTS_OF = {
    "pull_request_commits": ("commits",),
    "pull_request_files": ("files",),
    "reviews": ("activity",),
    "comments": ("activity",),
}
"""Tables that have everything of a pull request once these lists of it are read."""


@dataclass(frozen=True)
class RepositoryCursor(ListCursor):
    """How far a list was read. ``asked``: when, by Bitbucket's time; ``latest``: the newest instant in it; ``refused``: why it
    could not be read last, if so."""

    asked: str = ""
    latest: str = ""
    refused: str = ""


C = TypeVar("C", bound=RepositoryCursor)


@dataclass(frozen=True)
class Reading:
    """What the streams of one run share. ``prefix`` makes Bitbucket's ids differ from others'."""

    api: Api
    prefix: str
    rules: DeployRules


class RepositoryStream(ListStream[C]):
    """A list of a repository."""

    def __init__(self, reading: Reading, repository: Repository) -> None:
        super().__init__(repository)
        self.reading, self.api, self.repository = reading, reading.api, repository

    def due(self, cursor: C) -> bool:
        """Whether there may be anything new."""
        now, newest = self.api.now, max(self.repository.updated, cursor.latest)
        often = ASKED_ASLEEP if newest >= earlier(now, ASLEEP_FOR) else ASKED_ANYWAY
        awake = newest >= earlier(now, AWAKE_FOR)
        return cursor.backfill is not None or awake or cursor.asked <= earlier(now, often)

    def refused(self, cursor: C) -> str:
        """Why it could not be read last."""
        return cursor.refused

    def read(self, cursor: C) -> Generator[Page, None, C]:
        """What is new in the list."""
        asked = self.api.now
        try:
            return (yield from super().read(cursor))
        except (Refused, NotFound) as error:
            # Asked again only when there is a reason to; every run tells of the refusal.
            refused = error.message if isinstance(error, Refused) else ""
            yield self.page({}, replace(cursor, asked=asked, refused=refused))
            raise

    def moved(self, cursor: C, step: Step[Node], made: Sequence[tuple[Node, Rows]]) -> C:
        """``cursor`` behind a page."""
        latest = max([cursor.latest, *filter(None, map(self.instant, step.nodes))])
        asked = self.api.now if step.ended else cursor.asked
        return replace(super().moved(cursor, step, made), asked=asked, latest=latest, refused="")

    def instant(self, node: Node) -> str | None:
        """The instant by which a record is new."""
        raise NotImplementedError

    def number(self, node: Node) -> object:
        """What tells a record from others of its kind."""
        return node.get("id")


class PullRequestStream(RepositoryStream[RepositoryCursor]):
    """Pull requests with all their lists, by when they were updated."""

    list_name, record = "pull requests", "{subject}#{number}"
    cursor = RepositoryCursor
    lists_of = LISTS_OF
    make = staticmethod(pull_request_rows)

    def __init__(self, reading: Reading, repository: Repository) -> None:
        super().__init__(reading, repository)
        self._reader = PullRequests(self.api, repository.name)

    def steps(self, cursor: RepositoryCursor) -> Iterator[Step[Node]]:
        """The list, from ``cursor`` on."""
        return walk(cursor, self._reader.ask, until=before(LAG), begun=lambda: self.api.now)

    def instant(self, node: Node) -> str | None:
        """When it was updated."""
        value = utc(node.get("updated_on"))
        return value if isinstance(value, str) else None

    def beside(self) -> tuple[Rows, list[Skipped]]:
        """What could not be read."""
        skipped, self._reader.skipped = self._reader.skipped, []
        return {}, skipped
