"""Which tree is in force when: by default from the day it is loaded, the first one always; and what a load of an earlier or a later
day changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadline.db import settings
from leadline.errors import InvalidInput, InvalidRequest, StoreError
from leadline.home import Home, Project
from leadline.people import BEGINNING, history, load_org, tree, trees
from leadline.people.arrow import everybody, everybody_digest, people
from leadline.people.history import InForce, day_of

from .files import NOW

JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))


@pytest.fixture
def project(database_project: Project) -> Project:
    """The project of these tests, once on each kind of database."""
    return database_project


def load(project: Project, folder: Path, *teams: str, since: date | None = None, now: datetime = NOW) -> InForce:
    """Load a tree of Ada, who manages the leads of ``teams``, each with one report; the version that it becomes."""
    rows = ["email,full_name,manager_email,team", "ada@example.com,Ada,,"]
    for team in teams:
        lead = f"{team.lower()}@example.com"
        rows += [f"{lead},Lead {team},ada@example.com,{team}", f"dev-{lead},Dev {team},{lead},{team}"]
    path = folder / "people.csv"
    path.write_text("\n".join(rows))
    loaded = load_org(project, path, "Acme", now=now, since=since)
    return next(entry for entry in history(project, "Acme") if entry.version == loaded.version)


def days(project: Project, newest: int | None = None) -> list[tuple[int, date, date | None]]:
    return [(entry.version, entry.start, entry.end) for entry in history(project, "Acme", newest)]


def teams(project: Project, day: date) -> str:
    return " ".join(node.name for node in tree(project, "Acme", day=day).nodes[1:])


def test_the_first_tree_is_in_force_from_the_beginning_the_next_from_the_day_it_is_loaded(
    project: Project, tmp_path: Path
) -> None:
    load(project, tmp_path, "A")
    assert days(project) == [(1, BEGINNING, None)]
    load(project, tmp_path, "A", "B", now=datetime(2026, 2, 15, 12, tzinfo=UTC))
    assert days(project) == [(1, BEGINNING, date(2026, 2, 14)), (2, date(2026, 2, 15), None)]
    assert (teams(project, date(2026, 2, 14)), teams(project, date(2026, 2, 15))) == ("A", "A B")


def test_the_day_is_local(project: Project, tmp_path: Path) -> None:
    settings.put(project.db, project.id, {"timezone": "Asia/Tokyo"})
    load(project, tmp_path, "A")
    assert load(project, tmp_path, "B", now=datetime(2026, 2, 14, 15, tzinfo=UTC)).start == date(2026, 2, 15)
    settings.put(project.db, project.id, {"timezone": "America/New_York"}, "Acme")  # in force for the tree
    assert load(project, tmp_path, "C", now=datetime(2026, 3, 1, 4, 59, tzinfo=UTC)).start == date(2026, 2, 28)


def test_a_load_of_the_same_day_corrects_what_was_in_force_from_it_until_the_next_tree(
    project: Project, tmp_path: Path
) -> None:
    load(project, tmp_path, "A")
    load(project, tmp_path, "B", since=MARCH)
    load(project, tmp_path, "C", since=FEBRUARY)
    assert [teams(project, day) for day in (JANUARY, FEBRUARY, MARCH)] == ["A", "C", "B"]
    load(project, tmp_path, "D", since=FEBRUARY)
    load(project, tmp_path, "E", since=BEGINNING)
    assert [teams(project, day) for day in (JANUARY, FEBRUARY, MARCH)] == ["E", "D", "B"]
    assert days(project) == [
        (5, BEGINNING, date(2026, 1, 31)),
        (4, FEBRUARY, date(2026, 2, 28)),
        (2, MARCH, None),
    ]
    # A version's number says what was in force when as of it: exports that are pinned to it can be repeated.
    assert [version for version, *_ in days(project, 3)] == [1, 3, 2]


def test_a_tree_of_a_day_to_come_is_in_force_then(project: Project, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    load(project, tmp_path, "A")
    load(project, tmp_path, "B", since=today + timedelta(days=30))
    assert tree(project, "Acme").version == 1
    assert trees(project)[0].version == 2
    assert teams(project, today + timedelta(days=30)) == "B"


def test_before_the_first_day_of_the_first_tree_it_is_shown_all_the_same(project: Project, tmp_path: Path) -> None:
    load(project, tmp_path, "A", since=MARCH)
    assert days(project) == [(1, MARCH, None)]
    assert teams(project, JANUARY) == "A"


def test_what_is_in_force_already_makes_no_new_version(project: Project, tmp_path: Path) -> None:
    load(project, tmp_path, "A")
    load(project, tmp_path, "B", since=FEBRUARY)
    assert load(project, tmp_path, "B", since=MARCH).version == 2
    assert load(project, tmp_path, "A", since=JANUARY).version == 1
    assert len(days(project)) == 2
    # The former tree is in force again: that is something new.
    assert load(project, tmp_path, "A", since=MARCH).version == 3
    assert [teams(project, day) for day in (JANUARY, FEBRUARY, MARCH)] == ["A", "B", "A"]


def test_a_refused_file_changes_nothing(project: Project, tmp_path: Path) -> None:
    load(project, tmp_path, "A")
    path = tmp_path / "bad.csv"
    path.write_text("email,full_name,manager_email\nada@example.com,Ada,eve@example.com\n")
    with pytest.raises(InvalidInput):
        load_org(project, path, "Acme", now=NOW, since=MARCH)
    assert days(project) == [(1, BEGINNING, None)]


def test_ref_ids_are_those_of_the_node_whatever_day_is_corrected(project: Project, tmp_path: Path) -> None:
    nested = tmp_path / "tree.json"

    def loaded(key: str | None, since: date) -> int:
        named = f'"key": "{key}", ' if key else ""
        nested.write_text(
            f'{{"name": "Acme", "manager": "ada@example.com", "children": [{{{named}"name": "A", '
            '"manager": "ben@example.com", "members": ["cyd@example.com"]}]}'
        )
        return load_org(project, nested, "Acme", now=NOW, since=since).tree.nodes[1].ref_id

    first = loaded(None, BEGINNING)
    assert loaded("team_a", FEBRUARY) == first
    assert loaded(None, JANUARY) == first
    assert loaded("team_a", MARCH) == first
    assert tree(project, "Acme", day=FEBRUARY).find("team_a") is not None
    assert tree(project, "Acme", day=JANUARY).find("team_a") is None


def test_everybody_who_ever_was_here_is_somebody(project: Project, tmp_path: Path) -> None:
    load(project, tmp_path, "A")
    load(project, tmp_path, "B", since=FEBRUARY)
    table = people(everybody(project, {"Acme": 2}))
    assert table["email"].to_pylist() == [
        "a@example.com",
        "ada@example.com",
        "b@example.com",
        "dev-a@example.com",
        "dev-b@example.com",
    ]
    state = everybody_digest(project, {"Acme": 2})
    load(project, tmp_path, "A", since=MARCH)  # other teams, nobody new
    assert everybody_digest(project, {"Acme": 3}) == state[::-1]
    assert everybody_digest(project, {"Acme": 1}) == state[1:]


def test_trees_stored_by_earlier_releases_are_in_force_from_the_beginning(project: Project, tmp_path: Path) -> None:
    load(project, tmp_path, "A")
    load(project, tmp_path, "B", since=MARCH)
    with project.db.write() as connection:  # as they are when the columns came
        connection.execute(sa.text("UPDATE org_tree_versions SET from_day = NULL, people_hash = NULL"))
    with Home.open(project.home.path) as home:
        again = home.project()
        assert days(again) == [(2, BEGINNING, None)]
        assert teams(again, JANUARY) == "B"
        assert everybody_digest(again, {"Acme": 2}) != []


def test_a_version_that_never_was_is_gone(project: Project, tmp_path: Path) -> None:
    load(project, tmp_path, "A")
    with pytest.raises(StoreError, match="Version 7"):
        history(project, "Acme", 7)


@pytest.mark.parametrize("text", ["", "2026-2-1", "2026-02-30", "1026-02-01", "yesterday", "2026-02-01T00", "20260201"])
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(InvalidRequest, match="yyyy-MM-dd") as refused:
        day_of(text, "from")
    assert refused.value.details[0].field == "from"


def test_days_are_read() -> None:
    assert (day_of(" 2026-02-01 ", "from"), day_of("Beginning", "from")) == (FEBRUARY, BEGINNING)


def test_versions_of_a_tree_share_what_they_have_in_common(project: Project, tmp_path: Path) -> None:
    """A company of thousands has a list every month: all of them lie in memory while an export runs."""
    load(project, tmp_path, "A", "C")
    load(project, tmp_path, "A", "B", since=MARCH)
    before, after = (tree(project, "Acme", day=day) for day in (JANUARY, MARCH))
    assert after.developers["a@example.com"] is before.developers["a@example.com"]
    assert after.find("2") is before.find("2") is not None
    assert {node.name for node in after.nodes} == {"Acme", "A", "B"}
    assert "b@example.com" not in before.developers
    assert after == tree(project, "Acme", 2)
