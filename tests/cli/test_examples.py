"""Every example that a ``--help`` shows runs as printed, on a demo home with the files that the examples name."""

from __future__ import annotations

import re
import shlex
import signal
import urllib.request
from collections.abc import Iterator

from typer.main import get_command

from github_data import repository as repository_at_hub
from github_stub import TOKEN, Hub, serving
from leadline.cli.app import ORDER, app

from .running import Leadline, write_tables
from .test_sync import repository


def examples(command: object) -> Iterator[list[str]]:
    """The words of each example of a command and of those below it, without ``leadline``, groups last."""
    children = getattr(command, "commands", {})
    for name in sorted(children, key=lambda name: ORDER.index(name) if name in ORDER else -1):
        yield from examples(children[name])
    text = (getattr(command, "epilog", None) or "").partition("Example:\n")[2].replace("\\\n", " ")
    for line in text.splitlines():
        program, *words = shlex.split(line)
        assert program == "leadline"
        yield words


AFTER = [["sync"], ["sources", "test"], ["sources", "remove"]]


def last(words: list[str]) -> int:
    """What needs a configured source comes after adding it, and removing it in the end."""
    return AFTER.index(words[:2]) + 1 if words[:2] in AFTER else 0


def at_hub(words: list[str], url: str, before: list[list[str]]) -> list[str]:
    """The same words, but for the GitHub that is meant. The first source keeps the name that the examples call it by."""
    if words[:2] == ["sync", "github"]:
        return [*words, "--url", url]
    if words[:3] == ["sources", "add", "github"]:
        added = sum(each[:3] == words[:3] for each in before)
        several = any(word.startswith("other") for word in words)
        name = "github:example" if added == 1 else f"another-{added}"
        return [*words, "--url", url, *([] if several else ["--name", name])]
    return words


def test_every_example_runs(leadline: Leadline) -> None:
    owners = ("example", "other")
    hub = Hub({name: [repository_at_hub(f"{name}/web-shop", place, pulls=1)] for place, name in enumerate(owners, 1)})
    with serving(hub) as url:
        run_all(leadline, url)


def run_all(leadline: Leadline, url: str) -> None:
    write_tables(leadline.cwd / "data")
    for name in ("developers", "pull_requests"):
        (leadline.cwd / f"{name}.csv").write_bytes((leadline.cwd / "data" / f"{name}.csv").read_bytes())
    (leadline.cwd / "settings.toml").write_text('timezone = "Europe/Paris"\n')
    repository(leadline.cwd / "shop")
    seen: list[list[str]] = []
    for words in sorted(examples(get_command(app)), key=last):
        if words in seen:
            continue
        seen.append(words)
        if words[0] in ("serve", "worker"):
            runs_until_ctrl_c(leadline, words)
            continue
        if words[:2] == ["keys", "revoke"]:  # the id is of the reader's own key
            words[2] = leadline.json("keys", "list")[0]["id"]
        leadline(*at_hub(words, url, seen), env={"GITHUB_TOKEN": TOKEN})
    assert len(seen) > 25
    assert leadline.rows()["pull_requests"] > 50
    assert (leadline.cwd / "q1.csv").stat().st_size > 1000


def runs_until_ctrl_c(leadline: Leadline, words: list[str]) -> None:
    # Another port than the printed one: the tests of other processes may have that.
    port = ["--port", "0"] if words[0] == "serve" else []
    process = leadline.start(*words, *port)
    ready = process.stdout if words[0] == "serve" else process.stderr
    assert ready is not None
    line = ready.readline().decode()
    if words[0] == "serve":
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert address, line
        with urllib.request.urlopen(f"{address.group()}/healthz", timeout=120) as answer:
            assert answer.status == 200
    else:
        assert "export worker" in line
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    assert b"Traceback" not in errors
