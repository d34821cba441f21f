"""Whose an account is: joins a table's accounts with the accounts derived from the lake.

A table with an account column comes in; it goes out with the developer (email, or unknown) and whether it is a bot.
"""

from __future__ import annotations

from ibis.expr.types import BooleanValue, StringValue, Table

from leadline.derive.accounts import accounts_table


def with_developer(table: Table, column: str, domain: str, prefix: str = "") -> Table:
    """``table`` with ``{prefix}developer``, ``{prefix}bot`` and ``{prefix}reason`` of the account in ``column``.

    ``domain`` says where the account is looked up first: ``code``, ``work`` or ``git``.
    """
    accounts = accounts_table()
    mine = accounts.filter(accounts.domain == domain).select(
        **{
            f"{prefix}account__": accounts.account,
            f"{prefix}source__": accounts.source,
            f"{prefix}developer": accounts.developer,
            f"{prefix}bot": accounts.bot,
            f"{prefix}reason": accounts.reason,
        }
    )
    joined = table.left_join(
        mine,
        [
            table[column].lower() == mine[f"{prefix}account__"],
            table["source"].fill_null("").lower() == mine[f"{prefix}source__"],
        ],
    )
    return joined.drop(f"{prefix}account__", f"{prefix}source__").mutate(
        **{f"{prefix}bot": lambda t: t[f"{prefix}bot"].fill_null(False)}
    )


def same_person(
    developer: StringValue, account: StringValue, other: StringValue, other_account: StringValue
) -> BooleanValue:
    """Whether two accounts are one person: the same developer, or the same account (in any letter case)."""
    return (developer == other).fill_null(False) | (account.lower() == other_account.lower()).fill_null(False)
