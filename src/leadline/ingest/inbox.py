"""Pushed rows from the request to the lake: judged and stored in the inbox at once, delivered from there in batches.

Rows as JSON values come in; ``accept`` says which are refused and returns when the others are on the disk. ``flush`` hands
what waits to ``delivery``, in the order of arrival, before anything takes it away. So a process may be killed anywhere: what
was acknowledged is delivered, perhaps twice, and twice is the same as once.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from leadline.db import Database, inbox
from leadline.db.inbox import Delivery, Refused, Waiting
from leadline.engine import Engine
from leadline.errors import LeadlineError, StoreError
from leadline.formats.json_lines import parsed_line
from leadline.formats.rows import Columns, RawRow, Refusal, RowRefused, as_line, raw_row
from leadline.home import Project
from leadline.ingest.delivery import MEMORY_LIMIT, ingest
from leadline.ingest.partial_rows import PARENT, Given, ingest_on_terms
from leadline.ingest.validation import RowValidator
from leadline.schema import TABLES, Table
from leadline.sources.kit.webhooks import MergePolicy

# Not structlog: before a server sets that up, it writes to where a command prints its document.
log = logging.getLogger("leadline.ingest")

LOCK = "inbox"
ROWS_AT_A_TIME = 20_000
SIZE_AT_A_TIME = 32 << 20
"""What one delivery to the lake takes at most (rows, characters)."""

DUE_ROWS = 2_000
DUE_AFTER = timedelta(seconds=60)
"""When deliveries wait for nobody in particular: after so many rows, or when the oldest is so old. Every delivery is a
version of its table, kept for weeks, so they are not made for every row; who reads the lake asks for one before."""

OF_PULL_REQUESTS = tuple(
    table.name for table in TABLES.values() if table.key[:2] == TABLES[PARENT].key and table.name != PARENT
)
"""Tables of what belongs to a pull request."""

_TROUBLE = (StoreError, SQLAlchemyError, OSError, MemoryError)
"""What says nothing about the rows: they wait until disk or database are well again."""


@dataclass(frozen=True)
class Push:
    """What one request pushes to one table. A row is an object with numbers as texts, or why it is none. ``terms``: how the
    rows are taken beside those of the lake, if they do not tell everything."""

    project_id: int
    table: Table
    rows: Sequence[Any]
    terms: MergePolicy | None = None


@dataclass(frozen=True)
class Accepted:
    """What became of a push. ``refusals`` name the row, counted from 0, as their ``line``; ``unknown`` are the columns
    that were left out, each with what would do."""

    rows: int
    refused_rows: int
    refusals: tuple[Refusal, ...]
    unknown: dict[str, str] = field(default_factory=dict)


@dataclass
class _Named:
    """A push with its keys resolved: raw rows by their position, and what was refused so far."""

    push: Push
    rows: dict[int, RawRow]
    refusals: list[Refusal]
    unknown: dict[str, str]


# -- accepting -------------------------------------------------------------------------------------------------------


def accept(db: Database, judge: RowValidator, pushes: Sequence[Push], now: datetime) -> list[Accepted]:
    """Store the good rows of ``pushes`` in the inbox, all in one durable transaction; what became of each push.

    Rows are judged as those of a file are, except that columns the table has not are left out. Raises what the database
    raises; nothing was stored then.
    """
    named = [_named(push) for push in pushes]
    for table in {push.table.name: push.table for push in pushes}.values():
        _judge(judge, table, [each for each in named if each.push.table.name == table.name])
    deliveries = []
    for each in named:
        bad = {refusal.line for refusal in each.refusals}
        each.rows = {at: row for at, row in each.rows.items() if at not in bad}
        if each.rows:
            content = "\n".join(map(as_line, each.rows.values()))
            terms = each.push.terms.stored() if each.push.terms is not None else None
            deliveries.append(Delivery(each.push.project_id, each.push.table.name, len(each.rows), content, terms))
    if deliveries:
        inbox.add(db, deliveries, now)
    return [
        Accepted(
            len(each.rows),
            len(each.push.rows) - len(each.rows),
            tuple(sorted(each.refusals, key=lambda refusal: refusal.line)),
            each.unknown,
        )
        for each in named
    ]


def _named(push: Push) -> _Named:
    columns = Columns(push.table, lenient=True)
    rows: dict[int, RawRow] = {}
    refusals = []
    for at, parsed in enumerate(push.rows):
        try:
            if isinstance(parsed, RowRefused):
                raise parsed
            if not isinstance(parsed, dict):
                raise RowRefused("not a JSON object", value=json.dumps(parsed, default=str)[:80])
            rows[at] = raw_row(parsed, columns)
        except RowRefused as refused:
            refusals.append(Refusal(at, refused.column, refused.value, refused.reason))
    return _Named(push, rows, refusals, columns.unknown or {})


def _judge(judge: RowValidator, table: Table, named: Sequence[_Named]) -> None:
    """Judge the rows of several pushes to one table in one query."""
    origin = [(each, at) for each in named for at in each.rows]
    for refusal in judge.refusals(table, [each.rows[at] for each, at in origin]):
        each, at = origin[refusal.line]
        each.refusals.append(Refusal(at, refusal.column, refusal.value, refusal.reason))


# -- delivering ------------------------------------------------------------------------------------------------------


def due(db: Database, now: datetime) -> list[int]:
    """The projects whose waiting rows are many or old enough to be delivered though nobody asks for them."""
    return [
        backlog.project_id
        for backlog in inbox.backlogs(db)
        if backlog.rows >= DUE_ROWS or now - backlog.oldest >= DUE_AFTER
    ]


def flush(
    project: Project,
    *,
    now: Callable[[], datetime],
    tables: Collection[str] | None = None,
) -> int:
    """Deliver to the lake whatever waits in the project's inbox (for ``tables``) at this moment; the rows delivered.

    Rows that the lake cannot take are kept aside and hold up nobody. Any number of processes may flush at once. Raises
    ``StoreError`` or what the database raises while disk or database are in trouble; the rest waits on then.
    """
    delivered = 0
    if tables is not None and PARENT in tables:
        # Whether a comment is news is told by its pull request: those that came before it go before it.
        tables = {*tables, *OF_PULL_REQUESTS}
    with project.lock(LOCK):
        # What comes from now on is for the next flush: this one has an end.
        until = inbox.newest(project.db, project.id, tables)
        if until is None:
            return 0
        with Engine(temp_dir=project.temp, memory_limit=MEMORY_LIMIT) as engine:
            courier = _Courier(project, engine, RowValidator(engine), now)
            while batch := inbox.oldest(
                project.db, project.id, until=until, rows=ROWS_AT_A_TIME, size=SIZE_AT_A_TIME, tables=tables
            ):
                delivered += courier.deliver(batch)
    return delivered


@dataclass
class _Courier:
    """Takes deliveries of one project from the inbox to the lake. The inbox' lock is held."""

    project: Project
    engine: Engine
    judge: RowValidator
    now: Callable[[], datetime]

    def deliver(self, batch: Sequence[Waiting]) -> int:
        by_table: dict[str, list[Waiting]] = {}
        for each in batch:
            by_table.setdefault(each.table, []).append(each)
        names = sorted(by_table, key=lambda name: name == PARENT)
        return sum(self._table(name, list(run)) for name in names for _, run in groupby(by_table[name], _has_terms))

    def _table(self, name: str, waiting: Sequence[Waiting]) -> int:
        """Deliver to one table; its deliveries leave the inbox only when the lake has them."""
        if name not in TABLES:
            self._settle(waiting, [_all_of(each, "there is no such table any more") for each in waiting])
            return 0
        try:
            rows, refused = self._into_lake(TABLES[name], waiting)
        except _TROUBLE:
            raise
        except (
            Exception
        ) as error:  # whatever is wrong with one delivery must not keep the others from the lake for ever
            if len(waiting) > 1:
                return sum(self._table(name, [each]) for each in waiting)
            why = error.message if isinstance(error, LeadlineError) else f"{type(error).__name__}: {error}"
            rows, refused = 0, [_all_of(waiting[0], why)]
        self._settle(waiting, refused)
        return rows

    def _into_lake(self, table: Table, waiting: Sequence[Waiting]) -> tuple[int, list[Refused]]:
        """(Rows delivered, rows that are refused now though they were accepted: the declaration has changed)."""
        columns = Columns(table, lenient=True)
        rows: list[RawRow] = []
        origin: list[Waiting] = []
        reasons: dict[int, str] = {}
        lines = [(each, line) for each in waiting for line in each.content.split("\n")]
        for each, line in lines:
            try:
                rows.append(raw_row(parsed_line(line.encode()) or {}, columns))
            except RowRefused as refused:
                rows.append({})
                reasons[len(rows) - 1] = f"{refused.column}: {refused.reason}"
            origin.append(each)
        batches = self.judge.typed(table, rows)
        if sum(batch.num_rows for batch in batches) < len(rows):  # hardly ever: they were judged when they came
            for found in self.judge.refusals(table, rows):
                reasons.setdefault(found.line, f"{found.column}: {found.reason}")
            batches = self.judge.typed(table, [row for at, row in enumerate(rows) if at not in reasons])
        if waiting[0].terms is None:
            ingest(self.project, table, batches, engine=self.engine)
        else:
            restored = {each.id: Given(MergePolicy.restored(each.terms or "{}"), each.received_at) for each in waiting}
            given = [restored[each.id] for at, each in enumerate(origin) if at not in reasons]
            ingest_on_terms(self.project, table, batches, given, engine=self.engine)
        aside = [
            Refused(table.name, 1, lines[at][1], origin[at].received_at, reason)
            for at, reason in sorted(reasons.items())
        ]
        return len(rows) - len(aside), aside

    def _settle(self, waiting: Sequence[Waiting], refused: Sequence[Refused]) -> None:
        inbox.settle(self.project.db, self.project.id, [each.id for each in waiting], refused, self.now())
        if refused:
            rows = sum(each.rows for each in refused)
            log.warning("%s pushed rows of %s were kept aside: %s", rows, refused[0].table, refused[-1].reason)


def _has_terms(waiting: Waiting) -> bool:
    return waiting.terms is not None


def _all_of(waiting: Waiting, reason: str) -> Refused:
    return Refused(waiting.table, waiting.rows, waiting.content, waiting.received_at, reason)
