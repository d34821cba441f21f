"""PagerDuty: the incidents of an account, or of the services whose names fit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from leadline.errors import Unusable
from leadline.sources.kit.client import Refused
from leadline.sources.kit.cursor import Cursor, Cursors
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, RunContext
from leadline.sources.kit.streams import StreamReader, left_out
from leadline.sources.kit.text import Misshapen
from leadline.sources.pagerduty.api import ADDRESS, Api
from leadline.sources.pagerduty.rows import SOURCE
from leadline.sources.pagerduty.streams import (
    NAMED,
    OLDEST,
    Again,
    IncidentsCursor,
    IncidentStream,
    ServicesCursor,
    Wanted,
)


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

    def _cursor_name(self, name: str) -> str:
        patterns = "\n".join(sorted(pattern.lower() for pattern in self.patterns))
        of = f" {hashlib.sha256(patterns.encode()).hexdigest()[:16]}" if patterns else ""
        return f"{self.api.server.place}{of}:{name}"

    def call_stats(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.call_stats()

    def check(self) -> ConnectionReport:
        """The services that may be seen, and whether incidents may. Raises ``LeadlineError`` as ``pages`` does."""
        services = self._services()
        hidden = []
        try:
            self.api.page("incidents", 0, OLDEST)
        except (Refused, Misshapen) as error:
            hidden.append(left_out("incidents", error))
        return ConnectionReport(self.api.server.place, "", "services", tuple(sorted(services.values())), tuple(hidden))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """The new and the changed incidents. Raises ``LeadlineError`` when PagerDuty cannot be read any further."""
        services = self._services()
        reader = StreamReader(context.cursors, self.api.client)
        name = self._cursor_name("incidents")
        if (cursors := self._renamed(services, reader.cursors, name)) is not None:
            yield reader.noted(Page(self.api.server.place, cursors=cursors))
        ids = tuple(services) if self.patterns and len(services) <= NAMED else ()
        yield from reader.pages([IncidentStream(self.api, self.prefix, Wanted(tuple(self.patterns), ids), name)])

    def _renamed(self, services: dict[str, str], cursors: Cursors, incidents: str) -> dict[str, Cursor] | None:
        """What follows for the cursors if services are called otherwise by now, or the patterns take others since: the
        incidents that these had before are read."""
        name = self._cursor_name("services")
        before = cursors.get(name, ServicesCursor)
        if services == before.names:
            return None
        changed: dict[str, Cursor] = {name: ServicesCursor(services)}
        others = {
            service
            for service, called in services.items()
            if before.names.get(service, "" if self.patterns else called) != called
        }
        if incidents in cursors:
            cursor = cursors.get(incidents, IncidentsCursor)
            if others:
                again = cursor.again or Again()
                cursor = replace(cursor, again=replace(again, ids=tuple(sorted({*others, *again.ids}))))
            changed[incidents] = cursor
        return changed

    def _services(self) -> dict[str, str]:
        """The names of the services wanted, by id. Raises ``Unusable`` if none fits."""
        names: dict[str, str] = {}
        for page in self.api.all("services", {"sort_by": "name"}):
            names |= {str(node.get("id")): str(node.get("name") or node.get("summary")) for node in page.nodes}
        wanted = Wanted(tuple(self.patterns))
        fitting = {service: name for service, name in names.items() if wanted.has(name)}
        if self.patterns and not fitting:
            some = ", ".join(sorted(names.values())[:5])
            raise Unusable(
                f"No service is called {' or '.join(self.patterns)}"
                + (f"; there are {some}{' …' if len(names) > 5 else ''}" if names else "; the token sees none at all")
            )
        return fitting
