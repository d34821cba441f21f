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


POSITION = "wanted_position"


def wanted_in_order(fact: Fact) -> BoundTable:
    """The keys of the rows that are asked for, each with its ``POSITION``."""
    types = dict(wanted_keys(fact).columns)
    return BoundTable(f"ordered_{fact.name.replace('-', '_')}", {**types, POSITION: "int64"})


def in_order_of_keys(fact: Fact, rows: Table) -> Table:
    """The rows that are wanted by their keys, each with its ``POSITION``."""
    wanted = wanted_in_order(fact).table()
    kept = rows.inner_join(wanted, [rows[name] == wanted[f"wanted_{name}"] for name in fact.key])
    return kept.select(*rows.columns, POSITION)


def of_keys(fact: Fact, rows: Table) -> Table:
    """The rows that are wanted by their keys."""
    wanted = wanted_keys(fact).table()
    kept = rows.semi_join(wanted, [rows[name] == wanted[f"wanted_{name}"] for name in fact.key])
    return kept.select(rows.columns)


def wanted_of(fact: Fact, rows: Table, by_keys: bool, if_open: bool) -> Table:
    """Those of ``rows`` that are asked for by their keys, in order or as what may be open, if any are."""
    if by_keys:
        return in_order_of_keys(fact, rows)
    return of_keys(fact, rows) if if_open else rows
