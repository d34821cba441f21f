"""The derived accounts as stored tables: whose every account is, which all facts need.

``derive.accounts`` says how, in two steps so that most accounts are settled before commits are searched for the rest.
"""

from __future__ import annotations

from ibis.expr.types import Table

from leadline.derive import attribution
from leadline.derive.accounts import ACCOUNT_COLUMNS, DIRECT_COLUMNS, accounts, direct_accounts
from leadline.derive.agents import BY_AGENTS_COLUMNS, REQUESTERS_COLUMNS, by_agents, requesters
from leadline.materialize.model import Model

BY_AGENTS = Model(
    "pulls_by_agents",
    BY_AGENTS_COLUMNS,
    expression=lambda profile: by_agents(profile["ai.agents"]),
    by_repository=True,
)
"""Pull requests of AI agents, by the names of their authors alone."""

REQUESTERS = Model(
    "agent_requesters",
    REQUESTERS_COLUMNS,
    expression=lambda _profile: requesters(BY_AGENTS.table()),
    by_repository=True,
)
"""The accounts that may have asked for these. Kept in two steps, so that where there are none no commit is searched."""

DIRECT_ACCOUNTS = Model(
    "direct_accounts",
    DIRECT_COLUMNS,
    expression=lambda profile: direct_accounts(profile["bots"], profile["ai.agents"], REQUESTERS.table()),
)

ACCOUNTS = Model(
    "accounts",
    ACCOUNT_COLUMNS,
    expression=lambda profile: accounts(profile["bots"], DIRECT_ACCOUNTS.table(), profile["ai.agents"]),
)


def with_developer(table: Table, column: str, domain: str) -> Table:
    """``table`` with the ``developer`` of the account in ``column``, and whether it is a ``bot``; ``domain`` says where the
    account is looked up first (``code``, ``work`` or ``git``)."""
    return attribution.with_developer(table, ACCOUNTS.table(), column, domain)
