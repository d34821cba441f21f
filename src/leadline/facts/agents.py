"""Whose the pull requests of AI agents are, and why (metrics, "An agent's PR"): its requester's, its merger's or nobody's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
from ibis.expr.types import Table, Value

from leadline.derive.account_names import KEYS
from leadline.derive.agents import ASSIGNEE, CO_AUTHOR, MERGER
from leadline.derive.expressions import attach
from leadline.facts.accounts import ACCOUNTS, BY_AGENTS, REQUESTERS, with_developer
from leadline.facts.rework import PULL_REQUEST_KEY
from leadline.materialize.model import Model

_WHY: Mapping[str, Sequence[tuple[int, str]]] = {
    "requester": (
        (ASSIGNEE, "an agent's: its requester's, the first assignee who is a developer"),
        (CO_AUTHOR, "an agent's: its requester's, the first co-author of its commits who is a developer"),
        (MERGER, "an agent's: its requester's, who merged it"),
    ),
    "merger": ((MERGER, "an agent's: its merger's"),),
    "nobody": (),
}
"""By ``ai.agent_prs``: the ways in which somebody may be behind it, and in words how."""
_NOBODY = {
    "requester": "an agent's: no developer is known to have asked for it",
    "merger": "an agent's: no developer is known to have merged it",
    "nobody": "an agent's: nobody's (ai.agent_prs)",
}


def agent_pulls(setting: str) -> Table:
    """Every pull request of an AI agent with the developer ``behind`` it (none: nobody's) and ``agent_why``. An account that is
    mapped to a developer is no agent."""
    pulls = with_developer(BY_AGENTS.table(), "author", "code")
    pulls = pulls.filter(pulls.developer.isnull()).select(*PULL_REQUEST_KEY)
    behind = attach(pulls, list(PULL_REQUEST_KEY), _first_developers([way for way, _ in _WHY[setting]]))
    return behind.select(*PULL_REQUEST_KEY, "behind", agent_why=_why(behind, setting))


def _first_developers(ways: list[int]) -> Table:
    """Per pull request the first requester of ``ways`` who is a developer (``behind``), and in which ``way``."""
    requesters = REQUESTERS.table()
    requesters = requesters.filter(requesters.way.isin(ways) if ways else ibis.literal(False))
    accounts = ACCOUNTS.table().select(*KEYS, behind="developer")
    people = requesters.inner_join(accounts, list(KEYS))
    people = people.filter(people.behind.notnull())
    order = ibis.row_number().over(group_by=list(PULL_REQUEST_KEY), order_by=[people.way, people["position"]])
    return people.mutate(rank=order).filter(lambda row: row["rank"] == 0).select(*PULL_REQUEST_KEY, "behind", "way")


def _why(pulls: Table, setting: str) -> Value:
    nobody = ibis.literal(_NOBODY[setting])
    ways = [(pulls.way == way, sentence) for way, sentence in _WHY[setting]]
    return ibis.cases(*ways, else_=nobody) if ways else nobody


AGENT_PULLS = Model(
    "agent_pulls",
    {**PULL_REQUEST_KEY, "behind": "string", "agent_why": "string"},
    expression=lambda profile: agent_pulls(profile["ai.agent_prs"]),
    by_repository=True,
)
"""Pull requests of AI agents with whose they are."""
