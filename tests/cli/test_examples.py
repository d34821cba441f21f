"""Every example that a ``--help`` shows runs as printed, on a demo home with the files that the examples name."""

from __future__ import annotations

import json
import re
import shlex
import signal
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from subprocess import Popen

import pytest
from typer.main import get_command

from leadline.cli.app import app
from stubs.every_tool import EVERY, Reached

from .running import Leadline, write_tables
from .test_sync import repository


def examples(command: object) -> Iterator[list[str]]:
    """The words of each example of a command and of those below it, without ``leadline``, groups last."""
    for child in getattr(command, "commands", {}).values():
        yield from examples(child)
    text = (getattr(command, "epilog", None) or "").partition("Example:\n")[2].replace("\\\n", " ")
    for line in text.splitlines():
        program, *words = shlex.split(line)
        assert program == "leadline"
        yield words


SCHEDULE = {
    "name": "monthly",
    "export": "productivity",
    "request": {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"period": "previous_month"},
        "options": {"granularity": "monthly"},
    },
    "at": {"cron": "0 6 1 * *", "timezone": "Europe/Berlin"},
}
ENDING = [["schedules", "remove"], ["webhooks", "remove"]]
AFTER = [*ENDING, ["init"], ["sync"], ["sources", "test"], ["sources", "remove"], ["people", "forget"]]


def last(words: list[str]) -> int:
    """What fills a home comes after the demo, what needs a configured source after adding it, and removing it in the end."""
    first = words[:1] if words[0] == "init" else [word for word in words[:2] if not word.startswith("--")]
    return AFTER.index(first) + 1 if first in AFTER else 0


def at_stubs(words: list[str], tools: Mapping[str, Reached], before: list[list[str]]) -> list[str]:
    """The same words, but for the tool that answers. The first source of a kind keeps the name that the examples call it by."""
    adding = words[:2] == ["sources", "add"]
    kind = words[2] if adding else words[1] if words[0] == "sync" and len(words) > 1 else ""
    if words[0] == "init":
        kind = words[words.index("--source") + 1]
    if kind not in tools:
        return words
    tool = tools[kind]
    options = dict(zip(tool.options[::2], tool.options[1::2], strict=True))
    found = [*words]
    for place, word in enumerate(words):
        if word in options:
            found[place + 1] = options[word]
        elif word.startswith("https://data.example.com/"):
            found[place] = word.replace("https://data.example.com", tool.targets[0].rpartition("/")[0])
    found += [part for option, value in options.items() if option not in words for part in (option, value)]
    if adding and not any(word.startswith("other") for word in words):
        added = sum(each[:3] == words[:3] for each in before)
        found += ["--name", f"{kind}:example" if added == 1 else f"{kind}-{added}"]
    return found


@pytest.mark.slow
def test_every_example_runs(leadline: Leadline) -> None:
    with ExitStack() as stack:
        run_all(leadline, {kind: stack.enter_context(made()) for kind, made in EVERY.items()})


def run_all(leadline: Leadline, tools: Mapping[str, Reached]) -> None:
    secrets = {tool.variable: tool.secret for tool in tools.values()}
    write_tables(leadline.cwd / "data")
    for name in ("developers", "pull_requests"):
        (leadline.cwd / f"{name}.csv").write_bytes((leadline.cwd / "data" / f"{name}.csv").read_bytes())
    (leadline.cwd / "settings.toml").write_text('timezone = "Europe/Paris"\n')
    (leadline.cwd / "monthly.json").write_text(json.dumps(SCHEDULE))
    (leadline.cwd / "jira.csv").write_text("Issue key,Summary\nSHOP-901,Basket totals\n")
    repository(leadline.cwd / "shop")
    seen: list[list[str]] = []
    for words in sorted(examples(get_command(app)), key=last):
        if words in seen:
            continue
        seen.append(words)
        assert not any(word.startswith(("/", "~")) for word in words), (
            f"{words} would reach outside the folder of the test"
        )
        if words[0] in ("serve", "worker"):
            runs_until_ctrl_c(leadline, words)
            continue
        if words[0] == "mcp":  # which ends with its input, and its process
            leadline.process(*words)
            continue
        if words[0] == "open":
            opens_what_is_served(leadline)
            continue
        if words[:2] == ["webhooks", "test"]:  # which would reach out of this machine
            continue
        if words[:2] in (["keys", "revoke"], ["keys", "limit"]):  # the id is of the reader's own key
            words[2] = leadline.json("keys", "list")[0]["id"]
        if words[0] in ("schedules", "webhooks") and len(words) > 2 and words[1] not in ("add", "list"):
            words[2] = leadline.json(words[0], "list")[0]["id"]
        leadline(*at_stubs(words, tools, seen), env=secrets)
    assert len(seen) > 25
    assert leadline.rows()["pull_requests"] > 50
    assert (leadline.cwd / "productivity.csv").stat().st_size > 1000


def runs_until_ctrl_c(leadline: Leadline, words: list[str]) -> None:
    if words[0] == "serve":
        process, address = served(leadline, words)
        with urllib.request.urlopen(f"{address}/healthz", timeout=120) as answer:
            assert answer.status == 200
    else:
        process = leadline.start(*words)
        assert process.stderr is not None
        assert "export worker" in process.stderr.readline().decode()
    ended(process)


def opens_what_is_served(leadline: Leadline) -> None:
    process, address = served(leadline, ["serve"])
    done = leadline("open", "--url", address, env={"BROWSER": "true"})
    assert f"{address}/sign-in?once=" in done.stdout + done.stderr
    ended(process)


def served(leadline: Leadline, words: list[str]) -> tuple[Popen[bytes], str]:
    """A server, and its address. Another port than the printed one: the tests of other processes may have that."""
    process = leadline.start(*words, "--port", "0")
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    address = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert address, line
    return process, address.group()


def ended(process: Popen[bytes]) -> None:
    """End it as Ctrl-C does."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    assert b"Traceback" not in errors
