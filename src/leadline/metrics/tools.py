"""The use of some AI tools alone: of others nothing is known then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ibis.expr.types import Table

from leadline.derive.ai_tools import aliases, tools_with


def names_of(tools: Iterable[str]) -> tuple[str, ...]:
    """``tools`` as rows of use call them, each once and in order of name."""
    known = aliases(tools_with({}))
    return tuple(sorted({known.get(name, name) for tool in tools if (name := tool.strip().lower())}))


def of_tools(rows: Table, tools: Sequence[str]) -> Table:
    """``rows`` computed as if nothing had been read but the use of ``tools``."""
    from leadline.facts.ai_usage import AI_USAGE

    usage = AI_USAGE.table()
    filtered: Table = rows.op().replace({usage.op(): usage.filter(usage.tool.isin(tools)).op()}).to_expr()
    return filtered
