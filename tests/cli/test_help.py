"""Help is quick, whole, fits 80 columns and always shows an example; wrong usage is told plainly."""

from __future__ import annotations

import re
import resource
import subprocess
import sys

import pytest
from typer.main import get_command

from leadline import __version__
from leadline.cli.app import app

from .running import Leadline, environment

HEAVY = ("duckdb", "deltalake", "ibis", "pyarrow", "sqlalchemy", "alembic", "fastapi", "uvicorn", "pydantic", "rich")


def command_paths(command: object = None, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every group and command of the program, as the words that call it."""
    command = command or get_command(app)
    paths = [path]
    for name, child in getattr(command, "commands", {}).items():
        paths += command_paths(child, (*path, name))
    return paths


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "leadline.cli.main", "--help"],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    loaded = {line.split("|")[-1].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert loaded.isdisjoint(HEAVY)
    assert "typer" in loaded


def test_help_answers_at_once() -> None:
    def seconds() -> float:
        # Processor time, all of it in one thread: it is the wall time of a machine that does nothing else.
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "leadline.cli.main", "--help"], check=True, capture_output=True, env=environment()
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(7)) <= 0.3


OF_ONE_DAY = {"--from", "--at", "--since"}
"""Options of examples that take one day, which holds whenever it is read."""


@pytest.mark.parametrize("path", command_paths(), ids=" ".join)
def test_every_help_shows_an_example_and_fits_80_columns(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert app([*path, "--help"], prog_name="leadline", standalone_mode=False) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "Example:\n" in text
    assert "..." not in text.partition("Commands:")[2]  # no summary is cut off
    days = re.findall(r"(\S+) \d{4}-\d\d-\d\d", text.partition("Example:\n")[2])
    assert {*days} <= OF_ONE_DAY, "a range of fixed days has no data in a new demo; write --period"


def test_the_documented_commands_are_there() -> None:
    words = {" ".join(path) for path in command_paths()}
    documented = (
        "demo,serve,worker,import,sync git,org load,org show,identities,identities set,keys create,keys list,keys revoke,"
        "export productivity,export efficiency,report,facts pull-requests,facts commits,settings,metrics,status"
    )
    assert set(documented.split(",")) <= words


def test_version(leadline: Leadline) -> None:
    assert leadline("--version").stdout == f"leadline {__version__}\n"
    assert not leadline.home.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Missing command"),
        (["org"], "Usage: leadline org"),
        (["imprt"], "No such command 'imprt'"),
        (["status", "--jsn"], "No such option: --jsn"),
        (["import"], "Missing argument"),
        (["demo", "--until", "2026-02-30"], "'2026-02-30' is no day"),
        (["demo", "--developers", "0"], "'--developers'"),
        (["keys", "create", "--name", "n", "--role", "owner"], "'owner' is not one of"),
        (["keys", "create", "--role", "admin"], "Missing option '--name'"),
        (["export", "productivity", "--start", "2026-01-01", "-o", "x.csv"], "Missing option '--end'"),
        (["export", "productivity", "--start", "Jan 2026", "--end", "2026-01-31", "-o", "x"], "'Jan 2026' is no day"),
        (["export", "productivity", "--start", "2026-01-01", "--end", "2026-01-31", "-o", "-", "--json"], "--json"),
        (["facts", "commits", "-o", "x.xlsx"], ".parquet"),
        (["facts", "commits", "--start", "2026-02-01", "--end", "2026-01-01", "-o", "x.csv"], "is after"),
        (["settings", "--unset"], "--unset"),
        (["settings", "timezone", "--file", "x.toml"], "--file"),
        (["--project", "", "status"], "--project"),
    ],
)
def test_wrong_usage_exits_2_and_changes_nothing(leadline: Leadline, arguments: list[str], says: str) -> None:
    done = leadline.process(*arguments, code=2)
    assert says in done.stderr
    assert "Value error" not in done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith('{"status": "failed"' if "--json" in arguments else ("error: ", "Usage: "))
    assert not leadline.home.exists()
