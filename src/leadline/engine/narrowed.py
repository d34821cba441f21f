"""A query with some repositories, or some rows, alone."""

from __future__ import annotations

from leadline.engine.backend import Rows, Within
from leadline.engine.sql_text import quoted, sql_text


def narrowed(query: str, within: Within) -> str:
    """``query`` with the repositories, or the rows, of ``within`` alone."""
    if isinstance(within, Rows):
        same = " AND ".join(f"kept.{quoted(name)} = wanted.{quoted(f'wanted_{name}')}" for name in within.key)
        return f"SELECT * FROM ({query}) AS kept SEMI JOIN {quoted(within.table)} AS wanted ON {same}"
    if isinstance(within, frozenset):
        names = ", ".join(map(sql_text, sorted(within)))
        return f"SELECT * FROM ({query}) WHERE {f'repository IN ({names})' if within else 'false'}"
    conditions = [
        f"repository {sign} {sql_text(bound)}"
        for sign, bound in zip((">=", "<"), within, strict=True)
        if bound is not None
    ]
    return f"SELECT * FROM ({query}) WHERE {' AND '.join(conditions)}" if conditions else query
