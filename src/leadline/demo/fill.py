"""``leadline demo``: puts a made-up organization into an empty home, in the same way as imported data gets there.

Which demo a project holds is kept as a cursor, so that the same options again change nothing, other options are refused, and
one that was interrupted is finished.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from leadline.db import cursors, settings
from leadline.demo.calendar import Span, span
from leadline.demo.organization import OWN_BOT, Organization
from leadline.errors import Conflict, InvalidRequest
from leadline.schema import TABLES
from leadline.settings.profile import canonical

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.lease import Lease

TREE = "Engineering"
"""The name of the demo's org tree."""

DEVELOPERS = (8, 100_000)
MONTHS = (1, 120)
YEARS = (1990, 2200)
SEEDS = (-(2**62), 2**62)

_SETTINGS = {
    "bots": OWN_BOT,
    "business.Security & Compliance.title": "contains permit, policy, secret, token",
    "business.New Capability.type": "equals Story, Epic",
    "business.KTLO.type": "equals Incident",
    "business.KTLO.label": "equals operations",
    "business.KTLO.join": "any",
    "business.Quality Improvements.type": "equals Bug",
    "business.Quality Improvements.title": "starts with rework, simplify, split, unify",
    "business.Quality Improvements.join": "any",
}
"""Settings of the demo's project: its own bot, and what its work is for."""
_CURSOR = ("demo", "options")
_STEPS = 7
"""Steps of making things up; ingesting counts a step per table."""


@dataclass(frozen=True)
class DemoSummary:
    """The demo a project holds now: its options, days (ISO dates), rows per table; ``changed`` is false when it was there."""

    developers: int
    months: int
    seed: int
    first_day: str
    last_day: str
    org_tree_name: str
    rows: dict[str, int]
    changed: bool


def fill(
    project: Project,
    *,
    developers: int = 120,
    months: int = 9,
    seed: int = 1,
    until: date,
    progress: Callable[[float], None] | None = None,
) -> DemoSummary:
    """Fill ``project`` with the organization of these options; the same options always make the same rows. ``until`` is
    the last day with events (UTC); plans such as a running sprint's end may lie later. ``progress`` is told the share
    done, 0 to 1. Raises ``InvalidRequest`` for options that cannot be, and ``Conflict`` if the project holds other data
    or another demo: then nothing is changed."""
    check_options(developers, months, seed, until)
    demo = span(until, months)
    options = {"developers": developers, "months": months, "seed": seed, "until": until.isoformat()}
    with project.lock("demo") as lease:
        changed = _begin(project, options, lease)
        if changed:
            _make(project, demo, options, progress or (lambda _: None), lease)
        rows = project.lake.snapshot().row_counts()
        first_day, last_day = demo.first.isoformat(), demo.last.isoformat()
        return DemoSummary(developers, months, seed, first_day, last_day, TREE, rows, changed)


def check_options(developers: int, months: int, seed: int, until: date) -> None:
    """Raise ``InvalidRequest`` for options that no demo can be made with."""
    _check("developers", developers, DEVELOPERS)
    _check("months", months, MONTHS)
    _check("seed", seed, SEEDS)
    _check("the year of until", until.year, YEARS)


def _check(name: str, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise InvalidRequest(
            f"A demo cannot be made with {name} {value}; from {bounds[0]} to {bounds[1]} would do", code="invalid_demo"
        )


def _now(options: dict[str, Any]) -> datetime:
    """The demo's own day, so that also what is written into the database is the same for the same options."""
    return datetime.combine(date.fromisoformat(options["until"]), datetime.min.time(), tzinfo=UTC)


def _begin(project: Project, options: dict[str, Any], lease: Lease) -> bool:
    """Whether there is something to do. Raises ``Conflict`` when the project holds anything but this demo."""
    from leadline import people

    cursor = cursors.get(project.db, project.id, *_CURSOR)
    if cursor is not None:
        if cursor["options"] != options:
            raise Conflict(
                f"This project already holds the demo of {_described(cursor['options'])}; use another home (--home) for "
                f"{_described(options)}",
                code="not_empty",
            )
        return bool(cursor["state"] != "done")
    filled = [f"{rows:,} {table}" for table, rows in project.lake.snapshot().row_counts().items() if rows]
    filled += [f"the org tree {tree.name!r}" for tree in people.trees(project)]
    if filled:
        raise Conflict(
            f"This project already holds data ({', '.join(filled[:3])}{', …' if filled[3:] else ''}); "
            "a demo is not mixed into it: use an empty home (--home)",
            code="not_empty",
        )
    cursors.put(project.db, project.id, *_CURSOR, {"options": options, "state": "begun"}, _now(options), under=lease)
    return True


def _described(options: dict[str, Any]) -> str:
    return (
        f"{options['developers']} developers over {options['months']} months up to {options['until']} "
        f"with seed {options['seed']}"
    )


def _make(
    project: Project, demo: Span, options: dict[str, Any], progress: Callable[[float], None], lease: Lease
) -> None:
    from leadline.demo.generate import generate
    from leadline.ingest.delivery import ingest

    steps = count(1)

    def step(_: str) -> None:
        progress(min(1.0, next(steps) / (_STEPS + len(TABLES))))

    size = {name: options[name] for name in ("developers", "seed")}
    with generate(demo, **size, temp_dir=project.temp, step=step) as world:
        _load_people(project, world.organization, _now(options))
        for table in TABLES.values():
            ingest(project, table, world.batches(table), under=lease)
            step(table.name)
    db = project.db
    stored = settings.stored(db, project.id)
    settings.put(db, project.id, {key: text for key, text in _SETTINGS.items() if not stored.get(canonical(key))})
    cursors.put(db, project.id, *_CURSOR, {"options": options, "state": "done"}, _now(options), under=lease)


def _load_people(project: Project, organization: Organization, now: datetime) -> None:
    """Load the org tree through developers files, as HR would send them, each in force from its day."""
    from leadline import people

    with TemporaryDirectory(dir=project.temp, prefix="demo-") as folder:
        path = Path(folder) / "developers.csv"
        for day, rows in organization.lists():
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
            people.load_org(project, path, TREE, now=now, since=people.BEGINNING if day is None else day)
