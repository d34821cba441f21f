"""What holds for every command: short flags, being quiet or talkative, errors for programs, completion in a shell."""

from __future__ import annotations

import json
import logging
import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from leadline.cli.app import app
from leadline.cli.narration import TOLD, narrate
from leadline.cli.output import quiet

from .running import Leadline, environment, write_tables
from .test_help import command_paths


@pytest.mark.parametrize("path", command_paths(), ids=" ".join)
def test_help_has_a_short_flag_everywhere(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for flag in ("-h", "--help"):
        assert app([*path, flag], prog_name="leadline", standalone_mode=False) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


def test_quiet_leaves_results_and_errors(leadline: Leadline) -> None:
    made = leadline.process("--quiet", "keys", "create", "--name", "n", "--role", "viewer")
    assert (made.stdout.startswith("ll_"), made.stderr) == (True, "")
    refused = leadline.process("-q", "keys", "revoke", "nothing", "--yes", code=1)
    assert refused.stderr.startswith("error: ")


def test_quiet_and_verbose_may_stand_after_the_command(leadline: Leadline) -> None:
    made = leadline.process("keys", "create", "--name", "n", "--role", "viewer", "--quiet")
    assert (made.stdout.startswith("ll_"), made.stderr) == (True, "")
    write_tables(leadline.cwd / "company")
    assert "pull_requests: version 1" in leadline.process("import", "company", "-v").stderr
    refused = leadline.process("keys", "revoke", "--yes", "--", "-q", code=1)
    assert "'-q'" in refused.stderr


PATHS = command_paths()
GROUPS = {path[:-1] for path in PATHS if path}


@pytest.mark.parametrize("path", [path for path in PATHS if path not in GROUPS], ids=" ".join)
@pytest.mark.parametrize("voice", ["-q", "-v"])
def test_every_command_takes_it_and_tells_programs_of_errors(
    leadline: Leadline, path: tuple[str, ...], voice: str
) -> None:
    said = leadline(*path, voice, "--nothing", "--json", code=2)
    document = json.loads(said.stderr)
    assert document["status"] == "failed"
    assert "No such option: --nothing" in document["error"]
    assert (said.stdout, said.stderr.count("\n"), leadline.home.exists()) == ("", 1, False)


def test_quiet_shows_no_progress_on_a_terminal(leadline: Leadline) -> None:
    write_tables(leadline.cwd / "company")
    said = {option: _on_a_terminal(leadline, *option, "import", "company") for option in ((), ("-q",))}
    assert said["-q",] == b""
    assert b"\x1b[" in said[()]


def test_verbose_tells_what_is_stored_and_computed(leadline: Leadline) -> None:
    write_tables(leadline.cwd / "company")
    told = leadline.process("-v", "import", "company").stderr
    assert "pull_requests: version 1, import pull_requests.csv" in told
    plain = leadline.process("org", "load", "company/developers.csv", "--name", "Company").stderr
    assert "version" not in plain
    asked = ("--org-tree", "Company", "--start", "2026-01-01", "--end", "2026-02-28", "-o", "out.csv")
    told = leadline.process("-v", "export", "productivity", *asked).stderr
    assert "pull_requests: computed by DuckDB in " in told


def test_verbose_and_quiet_are_not_both(leadline: Leadline) -> None:
    assert "--verbose" in leadline.process("-q", "-v", "status", code=2).stderr
    assert not leadline.home.exists()


def test_what_is_told_of_an_address_holds_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("httpx")
    narrate()
    log.info('HTTP Request: GET https://me:hidden@example.com/a/b?sig=secret&x=1 "200 OK"\x1b[2J')
    told = capsys.readouterr().err
    assert "GET https://example.com/a/b?…" in told
    assert not [hidden for hidden in ("hidden", "secret", "\x1b") if hidden in told]


@pytest.mark.parametrize(
    ("arguments", "code", "error", "exit_code"),
    [
        (("status", "--json", "--nothing"), "invalid_request", "No such option: --nothing", 2),
        (("keys", "revoke", "nothing", "--yes", "--json"), "unknown_key", "nothing", 1),
        (("settings", "nothing", "--json"), "unknown_setting", "nothing", 2),
    ],
)
def test_an_error_is_one_line_of_json_for_programs(
    leadline: Leadline, arguments: tuple[str, ...], code: str, error: str, exit_code: int
) -> None:
    leadline("settings", "timezone", "UTC")  # which makes the home
    said = leadline.process(*arguments, code=exit_code)
    document = json.loads(said.stderr)
    assert document["status"] == "failed"
    assert document["code"] == code
    assert error in document["error"]
    assert (said.stdout, said.stderr.count("\n")) == ("", 1)


def test_a_shell_completes_commands_and_options(leadline: Leadline) -> None:
    def completed(*words: str) -> list[str]:
        given = {
            "_LEADLINE_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        done = subprocess.run(
            [sys.executable, "-m", "leadline.cli.main"],
            capture_output=True,
            text=True,
            check=True,
            env=environment(given),
            cwd=leadline.cwd,
        )
        return done.stdout.split()

    assert completed("leadline", "exp") == ["export"]
    assert completed("leadline", "export", "pro") == ["productivity"]
    assert "--granularity" in completed("leadline", "export", "productivity", "--gr")
    # It is asked for in a shell, which is found among the processes above.
    in_shell = ["bash", "-c", f"{shlex.quote(sys.executable)} -m leadline.cli.main --show-completion; exit $?"]
    shown = subprocess.run(in_shell, capture_output=True, text=True, check=True, env=environment({}), cwd=leadline.cwd)
    assert "leadline" in shown.stdout
    assert not leadline.home.exists()


def test_serve_takes_where_it_listens_from_the_environment(leadline: Leadline) -> None:
    said = leadline.process("serve", code=2, env={"LEADLINE_PORT": "http"})
    assert "LEADLINE_PORT: 'http' must be a whole number" in said.stderr
    assert not leadline.home.exists()


def _on_a_terminal(leadline: Leadline, *arguments: str) -> bytes:
    """What the command writes on a terminal of 80 columns beside its results."""
    ours, theirs = pty.openpty()
    given = environment({"COLUMNS": "80", "TERM": "xterm"})
    process = leadline.start(*arguments, stdout=subprocess.DEVNULL, stderr=theirs, env=given)
    os.close(theirs)
    said = b""
    with (
        os.fdopen(ours, "rb", buffering=0) as terminal,
        suppress(OSError),
    ):  # an error ends it: nobody has the terminal any more
        while some := terminal.read(65536):
            said += some
    assert process.wait(60) == 0
    return said


@pytest.fixture(autouse=True)
def _talks_again() -> Iterator[None]:
    """What a command of the test's process was told is no matter to the next."""
    yield
    quiet(False)
    for name in TOLD:
        log = logging.getLogger(name)
        log.handlers, log.propagate = [], True
        log.setLevel(logging.NOTSET)


def test_no_home_is_no_folder(leadline: Leadline, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leadline.cli.main", "--home", "", "status"],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "--home" in done.stderr
    assert not list(tmp_path.glob("leadline.db*"))
