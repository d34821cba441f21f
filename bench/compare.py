"""Is this checkout slower than another? The same commands and requests, given to both in turn; medians and their ratio.

    python bench/compare.py ../other-checkout [--rounds 5] [--size 1.0] [--only export,http]

Both checkouts have their own ``.venv``. Only the command line and HTTP are used, so that they may be of different versions;
each has homes of its own, filled by itself, and both read the same files, repository and stubs of tools (this checkout's).
``other`` and ``this`` are medians of seconds; ``ratio`` and ``processor`` are this one's seconds by the clock and of the
processor in the other's, ``memory`` its peak likewise (1.05: this one takes 5 % more). On a busy machine only the processor's
seconds say anything.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent))
from frame import ROOT, Spent, in_turn, measured, processor_of, ratio, stub
from stubs import github, gitlab, jenkins, jira

UNTIL = date(2026, 3, 31)
YEAR = ("--org-tree", "Engineering", "--start", "2025-07-01", "--end", UNTIL.isoformat())
SCOPE = "projectIdentifier=default&orgIdentifier=default"
STUBS = {
    "github": (
        "github.Hub({'acme': [github_data.repository(f'acme/r{n}', n + 1, pulls=%d, runs=%d, deployments=20, files=8) "
        "for n in range(3)]})",
        ("sync", "github", "acme"),
        {"GITHUB_TOKEN": github.TOKEN},
        120,
    ),
    "gitlab": (
        "gitlab.Hub(projects=[gitlab_data.project(f'acme/r{n}', n + 1, merge_requests=%d, issues=%d, deployments=20, "
        "files=8) for n in range(3)])",
        ("sync", "gitlab", "acme"),
        {"GITLAB_TOKEN": gitlab.TOKEN},
        120,
    ),
    "jira": (
        "(lambda tool: [tool.add('SHOP', %d), tool.add('WEB', %d), tool][2])(jira.Jira(frozen=True, clock=1e8))",
        ("sync", "jira", "--user", jira.USER),
        {"JIRA_TOKEN": jira.TOKEN},
        500,
    ),
    "jenkins": (
        "jenkins.Jenkins(jobs=[jenkins.job('tools', %d), jenkins.folder('shop', jenkins.job('build', %d))])",
        ("sync", "jenkins", "--user", jenkins.USER),
        {"JENKINS_TOKEN": jenkins.TOKEN},
        500,
    ),
}
"""By tool: the stub with places for two sizes, the command, the secret, and how many things there are of each."""


@dataclass
class Checkout:
    """One of the two: its program, and a folder for its homes."""

    name: str
    program: Path
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, home: str, *words: str, **secrets: str) -> Spent:
        """A command of the line on one of the homes."""
        command = [str(self.program), "--home", str(self.folder / home), *words]
        return measured(command, environ={**self.environ, **secrets}, cwd=self.folder)

    def output(self, home: str, *words: str) -> Any:
        """What a command prints as JSON."""
        command = [str(self.program), "--home", str(self.folder / home), *words, "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, env=self.environ).stdout)

    def forget(self, home: str, *parts: str) -> None:
        """Take a home away, or what ``parts`` match in it."""
        for path in (self.folder / home).glob("/".join(parts)) if parts else [self.folder / home]:
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def serve(self, home: str) -> Iterator[Server]:
        """Serve one of the homes, with keys to read and to write."""
        keys = [self.output(home, "keys", "create", "--name", role, "--role", role)["key"] for role in ROLES]
        command = [str(self.program), "--home", str(self.folder / home), "serve", "--port", "0"]
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=self.environ)
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "http://" in line)
            address = urlsplit(next(word for word in line.split() if word.startswith("http://")).rstrip(".,"))
            yield Server(address.hostname or "", address.port or 0, *keys, process.pid)
        finally:
            process.terminate()
            process.wait(30)


ROLES = ("viewer", "ingestion")


@dataclass(frozen=True)
class Server:
    """A served home: where it is, the keys to read and to write, and its process."""

    host: str
    port: int
    viewer: str
    ingestion: str
    pid: int

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=120)

    def call(
        self, method: str, path: str, body: Any = None, connection: http.client.HTTPConnection | None = None
    ) -> Any:
        """One request, on a connection of its own unless one is given; the answer's JSON, or its bytes."""
        key = self.ingestion if path.startswith(("/v1/custom-cicd", "/v2/ingest")) else self.viewer
        headers = {"SEI_API_KEY": key, "Content-Type": "application/json", "Cache-Control": "no-cache"}
        used = connection or self.connect()
        used.request(method, path, None if body is None else json.dumps(body), headers)
        answer = used.getresponse()
        raw = answer.read()
        if connection is None:
            used.close()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {raw.decode()[:500]}")
        return json.loads(raw) if answer.headers.get_content_type() == "application/json" else raw


# -- what is compared --------------------------------------------------------------------------------------------------

Runs = Callable[[Checkout], Spent]
Bench = Callable[[list[Checkout], Path, float, ExitStack], dict[str, Runs]]
"""Makes what its runs need; the runs by name, each made once per round by each checkout."""


def commands(_checkouts: list[Checkout], _shared: Path, _size: float, _stack: ExitStack) -> dict[str, Runs]:
    """What a command takes that does little."""
    return {
        "start: --version": lambda checkout: checkout.run("none", "--version"),
        "start: sync --help": lambda checkout: checkout.run("none", "sync", "--help"),
        "start: metrics": lambda checkout: checkout.run("none", "metrics"),
    }


def write(path: Path, header: str, rows: Iterable[list[Any]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header.split(), *rows])


def pull_request(number: int) -> list[Any]:
    opened = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    instants = [instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in (opened, opened + timedelta(hours=5))]
    named = [f"acme/r{number % 50}", number, f"SHOP-{number} a change", f"dev{number % 300}", "merged"]
    return [*named, *instants, number % 900, number % 70, "github"]


def commit_file(number: int) -> list[Any]:
    path = f"src/module_{number % 997}/file.py"
    return [f"acme/r{number % 50}", f"{number // 4:040x}", path, number % 90, number % 31]


def imports(_checkouts: list[Checkout], shared: Path, size: float, _stack: ExitStack) -> dict[str, Runs]:
    """Files into an empty home, and the same again."""
    folder = shared / "import"
    folder.mkdir()
    columns = "repository number title author state created_at merged_at additions deletions source"
    write(folder / "pull_requests.csv", columns, map(pull_request, range(int(150_000 * size))))
    columns = "repository sha path additions deletions"
    write(folder / "commit_files.csv", columns, map(commit_file, range(int(300_000 * size))))

    def first(checkout: Checkout) -> Spent:
        checkout.forget("import")
        return checkout.run("import", "import", str(folder))

    return {
        "import: files": first,
        "import: the same again": lambda checkout: checkout.run("import", "import", str(folder)),
    }


def git(_checkouts: list[Checkout], shared: Path, size: float, _stack: ExitStack) -> dict[str, Runs]:
    """A repository's history into an empty home, and with nothing new."""
    repository = shared / "repository"
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    lines = []
    for number in range(int(4_000 * size)):
        files = [(f"src/file{(number * 7 + at) % 200}.py", f"{number} {at}\n" * (1 + at * 5)) for at in range(3)]
        message = f"Change {number}"
        person = f"Dev {number % 20} <dev{number % 20}@example.com> {1_740_000_000 + number * 600} +0100"
        lines += ["commit refs/heads/main", f"author {person}", f"committer {person}"]
        lines += [f"data {len(message)}", message]
        for path, text in files:
            lines += [f"M 100644 inline {path}", f"data {len(text)}", text]
    command = ["git", "-C", str(repository), "fast-import", "--quiet"]
    subprocess.run(command, input="\n".join(lines), text=True, check=True)

    def first(checkout: Checkout) -> Spent:
        checkout.forget("git")
        return checkout.run("git", "sync", "git", str(repository))

    return {
        "git: first sync": first,
        "git: nothing new": lambda checkout: checkout.run("git", "sync", "git", str(repository)),
    }


def tools(_checkouts: list[Checkout], _shared: Path, size: float, stack: ExitStack) -> dict[str, Runs]:
    """Tools' stubs into an empty home, and with nothing new."""
    runs: dict[str, Runs] = {}
    for name, (made, words, secret, count) in STUBS.items():
        number = max(1, int(count * size))
        url = stack.enter_context(stub(made % (number, number))).url

        def run(
            checkout: Checkout, *, name: str = name, words: Any = words, url: str = url, secret: Any = secret
        ) -> Spent:
            return checkout.run(name, *words, "--url", url, **secret)

        def first(checkout: Checkout, *, name: str = name, run: Any = run) -> Spent:
            checkout.forget(name)
            return run(checkout)

        runs |= {f"{name}: first sync": first, f"{name}: nothing new": run}
    return runs


def demo(_checkouts: list[Checkout], _shared: Path, size: float, _stack: ExitStack) -> dict[str, Runs]:
    """A small demo, made anew."""
    people = str(max(10, int(60 * size)))

    def fill(checkout: Checkout) -> Spent:
        checkout.forget("small")
        return checkout.run("small", "demo", "--developers", people, "--months", "3", "--until", UNTIL.isoformat())

    return {
        "demo: small": fill,
        "demo: there already": lambda checkout: checkout.run(
            "small", "demo", "--developers", people, "--months", "3", "--until", UNTIL.isoformat()
        ),
    }


def filled(checkouts: list[Checkout], size: float) -> None:
    """The home that exports and requests are of, once per checkout."""
    for checkout in checkouts:
        if not (checkout.folder / "home").exists():
            people = str(max(20, int(240 * size)))
            checkout.run("home", "demo", "--developers", people, "--months", "9", "--until", UNTIL.isoformat())


def exports(checkouts: list[Checkout], _shared: Path, size: float, _stack: ExitStack) -> dict[str, Runs]:
    """Both exports from the command line: with nothing computed before, and again; a report; the state of the home."""
    filled(checkouts, size)

    def export(kind: str, *words: str) -> Runs:
        return lambda checkout: checkout.run("home", "export", kind, *YEAR, *words, "-o", "export.csv")

    def anew(run: Runs) -> Runs:
        def first(checkout: Checkout) -> Spent:
            checkout.forget("home", "projects", "*", "*", "cache")
            return run(checkout)

        return first

    productivity, efficiency = export("productivity"), export("efficiency", "--group", "summary")
    report = ("report", "--start", "2026-01-01", "--end", "2026-03-31", "--efficiency", "all", "--productivity", "all")
    return {
        "export: productivity, first": anew(productivity),
        "export: productivity, later": productivity,
        "export: efficiency, first": anew(efficiency),
        "export: efficiency, later": efficiency,
        "export: report": lambda checkout: checkout.run("home", *report, "-o", "report.csv"),
        "export: status --check": lambda checkout: checkout.run("home", "status", "--check"),
        "export: facts": lambda checkout: checkout.run("home", "facts", "pull-requests", "-o", "facts.csv"),
    }


EXPORTS = "/v2/insights/productivity/exports"


def export(server: Server) -> None:
    """An export of the organization, from create to completed."""
    dates = {"start": "2025-07-01", "end": UNTIL.isoformat()}
    body = {"scope": {"orgTreeName": "Engineering"}, "dateRange": dates}
    made = server.call("POST", f"{EXPORTS}?{SCOPE}", body)["exportId"]
    while (state := server.call("GET", f"{EXPORTS}/{made}")["status"]) != "completed":
        if state not in ("queued", "processing"):
            raise SystemExit(f"the export is {state}")
        time.sleep(0.005)


def catalogue(server: Server) -> None:
    connection = server.connect()
    for _ in range(300):
        server.call("GET", "/v2/insights/efficiency/metrics", connection=connection)


def reports(server: Server) -> None:
    body = {"dateStart": "2026-01-01", "dateEnd": UNTIL.isoformat(), "productivity": {"metrics": []}}
    for _ in range(10):
        server.call("POST", "/v2/insights/teams/reports?format=csv", {**body, "efficiency": {"metrics": []}})


def push(server: Server) -> None:
    """Rows from twenty clients at once; each has keys that no row had before."""

    def post(client: int) -> None:
        connection = server.connect()
        for _ in range(15):
            row = {"incident_id": f"{client}-{time.time_ns()}", "created_at": "2026-03-01T12:00:00Z"}
            server.call("POST", "/v2/ingest/incidents", [row], connection)

    clients = [threading.Thread(target=post, args=(client,)) for client in range(20)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


def requests(checkouts: list[Checkout], _shared: Path, size: float, stack: ExitStack) -> dict[str, Runs]:
    """Requests to servers that both run meanwhile."""
    filled(checkouts, size)
    servers = {checkout.name: stack.enter_context(checkout.serve("home")) for checkout in checkouts}

    def timed(work: Callable[[Server], object]) -> Runs:
        def run(checkout: Checkout) -> Spent:
            server = servers[checkout.name]
            began, processor = time.perf_counter(), processor_of(server.pid)
            work(server)
            return Spent(time.perf_counter() - began, processor_of(server.pid) - processor, 0)

        return run

    for server in servers.values():
        export(server)
        reports(server)
    return {
        "http: export of the organization": timed(export),
        "http: ten reports": timed(reports),
        "http: 300 answers of the catalogue": timed(catalogue),
        "http: 300 pushed rows": timed(push),
    }


BENCHES: dict[str, Bench] = {
    "start": commands,
    "import": imports,
    "git": git,
    "tools": tools,
    "demo": demo,
    "export": exports,
    "http": requests,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=float, default=1.0, help="share of the full sizes")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(BENCHES),
        metavar="NAME,…",
        help=f"of {', '.join(BENCHES)}",
    )
    options = parser.parse_args()
    print(f"{'':36} {'other':>8} {'this':>8} {'ratio':>7} {'processor':>10} {'memory':>7}")
    highest = [0.0, 0.0]
    for name in options.only:
        with tempfile.TemporaryDirectory(prefix="leadline-compare-") as temporary, ExitStack() as stack:
            checkouts = [checkout("other", options.other, Path(temporary)), checkout("this", ROOT, Path(temporary))]
            runs = BENCHES[name](checkouts, Path(temporary), options.size, stack)
            for line in compare(checkouts, runs, options.rounds):
                highest = [max(pair) for pair in zip(highest, line, strict=True)]
    print(f"{'highest':36} {'':17} {highest[0]:8.2f} {highest[1]:10.2f}")


def checkout(name: str, path: Path, temporary: Path) -> Checkout:
    folder = temporary / name
    folder.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LEADLINE_", "VIRTUAL_ENV"))}
    return Checkout(name, path.resolve() / ".venv" / "bin" / "leadline", folder, {**kept, "NO_PROXY": "*"})


def compare(checkouts: list[Checkout], runs: dict[str, Runs], rounds: int) -> list[tuple[float, float]]:
    """Make the runs of both in turn and print a line for each; their ratios of seconds and of the processor's."""
    made = {f"{what}|{one.name}": partial(run, one) for what, run in runs.items() for one in checkouts}
    spent: dict[str, list[Spent]] = in_turn(rounds, made)
    ratios = []
    for what in runs:
        other, this = spent[f"{what}|other"], spent[f"{what}|this"]
        seconds, processor = (
            ratio([getattr(run, name) for run in this], [getattr(run, name) for run in other])
            for name in ("seconds", "processor")
        )
        line = f"{what:36} {statistics.median(run.seconds for run in other):7.2f}s "
        line += f"{statistics.median(run.seconds for run in this):7.2f}s {seconds:7.2f} {processor:10.2f}"
        if other[0].mib:
            line += f" {ratio([run.mib for run in this], [run.mib for run in other]):7.2f}"
        print(line, flush=True)
        ratios.append((seconds, processor))
    return ratios


if __name__ == "__main__":
    main()
