"""The command line run as a user runs it: real processes on real homes, and a small company's files to run it on."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conftest import QUERIES_OF_RUN
from leadline.cli.main import main
from leadline.lake import Lake

TABLES = {
    "developers": """\
        email,full_name,manager_email,team
        ada@example.com,Ada Byron,,Research
        ben@example.com,Ben Ito,ada@example.com,Research
        cleo@example.com,Cleo Ray,ada@example.com,Engines
        dan@example.com,Dan Fox,cleo@example.com,Engines
        """,
    "identities": """\
        source,account,email
        github,ben-ito,ben@example.com
        github,danfox,dan@example.com
        """,
    "pull_requests": """\
        repository,number,title,author,state,created_at,merged_at,additions,deletions,source,updated_at
        example/shop,1,SHOP-1 basket,ben-ito,merged,2026-01-05T09:00:00Z,2026-01-06T12:00:00Z,8,1,github,2026-01-06T12:00:00Z
        example/shop,2,more,danfox,merged,2026-02-02T09:00:00Z,2026-02-03T10:00:00Z,90,20,github,2026-02-03T10:00:00Z
        example/shop,3,odd one,stranger,merged,2026-02-02T09:00:00Z,2026-02-04T10:00:00Z,5,5,github,2026-02-04T10:00:00Z
        """,
    "commits": """\
        repository,sha,parents,author_email,authored_at,additions,deletions,source
        example/shop,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,,ben@example.com,2026-01-05T08:00:00Z,8,1,git
        example/shop,bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,dan@example.com,2026-02-02T08:00:00Z,90,20,git
        """,
    "comments": """\
        repository,number,comment_id,author,kind,created_at,source
        example/shop,1,c1,danfox,review,2026-01-05T11:00:00Z,github
        """,
    "work_items": """\
        project,key,type,status,status_category,assignee,created_at,completed_at,source
        SHOP,SHOP-1,Story,Done,done,ben@example.com,2026-01-02T09:00:00Z,2026-01-07T09:00:00Z,jira
        """,
}
"""A company of four with three pull requests, small enough to check by eye."""


def write_tables(folder: Path, tables: Mapping[str, str] = TABLES) -> Path:
    """Write tables as CSV files named after them; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in tables.items():
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a run: nothing of the developer's own settings, no terminal width, and the queries that were compiled."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LEADLINE_", "COLUMNS"))}
    kept["LEADLINE_CACHE"] = os.environ[QUERIES_OF_RUN]
    return {**kept, **(extra or {})}


@dataclass(frozen=True)
class Done:
    """A finished run: exit code and what it wrote."""

    code: int
    stdout: str
    stderr: str


@contextmanager
def _surroundings(folder: Path, variables: Mapping[str, str]) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """What a process of its own would have: folder, environment, streams, signal handling."""
    before = (Path.cwd(), dict(os.environ), sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT))
    out, errors = io.BytesIO(), io.BytesIO()
    try:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        sys.stdout = io.TextIOWrapper(out, "utf-8", write_through=True)
        sys.stderr = io.TextIOWrapper(errors, "utf-8", write_through=True)
        yield out, errors
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            stream.detach()  # else the bytes would be closed with it
        sys.stdout, sys.stderr = before[2:4]
        os.environ.clear()
        os.environ.update(before[1])
        os.chdir(before[0])
        signal.signal(signal.SIGINT, before[4])


def _text(stream: io.BytesIO) -> str:
    return stream.getvalue().decode()


@dataclass
class Leadline:
    """``leadline`` on one home: call it with a command line, or run it as a ``process``; ``start`` leaves that running."""

    home: Path
    cwd: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "leadline.cli.main", "--home", str(self.home), *map(str, arguments)]

    def __call__(self, *arguments: object, code: int = 0, env: Mapping[str, str] | None = None) -> Done:
        """Run a command line to its end within the test's process, which spares a start-up of most of a second."""
        return self.either(*arguments, codes=(code,), env=env)

    def either(self, *arguments: object, codes: Sequence[int], env: Mapping[str, str] | None = None) -> Done:
        """The same of a command that may end with one of several codes."""
        words = ["--home", str(self.home), *map(str, arguments)]
        with _surroundings(self.cwd, environment(env)) as (out, errors):
            returned = main(words)
        code = returned if returned in codes else codes[0]
        return self._judged(arguments, Done(returned, _text(out), _text(errors)), code)

    def process(self, *arguments: object, code: int = 0, env: Mapping[str, str] | None = None) -> Done:
        """The same as a process of its own."""
        run = subprocess.run(
            self.command(*arguments),
            cwd=self.cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return self._judged(arguments, Done(run.returncode, run.stdout, run.stderr), code)

    def _judged(self, arguments: tuple[object, ...], done: Done, code: int) -> Done:
        assert "Traceback" not in done.stderr, done.stderr
        assert done.code == code, f"{arguments}: exit {done.code}\n{done.stdout}\n{done.stderr}"
        return done

    def rows(self, project: str = "default") -> dict[str, int]:
        """Rows by table of a project's lake, of those that have any."""
        lake = Lake(self.home / "projects" / "default" / project / "lake")
        return {name: rows for name, rows in lake.snapshot().row_counts().items() if rows}

    def json(self, *arguments: object, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code).stdout)

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.cwd,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "env": environment(),
                **options,
            },
        )
        self.started.append(process)
        return process
