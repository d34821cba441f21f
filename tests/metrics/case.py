"""A case: one TOML file with small input tables, a request and the expected output, readable without any Python.

The file's form is described in ``cases/README.md``. In comes a path, out goes a ``Case`` with its world typed and its
expectation as cells; ``check`` holds any export against it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from . import oracle
from . import oracle_dora as dora
from . import oracle_flow as flow
from .oracle import Cell, Request
from .oracle_events import InForce, World
from .oracle_people import nested, tree_of, with_rules
from .world import TREE, cells_of, differences, rows_of, wanted

CASES = Path(__file__).parent / "cases"
ONE_TEAM = """
email,             full_name, manager_email
mia@example.com,   Mia,
dan@example.com,   Dan,       mia@example.com
"""
FIELDS = {"description", "why", "settings", "org", "later", "tables", "request", "show", "expected"}


def case_files() -> list[Path]:
    return sorted(CASES.glob("*.toml"))


@dataclass(frozen=True)
class Case:
    """One case as its file says it."""

    path: Path

    @cached_property
    def document(self) -> dict[str, Any]:
        document = tomllib.loads(self.path.read_text(encoding="utf-8"))
        assert document.keys() <= FIELDS, f"{self.path.name}: unknown {document.keys() - FIELDS}"
        assert document["description"]
        assert document["why"]
        return document

    @property
    def nested(self) -> Mapping[str, Any] | None:
        org = self.document.get("org")
        return org if isinstance(org, dict) else None

    @cached_property
    def world(self) -> World:
        tables = {name: rows_of(name, text) for name, text in self.document.get("tables", {}).items()}
        settings = {key: str(value) for key, value in self.document.get("settings", {}).items()}
        if self.nested is not None:
            root, people = nested(self.nested), list(members(self.nested))
        else:
            people = rows_of("developers", self.document.get("org", ONE_TEAM))
            root = tree_of(TREE, people)
        later = [self._in_force(one, settings) for one in self.document.get("later", [])]
        return World(tables, with_rules(root, settings), people, settings, later)

    def _in_force(self, later: Mapping[str, Any], settings: Mapping[str, str]) -> InForce:
        day, org = date.fromisoformat(later["from"]), later["org"]
        if isinstance(org, dict):
            return InForce(day, with_rules(nested(org), settings), list(members(org)), org)
        people = rows_of("developers", org)
        return InForce(day, with_rules(tree_of(TREE, people), settings), people)

    @cached_property
    def request(self) -> Request:
        asked = dict(self.document["request"])
        for end in {"start", "end", "today"} & asked.keys():
            asked[end] = date.fromisoformat(str(asked[end]))
        return Request(**asked)

    def answer(self) -> list[list[str]]:
        """What the oracle says, as CSV cells."""
        ask = {"efficiency": dora.export, "flow": flow.export}.get(self.request.insight, oracle.export)
        header, rows = ask(self.world, self.request)
        return [list(header), *([wanted(cell) for cell in row] for row in rows)]

    @cached_property
    def expected(self) -> tuple[list[str], list[list[Cell]]]:
        """Header and rows; numbers of metric columns as fractions (`1/3` is allowed), empty cells as None. Words are text."""
        header, *lines = cells_of(self.document["expected"])
        metric = [not is_leading(name) and not is_word(name) for name in header]
        return header, [[value(cell, number) for cell, number in zip(line, metric, strict=True)] for line in lines]

    def check(self, table: Sequence[Sequence[str | Cell]]) -> list[str]:
        """Differences of an export (as CSV cells) from the expected table. Leading columns may be left out of it."""
        header, rows = self.expected
        names = [str(name) for name in table[0]]
        shown = self.document.get("show", {})
        kept = [row for row in table[1:] if all(row[names.index(name)] == text for name, text in shown.items())]
        places = [names.index(name) for name in names if name in header or not is_leading(name)]
        cut = [[str(row[place]) for place in places] for row in [names, *kept]]
        if cut[0] != header:
            return [f"columns {cut[0]} instead of {header}"]
        if "Team_Hierarchy" not in header:  # so that ``differences`` knows where the metrics begin
            leading = sum(is_leading(name) for name in header)
            cut = [[*row[:leading], "Team_Hierarchy" if row is cut[0] else "", *row[leading:]] for row in cut]
            header = cut[0]
            rows = [[*row[:leading], None, *row[leading:]] for row in rows]
        return differences(cut, header, rows)


def members(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The people of a nested tree file, each once: as given with a name, not where only the email stands."""
    given = [member for member in document.get("members", []) if not isinstance(member, str)]
    found = {member["email"].lower(): dict(member) for member in given}
    for child in document.get("children", []):
        found.update({member["email"].lower(): member for member in members(child)})
    return list(found.values())


def is_word(name: str) -> bool:
    return name.endswith("_Rating") or name == "Code_AI_Basis"


def is_leading(name: str) -> bool:
    return name in {
        "Granularity",
        "Start_Date",
        "End_Date",
        "Developer",
        "Email",
        "Team",
        "Team_Id",
        "Team_Hierarchy",
        "Service",
        "Repository",
    }


def value(text: str, number: bool) -> Cell:
    """A cell of the expected table; empty is None."""
    if text == "":
        return None
    return Fraction(text) if number else text
