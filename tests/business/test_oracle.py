"""Every column of business alignment held against an oracle on random worlds; what holds of any of them."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from math import floor
from pathlib import Path
from random import Random

import pytest

from leadline.administration import settings
from leadline.home import Home, Project
from leadline.people import BEGINNING, tree
from leadline.settings.categories import HIERARCHIES, column_form
from metrics.world import TREE, deliver, load_people

from . import oracle, worlds
from .running import asked, table_of
from .worlds import END, PEOPLE, START

DAYS = {"dateRange": {"start": START.isoformat(), "end": END.isoformat()}}


def loaded(home: Home, folder: Path, drawn: oracle.World, number: int) -> Project:
    project = home.project("alignment", f"world-{number}", create=True)
    people = [
        {
            "email": email,
            "full_name": email[:3],
            "manager_email": manager,
            "team": team,
            "fte": drawn.fte.get(email, ""),
        }
        for email, (manager, team) in PEOPLE.items()
    ]
    load_people(project, people, folder, since=BEGINNING)
    for table, rows in drawn.tables.items():
        deliver(project, table, rows)
    keys = {node.name: str(node.ref_id) for node in tree(project, TREE).nodes}
    settings.change(project, worlds.settings_of(drawn, keys))
    return project


def periods(granularity: str) -> list[tuple[object, object]]:
    """The first and the last day of each period."""
    days = [START + timedelta(days=at) for at in range((END - START).days + 1)]
    key = {"WEEKLY": lambda day: day.isocalendar()[:2], "MONTHLY": lambda day: (day.year, day.month)}[granularity]
    of_key: dict[object, list[object]] = {}
    for day in days:
        of_key.setdefault(key(day), []).append(day)
    return [(of_period[0], of_period[-1]) for of_period in of_key.values()]


def written(cell: Fraction | None) -> str:
    return "" if cell is None else str(Fraction(floor(cell * 10_000 + Fraction(1, 2)), 10_000))


@pytest.mark.parametrize("number", range(10))
def test_random_worlds(home: Home, tmp_path: Path, number: int) -> None:
    random = Random(f"what for {number}")
    drawn = worlds.world(random, HIERARCHIES[number % len(HIERARCHIES)])
    project = loaded(home, tmp_path, drawn, number)
    granularity = random.choice(("WEEKLY", "MONTHLY"))
    unit = random.choice(("TICKETS", "STORY_POINTS", "TIME_SPENT", "FTE"))
    today = START + timedelta(days=random.randrange(50))
    groups = ["categorized", "uncategorized", "effort", "share"]
    for level, units in (
        ("team", {"Engineering": list(PEOPLE), "Ops": [who for who, teams in drawn.teams.items() if "Ops" in teams]}),
        ("developer", {email: [email] for email in PEOPLE}),
    ):
        body = asked(metricGroups=groups, granularity=granularity, metricLevel=level, effortUnit=unit, **DAYS)
        header, *rows = table_of(project, tmp_path, body, today=today)
        unit_at = header.index("Team" if level == "team" else "Email")
        found = {(row[unit_at], row[header.index("Start_Date")]): row for row in rows}
        compared = 0
        for start, end in periods(granularity):
            for name, people in units.items():
                cells = oracle.row(drawn, people, start, end, today, unit)
                row = found.pop((name, start.isoformat()))
                expected = {column_form_of(column): cell for column, cell in cells.items()}
                actual = dict(zip(header, row, strict=True))
                for column in set(expected) & set(actual):
                    cell = str(Fraction(actual[column])) if actual[column] else ""
                    assert cell == written(expected[column]), (column, name, start, actual[column], expected[column])
                    compared += 1
                shown = [
                    name for name in header if name.endswith(("_points", "_tickets", "_hours", "_fte", "_percent"))
                ]
                assert set(shown) <= set(expected)
        assert not found
        assert compared
        _check_identities(header, rows, units)


def column_form_of(column: str) -> str:
    """The column of a name and a measure."""
    for measure in ("story_points", "time_spent_hours", "tickets", "percent", "fte"):
        if column.endswith(f"_{measure}"):
            return f"{column_form(column.removesuffix(f'_{measure}'))}_{measure}"
    raise AssertionError(column)


def _check_identities(header: list[str], rows: list[list[str]], units: dict[str, list[str]]) -> None:
    """Nobody counts more than once, and shares are of a hundred."""
    at = header.index("Team" if "Email" not in header else "Email")
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        fte = [float(cell) for name, cell in cells.items() if name.endswith("_fte") and cell]
        assert sum(fte) <= len(units[row[at]]) + 0.0001 * len(fte)
        percents = [float(cell) for name, cell in cells.items() if name.endswith("_percent") and cell]
        assert not percents or abs(sum(percents) - 100) < 0.0001 * len(percents)
