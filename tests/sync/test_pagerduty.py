"""PagerDuty through the frame into the lake: whole, resumed, incremental, resolved, reopened, merged, renamed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leadline.engine import Engine
from leadline.home import Home, Project
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, run_source
from stubs.pagerduty import BEGIN, TOKEN, PagerDuty, incident, service, when
from stubs.server import PASSING, TRUNCATED, Fault, Request, serving

CART, WEB, OLD = service(1, "Shop Cart"), service(2, "Shop Web"), service(3, "Legacy")
DAY = 24 * 60


def small() -> PagerDuty:
    """Incidents of two years, some of them open."""
    services = [CART, WEB, OLD]
    made = [
        incident(number, services[number % 3], number * DAY * 2, ends=None if number % 50 == 7 else 30)
        for number in range(1, 261)
    ]
    return PagerDuty(services=list(services), incidents=made, clock=clock(530 * DAY))


def clock(minutes: float) -> float:
    """The tool's clock is set to so long after the beginning."""
    import time

    return (BEGIN + timedelta(minutes=minutes)).timestamp() - time.time()


class Puller:
    """Syncs a PagerDuty into a project, and looks at what is there."""

    def __init__(self, project: Project, tool: PagerDuty, url: str) -> None:
        self.project, self.tool, self.url = project, tool, url
        self.waits: list[float] = []

    def __call__(self, *targets: str, token: str = TOKEN, **changes: Any) -> SourceResult:
        (settings,) = checked(SourceSettings("pagerduty", targets=targets, url=self.url))
        pull = replace(SyncRun(self.project), **changes)
        environ = {"PAGERDUTY_TOKEN": token}
        return run_source(pull, settings, environ=environ, wait=self.waits.append, chance=lambda: 0.5)

    def good(self, *targets: str, **changes: Any) -> SourceResult:
        done = self(*targets, **changes)
        assert done.error is None, done.error
        assert done.result.skipped == ()
        return done

    def rows(self) -> dict[str, dict[str, Any]]:
        """Rows by the incident's id at the tool."""
        with Engine(temp_dir=self.project.temp) as engine:
            engine.bind_snapshot(self.project.lake.snapshot(), ("incidents",))
            query = "SELECT * REPLACE (created_at::VARCHAR AS created_at, resolved_at::VARCHAR AS resolved_at) FROM incidents"
            found = engine.arrow(query).to_pylist()
        rows = {row.pop("incident_id").rpartition(":")[2]: row for row in found}
        return dict(sorted(rows.items()))


@pytest.fixture
def tool() -> PagerDuty:
    return small()


@pytest.fixture
def puller(project: Project, tool: PagerDuty) -> Iterator[Puller]:
    with serving(tool) as url:
        yield Puller(project, tool, url)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    tool = small()
    with serving(tool) as url, Home.open(tmp_path_factory.mktemp("expected")) as home:
        puller = Puller(home.project(), tool, url)
        puller.good()
        return puller.rows()


def test_everything_there_is(puller: Puller) -> None:
    done = puller.good()
    rows = puller.rows()
    assert len(rows) == 260
    # Services, the oldest, four windows of 175 days, what is open, what was resolved.
    assert done.result.figures.calls == 1 + 1 + 4 + 1 + 1
    first = rows["P00001"]
    assert (first["service"], first["severity"], first["status"]) == ("Shop Web", "P1", "resolved")
    assert (first["created_at"], first["resolved_at"]) == ("2025-03-03 08:00:00+00", "2025-03-03 08:30:00+00")
    assert (rows["P00007"]["status"], rows["P00007"]["resolved_at"]) == ("triggered", None)
    assert rows["P00002"]["severity"] == "high"


def test_nothing_new_is_four_calls(puller: Puller) -> None:
    puller.good()
    versions = puller.project.lake.snapshot().versions
    assert puller.good().result.figures.calls == 4
    assert puller.project.lake.snapshot().versions == versions


def test_calls_per_incident(puller: Puller, tool: PagerDuty) -> None:
    tool.incidents = [incident(number, CART, number * 10) for number in range(1, 1_001)]
    assert puller.good().result.figures.calls <= 17
    assert len(puller.rows()) == 1_000


def test_more_than_can_be_counted(puller: Puller, tool: PagerDuty) -> None:
    tool.incidents = [incident(number, CART, number // 300) for number in range(1, 10_400)]
    done = puller.good(rows_at_a_time=100_000)
    assert len(puller.rows()) == 10_399
    assert done.result.figures.calls < 220


def test_services_that_fit(puller: Puller, tool: PagerDuty) -> None:
    puller.good("shop*")
    assert {row["service"] for row in puller.rows().values()} == {"Shop Cart", "Shop Web"}
    assert all("service_ids[]=S1&service_ids[]=S2" in each.url for each in tool.requests if "/incidents" in each.url)
    assert puller.good("shop*").result.figures.calls == 4


def test_many_services_that_fit(puller: Puller, tool: PagerDuty) -> None:
    tool.services += [service(number, f"Shop {number}") for number in range(10, 230)]
    puller.good("shop*")
    assert {row["service"] for row in puller.rows().values()} == {"Shop Cart", "Shop Web"}
    assert not any("service_ids" in each.url for each in tool.requests)


# -- interruptions and faults ------------------------------------------------------------------------------------------


def test_cut_after_any_page_and_resumed(
    puller: Puller, tool: PagerDuty, expected: dict[str, Any], tmp_path: Path
) -> None:
    cuts = delivered = 0
    while True:
        told: list[int] = []

        def cut(_subject: str, records: int, told: list[int] = told, cuts: int = cuts) -> None:
            told.append(records)
            if len(told) == 1 + cuts % 2 and cuts < 6:
                raise KeyboardInterrupt

        try:
            puller.good(progress=cut, rows_at_a_time=1)
            break
        except KeyboardInterrupt:
            cuts += 1
        finally:
            delivered += told[-1] if told else 0
    assert cuts == 6
    assert puller.rows() == expected


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_at_every_request(puller: Puller, tool: PagerDuty, expected: dict[str, Any], fault: str) -> None:
    seen: set[str] = set()

    def once(request: Request) -> Fault | None:
        if request.asked in seen:
            return None
        seen.add(request.asked)
        return PASSING[fault]

    tool.faults = once
    puller.good()
    assert puller.rows() == expected
    assert len(seen) == 8


def test_limits_are_waited_for(puller: Puller, tool: PagerDuty) -> None:
    tool.limit = 3
    puller.good()
    assert len(puller.rows()) == 260
    assert puller.waits
    assert all(1 <= each <= 61 for each in puller.waits)


def test_two_at_once(project: Project, tool: PagerDuty, expected: dict[str, Any]) -> None:
    tool.latency = 0.01
    with serving(tool) as url:
        done: list[SourceResult] = []
        pullers = [Puller(project, tool, url) for _ in range(2)]
        threads = [threading.Thread(target=lambda each=each: done.append(each.good())) for each in pullers]  # type: ignore[misc]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert pullers[0].rows() == expected


def test_a_server_that_goes_down(puller: Puller, tool: PagerDuty, expected: dict[str, Any]) -> None:
    tool.faults = lambda request: TRUNCATED if request.number > 4 else None
    done = puller()
    assert done.error is not None
    assert "could not be read in 6 attempts" in done.error.message
    assert puller.rows()
    tool.faults = lambda _: None
    puller.good()
    assert puller.rows() == expected


@pytest.mark.parametrize(
    ("token", "targets", "says"),
    [
        ("old", [], "refuses the token from the variable PAGERDUTY_TOKEN (Invalid API Key)"),
        ("", [], "No token in the variable PAGERDUTY_TOKEN"),
        (TOKEN, ["Nothing"], "No service is called Nothing; there are Legacy, Shop Cart, Shop Web"),
    ],
)
def test_what_cannot_be_is_named(puller: Puller, token: str, targets: list[str], says: str) -> None:
    done = puller(*targets, token=token)
    assert done.error is not None
    assert says in done.error.message
    assert token == "" or token not in str(done.document())


def test_a_missing_scope_is_named(puller: Puller, tool: PagerDuty) -> None:
    tool.scopes = "services.read"
    done = puller(token="pdus+oauth")
    assert done.error is not None
    assert "the token needs the scope incidents.read; it has services.read" in done.error.message
    tool.scopes = None
    puller.good(token="pdus+oauth")


def test_another_tool_is_named(puller: Puller, tool: PagerDuty) -> None:
    tool.faults = lambda _: Fault(200, (("Content-Type", "application/json"),), b'{"hello": 1}')
    assert "sent no list of services" in str(puller().error)
    tool.faults = lambda _: PASSING["HTML"]
    assert "text/html instead of JSON" in str(puller().error)


def test_odd_values(puller: Puller, tool: PagerDuty) -> None:
    tool.incidents[0] |= {"title": "NUL \x00 \ud800 \U0001f680", "priority": "P1", "urgency": None, "service": None}
    tool.incidents[1] |= {"created_at": 7}
    tool.incidents[2] |= {"id": None}
    done = puller()
    assert done.error is None
    told = {each.what: each.why for each in done.result.skipped}
    # Of what has no time nobody knows when it was, so it is met only where times do not matter.
    assert told.get("incident None") == "it has no id"
    assert puller.rows()["P00001"]["title"] == "NUL  ? \U0001f680"
    assert puller.rows()["P00001"]["severity"] is None


def test_an_empty_page_that_says_there_is_more_is_the_last(puller: Puller, tool: PagerDuty) -> None:
    """As a tool might answer that counts what it does not show."""
    tool.incidents = []
    headers = (("Content-Type", "application/json"),)
    body = b'{"incidents": [], "more": true, "limit": 100, "offset": 0}'
    tool.faults = lambda request: Fault(200, headers, body) if request.path == "/incidents" else None
    puller.good()
    assert len(tool.requests) < 10


# -- what changes later ------------------------------------------------------------------------------------------------


def resolve(node: dict[str, Any], minutes: float, **changes: Any) -> None:
    node.update(status="resolved", resolved_at=when(minutes), last_status_change_at=when(minutes), **changes)


def test_resolved_later_and_reopened(puller: Puller, tool: PagerDuty) -> None:
    puller.good()
    resolve(tool.incidents[6], 531 * DAY)
    tool.incidents[9].update(status="acknowledged", resolved_at=None)
    tool.clock = clock(532 * DAY)
    assert puller.good().result.figures.calls == 4
    rows = puller.rows()
    assert rows["P00007"]["resolved_at"] == "2026-08-14 08:00:00+00"
    assert (rows["P00010"]["status"], rows["P00010"]["resolved_at"]) == ("acknowledged", None)
    resolve(tool.incidents[9], 533 * DAY)
    tool.clock = clock(534 * DAY)
    puller.good()
    assert puller.rows()["P00010"]["resolved_at"] == "2026-08-16 08:00:00+00"


def test_merged_and_deleted(puller: Puller, tool: PagerDuty) -> None:
    puller.good()
    reason = {"type": "merge_resolve_reason", "incident": {"id": "P00001", "type": "incident_reference"}}
    resolve(tool.incidents[56], 531 * DAY, resolve_reason=reason)
    del tool.incidents[6]
    tool.clock = clock(532 * DAY)
    done = puller.good()
    assert done.result.figures.calls == 5
    assert done.result.tables["incidents"].removed == 2
    assert set(puller.rows()) == {f"P{number:05}" for number in range(1, 261)} - {"P00007", "P00057"}
    assert puller.good().result.figures.calls == 4


def test_new_incidents_and_long_pauses(puller: Puller, tool: PagerDuty) -> None:
    puller.good()
    tool.incidents += [incident(1_000 + at, WEB, (540 + at) * DAY, ends=None) for at in range(3)]
    tool.clock = clock(1_000 * DAY)
    puller.good()
    assert len(puller.rows()) == 263
    assert puller.good().result.figures.calls == 4


def test_a_renamed_service(puller: Puller, tool: PagerDuty) -> None:
    puller.good()
    tool.services[0] = service(1, "Shop Basket")
    for node in tool.incidents:
        if node["service"]["id"] == "S1":
            node["service"]["summary"] = "Shop Basket"

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        puller.good(progress=cut, rows_at_a_time=1)
    puller.good()
    assert {row["service"] for row in puller.rows().values()} == {"Shop Basket", "Shop Web", "Legacy"}
    assert puller.good().result.figures.calls == 4
    tool.services[0] = service(1, "Shop Cart")
    for node in tool.incidents:
        if node["service"]["id"] == "S1":
            node["service"]["summary"] = "Shop Cart"
    puller.good()
    assert {row["service"] for row in puller.rows().values()} == {"Shop Cart", "Shop Web", "Legacy"}


def test_a_service_that_fits_from_now_on(puller: Puller, tool: PagerDuty) -> None:
    puller.good("shop*")
    tool.services[2] = service(3, "Shop Legacy")
    for node in tool.incidents:
        if node["service"]["id"] == "S3":
            node["service"]["summary"] = "Shop Legacy"
    puller.good("shop*")
    assert len(puller.rows()) == 260
