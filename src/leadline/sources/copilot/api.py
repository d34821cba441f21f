"""GitHub's REST API for Copilot: the seats of an organization or enterprise, and the reports on its users, which are files behind
signed addresses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from leadline.sources.github.api import Api as GitHubApi
from leadline.sources.kit.client import Answer, Client, Refused
from leadline.sources.kit.page import CallStats
from leadline.sources.kit.reach import why_not
from leadline.sources.kit.records import Node
from leadline.sources.kit.text import Misshapen

SIZE = 100
"""Seats of a page: the most there can be."""
MOST_BYTES = 1 << 30
"""A file larger than this is no report of a day."""


@dataclass(frozen=True)
class Api:
    """Asks about one ``owner`` (`orgs/NAME` or `enterprises/NAME`). ``files`` fetches reports: it has no token, since these are on
    other servers, at addresses that are signed."""

    github: GitHubApi
    files: Client
    owner: str

    def call_stats(self) -> CallStats:
        """What asking and fetching have cost so far."""
        own, of_files = self.github.client.call_stats(), self.files.call_stats()
        return CallStats(own.calls + of_files.calls, own.waited + of_files.waited, own.tool_time)

    def seats(self) -> list[Node]:
        """Who has a seat. Raises what ``GitHubApi.problem`` makes of a refusal, ``Unavailable``, ``Misshapen``."""
        seats: list[Node] = []
        page = 0
        while True:
            page += 1
            path = f"/{self.owner}/copilot/billing/seats"
            body = self.github.rest(path, {"per_page": str(SIZE), "page": str(page)}).body
            nodes = body.get("seats") if isinstance(body, dict) else None
            if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
                raise Misshapen(
                    f"{self.github.client.tool} sent no list of seats; is {self.github.server.rest} the address of its API?"
                )
            seats += nodes
            if len(nodes) < SIZE:
                return seats

    def reported(self, day: date, take: Callable[[Node], None]) -> bool:
        """Hand every record of the report of a day to ``take``; False: there is no report of it. A file that breaks off is begun
        again, so that a record may be handed over twice. Raises as ``seats``."""
        links = self._links(day)
        for link in links or ():
            self._fetch(link, day, take)
        return links is not None

    def _links(self, day: date) -> list[str] | None:
        """Where the report of a day is; None: nowhere."""
        path = f"/{self.owner}/copilot/metrics/reports/users-1-day"
        answer = self.github.rest(path, {"day": day.isoformat()}, empty=True)
        if answer.status == 204:
            return None
        links = answer.body.get("download_links") if isinstance(answer.body, dict) else None
        if not isinstance(links, list) or not all(isinstance(link, str) for link in links):
            raise Misshapen(f"{self.github.client.tool} sent no list of download_links")
        return links

    def _fetch(self, link: str, day: date, take: Callable[[Node], None]) -> None:
        parts, own = urlsplit(link), urlsplit(self.github.server.rest)
        if why := why_not(parts.scheme, parts.hostname or "", own.scheme, own.hostname or ""):
            raise Refused(f"{self.github.client.tool} sends for its report of {day} {why}")

        def read(_answer: Answer, chunks: Iterator[bytes]) -> None:
            for line in _lines(chunks, day):
                for record in _records(line, day):
                    take(record)

        answer = self.files.stream(link, read)
        if answer.status != 200:
            raise Refused(
                f"The report of {day} that {self.github.client.tool} names cannot be fetched (status {answer.status})"
            )


def _lines(chunks: Iterator[bytes], day: date) -> Iterator[bytes]:
    rest = b""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MOST_BYTES:
            raise Refused(f"The report of {day} is larger than {MOST_BYTES >> 20:,} MiB")
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    yield rest


def _records(line: bytes, day: date) -> list[Node]:
    """The records of a line: one, or a list of them. Raises ``Misshapen``."""
    if not line.strip():
        return []
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Misshapen(f"the report of {day} is no JSON, one record a line") from error
    records = value if isinstance(value, list) else [value]
    if not all(isinstance(record, dict) for record in records):
        raise Misshapen(f"the report of {day} has what is no record")
    return records
