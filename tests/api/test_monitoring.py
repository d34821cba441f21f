"""Health, readiness, figures and logs: what an operator sees, and that no key is in it."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from api.serving import EXPORTS, Client, Served, eventually, serving
from leadline.api.log import configure, scrub
from leadline.errors import InvalidRequest
from leadline.home import Home
from leadline.metrics.catalogue import DEFINITIONS

FORGED = "ll_0123456789ab_" + "c" * 64


def figures(served: Served) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = Client(served.base).get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def test_health_and_readiness_need_no_key(served: Served) -> None:
    anonymous = Client(served.base)
    assert anonymous.get("/healthz").json == {"status": "ok"}
    ready = anonymous.get("/readyz")
    assert ready.status == 200
    assert ready.json["status"] == "ready"
    assert set(ready.json["checks"]) == {"database", "disk", "workers"}


def test_not_ready_says_what_is_missing(home: Home) -> None:
    with serving(home, workers=0) as running:
        shutil.rmtree(home.temp)
        home.temp.touch()
        answer = running.client.get("/readyz")
        assert (answer.status, answer.json["code"]) == (503, "not_ready")
        assert [detail["field"] for detail in answer.json["details"]] == ["disk"]
        assert str(home.path) not in answer.body.decode()
        home.temp.unlink()
        home.temp.mkdir()
        assert running.client.get("/readyz").status == 200


def test_figures(served: Served) -> None:
    before = figures(served)
    served.client.completed(cache_control="no-cache")
    served.client.get(EXPORTS + "/exp_unknown")
    after = eventually(lambda: (now := figures(served)) != before and now)

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return after[key] - before.get(key, 0)

    assert grown("leadline_exports", state="completed") == 1
    assert grown("leadline_export_duration_seconds_count", kind="productivity", state="completed") == 1
    assert grown("leadline_http_requests_total", route=EXPORTS, method="POST", status="202") == 1
    assert grown("leadline_http_requests_total", route=EXPORTS + "/{exportId}", method="GET", status="404") >= 1
    assert after["leadline_table_rows", (("table", "commits"),)] == 12
    assert 0 <= after["leadline_table_lag_seconds", (("table", "commits"),)] < 3600
    assert ("leadline_export_queue_seconds", ()) in after
    assert after["leadline_export_workers", ()] == 1


def test_labels_stay_few(served: Served) -> None:
    for number in range(5):
        served.client.get(f"/nowhere/{number}")
        served.client.get(f"{EXPORTS}/exp_{number}")
    served.client.send("BREW", "/coffee")
    routes = {dict(labels).get("route") for name, labels in figures(served) if name == "leadline_http_requests_total"}
    assert not any(char.isdigit() for route in routes if route for char in route.replace("/v2/", ""))
    methods = {dict(labels).get("method") for _, labels in figures(served)}
    assert "BREW" not in methods


def test_a_scrape_names_no_tenant(served: Served) -> None:
    served.home.project("secretive", "tenant", create=True)
    text = Client(served.base).get("/metrics").body.decode()
    assert "secretive" not in text
    assert "tenant" not in text


# -- logs --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged as JSON."""
    stream = io.StringIO()
    configure("json", stream)
    yield stream
    configure("json", io.StringIO())


def events(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_request_line(home: Home, log: io.StringIO) -> None:
    with serving(home, workers=0) as running:
        running.client.get(f"{EXPORTS}/exp_1?projectIdentifier=default")
        line = eventually(lambda: [event for event in events(log) if event["event"] == "request"])[0]
    assert (line["method"], line["path"], line["status"]) == ("GET", EXPORTS + "/{exportId}", 404)
    assert line["export"] == "exp_1"
    assert line["key_id"].startswith("key_")
    assert line["ms"] >= 0
    assert line["timestamp"].endswith("Z")


def test_no_key_reaches_the_log(home: Home, log: io.StringIO) -> None:
    with serving(home, workers=0) as running:
        key = running.keys["viewer"]
        for client in (running.client, Client(running.base, FORGED)):
            client.get(f"{EXPORTS}?key={FORGED}&token={key}")
            client.get(f"{EXPORTS}/{FORGED}")
            client.get(f"/{key}/x")
        client.send("GET", EXPORTS, headers={"authorization": f"ApiKey {key}", "x-api-key": key})
        eventually(lambda: sum(event["event"] == "request" for event in events(log)) == 7)
    text = log.getvalue()
    assert key.split("_")[2] not in text
    assert "c" * 64 not in text


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("headers", "identity", "trace"),
    [
        ({"X-Request-ID": "proxy-17.a:b"}, "proxy-17.a:b", None),
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE, TRACE),
        ({"X-Request-ID": "a", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, "a", TRACE),
        ({}, None, None),
        ({"X-Request-ID": "somebody's text"}, None, None),
        ({"X-Request-ID": "a" * 129}, None, None),
        ({"traceparent": f"cc-{TRACE}-00f067aa0ba902b7-01-what.comes"}, TRACE, TRACE),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, None, None),
        ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, None, None),
        ({"traceparent": f"ff-{TRACE}-00f067aa0ba902b7-01"}, None, None),
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01-more"}, None, None),
        ({"traceparent": f"00-{TRACE.upper()}-00f067aa0ba902b7-01"}, None, None),
        ({"traceparent": "somebody's text"}, None, None),
    ],
)
def test_a_request_is_followed_by_its_id(
    home: Home, log: io.StringIO, headers: dict[str, str], identity: str | None, trace: str | None
) -> None:
    with serving(home, workers=0) as running:
        answers = [running.client.send("GET", f"{EXPORTS}/exp_1", headers=headers) for _ in range(2)]
        eventually(lambda: sum(event["event"] == "request" for event in events(log)) == 2)
    told = [answer.headers["x-request-id"] for answer in answers]
    assert told == [event["request_id"] for event in events(log) if event["event"] == "request"]
    assert all(event.get("trace_id") == trace for event in events(log) if event["event"] == "request")
    # Nothing is answered to who did not ask in a trace, nor to what is none.
    traceparent = None if trace is None else f"00-{trace}-00f067aa0ba902b7-01"
    assert [answer.headers.get("traceparent") for answer in answers] == [traceparent] * 2
    if identity is None:
        assert len(set(told)) == 2
        assert all(re.fullmatch("[0-9a-f]{32}", one) for one in told)
    else:
        assert set(told) == {identity}


def test_what_is_asked_over_and_over_is_logged_where_it_is_wanted(home: Home, log: io.StringIO) -> None:
    def lines() -> list[tuple[str, int]]:
        with serving(home, workers=0) as running:
            for path in ("/healthz", "/metrics", f"{EXPORTS}/exp_1", EXPORTS):
                running.client.get(path)
            found = eventually(lambda: [event for event in events(log) if event.get("path") == EXPORTS])
            assert found
        return [(event["path"], event["status"]) for event in events(log) if event["event"] == "request"]

    assert lines() == [(EXPORTS + "/{exportId}", 404), (EXPORTS, 200)]
    log.truncate(0)
    log.seek(0)
    configure("json", log, level="debug")
    assert [path for path, _ in lines()] == ["/healthz", "/metrics", EXPORTS + "/{exportId}", EXPORTS]
    with pytest.raises(InvalidRequest, match="debug, info, warning, error"):
        configure("json", level="loud")


def test_probes_may_ask_for_the_headers_alone(served: Served) -> None:
    for path in ("/healthz", "/readyz"):
        answer = Client(served.base).send("HEAD", path)
        assert (answer.status, answer.body) == (200, b"")


def test_what_runs_is_told_to_prometheus(served: Served) -> None:
    text = Client(served.base).get("/metrics").body.decode()
    assert f'leadline_build_info{{definitions="{DEFINITIONS}",' in text
    assert "process_resident_memory_bytes" in text


def test_tracebacks_are_scrubbed_too(log: io.StringIO) -> None:
    try:
        raise RuntimeError(f"with {FORGED}")
    except RuntimeError:
        structlog.get_logger("leadline.test").exception("went wrong", keys=[FORGED], nested={"a": (FORGED,)})
        logging.getLogger("some.library").exception("also %s", FORGED)
    assert "c" * 64 not in log.getvalue()
    assert log.getvalue().count("RuntimeError") >= 2
    assert log.getvalue().count("ll_0123456789ab_…") >= 5


def test_scrubbing_leaves_the_rest_alone() -> None:
    event = {"event": "all_is_well ll_ ll_x", "ms": 1.5, "none": None}
    assert scrub(None, "info", event) == event


def test_text_logs_and_wrong_forms() -> None:
    stream = io.StringIO()
    configure("text", stream)
    structlog.get_logger("leadline.test").info("hello", export="exp_1")
    assert "hello" in stream.getvalue()
    assert "exp_1" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
    configure("json", io.StringIO())
    with pytest.raises(InvalidRequest, match="json, text"):
        configure("xml", stream)


def test_addresses_that_are_asked_are_not_logged(log: io.StringIO) -> None:
    """Files may be redirected to an address with a signature in it."""
    logging.getLogger("httpx").info('HTTP Request: GET https://files.test/a.csv?X-Amz-Signature=5ec "HTTP/1.1 200 OK"')
    assert not log.getvalue()
