"""A Bitbucket repository's pipelines and deployments. Pipelines are builds, or by rule deployments; deployments to environments are
made by their steps, so they are only asked for where a pipeline moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from leadline.instants import earlier
from leadline.sources.bitbucket import queries
from leadline.sources.bitbucket.api import NotUnderstood
from leadline.sources.bitbucket.overview import Repository
from leadline.sources.bitbucket.rows import identity
from leadline.sources.bitbucket.runs import (
    OUTCOMES,
    WAITING,
    deployment_rows,
    deployment_started,
    pipeline_number,
    pipeline_rows,
    pipeline_status,
)
from leadline.sources.bitbucket.streams import Reading, RepositoryCursor, RepositoryStream
from leadline.sources.kit.lists import Listed, Step, walk
from leadline.sources.kit.records import Node, Rows, utc

LAG = timedelta(days=1)
"""Runs this much older than the newest are read again: their steps may have been run again since."""
WAITS_FOR, LOOKED_FOR = timedelta(days=14), timedelta(days=1)
"""A run that waits for somebody may go on for so long; how often those are read again that began before ``LAG``."""


@dataclass(frozen=True)
class RunsCursor(RepositoryCursor):
    """How far runs were read. ``open``: when the oldest run began that is at work, ``waiting``: the oldest that waits for somebody;
    ``…_met``: the same of a reading under way. ``looked``: when those that wait were read again last; ``seen``: how new pipelines
    were when deployments were read last."""

    open: str | None = None
    open_met: str | None = None
    waiting: str | None = None
    waiting_met: str | None = None
    looked: str = ""
    seen: str = ""


class RunStream(RepositoryStream[RunsCursor]):
    """A list of runs, the newest first: read down to what ended, and a day before the newest."""

    cursor = RunsCursor
    _looks = False
    """Whether a reading goes down to what waits for somebody."""

    def due(self, cursor: RunsCursor) -> bool:
        """Whether a run was at work, or there may be new ones."""
        return cursor.open is not None or self._to_look(cursor) or super().due(cursor)

    def _to_look(self, cursor: RunsCursor) -> bool:
        return cursor.waiting is not None and cursor.looked <= earlier(self.api.now, LOOKED_FOR)

    def steps(self, cursor: RunsCursor) -> Iterator[Step[Node]]:
        """The runs, from ``cursor`` on."""
        resumed = cursor.backfill
        if resumed is None:
            self._looks = cursor.watermark is None or self._to_look(cursor)
        else:
            self._looks = resumed.until is None or resumed.until <= (cursor.waiting or "")

        def until(watermark: str | None) -> str | None:
            further = [cursor.open, cursor.waiting if self._looks else None]
            return min([earlier(watermark, LAG), *filter(None, further)]) if watermark else None

        return walk(cursor, self.ask, until=until, instant=self.began, change_token=[self.repository.updated])

    def ask(self, position: str | None, until: str | None) -> Listed[Node]:
        """One page of the list."""
        raise NotImplementedError

    def began(self, node: Node) -> str | None:
        """When a run began."""
        raise NotImplementedError

    def is_at_work(self, node: Node) -> bool:
        """Whether something becomes of it by itself."""
        raise NotImplementedError

    def is_waiting(self, _node: Node) -> bool:
        """Whether it goes on once somebody says so."""
        return False

    def moved(self, cursor: RunsCursor, step: Step[Node], made: Sequence[tuple[Node, Rows]]) -> RunsCursor:
        """``cursor`` behind a page, with when the oldest runs began that have not ended."""
        open_met = self._oldest(cursor.open_met, step, self.is_at_work)
        waiting_met = self._oldest(cursor.waiting_met, step, self.is_waiting)
        cursor = super().moved(cursor, step, made)
        if not step.ended:
            return replace(cursor, open_met=open_met, waiting_met=waiting_met)
        if not self._looks:  # those that were met before may wait still
            waiting_met = self._earliest([cursor.waiting, waiting_met])
        looked = cursor.asked if self._looks else cursor.looked
        return replace(cursor, open=open_met, waiting=waiting_met, open_met=None, waiting_met=None, looked=looked)

    def _oldest(self, known: str | None, step: Step[Node], fits: Callable[[Node], bool]) -> str | None:
        """When the oldest run began that ``fits``, of a page and those before."""
        return self._earliest([known, *(self.began(node) for node in step.nodes if fits(node))])

    def _earliest(self, moments: Sequence[str | None]) -> str | None:
        """The earliest of ``moments`` for which it is worth waiting."""
        since = earlier(self.api.now, WAITS_FOR)
        return min((moment for moment in moments if moment is not None and moment >= since), default=None)


class PipelineStream(RunStream):
    """Pipelines, by when they were created."""

    list_name, record = "pipelines", "pipeline {number} of {subject}"

    def ask(self, position: str | None, _until: str | None) -> Listed[Node]:
        """One page of the list."""
        return self.api.page(position or queries.pipelines(self.subject), self.name)

    def began(self, node: Node) -> str | None:
        """When it was created."""
        created = utc(node.get("created_on"))
        return created if isinstance(created, str) else None

    def is_at_work(self, node: Node) -> bool:
        """Whether it has no result yet."""
        return pipeline_status(node) not in OUTCOMES and not self.is_waiting(node)

    def is_waiting(self, node: Node) -> bool:
        """Whether its next step is started by hand."""
        return pipeline_status(node) in WAITING

    def instant(self, node: Node) -> str | None:
        """When it ended, else when it was created."""
        ended = utc(node.get("completed_on"))
        return ended if isinstance(ended, str) else self.began(node)

    def number(self, node: Node) -> object:
        """Its number."""
        return pipeline_number(node)

    def rows(self, node: Node) -> Rows:
        """A pipeline."""
        return pipeline_rows(self.subject, self.repository.identity, node, self.reading.prefix, self.reading.rules)


class DeploymentStream(RunStream):
    """Deployments, by when they were started. ``pipelines``: how far those were read, in this run or before."""

    list_name, record = "deployments", "deployment {number} of {subject}"

    def __init__(self, reading: Reading, repository: Repository, pipelines: RunsCursor) -> None:
        super().__init__(reading, repository)
        self.pipelines = pipelines
        self._is_ordered, self._last = True, ""
        self._environments: dict[str, Node] | None = None

    def due(self, cursor: RunsCursor) -> bool:
        """Whether a pipeline moved, or one or a deployment may move at any time."""
        moved = self.pipelines.latest > cursor.seen
        may_move = self.pipelines.open or self.pipelines.waiting or cursor.open
        return moved or cursor.backfill is not None or may_move is not None

    def ask(self, position: str | None, _until: str | None) -> Listed[Node]:
        """One page of the list. Whether it is in the order asked for, which is not documented, is seen: a list that is not is read
        whole."""
        if self._environments is None:
            nodes = self.api.all(queries.environments(self.subject), f"environments of {self.subject}")
            self._environments = {identity(node.get("uuid")) or "": node for node in nodes}
        if position is None:
            self._last, self._is_ordered = "", True
            try:
                return self._in_order(self.api.page(queries.deployments(self.subject, newest_first=True), self.name))
            except NotUnderstood:
                position = queries.deployments(self.subject, newest_first=False)
        self._is_ordered = self._is_ordered and "sort=" in position
        return self._in_order(self.api.page(position, self.name))

    def _in_order(self, listed: Listed[Node]) -> Listed[Node]:
        began = [str(moment) for node in listed[0] if (moment := deployment_started(node)) is not None]
        shown = [self._last, *began] if self._last else began
        self._is_ordered = self._is_ordered and shown == sorted(shown, reverse=True)
        self._last = began[-1] if began else self._last
        return listed

    def began(self, node: Node) -> str | None:
        """When it was started; None where the list is in no order, of which nothing ends the reading before its end."""
        started = deployment_started(node)
        return started if self._is_ordered and isinstance(started, str) else None

    def is_at_work(self, node: Node) -> bool:
        """Whether it was begun, and has no result yet."""
        state = node.get("state")
        return isinstance(state, dict) and state.get("name") == "IN_PROGRESS"

    def instant(self, node: Node) -> str | None:
        """When it was started."""
        return self.began(node)

    def number(self, node: Node) -> object:
        """Its id."""
        return node.get("uuid")

    def moved(self, cursor: RunsCursor, step: Step[Node], made: Sequence[tuple[Node, Rows]]) -> RunsCursor:
        """``cursor`` behind a page."""
        cursor = super().moved(cursor, step, made)
        return replace(cursor, seen=self.pipelines.latest) if step.ended else cursor

    def rows(self, node: Node) -> Rows:
        """A deployment."""
        return deployment_rows(self.subject, node, self.reading.prefix, self._environments or {})
