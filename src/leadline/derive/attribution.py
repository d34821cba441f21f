"""Whose an account is: joins a table's accounts with those derived from the lake (``accounts``)."""

from __future__ import annotations

from ibis.expr.types import BooleanValue, StringValue, Table

from leadline.derive.account_names import comparable


def with_developer(table: Table, accounts: Table, column: str, domain: str) -> Table:
    """``table`` with the ``developer`` (email, or unknown) of the account in ``column``, and whether it is a ``bot``.

    ``accounts`` are those of ``accounts.accounts``; ``domain`` says where the account is looked up first: ``code``,
    ``work`` or ``git``.
    """
    of_domain = accounts.filter(accounts.domain == domain).select(
        account__="account", source__="source", developer="developer", bot="bot"
    )
    joined = table.left_join(
        of_domain,
        [
            comparable(table[column]) == of_domain.account__,
            table["source"].fill_null("").lower() == of_domain.source__,
        ],
    )
    return joined.drop("account__", "source__").mutate(bot=lambda row: row.bot.fill_null(False))


def same_person(
    developer: StringValue, account: StringValue, other: StringValue, other_account: StringValue
) -> BooleanValue:
    """Whether two accounts are one person: the same developer, or the same account (in any letter case)."""
    return (developer == other).fill_null(False) | (comparable(account) == comparable(other_account)).fill_null(False)
