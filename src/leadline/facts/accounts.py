"""The derived accounts as stored tables: whose every account is, which all facts need.

``derive.accounts`` says how, in two steps so that most accounts are settled before commits are searched for the rest.
"""

from __future__ import annotations

from leadline.derive.accounts import ACCOUNT_COLUMNS, DIRECT_COLUMNS, accounts, direct_accounts, direct_table
from leadline.materialize.model import Model

_NAMED_IN = (
    "commits",
    "pull_requests",
    "pull_request_commits",
    "reviews",
    "comments",
    "work_items",
    "work_item_changes",
)

DIRECT_ACCOUNTS = Model(
    "direct_accounts",
    DIRECT_COLUMNS,
    reads=(*_NAMED_IN, "developers", "identities", "tool_accounts"),
    expression=lambda profile: direct_accounts(profile["bots"]),
    settings=("bots",),
    people=True,
    bound_as="direct_accounts",
)

ACCOUNTS = Model(
    "accounts",
    ACCOUNT_COLUMNS,
    reads=("commits", "pull_request_commits"),
    expression=lambda profile: accounts(profile["bots"], direct=direct_table()),
    needs=(DIRECT_ACCOUNTS,),
    settings=("bots",),
    bound_as="accounts",
)
