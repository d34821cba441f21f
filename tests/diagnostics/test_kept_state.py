"""The state that follows from the data is kept, and found anew as soon as anything that it follows from is another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from leadline.db import settings
from leadline.diagnostics import of_data as kept
from leadline.diagnostics.of_data import OfData, Unreadable, of_data
from leadline.home import Project
from leadline.permissions import private
from metrics.world import deliver, load_people, rows_of

PEOPLE = """
email,           full_name, manager_email
lea@example.com, Lea Berg,
ann@example.com, Ann Gross, lea@example.com
"""
COMMITS = """
repository, sha,      author_email,    authored_at
o/r,        aaaa0001, ann@example.com, 2026-01-05T00:00Z
o/r,        aaaa0002, who@example.org, 2026-01-05T00:00Z
"""


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[OfData]:
    """What was computed, not read."""
    found: list[OfData] = []
    compute = kept._computed

    def counted(project: Project) -> OfData:
        found.append(compute(project))
        return found[-1]

    monkeypatch.setattr(kept, "_computed", counted)
    return found


@pytest.fixture
def team(project: Project, tmp_path: Path) -> Project:
    load_people(project, rows_of("developers", PEOPLE), tmp_path)
    deliver(project, "commits", rows_of("commits", COMMITS))
    return project


def test_the_same_data_are_looked_at_once_and_said_the_same(team: Project, computed: list[OfData]) -> None:
    first = of_data(team)
    again = of_data(team)
    assert again == first
    assert len(computed) == 1
    assert isinstance(again.tables, list)
    assert not isinstance(again.unmatched, Unreadable)
    assert again.unmatched.accounts == 1


def more_rows(project: Project, folder: Path) -> None:
    more = COMMITS.replace("aaaa", "bbbb")
    deliver(project, "commits", rows_of("commits", more))


def other_people(project: Project, folder: Path) -> None:
    load_people(project, rows_of("developers", PEOPLE.replace("ann@example.com,", "who@example.org,")), folder)


def a_setting(project: Project, folder: Path) -> None:
    settings.put(project.db, project.id, {"bots": "who@example.org"})


def a_setting_of_a_tree(project: Project, folder: Path) -> None:
    (tree,) = project.org_trees()
    settings.put(project.db, project.id, {"team.nobody.repository": "equals o/r"}, tree=tree.name)


def a_file_was_touched(project: Project, folder: Path) -> None:
    (file, *_) = project.lake.snapshot().files("commits")
    os.utime(file, (1, 1))


def a_log_was_touched(project: Project, folder: Path) -> None:
    (*_, name) = project.lake.log_files("commits", project.lake.versions()["commits"])
    file = Path(project.lake.where) / name
    os.utime(file, (1, 1))


TOUCHED = (a_file_was_touched, a_log_was_touched)


@pytest.mark.parametrize("change", [more_rows, other_people, a_setting, a_setting_of_a_tree, *TOUCHED])
def test_whatever_it_follows_from_is_noticed(
    team: Project, tmp_path: Path, computed: list[OfData], change: Callable[[Project, Path], None]
) -> None:
    before = of_data(team)
    change(team, tmp_path)
    after = of_data(team)
    assert len(computed) == 2
    assert (after != before) == (change not in TOUCHED)


def test_what_cannot_be_read_is_not_kept_and_what_is_kept_hides_no_damage(
    team: Project, computed: list[OfData]
) -> None:
    of_data(team)
    (file, *_) = team.lake.snapshot().files("commits")
    whole = Path(file).read_bytes()
    Path(file).write_bytes(b"PAR1" + bytes(len(whole) - 8) + b"PAR1")
    damaged = of_data(team)
    assert isinstance(damaged.tables, Unreadable)
    Path(file).unlink()
    assert isinstance(of_data(team).tables, Unreadable)
    Path(file).write_bytes(whole)
    assert of_data(team).is_whole


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '{"digest": 1}', '{"digest": "x", "state": {"tables": 1}}'),
        *('{"digest": "x", "files": [], "state": {}}', '{"digest": "x", "files": {"gone": [1, 1]}, "state": {}}'),
        '{"digest": "x", "files": {}, "state": {"tables": 1}}',
    ],
)
def test_a_kept_file_that_is_no_such_is_as_none(team: Project, computed: list[OfData], text: str) -> None:
    first = of_data(team)
    file = team.computed.with_name("state.json")
    digest = json.loads(file.read_text())["digest"]
    file.write_text(text.replace('"x"', json.dumps(digest)))
    assert of_data(team) == first
    assert len(computed) == 2
    assert of_data(team) == first
    assert len(computed) == 2


def test_it_is_for_its_owner_alone(team: Project) -> None:
    with private():
        of_data(team)
    assert team.computed.with_name("state.json").stat().st_mode & 0o077 == 0


def test_asked_again_no_reader_of_logs_is_loaded(team: Project) -> None:
    of_data(team)
    code = (
        "import sys; from pathlib import Path; from leadline.home import Home; "
        "from leadline.diagnostics.of_data import of_data\n"
        "with Home.open(Path(sys.argv[1])) as home: assert of_data(home.project()).is_whole\n"
        "print([name for name in ('pyarrow', 'duckdb', 'deltalake', 'ibis') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(team.home.path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
