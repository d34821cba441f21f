"""Days without data: whoever asks for them hears so, and which days have some."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from leadline.db import settings
from leadline.diagnostics.days_of_data import without_data
from leadline.home import Project
from metrics.world import deliver, load_people, rows_of

COMMITS = """
repository, sha,      author_email,    authored_at
o/r,        aaaa0001, ann@example.com, 2026-01-05T23:30Z
o/r,        aaaa0002, ann@example.com, 2026-03-01T12:00Z
"""
INCIDENTS = """
incident_id, service, created_at,        resolved_at
1,           shop,    2025-12-24T10:00Z, 2025-12-24T11:00Z
"""
PEOPLE = """
email,           full_name, manager_email
lea@example.com, Lea,
ann@example.com, Ann,       lea@example.com
"""
REACH = (date(2025, 12, 24), date(2026, 3, 1))


@pytest.mark.parametrize(
    ("start", "end", "has_some"),
    [
        ("2026-01-05", "2026-01-05", True),
        ("2026-01-06", "2026-02-28", False),  # within the reach of all, and still none
        ("2026-03-01", "2026-12-31", True),
        ("2026-03-02", "2026-12-31", False),
        ("2025-12-24", "2025-12-24", True),  # of any table
        ("2001-01-01", "2001-01-31", False),
    ],
)
def test_a_range_has_data_where_one_event_of_any_table_is_in_it(
    project: Project, start: str, end: str, has_some: bool
) -> None:
    deliver(project, "commits", rows_of("commits", COMMITS))
    deliver(project, "incidents", rows_of("incidents", INCIDENTS))
    found = without_data(project, date.fromisoformat(start), date.fromisoformat(end))
    assert (found is None) == has_some
    if found is not None:
        assert (found.first, found.last) == REACH
        assert found.newest(28) == (date(2026, 2, 2), date(2026, 3, 1))
        assert "there are some from 2025-12-24 to 2026-03-01" in found.sentence


def test_days_are_those_of_the_time_zone(project: Project) -> None:
    deliver(project, "commits", rows_of("commits", COMMITS))
    settings.put(project.db, project.id, {"timezone": "Asia/Tokyo"})
    assert without_data(project, date(2026, 1, 5), date(2026, 1, 5)) is not None
    assert without_data(project, date(2026, 1, 6), date(2026, 1, 6)) is None


def test_a_project_without_data_has_none_of_any_day(project: Project, tmp_path: Path) -> None:
    load_people(
        project,
        rows_of(
            "developers",
            "email, full_name, manager_email\nann@example.com, Ann, lea@example.com\nlea@example.com, Lea,\n",
        ),
        tmp_path,
    )
    found = without_data(project, date(2026, 1, 5), date(2026, 1, 5))
    assert found is not None
    assert found.sentence == "there are no data on 2026-01-05, nor of any other day"
    assert found.newest(28) is None
