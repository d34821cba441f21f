"""Pushed rows on their way from the request to the lake: checked and stored in the inbox at once, delivered in batches.

``accept`` says which rows are refused and returns when the others are on the disk. ``flush`` delivers what waits, in the
order of arrival, before anything takes it out of the inbox. So a process may be killed anywhere: what was acknowledged is
delivered, perhaps twice, and twice is the same as once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from leadline.db import Database, inbox
from leadline.db.inbox import Delivery, Refused, Waiting
from leadline.engine import Engine
from leadline.errors import LeadlineError, LockLost, StoreError
from leadline.formats.json_lines import parsed_line
from leadline.formats.rows import Columns, RawRow, Refusal, RowRefused, as_line, raw_row, shown
from leadline.home import Project
from leadline.ingest.delivery import MEMORY_LIMIT, ingest
from leadline.ingest.partial_rows import PARENT, Arrival, ingest_by_policy
from leadline.ingest.validation import RowValidator
from leadline.lease import Lease
from leadline.schema import TABLES, Table
from leadline.sources.kit.webhooks import MergePolicy

# Not structlog: before a server sets that up, it writes to where a command prints its document.
log = logging.getLogger("leadline.ingest")

LOCK = "inbox"
ROWS_AT_A_TIME = 20_000
SIZE_AT_A_TIME = 32 << 20
"""What one delivery to the lake takes at most (rows, characters)."""

_TRIES = 5
"""How often a flush is begun, if the inbox' lock is lost each time."""

DUE_ROWS = 2_000
DUE_AFTER = timedelta(seconds=60)
"""When deliveries wait for nobody in particular: after so many rows, or when the oldest is so old. Every delivery is a
version of its table, kept for weeks, so they are not made for every row; who reads the lake asks for one before."""

PULL_REQUEST_TABLES = tuple(
    table.name for table in TABLES.values() if table.key[:2] == TABLES[PARENT].key and table.name != PARENT
)
"""Tables of what belongs to a pull request."""

_NOT_THE_ROWS = (SQLAlchemyError, OSError, MemoryError)
"""Errors that say nothing about the rows: they wait until disk or database are well again."""


@dataclass(frozen=True)
class Push:
    """What one request pushes to one table. A row is an object with numbers as texts, or a ``RowRefused``. ``policy``: how
    the rows are merged with those of the lake, if they do not tell everything."""

    project_id: int
    table: Table
    rows: Sequence[Any]
    policy: MergePolicy | None = None


@dataclass(frozen=True)
class Accepted:
    """What became of a push. ``refusals`` name the row, counted from 0, as their ``line``; ``unknown`` are the columns
    that were left out, each with what would do; ``repeats`` are the rows whose key a row before has, too, with other content:
    both by their numbers."""

    rows: int
    refused_rows: int
    refusals: tuple[Refusal, ...]
    unknown: dict[str, str] = field(default_factory=dict)
    repeats: tuple[tuple[int, int], ...] = ()


@dataclass
class _Candidate:
    """A push on its way into the inbox: its raw rows by their position, and what was refused so far."""

    push: Push
    rows: dict[int, RawRow]
    refusals: list[Refusal]
    unknown: dict[str, str]

    def drop_refused(self) -> None:
        for refusal in self.refusals:
            self.rows.pop(refusal.line, None)

    def delivery(self) -> Delivery:
        policy = self.push.policy.stored() if self.push.policy is not None else None
        content = "\n".join(map(as_line, self.rows.values()))
        return Delivery(self.push.project_id, self.push.table.name, len(self.rows), content, policy)

    def result(self) -> Accepted:
        refusals = tuple(sorted(self.refusals, key=lambda refusal: refusal.line))
        return Accepted(len(self.rows), len(self.push.rows) - len(self.rows), refusals, self.unknown, self._repeats())

    def _repeats(self) -> tuple[tuple[int, int], ...]:
        seen: dict[tuple[Any, ...], int] = {}
        repeats = []
        for at, row in self.rows.items():
            before = seen.setdefault(tuple(row.get(name) for name in self.push.table.key), at)
            if before != at and self.rows[before] != row:
                repeats.append((before, at))
        return tuple(repeats)


# -- accepting -------------------------------------------------------------------------------------------------------


def accept(db: Database, validator: RowValidator, pushes: Sequence[Push], now: datetime) -> list[Accepted]:
    """Store the good rows of ``pushes`` in the inbox, all in one durable transaction; what became of each push. Rows are checked as
    those of a file are, except that columns the table has not are left out. Raises what the database raises; nothing was stored
    then."""
    candidates = [_candidate(push) for push in pushes]
    for table in {push.table.name: push.table for push in pushes}.values():
        _validate(validator, table, [one for one in candidates if one.push.table.name == table.name])
    for candidate in candidates:
        candidate.drop_refused()
    if deliveries := [candidate.delivery() for candidate in candidates if candidate.rows]:
        inbox.add(db, deliveries, now)
    return [candidate.result() for candidate in candidates]


def _candidate(push: Push) -> _Candidate:
    columns = Columns(push.table, lenient=True)
    rows: dict[int, RawRow] = {}
    refusals = []
    for at, parsed in enumerate(push.rows):
        try:
            if isinstance(parsed, RowRefused):
                raise parsed
            if not isinstance(parsed, dict):
                raise RowRefused("not a JSON object", value=shown(parsed))
            rows[at] = raw_row(parsed, columns)
        except RowRefused as refused:
            refusals.append(Refusal(at, refused.column, refused.value, refused.reason))
    return _Candidate(push, rows, refusals, columns.unknown or {})


def _validate(validator: RowValidator, table: Table, candidates: Sequence[_Candidate]) -> None:
    origins = [(candidate, at) for candidate in candidates for at in candidate.rows]
    for refusal in validator.refusals(table, [candidate.rows[at] for candidate, at in origins]):
        candidate, at = origins[refusal.line]
        candidate.refusals.append(Refusal(at, refusal.column, refusal.value, refusal.reason))


# -- delivering ------------------------------------------------------------------------------------------------------


def due(db: Database, now: datetime) -> list[int]:
    """The projects whose waiting rows are many or old enough to be delivered though nobody asks for them."""
    return [
        backlog.project_id
        for backlog in inbox.backlogs(db)
        if backlog.rows >= DUE_ROWS or now - backlog.oldest >= DUE_AFTER
    ]


def flush(
    project: Project, *, now: Callable[[], datetime], tables: Collection[str] | None = None, wait: bool = True
) -> int:
    """Deliver to the lake whatever waits in the project's inbox (for ``tables``) at this moment; the rows delivered. Rows that the
    lake cannot take are kept aside and hold up nobody. Any number of processes may flush at once. A table that cannot be written
    keeps its own rows waiting; ``StoreError`` is raised once the others have theirs. Raises what the database raises, too.
    Without ``wait``, nothing is done where somebody else is at it."""
    if tables is not None and PARENT in tables:
        # Whether a comment is news is told by its pull request: those that came before it go before it.
        tables = {*tables, *PULL_REQUEST_TABLES}
    for _ in range(_TRIES - 1):
        with suppress(LockLost):  # what was not delivered waits still, unless somebody else has delivered it
            return _flush(project, now, tables, wait)
    return _flush(project, now, tables, wait)


def _flush(project: Project, now: Callable[[], datetime], tables: Collection[str] | None, wait: bool) -> int:
    delivered = 0
    with project.lock(LOCK) if wait else project.lock_if_free(LOCK) as lease:
        if lease is None:
            return 0
        # What comes from now on is for the next flush: this one has an end.
        until = inbox.newest(project.db, project.id, tables)
        if until is None:
            return 0
        with Engine.of(project.home, most_memory=MEMORY_LIMIT) as engine:
            courier = _Courier(project, lease, engine, RowValidator(engine), now)
            limits: dict[str, Any] = {"until": until, "rows": ROWS_AT_A_TIME, "size": SIZE_AT_A_TIME}
            while batch := inbox.oldest(project.db, project.id, **limits, tables=tables, besides=courier.broken):
                delivered += courier.deliver(batch)
            for error in courier.broken.values():
                raise error
    return delivered


@dataclass
class _Courier:
    """Takes deliveries of one project from the inbox to the lake, under the inbox' lock ``lease``."""

    project: Project
    lease: Lease
    engine: Engine
    validator: RowValidator
    now: Callable[[], datetime]
    broken: dict[str, StoreError] = field(default_factory=dict)
    """Tables that could not be written, and why."""

    def deliver(self, batch: Sequence[Waiting]) -> int:
        by_table: dict[str, list[Waiting]] = {}
        for delivery in batch:
            by_table.setdefault(delivery.table, []).append(delivery)
        names = sorted(by_table, key=lambda name: name == PARENT)
        runs = [(name, list(run)) for name in names for _, run in groupby(by_table[name], _has_policy)]
        return sum(self._table(name, run) for name, run in runs)

    def _table(self, name: str, waiting: Sequence[Waiting]) -> int:
        """Deliver to one table; its deliveries leave the inbox only when the lake has them."""
        if name in self.broken:
            return 0
        if name not in TABLES:
            self._acknowledge(waiting, [_whole(delivery, "there is no such table any more") for delivery in waiting])
            return 0
        try:
            rows, refused = self._into_lake(TABLES[name], waiting)
        except LockLost:  # no matter of this table: the whole flush begins anew
            raise
        except StoreError as error:
            self.broken[name] = error
            return 0
        except _NOT_THE_ROWS:
            raise
        except Exception as error:  # what is wrong with one delivery must not keep the others from the lake for ever
            if len(waiting) > 1:
                return sum(self._table(name, [delivery]) for delivery in waiting)
            why = error.message if isinstance(error, LeadlineError) else f"{type(error).__name__}: {error}"
            rows, refused = 0, [_whole(waiting[0], why)]
        self._acknowledge(waiting, refused)
        return rows

    def _into_lake(self, table: Table, waiting: Sequence[Waiting]) -> tuple[int, list[Refused]]:
        """(Rows delivered, rows that are refused now though they were accepted: the declaration has changed)."""
        lines = [(delivery, line) for delivery in waiting for line in delivery.content.split("\n")]
        batches, reasons = self._typed(table, [line for _, line in lines])
        if waiting[0].policy is None:
            ingest(self.project, table, batches, engine=self.engine, under=self.lease)
        else:
            arrivals = {
                delivery.id: Arrival(MergePolicy.restored(delivery.policy or "{}"), delivery.received_at)
                for delivery in waiting
            }
            good = [arrivals[delivery.id] for at, (delivery, _) in enumerate(lines) if at not in reasons]
            ingest_by_policy(self.project, table, batches, good, engine=self.engine, under=self.lease)
        refused = []
        for at, reason in sorted(reasons.items()):
            delivery, line = lines[at]
            refused.append(Refused(table.name, 1, line, delivery.received_at, reason))
        return len(lines) - len(refused), refused

    def _typed(self, table: Table, lines: Sequence[str]) -> tuple[list[Any], dict[int, str]]:
        """The good rows of ``lines`` with their declared types, and why the others are refused, by position."""
        columns = Columns(table, lenient=True)
        rows: list[RawRow] = []
        reasons: dict[int, str] = {}
        for at, line in enumerate(lines):
            try:
                rows.append(raw_row(parsed_line(line.encode()) or {}, columns))
            except RowRefused as refused:
                rows.append({})
                reasons[at] = f"{refused.column}: {refused.reason}"
        batches = self.validator.typed(table, rows)
        if sum(batch.num_rows for batch in batches) < len(rows):  # hardly ever: they were checked when they came
            for refusal in self.validator.refusals(table, rows):
                reasons.setdefault(refusal.line, f"{refusal.column}: {refusal.reason}")
            batches = self.validator.typed(table, [row for at, row in enumerate(rows) if at not in reasons])
        return batches, reasons

    def _acknowledge(self, waiting: Sequence[Waiting], refused: Sequence[Refused]) -> None:
        ids = [delivery.id for delivery in waiting]
        inbox.acknowledge(self.project.db, self.project.id, ids, refused, self.now(), under=self.lease)
        if refused:
            rows = sum(part.rows for part in refused)
            log.warning("%s pushed rows of %s were kept aside: %s", rows, refused[0].table, refused[-1].reason)


def _has_policy(waiting: Waiting) -> bool:
    return waiting.policy is not None


def _whole(waiting: Waiting, reason: str) -> Refused:
    return Refused(waiting.table, waiting.rows, waiting.content, waiting.received_at, reason)
