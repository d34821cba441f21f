"""The incidents of an account: by when they were created, oldest first, then those open and those resolved since the last run.
Lists that can only be counted end at ten thousand, so the way goes on from the newest time seen, not from a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from leadline.errors import NotFound, StoreError
from leadline.instants import rfc3339
from leadline.sources.kit.client import Refused
from leadline.sources.kit.cursor import Cursor, Part, Stored
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.streams import Stream, left_out
from leadline.sources.kit.text import Misshapen
from leadline.sources.pagerduty.api import MOST, SIZE, Api, Listed
from leadline.sources.pagerduty.rows import RESOLVED, incident_row, instant, key_of, resolved_at

WINDOW = timedelta(days=175)
"""Incidents created in so long are asked for at once; PagerDuty takes six months."""
LAG = timedelta(days=1)
"""Incidents created so shortly before the last run are read again: their titles and priorities change at first."""
RESOLVED_LAG = timedelta(minutes=10)
NAMED = 50
"""Services that are named in a request; of more, all incidents are read, and those of others left out."""
SECOND = timedelta(seconds=1)

OLDEST = {"date_range": "all", "sort_by": "created_at:asc"}
_OPEN = {"statuses": "triggered acknowledged", "date_range": "all", "sort_by": "created_at:asc"}
_RESOLVED = {"statuses": "resolved", "date_range": "all", "sort_by": "resolved_at:desc"}


@dataclass(frozen=True)
class ServicesCursor(Cursor):
    """What the services were called when they were read last, by id."""

    VERSION: ClassVar[int] = 2

    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def upgraded(cls, stored: Stored, _version: int) -> Stored:
        """Version 1 was the names themselves."""
        return {"names": stored}


@dataclass(frozen=True)
class Window(Part):
    """A reading under way: the incidents created from ``since`` on, less the first ``offset``. ``begun``: PagerDuty's time when
    it began."""

    since: str = ""
    offset: int = 0
    begun: str | None = None


@dataclass(frozen=True)
class Again(Part):
    """Services whose incidents are all read anew, and where that is under way."""

    ids: tuple[str, ...] = ()
    at: Window | None = None


@dataclass(frozen=True)
class IncidentsCursor(Cursor):
    """How far incidents were read. ``watermark``: the beginning of the last reading of those created since; ``created``: where
    such a reading is under way; ``resolved``: up to when those resolved are known; ``open``: ids of those not resolved."""

    watermark: str | None = None
    created: Window | None = None
    resolved: str | None = None
    open: tuple[str, ...] = ()
    again: Again | None = None


@dataclass(frozen=True)
class Wanted:
    """The patterns of the names of the services wanted (none: all), and the ids of these if they are few."""

    patterns: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def has(self, service: object) -> bool:
        """Whether the service of this name is wanted."""
        name = str(service or "").lower()
        return not self.patterns or any(fnmatchcase(name, pattern.lower()) for pattern in self.patterns)


class IncidentStream(Stream[IncidentsCursor]):
    """The incidents of the services wanted; their ids begin with ``prefix``."""

    cursor = IncidentsCursor
    essential = True

    def __init__(self, api: Api, prefix: str, wanted: Wanted, cursor_name: str) -> None:
        super().__init__(api.server.place, "incidents", cursor_name)
        self.api, self.prefix, self.wanted = api, prefix, wanted

    def due(self, _cursor: IncidentsCursor) -> bool:
        """Always: nothing tells without a call."""
        return True

    def read(self, cursor: IncidentsCursor) -> Iterator[Page]:
        """Those created, those of services that are called otherwise, and what became of those known."""
        now = self.api.client.tool_time or datetime.now(UTC)
        for page, moved in self._created(cursor, now):
            cursor = moved
            yield page
        for page, moved in self._again(cursor, now):
            cursor = moved
            yield page
        yield from self._changed(cursor, now)

    # -- by when they were created -------------------------------------------------------------------------------------

    def _created(self, cursor: IncidentsCursor, now: datetime) -> Iterator[tuple[Page, IncidentsCursor]]:
        """Incidents created since the last run, or all there are."""
        window = cursor.created
        if window is None:
            since = _moment(cursor.watermark) - LAG if cursor.watermark else self._oldest(self.wanted.ids)
            window = Window(rfc3339(since or now), 0, rfc3339(now))
        for listed, following in self._windows(window, self.wanted.ids, now):
            cursor = replace(cursor, created=following)
            if following is None:
                cursor = replace(cursor, watermark=window.begun, resolved=cursor.resolved or window.begun)
            page, still_open = self._page(listed)
            cursor = replace(cursor, open=tuple(sorted({*cursor.open, *still_open})))
            yield self._moved(page, cursor), cursor

    def _again(self, cursor: IncidentsCursor, now: datetime) -> Iterator[tuple[Page, IncidentsCursor]]:
        """All incidents of services that are called otherwise by now, some services at a time."""
        while again := cursor.again:
            ids, rest = again.ids[:NAMED], again.ids[NAMED:]
            window = again.at or Window(rfc3339(self._oldest(ids) or now))
            for listed, following in self._windows(window, ids, now):
                if following is not None:
                    cursor = replace(cursor, again=replace(again, at=following))
                else:
                    cursor = replace(cursor, again=Again(rest) if rest else None)
                yield self._moved(self._page(listed)[0], cursor), cursor

    def _oldest(self, ids: tuple[str, ...]) -> datetime | None:
        """When the first incident was created; None: there is none."""
        listed = self.api.page("incidents", 0, {**OLDEST, "time_zone": "UTC"}, ids)
        times = [time for node in listed.nodes if (time := instant(node.get("created_at")))]
        return _moment(min(times)) if times else None

    def _windows(self, window: Window, ids: tuple[str, ...], now: datetime) -> Iterator[tuple[Listed, Window | None]]:
        """Pages from ``window`` on, each with where the way goes on; None with the last."""
        following: Window | None = window
        while following is not None:
            window = following
            since = _moment(window.since)
            until = since + WINDOW
            params = {"since": window.since, "until": rfc3339(until), "sort_by": "created_at:asc", "time_zone": "UTC"}
            listed = self.api.page("incidents", window.offset, params, ids)
            times = [time for node in listed.nodes if (time := instant(node.get("created_at")))]
            newest = _moment(max(times)) - SECOND if times else since
            if not listed.more:
                following = None if until > now else replace(window, since=rfc3339(until - SECOND), offset=0)
            elif newest > since:
                following = replace(window, since=rfc3339(newest), offset=0)
            elif window.offset + 2 * SIZE <= MOST:  # more than a page within a second or two
                following = replace(window, offset=window.offset + SIZE)
            else:
                following = replace(window, since=rfc3339(since + SECOND), offset=0)
            yield listed, following

    # -- by what became of them ----------------------------------------------------------------------------------------

    def _changed(self, cursor: IncidentsCursor, now: datetime) -> Iterator[Page]:
        """Incidents that are open, those resolved since the last run, and what became of others that were open."""
        open_before = set(cursor.open)
        still_open: set[str] = set()
        all_listed = False
        for listed in self.api.all("incidents", {**_OPEN, "time_zone": "UTC"}, self.wanted.ids):
            page, ids = self._page(listed)
            still_open |= ids
            all_listed = not listed.more
            if page.rows or page.skipped:
                yield page
        until = rfc3339(_moment(cursor.resolved) - RESOLVED_LAG)
        resolved: set[str] = set()
        reached = False
        for listed in self.api.all("incidents", {**_RESOLVED, "time_zone": "UTC"}, self.wanted.ids):
            fresh = [node for node in listed.nodes if (resolved_at(node) or until) >= until]
            resolved |= {str(node.get("id")) for node in fresh}
            if fresh:
                yield self._page(Listed(fresh, listed.more))[0]
            if len(fresh) < len(listed.nodes) or not listed.more:
                reached = True
                break
        if not reached:  # more than can be listed were resolved since: all is read anew
            yield Page(self.subject, cursors={self.cursor_name: None})
            return
        if not all_listed:  # more are open than can be listed
            still_open |= open_before - resolved
        for identity in sorted(open_before - still_open - resolved):
            yield self._by_itself(identity)
        yield self.page({}, replace(cursor, resolved=rfc3339(now), open=tuple(sorted(still_open))))

    def _by_itself(self, identity: str) -> Page:
        """An incident that is in none of the lists it was in."""
        try:
            return self._page(Listed([self.api.incident(identity)], False))[0]
        except NotFound:
            return self.page(complete_parents={"incidents": [{"incident_id": f"{self.prefix}:{identity}"}]})
        except (Refused, Misshapen) as error:
            return self.page(skipped=[left_out(f"incident {identity}", error)])

    def _page(self, listed: Listed) -> tuple[Page, set[str]]:
        """The rows of a page, and the ids of those that are open."""
        rows: list[Row] = []
        merged: list[Row] = []
        skipped: list[Skipped] = []
        still_open: set[str] = set()
        for node in listed.nodes:
            try:
                row = incident_row(self.prefix, node)
            except Misshapen as error:
                skipped.append(Skipped(f"incident {str(node.get('id'))[:40]}", error.message))
                continue
            if row is None:
                merged.append({"incident_id": key_of(self.prefix, node)})
            elif self.wanted.has(row["service"]):
                rows.append(row)
                if node.get("status") != RESOLVED:
                    still_open.add(str(node["id"]))
        parents, by_table = {"incidents": merged}, {"incidents": rows} if rows else {}
        return self.page(by_table, records=len(rows), complete_parents=parents, skipped=skipped), still_open

    def _moved(self, page: Page, cursor: IncidentsCursor) -> Page:
        return replace(page, cursors={self.cursor_name: cursor})


def _moment(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise StoreError("A cursor of PagerDuty holds no time") from error
