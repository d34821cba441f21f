"""`make demo`: a fresh home with a made-up organization, and two exports of it through the real HTTP API.

Runs the installed `leadline` as a user would: fills the home, makes a key, starts the server, creates a productivity and an
efficiency export, polls them, downloads them and prints their first rows; then shows the facts behind one number. Nothing is
left running; the home stays for you to try things on. It is `demo-home`, made anew, or the new folder named as argument.
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
import textwrap
import time
import urllib.request
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "demo-home"
LEADLINE = [str(Path(sys.executable).with_name("leadline")), "--home", str(HOME)]
QUERY = "?projectIdentifier=default&orgIdentifier=default"
SHOWN_ROWS = 8
STAGES = ("planning", "coding", "review", "build", "deploy")
DAY = 86_400

Row = dict[str, str]


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

    def export(self, insight: str, body: object) -> tuple[list[Row], float]:
        """The finished file's rows and the seconds from creating the export to having them."""
        began = time.monotonic()
        exports = f"/v2/insights/{insight}/exports"
        export_id = json.loads(self.call("POST", exports + QUERY, body))["exportId"]
        for _ in range(600):
            answer = json.loads(self.call("GET", f"{exports}/{export_id}{QUERY}"))
            if answer["status"].lower() == "completed":
                file = self.call("GET", f"{exports}/{export_id}/download{QUERY}")
                return rows_of(file.decode()), time.monotonic() - began
            if answer["status"].lower() == "failed":
                sys.exit(f"the export failed: {answer['error']}")
            time.sleep(0.1)
        sys.exit("the export did not finish within a minute")


def rows_of(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text)))


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


def show(rows: list[Row], columns: dict[str, str]) -> None:
    """Print ``columns`` of ``rows``, each below its title."""
    lines = [list(columns.values()), *([row[name] for name in columns] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        say("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def productivity(client: Client, first: date, last: date) -> None:
    body = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": first.isoformat(), "end": last.isoformat()},
        "metricGroups": ["activity", "velocity", "volume", "quality", "collaboration"],
        "options": {"aggregationLevel": "developer", "granularity": "monthly", "aggregation": "mean", "format": "csv"},
    }
    rows, seconds = client.export("productivity", body)
    say(f"   done in {seconds:.1f} s; the months with the most merged pull requests:\n")
    titles = {
        "Granularity": "Month",
        "Developer": "Developer",
        "Team": "Team",
        "Coding_Days": "Coding days",
        "PR_Merged": "Merged",
        "Work_Completed": "Items",
    }
    busiest = sorted(rows, key=lambda row: float(row["PR_Merged"]), reverse=True)
    show(busiest[:SHOWN_ROWS], titles)
    say(f"  … {len(rows):,} rows, {len(rows[0])} columns\n")


def efficiency(client: Client, first: date, last: date) -> list[Row]:
    """The rows of the last month of the export."""
    body = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": first.isoformat(), "end": last.isoformat()},
        "metricGroups": ["summary"],
        "options": {"granularity": "MONTHLY"},
    }
    rows, seconds = client.export("efficiency", body)
    month = [row for row in rows if row["End_Date"] == last.isoformat()]
    say(f"   done in {seconds:.1f} s; the first teams in {month[0]['Granularity']}:\n")
    titles = {
        "Team": "Team",
        "LTTC_Mean_Days": "Lead days",
        "DF_Deployment_Count": "Deployments",
        "CFR_Percent": "Failed %",
        "MTTR_Mean_Days": "Restore days",
        "Overall_Rating": "Rating",
    }
    show(month[:SHOWN_ROWS], titles)
    say(f"  … {len(rows):,} rows, {len(rows[0])} columns\n")
    return month


def behind(row: Row) -> None:
    """Recompute the lead time of one team's month from its facts, and show the slowest item of it."""
    period = ("--team", row["Team_Id"], "--start", row["Start_Date"], "--end", row["End_Date"])
    items = [item for item in rows_of(run("facts", "work-items", *period, "-o", "-")) if item["lead_seconds"]]
    mean = sum(float(item["lead_seconds"]) for item in items) / len(items) / DAY
    if abs(mean - float(row["LTTC_Mean_Days"])) > 0.0001:
        sys.exit(f"the facts say {mean:.4f} days, the export {row['LTTC_Mean_Days']}")
    slowest = max(items, key=lambda item: (item["deployment_id"] != "", float(item["lead_seconds"])))
    stages = [
        f"{stage} {float(slowest[f'{stage}_seconds']) / DAY:.2f}" for stage in STAGES if slowest[f"{stage}_seconds"]
    ]
    say(f"   {row['LTTC_Mean_Days']} days is the mean of {len(items)} work items; the slowest one deployed:\n")
    parts = f"{slowest['key']}: {' + '.join(stages)} = {float(slowest['lead_seconds']) / DAY:.2f} days"
    for text in (parts, f"{slowest['deployment_id']} carries it; {slowest['why']}"):
        say(textwrap.fill(text, 78, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))


def main() -> None:
    began = time.monotonic()
    if len(sys.argv) == 1:
        shutil.rmtree(HOME, ignore_errors=True)
    elif HOME.exists():
        sys.exit(f"{HOME} is there already; name a folder that is not")
    HOME.mkdir()
    say("1. Filling a fresh home with a made-up organization: leadline demo")
    run("demo")
    key = json.loads(run("keys", "create", "--name", "demo", "--role", "viewer", "--json"))["key"]
    port = free_port()
    say("2. Starting the server: leadline serve")
    today = datetime.now(UTC).date()
    first = (today.replace(day=1) - timedelta(days=80)).replace(day=1)
    month_end = today.replace(day=1) - timedelta(days=1)
    with server(port):
        client = Client(f"http://127.0.0.1:{port}", key)
        say("3. A productivity export through the HTTP API: create, poll, download")
        productivity(client, first, today)
        say("4. An efficiency (DORA) export in the same way")
        month = efficiency(client, first, month_end)
    paths = {row["Team_Hierarchy"] for row in month}
    teams = [row for row in month if not any(path.startswith(row["Team_Hierarchy"] + "/") for path in paths)]
    slowest = max(teams, key=lambda row: float(row["LTTC_Mean_Days"] or 0))
    say(f"5. Where the lead time of the team {slowest['Team']} came from: leadline facts")
    behind(slowest)
    home = os.path.relpath(HOME)
    say(f"\nReady in {time.monotonic() - began:.0f} s. Go on with this home:")
    say(f"  .venv/bin/leadline --home {home} serve")
    say("  and, in a browser within ten minutes, signed in by this link:")
    say(f"  {run('open', '--print').strip()}")
    for words in ("org show", f"facts deployments --team {slowest['Team_Id']} -o deployments.csv", "status"):
        say(f"  .venv/bin/leadline --home {home} {words}")


if __name__ == "__main__":
    main()
