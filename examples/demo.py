"""`make demo`: a fresh home with a made-up organization, and one export of it through the real HTTP API.

Runs the installed `leadline` as a user would: fills the home, makes a key, starts the server, creates an export, polls it,
downloads it and prints its first rows. Nothing is left running; the home stays for you to try things on.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "demo-home"
LEADLINE = [str(Path(sys.executable).with_name("leadline")), "--home", str(HOME)]
QUERY = "?projectIdentifier=default&orgIdentifier=default"
SHOWN_ROWS = 8


def say(text: str) -> None:
    print(text, flush=True)


def run(*arguments: str) -> str:
    return subprocess.run([*LEADLINE, *arguments], check=True, capture_output=True, text=True).stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client:
    """The documented API with the standard library alone."""

    def __init__(self, base: str, key: str) -> None:
        self.base = base
        self.headers = {"SEI_API_KEY": key, "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "Accept-Encoding": "identity"}
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def export(self, body: object) -> tuple[bytes, float]:
        """The finished file and the seconds from creating the export to having it."""
        began = time.monotonic()
        exports = "/v2/insights/productivity/exports"
        export_id = json.loads(self.call("POST", exports + QUERY, body))["exportId"]
        for _ in range(600):
            status = json.loads(self.call("GET", f"{exports}/{export_id}{QUERY}"))
            if status["status"] == "completed":
                file = self.call("GET", f"{exports}/{export_id}/download{QUERY}")
                return file, time.monotonic() - began
            if status["status"] == "failed":
                sys.exit(f"the export failed: {status['error']}")
            time.sleep(0.1)
        sys.exit("the export did not finish within a minute")


@contextlib.contextmanager
def server(port: int):
    """`leadline serve` on ``port``, ended with the block."""
    log = (HOME / "serve.log").open("wb")
    process = subprocess.Popen([*LEADLINE, "serve", "--port", str(port)], stdout=log, stderr=log)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
                break
            if process.poll() is not None:
                sys.exit(f"the server ended: {(HOME / 'serve.log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def show(file: bytes) -> None:
    rows = list(csv.reader(io.StringIO(file.decode())))
    header, busiest = rows[0], sorted(rows[1:], key=lambda row: float(row[rows[0].index("PR_Merged")]), reverse=True)
    columns = [
        header.index(name)
        for name in ("Granularity", "Developer", "Team", "Coding_Days", "PR_Merged", "Work_Completed")
    ]
    shown = [header, *busiest[:SHOWN_ROWS]]
    widths = [max(len(row[column]) for row in shown) for column in columns]
    for row in shown:
        say("  " + "  ".join(row[column].ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip())
    say(f"  … {len(rows) - 1:,} rows, {len(header)} columns")


def main() -> None:
    began = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    say("1. Filling a fresh home with a made-up organization: leadline demo")
    run("demo")
    key = json.loads(run("keys", "create", "--name", "demo", "--role", "viewer", "--json"))["key"]
    port = free_port()
    say("2. Starting the server: leadline serve")
    with server(port):
        client = Client(f"http://127.0.0.1:{port}", key)
        today = datetime.now(UTC).date()
        first = (today.replace(day=1) - timedelta(days=80)).replace(day=1)
        body = {
            "scope": {"orgTreeName": "Engineering"},
            "dateRange": {"start": first.isoformat(), "end": today.isoformat()},
            "metricGroups": ["activity", "velocity", "volume", "quality", "collaboration"],
            "options": {
                "aggregationLevel": "developer",
                "granularity": "monthly",
                "aggregation": "mean",
                "format": "csv",
            },
        }
        say("3. A productivity export through the HTTP API: create, poll, download")
        file, seconds = client.export(body)
    say(f"   done in {seconds:.1f} s; the months with the most merged pull requests:\n")
    show(file)
    home = os.path.relpath(HOME)
    say(f"\nReady in {time.monotonic() - began:.0f} s. Go on with this home:")
    say(f"  .venv/bin/leadline --home {home} serve")
    say(f"  .venv/bin/leadline --home {home} org show")
    say(f"  .venv/bin/leadline --home {home} status")


if __name__ == "__main__":
    main()
