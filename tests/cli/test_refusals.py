"""What cannot be asked for so is wrong usage (exit code 2), said once, in the words of the command line, and changes nothing."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from leadline.cli.failures import exit_code_of
from leadline.errors import InvalidInput, InvalidRequest, LeadlineError, NotFound, StoreError, Unusable

from .running import Leadline

QUARTER = ("--start", "2026-01-01", "--end", "2026-03-31")
TURNED = ("--start", "2026-03-31", "--end", "2026-01-01")
LONG = ("--start", "1950-01-01", "--end", "2026-01-01")
ANCIENT = ("--start", "0926-01-01", "--end", "0926-01-31")
PRODUCTIVITY = ("export", "productivity", "-o", "out.csv", "--metric", "PR_Merged")
EFFICIENCY = ("export", "efficiency", "-o", "out.csv", *QUARTER)
CHART = ("chart", "lead-time", "-o", "out.svg")
REPORT = ("report", *QUARTER)
FORECAST = ("forecast", "--org-tree", "Research")
GITHUB = ("sources", "add", "github")

REFUSED = [
    ("metrics", "nosuch"),
    ("tables", "nosuch"),
    ("settings", "nosuch"),
    ("settings", "nosuch", "1"),
    ("settings", "nosuch", "--unset"),
    ("settings", "timezone", "Nowhere"),
    ("settings", "timezone", ""),
    ("settings", "pr_size.small", "5000"),
    ("settings", "people.history", "sometimes"),
    ("settings", "--org-tree", "nosuch"),
    ("settings", "timezone", "UTC", "--org-tree", "nosuch"),
    ("settings", "timezone", "UTC", "--org-tree", ""),
    ("org", "show", "nosuch"),
    ("org", "show", "--at", "nosuch"),
    ("org", "history", "nosuch"),
    ("org", "remove", "nosuch", "--yes"),
    ("org", "load", "data/developers.csv", "--name", ""),
    ("org", "load", "data/developers.csv", "--name", "T", "--from", "nosuch"),
    ("org", "load", "data/developers.csv", "--name", "T", "--map", "nosuch"),
    ("org", "load", "data/developers.csv", "--name", "T", "--map", "nosuch=email"),
    ("org", "from-teams", "nosuch"),
    ("identities", "set", "", "ben-ito", "ben@example.com"),
    ("identities", "set", "github", "ben-ito", "nosuch"),
    ("keys", "create", "--name", "", "--role", "viewer"),
    ("keys", "create", "--name", "n", "--role", "nosuch"),
    ("keys", "create", "--name", "n", "--role", "viewer", "--team", "999"),
    ("keys", "create", "--name", "n", "--role", "viewer", "--team", ""),
    ("keys", "create", "--name", "n", "--role", "admin", "--team", "1"),
    ("keys", "create", "--name", "n", "--role", "viewer", "--project", ""),
    ("keys", "create", "--name", "n", "--role", "viewer", "--expires-days", "0"),
    (*PRODUCTIVITY, *QUARTER, "--metric", "nosuch"),
    (*PRODUCTIVITY, *QUARTER, "--metric", ""),
    (*PRODUCTIVITY, *QUARTER, "--group", "nosuch"),
    (*PRODUCTIVITY, *QUARTER, "--group", " , "),
    (*PRODUCTIVITY, *QUARTER, "--org-tree", "nosuch"),
    (*PRODUCTIVITY, *QUARTER, "--org-tree", ""),
    (*PRODUCTIVITY, *QUARTER, "--org-tree", "nosuch", "--group", "nosuch"),
    (*PRODUCTIVITY, *QUARTER, "--team", "999"),
    (*PRODUCTIVITY, *QUARTER, "--team", ""),
    (*PRODUCTIVITY, *QUARTER, "--since", "nosuch"),
    (*PRODUCTIVITY, *QUARTER, "--since", "2999-01-01T00:00:00Z"),
    (*PRODUCTIVITY, *QUARTER, "--granularity", "hourly"),
    (*PRODUCTIVITY, *QUARTER, "--format", "xml"),
    (*PRODUCTIVITY, *TURNED),
    (*PRODUCTIVITY, *LONG),
    (*PRODUCTIVITY, *ANCIENT),
    (*PRODUCTIVITY, "--period", "last-9-years"),
    (*PRODUCTIVITY, "--period", "nosuch"),
    (*EFFICIENCY, "--group", "nosuch"),
    (*EFFICIENCY, "--metric", "PR_Merged"),
    (*EFFICIENCY, "--metric", "LTTC", "--level", "service", "--split-by", "ai"),
    (*CHART, *QUARTER, "--team", "999"),
    (*CHART, *QUARTER, "--org-tree", "nosuch"),
    (*CHART, *TURNED),
    (*CHART, *LONG),
    (*CHART, *ANCIENT),
    ("chart", "lead-time", *QUARTER, "-o", "out.doc"),
    (*REPORT, "--efficiency", "nosuch"),
    (*REPORT, "--productivity", "nosuch"),
    (*REPORT, "--productivity", ""),
    (*REPORT, "--contributors", "nosuch"),
    (*REPORT, "--efficiency", "all", "--team", "999"),
    ("report", *TURNED, "--efficiency", "all"),
    ("report", *LONG, "--efficiency", "all"),
    ("report", *TURNED, "--pdf", "out.pdf"),
    ("report", *LONG, "--pdf", "out.pdf"),
    (*REPORT, "--team", "999", "--pdf", "out.pdf"),
    (*REPORT, "--pdf", ""),
    ("facts", "commits", "-o", "out.csv", "--team", "999"),
    ("facts", "commits", "-o", "out.csv", "--org-tree", "nosuch"),
    ("facts", "commits", "-o", "out.csv", "--developer", ""),
    ("facts", "commits", "-o", "out.csv", "--since", "nosuch"),
    ("facts", "commits", "-o", "out.csv", *TURNED),
    ("facts", "commits", "-o", "out.doc"),
    ("forecast", "--org-tree", "nosuch", "--remaining", "4"),
    ("forecast", "--team", "999", "--remaining", "4"),
    ("forecast", "--remaining", "4"),
    (*FORECAST, "--team", "1", "--remaining", "4"),
    (*FORECAST, "--remaining", "9999999"),
    (*FORECAST, "--remaining", "4", "--weeks", "0"),
    (*FORECAST, "--remaining", "4", "--runs", "0"),
    (*FORECAST, "--target", "2020-01-01"),
    ("import", "data/developers.zip"),
    ("import", "data/developers.csv", "--table", "nosuch"),
    ("import", "data/developers.csv", "--format", "nosuch"),
    ("import", "data/developers.csv", "--format", "jira-csv", "--table", "commits"),
    ("webhooks", "add", "nosuch", "--event", "export.failed"),
    ("webhooks", "add", "https://example.com/hook", "--event", "nosuch"),
    ("webhooks", "add", "https://example.com/hook", "--event", ""),
    (*GITHUB, ""),
    (*GITHUB, "a b"),
    (*GITHUB, "example", "--every", "never"),
    (*GITHUB, "example", "--name", ""),
    (*GITHUB, "example", "--token-env", "A", "--token-file", "B"),
    (*GITHUB, "example", "--app", "x y"),
    ("sources", "add", "jira", "SHOP"),
    ("sources", "add", "jenkins", "--url", "https://user:password@example.com"),
    ("sources", "add", "files", "https://example.com/nosuch.csv"),
    ("sync", "git", ""),
    ("sync", "git", "data", "--name", ""),
    ("sync", "git", "data", "other", "--name", "example/shop"),
    ("people", "forget", "nosuch", "--yes"),
    ("demo", "--developers", "9999999"),
    ("demo", "--until", "1800-01-01"),
    ("backup", "out.zip"),
    ("backup", ""),
    ("open", "--url", "nosuch"),
    ("mcp", "--team", "999"),
    ("mcp", "--team", ""),
    ("serve", "--port", "99999"),
    ("--home", "", "status"),
]

_SAID = re.compile(r"""(?<!\w)'[^']*'(?!\w)|"[^"]*\"""")
_OF_THE_API = re.compile(r"\b[a-z]+[A-Z]\w*|\b(?:scope|options|history)\.\w+")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, company_template: Path) -> Leadline:
    """``leadline`` on the small company's home, which no refusal changes."""
    folder = tmp_path_factory.mktemp("refused")
    shutil.copytree(company_template / "home", folder / "home")
    shutil.copytree(company_template / "data", folder / "cwd" / "data")
    (folder / "cwd" / "data" / "developers.zip").write_bytes(b"PK")
    return Leadline(folder / "home", folder / "cwd")


def stored(leadline: Leadline) -> tuple[list[str], list[str], list[str]]:
    """All that is in the database, the files of the lake, and those of the current folder."""
    with closing(sqlite3.connect(leadline.home / "leadline.db")) as database:
        rows = [line for line in database.iterdump() if 'INTO "locks"' not in line and 'INTO "leases"' not in line]
    files = [sorted(map(str, folder.rglob("*"))) for folder in (leadline.home / "projects", leadline.cwd)]
    return rows, [file for file in files[0] if "/cache" not in file], files[1]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_what_cannot_be_is_wrong_usage_and_said_once_in_the_words_of_the_command_line(
    shared: Leadline, words: tuple[str, ...]
) -> None:
    before = stored(shared)
    done = shared(*words, code=2)
    assert done.stdout == ""
    assert stored(shared) == before
    first, *further = [line for line in done.stderr.splitlines() if not line.startswith("next: ")]
    assert first.startswith("error: ")
    assert _OF_THE_API.findall(_SAID.sub("", done.stderr)) == []
    for line in further:
        assert line.startswith("  "), line
        assert line.partition(": ")[2] not in first
    assert len(set(further)) == len(further)


# -- for programs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "error", "message", "fields"),
    [
        (
            ("org", "show", "nosuch"),
            "Invalid TREE",
            'Invalid TREE: there is no org tree "nosuch"; it may be "Research"',
            ["TREE"],
        ),
        (
            ("settings", "--org-tree", "nosuch"),
            "Invalid --org-tree",
            'Invalid --org-tree: there is no org tree "nosuch"; it may be "Research"',
            ["--org-tree"],
        ),
        (
            (*PRODUCTIVITY, *ANCIENT),
            '--start: Invalid date: "0926-01-01"; years 1900 to 2999 are supported',
            None,
            ["--start", "--end"],
        ),
        ((*CHART, *TURNED), "--start (2026-03-31) must not be after --end (2026-01-01)", None, ["--start to --end"]),
        (
            (*PRODUCTIVITY, "--period", "last-9-years"),
            "--period has 3287 days; at most 1830 are allowed (setting exports.max_range_days)",
            None,
            ["--period"],
        ),
        (
            ("keys", "create", "--name", "", "--role", "viewer"),
            "A key cannot be named ''; it must be 1 to 255 characters",
            None,
            ["--name"],
        ),
        (
            (*FORECAST, "--remaining", "4", "--weeks", "0"),
            "--weeks must be at least 4, not 0",
            None,
            ["--weeks"],
        ),
        (("forecast", "--remaining", "4"), "--org-tree or --team is required", None, ["--org-tree, --team"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_programs_get_the_sentence_and_its_details_by_themselves(
    shared: Leadline, words: tuple[str, ...], error: str, message: str | None, fields: list[str]
) -> None:
    done = shared(*words, "--json", code=2)
    document = json.loads(done.stderr)
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert (document["status"], document["error"], document.get("message")) == ("failed", error, message)
    assert [detail["field"] for detail in document["details"]] == fields


# -- what is no wrong usage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRequest("x"), 2),
        (Unusable("x"), 1),
        (InvalidInput("x"), 1),
        (NotFound("x"), 1),
        (StoreError("x"), 1),
        (LeadlineError("x"), 1),
    ],
)
def test_only_what_another_command_line_would_mend_is_wrong_usage(error: LeadlineError, code: int) -> None:
    assert exit_code_of(error) == code


FAILED = [
    ("import", "nosuch"),
    ("import", "data/developers.csv", "--map", "nosuch.toml"),
    ("import", "data/developers.csv", "--map", "bad.toml"),
    ("org", "load", "nosuch.csv", "--name", "T"),
    ("settings", "--file", "nosuch.toml"),
    ("settings", "--file", "bad.toml"),
    ("schedules", "add", "nosuch.json"),
    ("schedules", "add", "bad.json"),
    ("keys", "revoke", "nosuch", "--yes"),
    ("schedules", "remove", "nosuch", "--yes"),
    ("webhooks", "test", "nosuch"),
    ("sources", "test", "nosuch"),
    ("sources", "add", "git", "nosuch"),
    ("sync",),
    ("sync", "git", "nosuch"),
    (*PRODUCTIVITY, *QUARTER, "--pins", "nosuch"),
    ("export", "productivity", *QUARTER, "-o", "nosuch/out.csv"),
    ("backup", "nosuch/out.tar"),
    ("--project", "nosuch", "status"),
    ("serve", "--host", "nosuch.invalid", "--port", "0"),
]


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (("serve", "--port", "abc"), {}, "'--port': 'abc' must be a whole number"),
        (("serve", "--port", "99999"), {}, "'--port': '99999' must be at most 65535"),
        (("serve",), {"LEADLINE_PORT": "abc"}, "LEADLINE_PORT: 'abc' must be a whole number"),
        (("serve",), {"LEADLINE_WORKERS": "-1"}, "LEADLINE_WORKERS: '-1' must be at least 0"),
        (("demo", "--developers", "1.5"), {}, "'--developers': '1.5' must be a whole number"),
        (("keys", "create", "--name", "x", "--role", "boss"), {}, "'--role': 'boss' is not one of"),
    ],
)
def test_a_number_that_cannot_be_is_told_with_where_it_was_said(
    shared: Leadline, words: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    refused = shared(*words, env=env, code=2)
    assert f"error: Invalid value for {said}" in refused.stderr
    assert "Input should" not in refused.stderr


@pytest.mark.parametrize("words", FAILED, ids=" ".join)
def test_what_is_not_there_or_cannot_be_used_failed(shared: Leadline, words: tuple[str, ...]) -> None:
    (shared.cwd / "bad.toml").write_text('nosuch = "x"\n')
    (shared.cwd / "bad.json").write_text('{"name": "x", "at": {"cron": "never"}}')
    done = shared(*words, code=1)
    assert (done.stdout, done.stderr[:7]) == ("", "error: ")


def test_what_a_file_says_is_called_as_it_says_it(shared: Leadline) -> None:
    (shared.cwd / "schedule.json").write_text(
        '{"name": "x", "at": {"cron": "0 6 1 * *"}, "export": "productivity",'
        ' "request": {"scope": {"orgTreeName": "nosuch"}, "dateRange": {"period": "last-month"}}}'
    )
    assert "Invalid orgTreeName" in shared("schedules", "add", "schedule.json", code=1).stderr


# -- where the server is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "options", "base"),
    [
        ({}, (), "http://127.0.0.1:8080"),
        ({"LEADLINE_PORT": "9000"}, (), "http://127.0.0.1:9000"),
        ({"LEADLINE_HOST": "0.0.0.0", "LEADLINE_PORT": "9000"}, (), "http://127.0.0.1:9000"),
        ({"LEADLINE_HOST": "::"}, (), "http://[::1]:8080"),
        ({"LEADLINE_HOST": "leadline.internal"}, (), "http://leadline.internal:8080"),
        ({"LEADLINE_PORT": "9000"}, ("--port", "9001"), "http://127.0.0.1:9001"),
        ({"LEADLINE_PORT": "9000"}, ("--url", "https://x.example/"), "https://x.example"),
    ],
)
def test_the_page_is_opened_where_the_server_listens(
    shared: Leadline, variables: dict[str, str], options: tuple[str, ...], base: str
) -> None:
    done = shared("open", "--print", *options, env=variables)
    assert done.stdout.startswith(f"{base}/sign-in?once=")


def test_a_port_that_cannot_be_is_refused_as_by_the_server(shared: Leadline) -> None:
    for command in ("open", "serve"):
        refused = shared(command, code=2, env={"LEADLINE_PORT": "nosuch"}).stderr
        assert "LEADLINE_PORT: 'nosuch' must be a whole number" in refused
