"""How an account is named: its domain and source, and the form in which accounts and addresses are compared."""

from __future__ import annotations

import ibis.expr.types as ir

from leadline.engine.functions import nfc_normalize

CODE, WORK, GIT = "code", "work", "git"
KEYS = ("domain", "source", "account")


def account_source(source: ir.StringValue) -> ir.StringValue:
    """The ``source`` of ``accounts`` for a row's own ``source``."""
    return source.lower().fill_null("")


def account_name(account: ir.StringValue) -> ir.StringValue:
    """The ``account`` of ``accounts`` for an account as a row names it; NULL for an empty one."""
    return comparable(account).nullif("")


def comparable(account: ir.StringValue) -> ir.StringValue:
    """An account or address as it is compared: in any letter case, and in whichever form of Unicode it was typed."""
    return nfc_normalize(account.lower())
