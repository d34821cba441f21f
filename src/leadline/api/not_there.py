"""What is said of addresses at which nothing is: of those below ``/v2/insights`` which kinds there are, and how to get what was
asked for."""

from __future__ import annotations

import difflib
import re

from leadline.errors import Detail, NotFound
from leadline.exports.kinds import KINDS
from leadline.field_types import printable

_ROWS = "GET /v2/facts/{kind} has rows of facts page by page"
_OF_KINDS = re.compile(r"/v2/insights/([^/]+)(/cells|/metrics|/exports(?:/.*)?)?")


def not_there(path: str) -> NotFound:
    """The refusal of what is asked for at ``path``."""
    asked = _OF_KINDS.fullmatch(path)
    if asked is None:
        return NotFound("There is nothing at this address", code="not_found")
    name, below = asked[1], asked[2] or ""
    called = {other: kind for kind in KINDS.values() for other in (kind.command_name, *kind.also_called, kind.name)}
    kind = called.get(name.lower())
    if kind is None:
        near = difflib.get_close_matches(name[:40].lower(), called, n=1)
        return _unknown(name, called[near[0]].name if near else None)
    there = f"/v2/insights/{kind.name}{below}"
    if below in ("", "/cells") and not kind.insight:
        insights = [other.name for other in KINDS.values() if other.insight]
        pages = f"; {_ROWS}" if kind.name == "facts" else ""
        sentence = (
            f"There is no insight {kind.name}: its rows are exported, with POST {kind.path}{pages}; "
            f"insights are {', '.join(insights)}"
        )
        return NotFound(sentence, code="no_insight", details=[Detail("kind", f"one of {', '.join(insights)}")])
    if below == "/cells" and name == kind.name:
        return NotFound(f"{kind.name} does not tell the rows behind its values; {_ROWS}", code="no_cells")
    if below == "/metrics" and not kind.catalogue():
        return NotFound(
            f"{kind.name} has no catalogue: its columns follow from the data and what is asked for", code="no_catalogue"
        )
    return NotFound(f"There is nothing at this address; {kind.name} is at {there}", code="not_found")


def _unknown(name: str, near: str | None) -> NotFound:
    known = ", ".join(KINDS)
    hint = f"did you mean {near}? There are {known}" if near else f"there are {known}"
    sentence = f'There is no kind of insight or export "{printable(name[:80])}"; {hint}'
    return NotFound(sentence, code="unknown_kind", details=[Detail("kind", f"one of {known}")])
