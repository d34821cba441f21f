"""PagerDuty: the incidents of an account, or of the services whose names fit.

Settings come in; pages of rows with their cursors go out (``leadline.sources.kit.page``). Incidents are read by when they were
created, oldest first; then those that are open, and those resolved since the last run. Lists that can only be counted end
at ten thousand, so the way goes on from the newest time seen, not from a number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from leadline.errors import InvalidRequest, NotFound, StoreError
from leadline.sources.kit.client import Refused
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, Row, RunContext, Skipped, State
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.server_url import server
from leadline.sources.kit.settings import Folders, SourceSettings, named
from leadline.sources.kit.text import Misshapen, rfc3339
from leadline.sources.pagerduty.api import MOST, SIZE, Api, Listed, headers
from leadline.sources.pagerduty.rows import RESOLVED, incident_row, instant, key_of, resolved_at

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client

SOURCE = "pagerduty"
ADDRESS = "https://api.pagerduty.com"
WINDOW = timedelta(days=175)
"""Incidents created in so long are asked for at once; PagerDuty takes six months."""
LAG = timedelta(days=1)
"""Incidents created so shortly before the last run are read again: their titles and priorities change at first."""
RESOLVED_LAG = timedelta(minutes=10)
NAMED = 50
"""Services that are named in a request; of more, all incidents are read, and those of others left out."""
SECOND = timedelta(seconds=1)

_OPEN = {"statuses": "triggered acknowledged", "date_range": "all", "sort_by": "created_at:asc"}
_RESOLVED = {"statuses": "resolved", "date_range": "all", "sort_by": "resolved_at:desc"}
_OLDEST = {"date_range": "all", "sort_by": "created_at:asc"}


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One source. Raises ``InvalidRequest`` for an address that cannot be."""
    where = server(settings.url or ADDRESS, example=ADDRESS)
    at = "" if where.base == ADDRESS else f":{where.place}"
    return [named(settings, f"pagerduty{at}", dict.fromkeys(each.strip() for each in settings.targets if each.strip()))]


def connect(
    settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders
) -> PagerDuty:
    """The connector. Raises ``InvalidRequest`` if ``secret`` is no token."""
    where = server(settings.url or ADDRESS, example=ADDRESS)
    tool = "PagerDuty" if where.base == ADDRESS else f"PagerDuty at {where.place}"
    http = client(tool=tool, headers=headers(one_line(secret or "", settings.secret_place)))
    return PagerDuty(Api(where, http, settings.secret_place.text), settings.targets)


@dataclass
class PagerDuty:
    """One account, and the patterns of the services wanted of it (none: all)."""

    api: Api
    patterns: Sequence[str]
    kind: str = SOURCE

    @property
    def lock(self) -> str:
        """One run at a time reads a region."""
        return f"source:pagerduty:{self.api.server.place}"

    @property
    def prefix(self) -> str:
        """What ids begin with."""
        return SOURCE if self.api.server.base == ADDRESS else self.api.server.place

    @property
    def _cursor(self) -> str:
        wanted = "\n".join(sorted(each.lower() for each in self.patterns))
        of = f" {hashlib.sha256(wanted.encode()).hexdigest()[:16]}" if wanted else ""
        return f"{self.api.server.place}{of}"

    def figures(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.figures()

    def check(self) -> ConnectionReport:
        """The services that may be seen, and whether incidents may. Raises ``LeadlineError`` as ``pages`` does."""
        services = self._services()
        hidden = []
        try:
            self.api.page("incidents", 0, _OLDEST)
        except (Refused, Misshapen) as error:
            hidden.append(Skipped("incidents", str(error)))
        return ConnectionReport(self.api.server.place, "", "services", tuple(sorted(services.values())), tuple(hidden))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """The new and the changed incidents. Raises ``LeadlineError`` when PagerDuty cannot be read any further."""
        try:
            yield from self._pages(context.cursors)
        except Misshapen as error:
            raise Refused(str(error)) from error

    def _pages(self, cursors: Mapping[str, State]) -> Iterator[Page]:
        services = self._services()
        known: State = cursors.get(f"{self._cursor}:services", {})
        state: State = dict(cursors.get(f"{self._cursor}:incidents", {}))
        ids = tuple(services) if self.patterns and len(services) <= NAMED else ()
        # Services that are called otherwise by now, or that the patterns take since: their incidents of before are read.
        other = [
            each for each, name in services.items() if state and known.get(each, "" if self.patterns else name) != name
        ]
        if other:
            state["again"] = {"ids": sorted({*other, *(state.get("again") or {}).get("ids", ())})}
        if services != known:
            names = {f"{self._cursor}:services": dict(services), f"{self._cursor}:incidents": state}
            yield Page(self.api.server.place, cursors=names if state else {f"{self._cursor}:services": dict(services)})
        now = self._now()
        for page, after in self._created(state, ids, now):
            state = after
            yield page
        for page, after in self._again(state, now):
            state = after
            yield page
        yield from self._changed(state, ids, now)

    def _services(self) -> dict[str, str]:
        """The names of the services wanted, by id. Raises ``InvalidRequest`` if none fits."""
        found: dict[str, str] = {}
        for page in self.api.all("services", {"sort_by": "name"}):
            found |= {str(each.get("id")): str(each.get("name") or each.get("summary")) for each in page.nodes}
        wanted = {each: name for each, name in found.items() if self._wants(name)}
        if self.patterns and not wanted:
            names = ", ".join(sorted(found.values())[:5])
            raise InvalidRequest(
                f"No service is called {' or '.join(self.patterns)}"
                + (f"; there are {names}{' …' if len(found) > 5 else ''}" if found else "; the token sees none at all")
            )
        return wanted

    def _wants(self, service: object) -> bool:
        name = str(service or "").lower()
        return not self.patterns or any(fnmatchcase(name, pattern.lower()) for pattern in self.patterns)

    def _now(self) -> datetime:
        """PagerDuty's time."""
        return self.api.client.tool_time or datetime.now(UTC)

    # -- by when they were created -------------------------------------------------------------------------------------

    def _created(self, state: State, ids: Sequence[str], now: datetime) -> Iterator[tuple[Page, State]]:
        """Incidents created since the last run, or all there are."""
        at: State | None = state.get("created")
        if at is None:
            watermark = state.get("watermark")
            since = _moment(watermark) - LAG if watermark else self._oldest(ids)
            at = {"since": rfc3339(since or now), "offset": 0, "begun": rfc3339(now)}
        for found, following in self._windows(at, ids, now):
            state = {**state, "created": following}
            if following.get("ended"):
                del state["created"]
                state["watermark"] = following["begun"]
                state.setdefault("resolved", following["begun"])
            page, is_open = self._page(found)
            state["open"] = sorted({*state.get("open", ()), *is_open})
            yield replace(page, cursors={f"{self._cursor}:incidents": state}), state

    def _again(self, state: State, now: datetime) -> Iterator[tuple[Page, State]]:
        """All incidents of services that are called otherwise by now, some services at a time."""
        while again := state.get("again"):
            ids, rest = again["ids"][:NAMED], again["ids"][NAMED:]
            at: State = again.get("at") or {"since": rfc3339(self._oldest(ids) or now), "offset": 0}
            for found, following in self._windows(at, ids, now):
                state = {**state, "again": {**again, "at": following}}
                if following.get("ended"):
                    state["again"] = {"ids": rest} if rest else None
                yield replace(self._page(found)[0], cursors={f"{self._cursor}:incidents": state}), state

    def _oldest(self, ids: Sequence[str]) -> datetime | None:
        """When the first incident was created; None: there is none."""
        found = self.api.page("incidents", 0, {**_OLDEST, "time_zone": "UTC"}, ids)
        times = [time for node in found.nodes if (time := instant(node.get("created_at")))]
        return _moment(min(times)) if times else None

    def _windows(self, at: State, ids: Sequence[str], now: datetime) -> Iterator[tuple[Listed, State]]:
        """Pages from ``at`` on, each with where the way goes on; ``ended`` with the last."""
        while True:
            since = _moment(at["since"])
            until = since + WINDOW
            params = {"since": at["since"], "until": rfc3339(until), "sort_by": "created_at:asc", "time_zone": "UTC"}
            found = self.api.page("incidents", at["offset"], params, ids)
            following = {**at, "offset": 0}
            times = [time for node in found.nodes if (time := instant(node.get("created_at")))]
            newest = _moment(max(times)) - SECOND if times else since
            if not found.more:
                following["since"] = rfc3339(until - SECOND)
                following["ended"] = until > now
            elif newest > since:
                following["since"] = rfc3339(newest)
            elif at["offset"] + 2 * SIZE <= MOST:  # more than a page within a second or two
                following["offset"] = at["offset"] + SIZE
            else:
                following["since"] = rfc3339(since + SECOND)
            yield found, following
            if following.get("ended"):
                return
            at = following

    # -- by what became of them ----------------------------------------------------------------------------------------

    def _changed(self, state: State, ids: Sequence[str], now: datetime) -> Iterator[Page]:
        """Incidents that are open, those resolved since the last run, and what became of others that were open."""
        before = set(state.get("open", ()))
        is_open: set[str] = set()
        whole = False
        for found in self.api.all("incidents", {**_OPEN, "time_zone": "UTC"}, ids):
            page, met = self._page(found)
            is_open |= met
            whole = not found.more
            if page.rows or page.skipped:
                yield page
        floor = rfc3339(_moment(state["resolved"]) - RESOLVED_LAG)
        met, reached = set(), False
        for found in self.api.all("incidents", {**_RESOLVED, "time_zone": "UTC"}, ids):
            fresh = [node for node in found.nodes if (resolved_at(node) or floor) >= floor]
            met |= {str(node.get("id")) for node in fresh}
            if fresh:
                yield self._page(Listed(fresh, found.more))[0]
            if len(fresh) < len(found.nodes) or not found.more:
                reached = True
                break
        if not reached:  # more than can be listed were resolved since: all is read anew
            yield Page(self.api.server.place, cursors={f"{self._cursor}:incidents": None})
            return
        if not whole:  # more are open than can be listed
            is_open |= before - met
        for identity in sorted(before - is_open - met):
            yield self._asked(identity)
        after = {**state, "resolved": rfc3339(now), "open": sorted(is_open)}
        yield Page(self.api.server.place, cursors={f"{self._cursor}:incidents": after})

    def _asked(self, identity: str) -> Page:
        """An incident by itself: it is in none of the lists it was in."""
        gone = {"incidents": [{"incident_id": f"{self.prefix}:{identity}"}]}
        try:
            page, _ = self._page(Listed([self.api.incident(identity)], False))
        except NotFound:
            return Page(self.api.server.place, complete_parents=gone)
        except (Refused, Misshapen) as error:
            return Page(self.api.server.place, skipped=(Skipped(f"incident {identity}", str(error)),))
        return page

    def _page(self, found: Listed) -> tuple[Page, set[str]]:
        """The rows of a page, and the ids of those that are open."""
        rows: list[Row] = []
        merged: list[Row] = []
        skipped: list[Skipped] = []
        is_open: set[str] = set()
        for node in found.nodes:
            try:
                row = incident_row(self.prefix, node)
            except Misshapen as error:
                skipped.append(Skipped(f"incident {str(node.get('id'))[:40]}", str(error)))
                continue
            if row is None:
                merged.append({"incident_id": key_of(self.prefix, node)})
            elif self._wants(row["service"]):
                rows.append(row)
                if node.get("status") != RESOLVED:
                    is_open.add(str(node["id"]))
        page = Page(
            self.api.server.place,
            {"incidents": rows} if rows else {},
            complete_parents={"incidents": merged} if merged else {},
            records=len(rows),
            skipped=tuple(skipped),
        )
        return page, is_open


def _moment(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise StoreError("A cursor of PagerDuty holds no time") from error


__all__ = ["PagerDuty", "checked", "connect"]
