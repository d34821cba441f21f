"""``leadline init`` on a terminal, by options, refused, interrupted, and run again on a home that is half set up."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from stubs.every_tool import EVERY, Reached
from stubs.github import TOKEN, Hub
from stubs.github_data import member, repository, team
from stubs.server import serving

from .running import TABLES, Leadline, write_tables
from .terminal import CTRL_C, CTRL_D, on_terminal

ENV = {"GITHUB_TOKEN": TOKEN}
PEOPLE = """\
    email,full_name,manager_email,team
    cleo@example.com,Cleo,,Shop
    ada@example.com,Ada,cleo@example.com,Shop
    ben@example.com,Ben,cleo@example.com,Shop
    """


@pytest.fixture
def hub() -> Hub:
    shop = repository("acme/shop", 1, pulls=3, releases=1, deployments=1, runs=2)
    return Hub({"acme": [shop]}, members=[member(login, f"{login}@example.com") for login in ("ada", "ben", "cleo")])


@pytest.fixture
def url(hub: Hub) -> Iterator[str]:
    with serving(hub) as address:
        yield address


@pytest.fixture
def people(leadline: Leadline) -> Path:
    return write_tables(leadline.cwd, {"people": PEOPLE}) / "people.csv"


def test_by_options(leadline: Leadline, hub: Hub, url: str, people: Path) -> None:
    words = ("init", "--source", "github", "--target", "acme", "--url", url, "--people", "people.csv", "--tree", "Shop")
    done = leadline(*words, env=ENV)
    name = f"github:acme@{url[7:]}"
    own = f"$ leadline --home {leadline.home}"
    for line in (
        f"{own} sources add github acme --url {url}",
        f"{own} sources test {name}",
        f"{url[7:]} answers; 1 repositories of acme",
        f"{own} org load people.csv --name Shop",
        "Shop, version 1: 1 teams, 3 developers",
        f"{own} sync --source {name}",
        "3 pull_requests added",
        "serve",
        "http://127.0.0.1:8080",
    ):
        assert line in done.stdout
    assert "in part" in done.stdout or "there" in done.stdout
    assert leadline.rows()["pull_requests"] == 3
    (tree,) = leadline.json("org", "show")
    assert tree["orgTreeName"] == "Shop"
    asked = len(hub.requests)
    again = leadline(*words, env=ENV)
    assert "was read at" in again.stdout
    assert "version 1 (as before)" in again.stdout
    assert "sources add" not in again.stdout
    assert len(hub.requests) - asked < 5
    nothing = leadline("init", "--yes")
    assert "was read at" in nothing.stdout


def test_the_commands_it_shows_do_the_same(
    leadline: Leadline, hub: Hub, url: str, people: Path, tmp_path: Path
) -> None:
    (leadline.cwd / "token").write_text(TOKEN)
    words = ("--source", "github", "--target", "acme", "--url", url, "--token-file", "token", "--people", people)
    shown = [line for line in leadline("init", *words).stdout.splitlines() if line.startswith("$ leadline ")]
    assert len(shown) == 4
    by_hand = Leadline(tmp_path / "by-hand", leadline.cwd)
    for line in shown:
        by_hand(*line.removeprefix(f"$ leadline --home {leadline.home} ").split())
    assert by_hand.rows() == leadline.rows()
    assert by_hand.json("sources", "list")[0]["token"] == leadline.json("sources", "list")[0]["token"]
    assert by_hand.json("org", "show", "--people") == leadline.json("org", "show", "--people")


def test_asked_at_a_terminal(leadline: Leadline, hub: Hub, url: str, people: Path) -> None:
    with on_terminal(leadline, "init") as terminal:
        terminal.answer("Tool (", "githup")
        terminal.answer("one of git, ", "")
        terminal.answer("ORG[/PATTERN]", "acme")
        terminal.answer("URL", url)
        terminal.answer("Token (is not shown)", "ghp_wrong")
        terminal.until("Bad credentials")
        terminal.answer("Tool", "")
        terminal.answer("[acme]", "")
        terminal.answer(f"[{url}]", "")
        terminal.answer("Token (is not shown)", TOKEN)
        terminal.until("answers; 1 repositories of acme")
        terminal.answer("List of people", "nobody.csv")
        terminal.answer("[Engineering]", "")
        terminal.until("error: ")
        terminal.answer("List of people", "people.csv")
        terminal.answer("[Engineering]", "Shop")
        terminal.until("$ leadline")
        terminal.until("reviews added")
        terminal.until("What the numbers need")
        terminal.until("a link that signs you in")
        assert terminal.ended() == 0
    assert TOKEN not in terminal.text
    assert "ghp_wrong" not in terminal.text
    secrets = leadline.home / "projects" / "default" / "default" / "secrets"
    (kept,) = secrets.iterdir()
    assert kept.read_text().strip() == TOKEN
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert "nothing new" in leadline("sync").stdout


def test_the_teams_of_the_tool(leadline: Leadline, hub: Hub, url: str) -> None:
    hub.teams = [team("web", "ada", "ben")]
    done = leadline("init", "--source", "github", "--target", "acme", "--url", url, "--teams", "--yes", env=ENV)
    assert "org from-teams github:acme -o teams.json" in done.stdout
    (tree,) = leadline.json("org", "show")
    assert [(one["name"], one["developers"]) for one in tree["teams"]][-1] == ("Web", 2)


def test_teams_that_there_are_not(leadline: Leadline, hub: Hub, url: str) -> None:
    words = ("init", "--source", "github", "--target", "acme", "--url", url, "--teams")
    done = leadline(*words, code=1, env=ENV)
    assert "No team of github:acme" in done.stderr
    assert "leadline org load FILE --name TREE" in done.stdout


def test_nobody_to_ask_is_one_sentence_and_no_home(leadline: Leadline) -> None:
    done = leadline.process("init", code=2)
    assert "Nothing is asked here, so init needs --source KIND, --target NAME, --people FILE or --teams" in done.stderr
    assert "Invalid value" not in done.stderr
    part = leadline("init", "--source", "jira", "--people", "x.csv", "--yes", code=2)
    assert "--url URL, --token-file FILE (or the variable JIRA_TOKEN)" in part.stderr
    assert "--source" in leadline("init", "--source", "svn", code=2).stderr
    assert "user=USER" in leadline("init", "--source", "jira", "--option", "who=me", code=2).stderr
    both = leadline("init", "--people", "x.csv", "--teams", code=2)
    assert "one place" in both.stderr
    assert not leadline.home.exists()


def test_what_is_refused_changes_nothing_and_can_be_mended(leadline: Leadline, url: str, people: Path) -> None:
    words = ("init", "--source", "github", "--target", "acme", "--people", "people.csv", "--url")
    wrong = leadline(*words, url, code=1, env={"GITHUB_TOKEN": "ghp_wrong"})
    assert "refuses the token from the variable GITHUB_TOKEN" in wrong.stderr
    silent = leadline(*words, "http://nowhere.invalid", code=2, env=ENV)
    assert "nowhere.invalid" in silent.stderr
    assert leadline.json("sources", "list") == []
    (leadline.cwd / "people.csv").write_text("email,full_name\nada@example.com,Ada\n")
    bad = leadline(*words, url, code=1, env=ENV)
    assert "manager_email" in bad.stderr
    assert len(leadline.json("sources", "list")) == 1
    write_tables(leadline.cwd, {"people": PEOPLE})
    assert "3 pull_requests added" in leadline(*words, url, env=ENV).stdout


@pytest.mark.parametrize("kind", EVERY)
def test_every_tool(leadline: Leadline, kind: str, people: Path) -> None:
    with EVERY[kind]() as tool:
        reached: Reached = tool
        words = [word for target in reached.targets for word in ("--target", target)]
        for flag, value in zip(reached.options[::2], reached.options[1::2], strict=True):
            words += (flag, value) if flag == "--url" else ("--option", f"{flag[2:]}={value}")
        done = leadline(
            "init", "--source", kind, *words, "--people", people, "--yes", env={reached.variable: reached.secret}
        )
    assert leadline.rows()[reached.table] == reached.rows
    assert "there    Org tree" in done.stdout


def test_names_with_blanks_and_half_a_quote(leadline: Leadline) -> None:
    with EVERY["pagerduty"]() as tool, on_terminal(leadline, "init", env={tool.variable: tool.secret}) as terminal:
        terminal.answer("Tool (", "pagerduty")
        terminal.answer("SERVICE", "'Shop and more")
        terminal.until("a quote lacks its other half")
        terminal.answer("SERVICE", "Shop 'Shop*'")
        terminal.answer("URL", "http://nowhere.invalid")
        terminal.until("error: ")
        terminal.answer("[pagerduty]", "")
        terminal.answer("[Shop 'Shop*']", "")
        terminal.answer("[http://nowhere.invalid]", tool.options[1])
        terminal.answer("Enter: as before, from PAGERDUTY_TOKEN", "")
        terminal.until("sources add pagerduty Shop 'Shop*'")
        terminal.answer("List of people", "")
        terminal.until("a link that signs you in")
        assert terminal.ended() == 0
    assert leadline.rows()["incidents"] == 3


def test_a_source_that_reads_something_else_has_a_name_of_its_own(leadline: Leadline, url: str, people: Path) -> None:
    words = ("init", "--source", "github", "--url", url, "--people", "people.csv", "--target")
    leadline(*words, "acme", env=ENV)
    leadline(*words, "acme/shop", env=ENV)
    names = re.findall(r"^github:(acme[^@ ]*)@", leadline("sources", "list").stdout, re.MULTILINE)
    assert sorted(names) == ["acme", "acme/shop"]


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_given_up_at_a_question(leadline: Leadline, key: str) -> None:
    with on_terminal(leadline, "init") as terminal:
        terminal.until("Tool (")
        terminal.until(": ")
        code = terminal.ended(key)
    assert code == (130 if key == CTRL_C else 1)
    assert ("next: run `leadline init` again" in terminal.text) == (key == CTRL_C)
    assert "Traceback" not in terminal.text


def test_interrupted_in_the_middle_of_the_first_sync(leadline: Leadline, hub: Hub, url: str, people: Path) -> None:
    hub.owners["acme"] = [repository(f"acme/r{at}", at, pulls=30) for at in range(4)]
    with on_terminal(leadline, "init", env=ENV) as terminal:
        terminal.answer("Tool (", "github")
        terminal.answer("ORG[/PATTERN]", "acme")
        terminal.answer("URL", url)
        terminal.until("in the variable GITHUB_TOKEN")
        terminal.answer("List of people", "people.csv")
        terminal.answer("[Engineering]", "")
        hub.latency = 0.3
        terminal.until("sync --source")
        terminal.until("records")
        terminal.type(CTRL_C)
        assert terminal.ended() == 130
    assert "next: run `leadline init` again; it goes on from there" in terminal.text
    hub.latency = 0
    with on_terminal(leadline, "init", env=ENV) as terminal:
        terminal.until("sync --source")
        terminal.until("What the numbers need")
        assert terminal.ended() == 0
    assert "Tool (" not in terminal.text
    assert "List of people" not in terminal.text
    assert leadline.rows()["pull_requests"] == 120


def test_a_home_of_files_is_asked_for_no_source(leadline: Leadline) -> None:
    write_tables(leadline.cwd / "data", TABLES)
    leadline("import", "data")
    with on_terminal(leadline, "init") as terminal:
        terminal.answer("List of people", "data/developers.csv")
        terminal.answer("[Engineering]", "")
        terminal.until("What the numbers need")
        assert terminal.ended() == 0


def test_the_home_is_asked_for_where_nothing_says_it(leadline: Leadline, tmp_path: Path) -> None:
    leadline.home = tmp_path / "elsewhere"
    write_tables(leadline.cwd / "data", TABLES)
    command = [word for word in leadline.command("init") if word not in ("--home", str(leadline.home))]
    leadline.command = lambda *_: command  # type: ignore[method-assign]
    with on_terminal(leadline, env={"XDG_DATA_HOME": str(tmp_path / "share")}) as terminal:
        terminal.answer(str(tmp_path / "share" / "leadline")[:20], str(leadline.home))
        terminal.until("Tool (")
        assert terminal.ended(CTRL_C) == 130
    assert leadline.home.is_dir()
    assert not (tmp_path / "share").exists()
