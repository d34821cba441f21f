"""From a tool's records (JSON objects) to rows: their shape is checked on the way, and what is not of it is named, not taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from leadline.instants import rfc3339
from leadline.sources.kit.lists import Listed
from leadline.sources.kit.page import Row, Skipped
from leadline.sources.kit.text import Misshapen, clean

Node = Mapping[str, Any]
"""A record as the tool gives it."""
Rows = dict[str, list[Row]]
"""Rows by table."""
GHOST = "ghost"
"""The account to which forges give what deleted users left: nobody."""


def inner(node: Node, name: str) -> Node | None:
    """The object ``node[name]``, None where it is null or absent. Raises ``Misshapen`` for anything else."""
    value = node.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise Misshapen(f"{name} is no object but {str(value)[:40]!r}")


def at_path(node: Node, *path: str) -> Node | None:
    """The object at ``path`` below ``node``; None where one on the way is null or absent. Raises ``Misshapen``."""
    value: Node | None = node
    for name in path:
        value = None if value is None else inner(value, name)
    return value


def objects(values: Any, name: str) -> list[Node]:
    """``values`` as a list of objects; those that are null (hidden, vanished) are left out. Raises ``Misshapen``."""
    values = values or []
    if not isinstance(values, list) or not all(value is None or isinstance(value, dict) for value in values):
        raise Misshapen(f"{name} is no list of objects")
    return [value for value in values if value is not None]


def elements(node: Node, name: str) -> list[Node]:
    """The elements of GraphQL's connection ``node[name]``. Raises ``Misshapen``."""
    return objects((inner(node, name) or {}).get("nodes"), f"{name}.nodes")


def page_of(connection: Node, name: str, items: str = "nodes") -> Listed[Node]:
    """One page of a GraphQL connection: its nodes (or edges), and the cursor of the next page. Raises ``Misshapen``."""
    page = inner(connection, "pageInfo") or {}
    after = page.get("endCursor") if page.get("hasNextPage") is True else None
    return objects(connection.get(items), f"{name}.{items}"), after if isinstance(after, str) else None


def utc(value: Any) -> Any:
    """An instant in UTC, to the millisecond at most, so that instants compare as texts; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return rfc3339(moment, milliseconds=True)


def cleaned(**row: Any) -> Row:
    """A row as a table can hold it."""
    return {name: clean(value) for name, value in row.items()}


def merged(parts: Iterable[Mapping[str, list[Row]]]) -> Rows:
    """Rows of several records by table; accounts that several of them tell of are there once."""
    by_table: Rows = {}
    for part in parts:
        for table, rows in part.items():
            by_table.setdefault(table, []).extend(rows)
    if accounts := by_table.get("tool_accounts"):
        by_table["tool_accounts"] = list({str(row["account"]): row for row in accounts}.values())
    return {table: rows for table, rows in by_table.items() if rows}


def rows_of(
    nodes: Iterable[Node], make: Callable[[Node], Rows], called: Callable[[Node], str]
) -> tuple[list[tuple[Node, Rows]], list[Skipped]]:
    """Every record with its rows, and those that are not of their shape, by what they are ``called``."""
    made, skipped = [], []
    for node in nodes:
        try:
            made.append((node, make(node)))
        except Misshapen as error:
            skipped.append(Skipped(called(node), error.message))
    return made, skipped


def complete_pull_requests(
    made: Iterable[tuple[Node, Rows]], lists_of: Mapping[str, Sequence[str]]
) -> dict[str, list[Row]]:
    """Of pull requests with their rows: by table, the keys of those of which all is there that the table is made of.

    ``lists_of``: by table, the names of the lists; one that could not be read is None."""
    parents: dict[str, list[Row]] = {}
    for node, rows in made if lists_of else ():
        key = {name: rows["pull_requests"][0][name] for name in ("repository", "number")}
        for table, lists in lists_of.items():
            if all(node.get(name) is not None for name in lists):
                parents.setdefault(table, []).append(key)
    return parents
