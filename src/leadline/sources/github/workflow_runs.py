"""GitHub's workflow runs, as builds or by rule as deployments: read newest first by when they were created, as REST lists them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from leadline.errors import NotFound
from leadline.instants import earlier
from leadline.sources.github.overview import Repository
from leadline.sources.github.rows import run_build_id, run_deployment_id, run_rows
from leadline.sources.github.streams import Reading, TokenCursor
from leadline.sources.kit.client import Refused
from leadline.sources.kit.cursor import Stored
from leadline.sources.kit.forge import ListStream
from leadline.sources.kit.lists import Listed, NumberedPage, Step, walk
from leadline.sources.kit.page import Page, Row
from leadline.sources.kit.records import Node, Rows
from leadline.sources.kit.text import Misshapen

SIZE = 100
LAG = timedelta(days=1)
"""Runs this much older than the newest are read again: they may have been run again since."""
OPEN_FOR = timedelta(days=35)
"""A run ends after this long at the latest (GitHub, "Usage limits")."""
ASKED_ANYWAY = timedelta(days=1)
"""A repository in which nothing was pushed is asked this often: schedules and people start runs, too."""
ENDED_FOR = timedelta(days=7)
"""Where runs are deployments by rule, runs this much older than the newest are read again once a day: a deployment that failed may
be run again, and one that went well, too."""


@dataclass(frozen=True)
class RunsCursor(TokenCursor):
    """How far workflow runs were read. ``asked``: when; ``etag``: GitHub's, of the newest page; ``open``: when the oldest run was
    created that had not ended, ``open_met`` the same of a reading under way; ``rules``: patterns and environments by which
    runs were told apart; ``anew``: they are others than before, so that rows of the other kind must go; ``read_again``: when
    those of a week were read again last; ``refused``: why they could not be read last, if so."""

    asked: str = ""
    etag: str | None = None
    open: str | None = None
    open_met: str | None = None
    rules: tuple[tuple[str, str | None], ...] = ()
    anew: bool = False
    read_again: str = ""
    refused: str = ""

    @classmethod
    def upgraded(cls, stored: Stored, version: int) -> Stored:
        """From version 1, whose descents counted pages."""
        document = super().upgraded(stored, version)
        document |= {name: stored[name] for name in ("asked", "etag", "open", "rules", "anew") if name in stored}
        if descent := stored.get("descent"):
            document["backfill"]["position"] = str(NumberedPage(descent["until"], descent["page"]))
            document["open_met"] = descent["open"]
        return document


class _Unchanged(Exception):
    """There is nothing on the newest page that was not there the last time."""


class RunStream(ListStream[RunsCursor]):
    """One repository's workflow runs."""

    list_name, record = "builds", "build {number} of {subject}"
    cursor = RunsCursor

    def __init__(self, reading: Reading, repository: Repository) -> None:
        super().__init__(repository)
        self.reading, self.api = reading, reading.api
        pull_requests = repository.change_token("pullRequests", "number", "updatedAt")
        self.token = [repository.node.get("pushedAt"), pull_requests]
        """Changes when something was pushed."""
        self.settled = reading.settled(self.token[0]) and reading.settled((pull_requests or [None])[-1])
        self._begun = self._now = RunsCursor()
        self._asked = self.api.now
        self._again = False

    def due(self, cursor: RunsCursor) -> bool:
        """Whether something was pushed, a run was at work, or nobody has looked for a day."""
        cursor = self._by_rules(cursor)
        return (
            cursor.backfill is not None
            or cursor.change_token != self.token
            or cursor.open is not None
            or cursor.asked <= earlier(self.api.now, ASKED_ANYWAY)
            or self._to_read_again(cursor)
        )

    def _to_read_again(self, cursor: RunsCursor) -> bool:
        return bool(cursor.rules) and cursor.read_again <= earlier(self.api.now, ASKED_ANYWAY)

    def refused(self, cursor: RunsCursor) -> str:
        """Why they could not be read last."""
        return cursor.refused

    def read(self, cursor: RunsCursor) -> Generator[Page, None, RunsCursor]:
        """The runs created since, those of the day before, and all that had not ended."""
        self._now = self._begun = replace(self._by_rules(cursor), refused="")
        self._asked, self._again = self.api.now, self._to_read_again(self._begun)
        try:
            yield from super().read(self._begun)
        except _Unchanged:
            token = self.token if self.settled else self._now.change_token
            self._now = replace(self._now, change_token=token, asked=self._asked)
            yield self.page({}, self._now)
        except (Refused, NotFound) as error:
            # Asked again only when there is a reason to; every run tells of the refusal.
            refused = error.message if isinstance(error, Refused) else ""
            yield self.page({}, replace(self._begun, change_token=self.token, asked=self._asked, refused=refused))
            raise
        return self._now

    def steps(self, cursor: RunsCursor) -> Iterator[Step[Node]]:
        """The runs, from ``cursor`` on."""
        return walk(cursor, self._ask, until=self._until, instant=_created, change_token=self.token, known_too=True)

    def moved(self, cursor: RunsCursor, step: Step[Node], made: Sequence[tuple[Node, Rows]]) -> RunsCursor:
        """``cursor`` behind a page, with when the oldest run was created that had not ended."""
        open_met = min(filter(None, [cursor.open_met, *self._unfinished(step.nodes)]), default=None)
        cursor = replace(super().moved(cursor, step, made), etag=self._now.etag, open_met=open_met)
        if step.ended:
            token = self.token if self.settled and step.change_token == self.token else None
            cursor = replace(cursor, open=open_met, open_met=None, asked=self._asked, change_token=token, anew=False)
            cursor = replace(cursor, read_again=self._asked if self._again else cursor.read_again)
        self._now = cursor
        return cursor

    def rows(self, node: Node) -> Rows:
        """A run."""
        return run_rows(self.subject, node, self.reading.prefix, self.reading.rules)

    def number(self, node: Node) -> object:
        """What tells a record from others of its kind."""
        return node.get("id")

    def complete(self, made: Sequence[tuple[Node, Rows]]) -> dict[str, list[Row]]:
        """Where the rows of runs were that are of the other kind now."""
        keys: dict[str, list[Row]] = {"builds": [], "deployments": []}
        for run, rows in made if self._begun.anew else ():
            if "builds" in rows:
                keys["deployments"].append({"deployment_id": run_deployment_id(run, self.reading.prefix)})
            else:
                keys["builds"].append({"build_id": run_build_id(run, self.reading.prefix)})
        return {table: parents for table, parents in keys.items() if parents}

    def _by_rules(self, cursor: RunsCursor) -> RunsCursor:
        """``cursor``, or one by which all is read anew, since the rules are others now."""
        rules = tuple((rule.pattern, rule.environment) for rule in self.reading.rules.rules)
        if cursor != RunsCursor() and cursor.rules != rules:
            return RunsCursor(rules=rules, anew=True)
        return replace(cursor, rules=rules)

    def _ask(self, position: str | None, _until: str | None) -> Listed[Node]:
        page = NumberedPage.at(position)
        params = {"per_page": str(SIZE), "page": str(page.number)}
        if page.bound is not None:
            params["created"] = f"<={page.bound}"
        path = f"/repos/{self.subject}/actions/runs"
        answer = self.api.rest(path, params, etag=self._now.etag if position is None and not self._again else None)
        if answer.status == 304:
            raise _Unchanged
        runs = _runs(answer.body)
        if position is None:
            self._now = replace(self._now, etag=answer.headers.get("etag"))
        created = list(filter(None, map(_created, runs)))
        if len(runs) < SIZE or not created:
            return runs, None
        oldest = min(created)
        return runs, str(page.next_from(oldest, passed=page.bound == oldest))

    def _until(self, watermark: str | None) -> str | None:
        """The instant down to which runs are read: those of the last day, and those that had not ended."""
        lag = ENDED_FOR if self._again else LAG
        return min(earlier(watermark, lag), self._now.open or watermark) if watermark else None

    def _unfinished(self, runs: list[Node]) -> list[str]:
        """When those runs were created that have not ended, and may end yet."""
        oldest = earlier(self.api.now, OPEN_FOR)
        return [
            str(run["created_at"])
            for run in runs
            if run.get("status") != "completed" and (_created(run) or "") >= oldest
        ]


def _created(run: Node) -> str | None:
    return str(run["created_at"]) if run.get("created_at") else None


def _runs(body: Any) -> list[Node]:
    runs = body.get("workflow_runs") if isinstance(body, dict) else None
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        raise Misshapen("workflow_runs is no list of objects")
    return runs
