"""How GitHub's lists are read: newest first down to what is known, page by page, whole however long.

The API comes in; raw records and the place to go on from come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from leadline.errors import NotFound
from leadline.sources.github.api import Data
from leadline.sources.github.rows import Node, elements, inner
from leadline.sources.kit.client import Refused
from leadline.sources.kit.page import State

ATTEMPTS_WHILE_LARGE = 2
"""How often a page is asked for that could be asked for in smaller parts."""

Listed = tuple[list[Node], str | None]
"""Records of one page, and the cursor of the next (None: there is none)."""


def earlier(instant: str | None, lag: timedelta) -> str | None:
    """``instant`` (RFC 3339 in UTC) less ``lag``, spelled alike, so that instants compare as texts."""
    if instant is None:
        return None
    return (datetime.fromisoformat(instant) - lag).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Step:
    """One page on the way down: its records, and where the way goes on (None: it has ended)."""

    nodes: list[Node]
    descent: State | None
    top: str | None


def descend(ask: Callable[[str | None], Listed], state: State, instant: str, lag: timedelta) -> Iterator[Step]:
    """Reads from the newest ``instant`` down to what was read before, less ``lag``; goes on where a former run stopped.

    What changes meanwhile moves to the front, above ``top``, and is met by the next descent: nothing is passed by.
    """
    at = dict(state.get("descent") or {"top": None, "after": None, "floor": earlier(state.get("watermark"), lag)})
    resumed = at["after"] is not None
    while True:
        try:
            nodes, after = ask(at["after"])
        except Refused as error:
            if not resumed or "cursor" not in error.message.lower():
                raise
            # The server does not know its cursor any more (an upgrade, a restore): from the top again.
            at["after"], resumed = None, False
            continue
        resumed = False
        known = [
            bool(at["floor"] and isinstance(when := node.get(instant), str) and when < at["floor"]) for node in nodes
        ]
        fresh = [node for node, is_known in zip(nodes, known, strict=True) if not is_known]
        newest = max((str(node[instant]) for node in nodes if isinstance(node.get(instant), str)), default=None)
        at.update(after=after, top=at["top"] or newest)
        ended = after is None or any(known)
        yield Step(fresh, None if ended else dict(at), at["top"])
        if ended:
            return


def listed(data: Data, *path: str, items: str = "nodes") -> Listed:
    """The connection at ``path`` of an answer, its nodes or its edges. Raises ``Refused`` or ``NotFound`` where there is none."""
    node: Node | None = data.data
    for name in path:
        node = None if node is None else inner(node, name)
    if node is None:
        said = next((message for _, message in data.refused), None)
        raise Refused(said) if said else NotFound("it is not there any more")
    page = inner(node, "pageInfo") or {}
    after = page.get("endCursor") if page.get("hasNextPage") is True else None
    return elements({"list": {"nodes": node.get(items)}}, "list"), after if isinstance(after, str) else None
