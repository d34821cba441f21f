"""Rows of a fact that are asked for by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadline.engine import BoundTable
from leadline.facts.catalogue import Fact

if TYPE_CHECKING:
    from ibis.expr.types import Table


def wanted_keys(fact: Fact) -> BoundTable:
    """The keys of the rows that are asked for."""
    types = {f"wanted_{name}": "int64" if name == "number" else "string" for name in fact.key}
    return BoundTable(f"wanted_{fact.name.replace('-', '_')}", types)


def of_keys(fact: Fact, rows: Table) -> Table:
    """The rows that are wanted by their keys."""
    wanted = wanted_keys(fact).table()
    kept = rows.semi_join(wanted, [rows[name] == wanted[f"wanted_{name}"] for name in fact.key])
    return kept.select(rows.columns)
