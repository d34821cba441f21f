"""PagerDuty through the frame into the lake: whole, resumed, incremental, resolved, reopened, merged, renamed."""

from __future__ import annotations

from typing import Any

import pytest

from stubs.pagerduty import PagerDuty, incident, service, when
from stubs.server import JSON, Fault

from .harness import Syncer, after_pages
from .scenarios import DAY, PAGERDUTY, SERVICES, clock

SCENARIO = PAGERDUTY

CART, WEB, _ = SERVICES


def incidents(sync: Syncer) -> dict[str, dict[str, Any]]:
    """Rows by the incident's id at the tool."""
    return {row["incident_id"].rpartition(":")[2]: row for row in sync.rows("incidents")}


def test_everything_there_is(sync: Syncer) -> None:
    done = sync.good()
    rows = incidents(sync)
    assert len(rows) == 260
    # Services, the oldest, four windows of 175 days, what is open, what was resolved.
    assert done.result.call_stats.calls == 1 + 1 + 4 + 1 + 1
    first = rows["P00001"]
    assert (first["service"], first["severity"], first["status"]) == ("Shop Web", "P1", "resolved")
    assert (first["created_at"], first["resolved_at"]) == ("2025-03-03 08:00:00+00", "2025-03-03 08:30:00+00")
    assert (rows["P00007"]["status"], rows["P00007"]["resolved_at"]) == ("triggered", None)
    assert rows["P00002"]["severity"] == "high"


def test_calls_per_incident(sync: Syncer, tool: PagerDuty) -> None:
    tool.incidents = [incident(number, CART, number * 10) for number in range(1, 1_001)]
    assert sync.good().result.call_stats.calls <= 17
    assert len(incidents(sync)) == 1_000


def test_more_than_can_be_counted(sync: Syncer, tool: PagerDuty) -> None:
    tool.incidents = [incident(number, CART, number // 300) for number in range(1, 10_400)]
    done = sync.good(rows_at_a_time=100_000)
    assert len(incidents(sync)) == 10_399
    assert done.result.call_stats.calls < 220


def test_services_that_fit(sync: Syncer, tool: PagerDuty) -> None:
    sync.good("shop*")
    assert {row["service"] for row in incidents(sync).values()} == {"Shop Cart", "Shop Web"}
    assert all(
        "service_ids[]=S1&service_ids[]=S2" in request.url for request in tool.requests if "/incidents" in request.url
    )
    assert sync.good("shop*").result.call_stats.calls == 4


def test_many_services_that_fit(sync: Syncer, tool: PagerDuty) -> None:
    tool.services += [service(number, f"Shop {number}") for number in range(10, 230)]
    sync.good("shop*")
    assert {row["service"] for row in incidents(sync).values()} == {"Shop Cart", "Shop Web"}
    assert not any("service_ids" in request.url for request in tool.requests)


# -- interruptions and faults ------------------------------------------------------------------------------------------


def test_a_missing_scope_is_named(sync: Syncer, tool: PagerDuty) -> None:
    tool.scopes = "services.read"
    done = sync(token="pdus+oauth")
    assert done.error is not None
    assert "the token needs the scope incidents.read; it has services.read" in done.error.message
    tool.scopes = None
    sync.good(token="pdus+oauth")


def test_another_tool_is_named(sync: Syncer, tool: PagerDuty) -> None:
    tool.faults = lambda _: Fault(200, JSON, b'{"hello": 1}')
    assert "sent no list of services" in str(sync().error)


def test_odd_values(sync: Syncer, tool: PagerDuty) -> None:
    tool.incidents[0] |= {"title": "NUL \x00 \ud800 \U0001f680", "priority": "P1", "urgency": None, "service": None}
    tool.incidents[1] |= {"created_at": 7}
    tool.incidents[2] |= {"id": None}
    done = sync()
    assert done.error is None
    told = {skip.what: skip.why for skip in done.result.skipped}
    # Of what has no time nobody knows when it was, so it is met only where times do not matter.
    assert told.get("incident None") == "it has no id"
    assert incidents(sync)["P00001"]["title"] == "NUL  ? \U0001f680"
    assert incidents(sync)["P00001"]["severity"] is None


def test_an_empty_page_that_says_there_is_more_is_the_last(sync: Syncer, tool: PagerDuty) -> None:
    """As a tool might answer that counts what it does not show."""
    tool.incidents = []
    body = b'{"incidents": [], "more": true, "limit": 100, "offset": 0}'
    tool.faults = lambda request: Fault(200, JSON, body) if request.path == "/incidents" else None
    sync.good()
    assert len(tool.requests) < 10


# -- what changes later ------------------------------------------------------------------------------------------------


def resolve(node: dict[str, Any], minutes: float, **changes: Any) -> None:
    node.update(status="resolved", resolved_at=when(minutes), last_status_change_at=when(minutes), **changes)


def test_resolved_later_and_reopened(sync: Syncer, tool: PagerDuty) -> None:
    sync.good()
    resolve(tool.incidents[6], 531 * DAY)
    tool.incidents[9].update(status="acknowledged", resolved_at=None)
    tool.clock = clock(532 * DAY)
    assert sync.good().result.call_stats.calls == 4
    rows = incidents(sync)
    assert rows["P00007"]["resolved_at"] == "2026-08-14 08:00:00+00"
    assert (rows["P00010"]["status"], rows["P00010"]["resolved_at"]) == ("acknowledged", None)
    resolve(tool.incidents[9], 533 * DAY)
    tool.clock = clock(534 * DAY)
    sync.good()
    assert incidents(sync)["P00010"]["resolved_at"] == "2026-08-16 08:00:00+00"


def test_merged_and_deleted(sync: Syncer, tool: PagerDuty) -> None:
    sync.good()
    reason = {"type": "merge_resolve_reason", "incident": {"id": "P00001", "type": "incident_reference"}}
    resolve(tool.incidents[56], 531 * DAY, resolve_reason=reason)
    del tool.incidents[6]
    tool.clock = clock(532 * DAY)
    done = sync.good()
    assert done.result.call_stats.calls == 5
    assert done.result.tables["incidents"].removed == 2
    assert set(incidents(sync)) == {f"P{number:05}" for number in range(1, 261)} - {"P00007", "P00057"}
    assert sync.good().result.call_stats.calls == 4


def test_new_incidents_and_long_pauses(sync: Syncer, tool: PagerDuty) -> None:
    sync.good()
    tool.incidents += [incident(1_000 + at, WEB, (540 + at) * DAY, ends=None) for at in range(3)]
    tool.clock = clock(1_000 * DAY)
    sync.good()
    assert len(incidents(sync)) == 263
    assert sync.good().result.call_stats.calls == 4


def test_a_renamed_service(sync: Syncer, tool: PagerDuty) -> None:
    sync.good()
    tool.services[0] = service(1, "Shop Basket")
    for node in tool.incidents:
        if node["service"]["id"] == "S1":
            node["service"]["summary"] = "Shop Basket"

    with pytest.raises(KeyboardInterrupt):
        sync.good(progress=after_pages(1), rows_at_a_time=1)
    sync.good()
    assert {row["service"] for row in incidents(sync).values()} == {"Shop Basket", "Shop Web", "Legacy"}
    assert sync.good().result.call_stats.calls == 4
    tool.services[0] = service(1, "Shop Cart")
    for node in tool.incidents:
        if node["service"]["id"] == "S1":
            node["service"]["summary"] = "Shop Cart"
    sync.good()
    assert {row["service"] for row in incidents(sync).values()} == {"Shop Cart", "Shop Web", "Legacy"}


def test_a_service_that_fits_from_now_on(sync: Syncer, tool: PagerDuty) -> None:
    sync.good("shop*")
    tool.services[2] = service(3, "Shop Legacy")
    for node in tool.incidents:
        if node["service"]["id"] == "S3":
            node["service"]["summary"] = "Shop Legacy"
    sync.good("shop*")
    assert len(incidents(sync)) == 260
