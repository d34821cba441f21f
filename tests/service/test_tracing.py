"""Spans as a collector gets them: over OTLP/HTTP on loopback, of requests in their client's trace, of exports, and of runs of
sources; none unless the variables say where to; a sentence where the extra is missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from cli.running import Leadline, environment, write_tables
from leadline.tracing import configure, is_wanted, span
from stubs.github import TOKEN, Hub
from stubs.github_data import repository
from stubs.server import Answering, listening, serving

PATIENCE_SECONDS = 120
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector:
    """What arrived: spans, and the services that they are of."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self.arrived = threading.Condition()

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self.arrived:
            for resource in request.resource_spans:
                self.services |= {
                    one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
                }
                self.spans += [one for scope in resource.scope_spans for one in scope.spans]
            self.arrived.notify_all()

    def one(self, name: str, **attributes: object) -> Span:
        """The span of that name with these attributes, once it is there."""
        with self.arrived:
            there = self.arrived.wait_for(lambda: self._found(name, attributes) is not None, PATIENCE_SECONDS)
            assert there, [one.name for one in self.spans]
        found = self._found(name, attributes)
        assert found is not None
        return found

    def _found(self, name: str, attributes: Mapping[str, object]) -> Span | None:
        return next((one for one in self.spans if one.name == name and attributes.items() <= told(one).items()), None)


def told(one: Span) -> dict[str, Any]:
    values = ((each.key, each.value) for each in one.attributes)
    return {key: getattr(value, value.WhichOneof("value")) for key, value in values}


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
def endpoint(collector: Collector) -> Iterator[str]:
    class Handler(Answering):
        def do_POST(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                collector.take(body)
            self.send(200, {"Content-Type": "application/x-protobuf"}, b"")

    with listening(Handler) as address:
        yield address


def sending(endpoint: str, **further: str) -> dict[str, str]:
    return environment({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100", **further})


@pytest.fixture
def leadline(tmp_path: Path) -> Iterator[Leadline]:
    (tmp_path / "cwd").mkdir()
    program = Leadline(tmp_path / "home", tmp_path / "cwd")
    yield program
    for process in program.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@contextmanager
def served(leadline: Leadline, env: Mapping[str, str]) -> Iterator[str]:
    process = leadline.start("serve", "--port", "0", "--syncs", "0", env=env, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline().decode())
    assert address is not None
    yield address.group()
    process.terminate()
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0


def asked(address: str, key: str, body: object = None, **headers: str) -> dict[str, Any]:
    request = urllib.request.Request(
        address,
        None if body is None else json.dumps(body).encode(),
        {"x-api-key": key, "Content-Type": "application/json", **headers},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        document: dict[str, Any] = json.load(answer)
    return document


def test_a_request_and_the_export_that_it_makes(leadline: Leadline, collector: Collector, endpoint: str) -> None:
    data = write_tables(leadline.cwd / "data")
    leadline("import", data)
    leadline("org", "load", data / "developers.csv", "--name", "Research")
    key = leadline.json("keys", "create", "--name", "k", "--role", "viewer")["key"]
    body = {"scope": {"orgTreeName": "Research"}, "dateRange": {"start": "2026-01-01", "end": "2026-01-31"}}
    exports, who = "/v2/insights/productivity/exports", "projectIdentifier=default&orgIdentifier=default"
    with served(leadline, sending(endpoint, OTEL_SERVICE_NAME="numbers")) as address:
        traced = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        export = asked(f"{address}{exports}?{who}", key, body, **traced)["exportId"]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while asked(f"{address}{exports}/{export}", key)["status"] != "completed":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        request = collector.one(f"POST {exports}")
        made = collector.one("export productivity", **{"leadline.export": export})
        produced = collector.one("produce", **{"leadline.tree": "Research"})
        poll = collector.one(f"GET {exports}/{{exportId}}")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, "00f067aa0ba902b7")
    assert request.kind == Span.SPAN_KIND_SERVER
    assert told(request).items() >= {"http.request.method": "POST", "http.response.status_code": 202}.items()
    assert told(request)["leadline.export"] == export
    assert poll.trace_id.hex() != TRACE
    assert told(made)["leadline.state"] == "completed"
    assert produced.parent_span_id == made.span_id
    assert told(produced)["leadline.rows"] == 4
    assert collector.services == {"numbers"}
    assert key not in str(collector.spans)


def test_a_run_of_a_source(leadline: Leadline, collector: Collector, endpoint: str) -> None:
    hub = Hub({"acme": [repository("acme/shop", 1, pulls=3)]})
    with serving(hub) as url:
        for token in (TOKEN, "ghp_wrong"):
            command = leadline.command("sync", "github", "acme", "--url", url)
            env = sending(endpoint, GITHUB_TOKEN=token)
            done = subprocess.run(command, env=env, cwd=leadline.cwd, capture_output=True, timeout=240, check=False)
            assert done.returncode == (0 if token == TOKEN else 1), done.stderr
        good = collector.one("sync github", **{"leadline.state": "done"})
        failed = collector.one("sync github", **{"leadline.state": "failed"})
    assert told(good)["leadline.source"] == f"github:acme@{url[7:]}"
    assert told(good)["leadline.calls"] > 0
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert "refuses the token" in failed.status.message
    assert "ghp_wrong" not in str(collector.spans)
    assert collector.services == {"leadline"}


def test_a_collector_that_is_not_there_holds_nobody_up(leadline: Leadline) -> None:
    done = leadline.process("status", env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert "Tables:" in done.stdout


def test_off_unless_a_variable_says_where_to() -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert is_wanted(endpoint)
    assert is_wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"})
    for off in ({}, {"OTEL_SERVICE_NAME": "x"}, {**endpoint, "OTEL_SDK_DISABLED": "true"}):
        assert not is_wanted(off)
        assert configure(off) is None
    assert not is_wanted({**endpoint, "OTEL_TRACES_EXPORTER": "none"})
    grpc = configure({**endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert grpc is not None
    assert "http/protobuf" in grpc
    with span("nothing", leadline_rows=1) as opened:
        opened.tell(leadline_state="done")
        opened.fail("why")
    assert opened.trace_id is None


def test_nothing_is_loaded_without_the_variables(leadline: Leadline) -> None:
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "leadline.cli.main",
        "--home",
        str(leadline.home),
        "keys",
        "list",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True, cwd=leadline.cwd)
    assert "opentelemetry" not in done.stderr


def test_the_extra_is_missing(leadline: Leadline, tmp_path: Path) -> None:
    broken = tmp_path / "without" / "opentelemetry"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no such package')\n")
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(broken.parent)}
    done = leadline.process("status", env={**env, "PATH": os.environ["PATH"]})
    assert "pip install 'leadline[otel]'" in done.stderr
    assert "Tables:" in done.stdout
    assert leadline.process("-q", "status", env=env).stderr == ""
