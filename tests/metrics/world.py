"""From a ``World`` to leadline's answer: its tables written into a project, one export run, the CSV read back.

In come tables as CSV text or lists of dicts; out go typed rows, a loaded project, and the export as bytes or cells. The
only bridge between the oracle's data and leadline: everything here goes through leadline's public functions.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leadline.access import UNLIMITED, Access
from leadline.db import settings as stored_settings
from leadline.engine import Engine
from leadline.home import Project
from leadline.ingest.delivery import ingest
from leadline.people import BEGINNING
from leadline.schema import TABLES, ColumnType

from .oracle import COUNTS, Cell, Request
from .oracle_events import DEFAULTS, InForce, World
from .oracle_people import Row, tree_of

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TREE = "Engineering"


# --- reading tables written as text -------------------------------------------------------------------------------------


def cells_of(text: str) -> list[list[str]]:
    """The cells of a small CSV block; blanks around a cell and blank lines do not count."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return [[cell.strip(" ") for cell in row] for row in csv.reader(lines, skipinitialspace=True)]


def typed(kind: ColumnType, text: str) -> Any:
    """A cell's value; empty is unknown. Instants without an offset are UTC, ``\\n`` in a text is a line break."""
    read: dict[ColumnType, Callable[[str], Any]] = {
        ColumnType.TEXT: lambda text: text.replace("\\n", "\n"),
        ColumnType.INTEGER: int,
        ColumnType.DECIMAL: float,
        ColumnType.BOOLEAN: lambda text: {"true": True, "false": False}[text.lower()],
        ColumnType.LIST: lambda text: text.split(";"),
        ColumnType.INSTANT: instant,
    }
    return None if text == "" else read[kind](text)


def instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def rows_of(table: str, text: str) -> list[dict[str, Any]]:
    """The typed rows of one table written as CSV text; every column must be one of the table's."""
    header, *lines = cells_of(text)
    columns = TABLES[table].column
    rows = []
    for line in lines:
        assert len(line) == len(header), f"{table}: {line} has not the columns {header}"
        rows.append({name: typed(columns[name].type, cell) for name, cell in zip(header, line, strict=True)})
    return rows


# --- loading ------------------------------------------------------------------------------------------------------------


def deliver(project: Project, table: str, rows: Sequence[Mapping[str, Any]], *, engine: Engine | None = None) -> None:
    """Take rows into the project's lake as one delivery; with ``engine``, if one is lent."""
    if not rows:
        return
    schema = TABLES[table].arrow_schema
    batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
    ingest(project, TABLES[table], [batch], engine=engine)


def load_people(
    project: Project,
    developers: Sequence[Mapping[str, Any]],
    folder: Path,
    tree: str = TREE,
    since: date | None = None,
) -> None:
    """Load HR rows as an org tree that is in force from a day."""
    from leadline.people import load_org

    path = folder / "developers.csv"
    names = list(dict.fromkeys(name for row in developers for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(developers)
    load_org(project, path, tree, now=NOW, since=since)


def load_nested(
    project: Project, document: Mapping[str, Any], folder: Path, tree: str, since: date | None = None
) -> None:
    """Load a nested tree file as an org tree that is in force from a day."""
    from leadline.people import load_org

    path = folder / "tree.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    load_org(project, path, tree, now=NOW, since=since)


def load(project: Project, world: World, folder: Path, nested: Mapping[str, Any] | None = None) -> None:
    """Load a whole world: people, settings, every table."""
    name = world.tree.name
    if nested is None:
        load_people(project, world.developers, folder, name, BEGINNING)
    else:
        load_nested(project, nested, folder, name, BEGINNING)
    for later in world.later:
        if later.document is None:
            load_people(project, later.developers, folder, name, later.start)
        else:
            load_nested(project, later.document, folder, name, later.start)
    if world.settings:
        stored_settings.put(project.db, project.id, world.settings)
    with Engine(temp_dir=project.temp) as engine:
        for table, rows in world.tables.items():
            deliver(project, table, rows, engine=engine)


def world_of(project: Project, tree: str, lists: Iterable[tuple[date | None, Sequence[Row]]]) -> World:
    """What a project holds, as the oracle's world: its lake read plainly, with HR's ``lists`` and the days from which they are in
    force (the first: always)."""
    snapshot = project.lake.snapshot()
    tables = {
        name: [row for path in snapshot.files(name) for row in pq.read_table(path, partitioning=None).to_pylist()]
        for name in TABLES
    }
    (_, people), *later = lists
    settings = {
        key: text for key, text in project.profile(tree).texts.items() if key in DEFAULTS or key.startswith("team.")
    }
    trees = [InForce(day, tree_of(tree, rows), rows) for day, rows in later]
    return World(tables, tree_of(tree, people), people, settings, trees)


# --- running ------------------------------------------------------------------------------------------------------------


def body_of(project: Project, request: Request, tree: str = TREE) -> dict[str, Any]:
    """The request as the API's JSON body; a scope given as a path becomes the node's ref id."""
    efficiency = request.insight == "efficiency"
    scope = {"orgTreeName": tree}
    if request.scope is not None:
        from leadline.people import tree as stored_tree

        days = [request.end - timedelta(days=number) for number in range((request.end - request.start).days + 1)]
        nodes = [node for day in days for node in stored_tree(project, tree, day=day).nodes]
        team = {"teamId": str(next(node.ref_id for node in nodes if node.path == request.scope))}
        scope = team if efficiency else scope | team
    return {
        "scope": scope,
        "dateRange": {"start": request.start.isoformat(), "end": request.end.isoformat()},
        **({"metricGroups": list(request.groups)} if request.groups else {}),
        **({"metrics": list(request.metrics)} if request.metrics or not efficiency else {}),
        "options": {
            "aggregation": request.aggregation,
            "granularity": request.granularity,
            **({} if request.level == "team" and efficiency else {"aggregationLevel": request.level}),
        },
    }


def export_bytes(
    project: Project,
    body: Mapping[str, Any],
    folder: Path,
    kind: str = "productivity",
    today: date | None = None,
    access: Access = UNLIMITED,
) -> bytes:
    """The export's file for a request body, uncompressed CSV, as if made on ``today`` (None: after all days), for ``access``."""
    from leadline.exports.kinds import KINDS, parse
    from leadline.metrics.request import Control
    from leadline.metrics.run import pin, produce

    parsed = parse(project, body, kind, access)
    request, warnings = parsed.request, parsed.warnings
    assert all("since the aggregation asked for is" in warning for warning in warnings), warnings
    path = folder / "export.csv"
    pins = replace(pin(project, request.tree), today=today)
    produced = produce(project, request, pins, path, Control(), KINDS[kind].rows.query)
    content = path.read_bytes()
    assert produced.rows == len(read_csv(content)) - 1
    return content


def read_csv(content: bytes) -> list[list[str]]:
    """Header and rows of an export, after a look at the form that http-api.md "CSV" asks for."""
    text = content.decode("utf-8")
    assert not text.startswith("\ufeff")
    assert text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


# --- comparing ----------------------------------------------------------------------------------------------------------


def wanted(cell: Cell | str) -> str:
    """What a cell should read, for a message."""
    if isinstance(cell, Fraction):
        return f"{float(cell):.4f}".rstrip("0").rstrip(".") or "0"
    return "" if cell is None else cell


def same(actual: str, expected: Cell, *, number: bool, whole: bool = False) -> bool:
    """Whether a CSV cell is the expected one: numbers to 4 decimals, an exact half rounded up, text exactly.

    A rating is text among the numbers. ``whole``: a count, which is written without decimals.
    """
    if not number or not isinstance(expected, Fraction):
        return actual == (expected or "")
    if whole:
        return actual == wanted(expected)
    units, _, decimals = actual.removeprefix("-").partition(".")
    if not units.isdigit() or len(decimals) > 4 or ("." in actual and not decimals.isdigit()):
        return False
    return Fraction(actual) == Fraction(floor(expected * 10_000 + Fraction(1, 2)), 10_000)


def differences(
    table: list[list[str]], header: Sequence[str], rows: Sequence[Sequence[Cell]], *, skip: Sequence[str] = ()
) -> list[str]:
    """Every cell in which an export differs from the expected table; the columns of ``skip`` are not compared."""
    if table[0] != list(header):
        return [f"header {table[0]} instead of {list(header)}"]
    if len(table) - 1 != len(rows):
        return [f"{len(table) - 1} rows instead of {len(rows)}: {table[1:]}"]
    first_metric = 1 + max(header.index(name) for name in ("Team_Hierarchy", "Repository") if name in header)
    found = []
    for number, (actual, expected) in enumerate(zip(table[1:], rows, strict=True), 1):
        for index, name in enumerate(header):
            numeric = index >= first_metric
            if name not in skip and not same(actual[index], expected[index], number=numeric, whole=name in COUNTS):
                where = " ".join(actual[:first_metric])
                found.append(f"row {number} ({where}): {name} is {actual[index]!r}, not {wanted(expected[index])!r}")
    return found
