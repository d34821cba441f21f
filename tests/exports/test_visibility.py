"""Which exports somebody may see, listed by both databases as they are judged one by one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from leadline.access import Access
from leadline.db import jobs
from leadline.db.export_list import ListFilter
from leadline.db.jobs import Export
from leadline.errors import NotFound
from leadline.exports import service
from leadline.home import Project
from leadline.people import load_org, tree

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PEOPLE = "email,full_name,manager_email,team\na@x.example,A,,\nb@x.example,B,a@x.example,Web\nc@x.example,C,b@x.example,Web\n"


@pytest.fixture
def project(database_project: Project, tmp_path: Path) -> Project:
    """A project with an export of every sort, on each database."""
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    load_org(database_project, path, "Acme", now=NOW)
    teams = [None, *(str(node.ref_id) for node in tree(database_project, "Acme").nodes)]
    pinned = {"tables": {}, "trees": {"Acme": 1, "Other": 4}, "definitions": "3", "settings": {}}
    with database_project.db.write() as connection:
        for number, (team, of_people, hidden) in enumerate(product(teams, (False, True), (False, True))):
            new = Export(
                id=f"exp_{number}",
                project_id=database_project.id,
                kind="productivity",
                state=jobs.QUEUED,
                request={"tree": "Acme", "team": team, "format": "csv"},
                request_hash=str(number),
                compression="gzip",
                team_id=team,
                team_key=None,
                created_by="key_1",
                created_at=NOW,
                of_people=of_people,
                names_hidden=hidden,
                pinned=pinned,
            )
            jobs.insert(connection, new)
    return database_project


def there(project: Project, export_id: str, access: Access) -> Export | None:
    """The export, if it is shown."""
    with suppress(NotFound):
        return service.get(project, export_id, access=access)
    return None


def test_lists_have_what_can_be_got(project: Project) -> None:
    root, web = (node.ref_id for node in tree(project, "Acme").nodes)
    teams = [None, frozenset([root]), frozenset([web]), frozenset([999]), frozenset[int]()]
    counts = []
    for limits in product(teams, (True, False), (True, False)):
        access = Access(*limits)
        listed = service.listed(project, "productivity", ListFilter(limit=3, page=1), access)
        everything = service.listed(project, "productivity", ListFilter(limit=100), access)
        assert (listed.total, len(listed.exports)) == (everything.total, min(3, max(0, everything.total - 3)))
        got = [export for number in range(12) if (export := there(project, f"exp_{number}", access))]
        assert sorted(export.id for export in everything.exports) == sorted(export.id for export in got)
        counts.append(len(got))
    assert counts == [12, 6, 6, 3, 8, 4, 4, 2, 4, 2, 2, 1, *[0] * 8]


def test_names_of_other_trees_are_not_told(project: Project) -> None:
    (root, _) = (node.ref_id for node in tree(project, "Acme").nodes)
    everybody = service.get(project, "exp_4")
    limited = service.get(project, "exp_4", access=Access(frozenset([root])))
    assert everybody.pinned is not None
    assert limited == replace(everybody, pinned={**everybody.pinned, "trees": {"Acme": 1}})
