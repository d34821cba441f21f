"""The derived accounts as stored tables: whose every account is, which all facts need.

``derive.accounts`` says how, in two steps so that most accounts are settled before commits are searched for the rest.
"""

from __future__ import annotations

from ibis.expr.types import Table

from leadline.derive import attribution
from leadline.derive.accounts import ACCOUNT_COLUMNS, DIRECT_COLUMNS, accounts, direct_accounts
from leadline.materialize.model import Model

DIRECT_ACCOUNTS = Model("direct_accounts", DIRECT_COLUMNS, expression=lambda profile: direct_accounts(profile["bots"]))

ACCOUNTS = Model(
    "accounts", ACCOUNT_COLUMNS, expression=lambda profile: accounts(profile["bots"], direct=DIRECT_ACCOUNTS.table())
)


def with_developer(table: Table, column: str, domain: str) -> Table:
    """``table`` with the ``developer`` of the account in ``column``, and whether it is a ``bot``; ``domain`` says where the
    account is looked up first (``code``, ``work`` or ``git``)."""
    return attribution.with_developer(table, ACCOUNTS.table(), column, domain)
