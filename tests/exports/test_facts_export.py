"""Facts as a file: the rows that `leadline facts` writes, for whoever may see them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from leadline.access import UNLIMITED
from leadline.demo import fill
from leadline.errors import Forbidden, InvalidRequest
from leadline.exports.kinds import KINDS
from leadline.facts.catalogue import FACTS
from leadline.facts.query import Filters
from leadline.facts.write import write
from leadline.home import Home, Project
from leadline.metrics.request import Control
from leadline.metrics.run import Runner, pin
from leadline.people import tree

FACTS_KIND = KINDS["facts"]
START, END = date(2026, 2, 1), date(2026, 3, 31)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The demo of eight people."""
    with Home.open(tmp_path_factory.mktemp("small") / "home") as home:
        fill(home.project(), developers=8, months=2, until=END)
        yield home.project()


def body(fact: str, **changes: Any) -> dict[str, Any]:
    days = {"start": START.isoformat(), "end": END.isoformat()}
    return {"fact": fact, "scope": {"orgTreeName": "Engineering"}, "dateRange": days, **changes}


def exported(project: Project, asked: dict[str, Any], path: Path, access: Any = UNLIMITED) -> bytes:
    """The file that a worker would write."""
    request = FACTS_KIND.parse(project, asked, access).request
    again = FACTS_KIND.rows.request_of(request.document())
    assert again == request
    with Runner(project.home) as runner:
        runner.produce(project, again, pin(project, request.tree), path, Control(), FACTS_KIND.rows.query)
    return path.read_bytes()


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_the_bytes_are_those_of_the_command(small: Project, tmp_path: Path, fact: str, form: str) -> None:
    suffix = ".parquet" if form == "parquet" else f".{form}.gz"
    got = exported(small, body(fact, options={"format": form}), tmp_path / f"export{suffix}")
    rows = write(small, fact, tmp_path / f"facts{suffix}", Filters(START, END, "Engineering"), form=form)
    assert rows > 0 or fact == "incidents"
    if form == "parquet":  # an export says besides what it was made of
        import pyarrow.parquet as pq

        assert pq.read_table(tmp_path / "export.parquet").equals(pq.read_table(tmp_path / "facts.parquet"))
    else:
        assert got == (tmp_path / f"facts{suffix}").read_bytes()


def records(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(gzip.decompress(data).decode())))


def test_a_team_sees_its_rows_and_no_other_team(small: Project, tmp_path: Path) -> None:
    """Whoever asked: an export serves all who may see it."""
    root = tree(small, "Engineering")
    team = next(node for node in root.nodes if node.parent is not None)
    scope = {"scope": {"teamId": str(team.ref_id)}}
    for fact, column in (("deployments", "teams"), ("pull-requests", "team")):
        rows = records(exported(small, body(fact, **scope), tmp_path / f"{fact}.csv.gz"))
        named = {path for row in rows for path in row[column].split(";")}
        assert named
        assert all(path == team.path or path.startswith(team.path + "/") for path in named), named
        limited = replace(UNLIMITED, teams=frozenset({team.ref_id}))
        own = Filters(START, END, "Engineering", str(team.ref_id))
        write(small, fact, tmp_path / f"{fact}-limited.csv.gz", own, limited)
        assert records((tmp_path / f"{fact}-limited.csv.gz").read_bytes()) == rows


def test_who_sees_no_people_sees_none(small: Project, tmp_path: Path) -> None:
    teams_only, nameless = replace(UNLIMITED, developers=False), replace(UNLIMITED, names=False)
    for fact, declared in FACTS.items():
        if not declared.names_people:
            assert not FACTS_KIND.parse(small, body(fact), teams_only).request.of_people
        else:
            with pytest.raises(Forbidden):
                FACTS_KIND.parse(small, body(fact), teams_only)
    rows = records(exported(small, body("pull-requests"), tmp_path / "hidden.csv.gz", nameless))
    assert not any("@example.com" in row["developer"] for row in rows)
    assert any(row["developer"] for row in rows)
    assert {row["author"] for row in rows} == {""}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"fact": "shoes"}, "unsupported_fact"),
        ({"fact": None}, "missing_field"),
        ({"dateRange": {"start": "2026-03-01", "end": "2026-02-01"}}, "invalid_date_range"),
        ({"scope": {"teamId": "99"}}, "invalid_team_id"),
    ],
)
def test_refusals(small: Project, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        FACTS_KIND.parse(small, {**body("commits"), **changes})
    assert raised.value.code == code
