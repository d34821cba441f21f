"""Who may have asked an AI agent for a pull request: its assignees, the co-authors of its commits, and who merged it (metrics,
"An agent's PR"), as accounts whose developers are still to be found."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis.expr.types import Table

from leadline.derive.account_names import CODE, GIT, account_name, account_source
from leadline.derive.bots import is_agent_name
from leadline.derive.noreply import text
from leadline.engine.functions import regexp_extract_all
from leadline.engine.tables import schema_table

ASSIGNEE, CO_AUTHOR, MERGER = range(3)
"""The ways to have asked for it, the first that leads to a developer first."""

BY_AGENTS_COLUMNS = {
    "repository": "string",
    "number": "int64",
    "author": "string",
    "source": "string",
    "assignees": "array<string>",
    "merged_by": "string",
}
REQUESTERS_COLUMNS = {
    "repository": "string",
    "number": "int64",
    "way": "int64",
    "position": "int64",
    "domain": "string",
    "source": "string",
    "account": "string",
}

_PR = ("repository", "number")
_TRAILER = r"(?im)^[ \t]*co-authored-by:[^\n<]*<[^<>\n]+>"


def by_agents(agents: Sequence[str] = ()) -> Table:
    """The pull requests whose author is an AI agent by its name; ``agents`` are the project's own."""
    pulls = schema_table("pull_requests")
    # Few names are judged, however many pull requests there are.
    authors = pulls.select("author").distinct()
    named = authors.filter(is_agent_name(account_name(authors.author), agents))
    return pulls.semi_join(named, "author").select(*BY_AGENTS_COLUMNS)


def requesters(pulls: Table) -> Table:
    """The accounts that may have asked for ``pulls`` (those of ``by_agents``), by ``way`` and, within it, ``position``."""
    assigned = pulls.unnest("assignees", offset="position")
    merged = pulls.mutate(position=ibis.literal(0, "int64"))
    authors = _co_authors(pulls)
    parts = [
        part.select(
            *_PR,
            way=ibis.literal(way, "int64"),
            position=part["position"].cast("int64"),
            domain=text(domain),
            source=account_source(part["source"]),
            account=account_name(part[column].strip()),
        )
        for part, way, domain, column in (
            (assigned, ASSIGNEE, CODE, "assignees"),
            (authors, CO_AUTHOR, GIT, "address"),
            (merged, MERGER, CODE, "merged_by"),
        )
    ]
    everybody = parts[0].union(parts[1]).union(parts[2])
    return everybody.filter(everybody.account.notnull())


def _co_authors(pulls: Table) -> Table:
    """The addresses in `Co-authored-by` lines of the listed commits of ``pulls``, in order of author date."""
    listed = schema_table("pull_request_commits").select(*_PR, "sha", listed_at="authored_at")
    listed = listed.semi_join(pulls, _PR)
    commits = schema_table("commits").select("repository", "sha", "source", "authored_at", "message")
    written = listed.inner_join(commits, ["repository", "sha"])
    lines = written.mutate(line=regexp_extract_all(written.message, _TRAILER)).unnest("line", offset="at")
    dated = lines.listed_at.coalesce(lines.authored_at).asc(nulls_first=False)
    order = ibis.row_number().over(ibis.window(group_by=_PR, order_by=[dated, lines.sha, lines["at"]]))
    return lines.select(*_PR, "source", position=order, address=lines.line.re_extract(r"<([^<>]+)>$", 1))
