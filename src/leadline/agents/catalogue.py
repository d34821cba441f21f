"""All tools, in the order in which they are listed."""

from __future__ import annotations

from typing import Any

from leadline.agents.comparison import COMPARE
from leadline.agents.exports import CREATE_EXPORT, GET_EXPORT
from leadline.agents.finding import FIND_TEAM, LIST_METRICS
from leadline.agents.rows import DATA_FRESHNESS, LIST_FACTS
from leadline.agents.tool import Tool
from leadline.agents.values import EXPLAIN_CELL, GET_METRIC

TOOLS: dict[str, Tool[Any]] = {
    tool.name: tool
    for tool in (
        FIND_TEAM,
        LIST_METRICS,
        GET_METRIC,
        COMPARE,
        EXPLAIN_CELL,
        LIST_FACTS,
        DATA_FRESHNESS,
        CREATE_EXPORT,
        GET_EXPORT,
    )
}
"""The tools by name."""
