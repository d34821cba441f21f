"""Rules 4 and 5 of ``accounts``: whose an account is by the `noreply` addresses of code hosts, which carry its name and, before
it, a number that stays when the name changes."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leadline.derive.account_names import CODE, KEYS

_NUMBER = r"^([0-9]+)[+-][^@]+@users\.noreply\..+$"
NOREPLY = r"^(?:[0-9]+[+-])?([^@]+)@users\.noreply\..+$"


def text(value: str) -> ir.StringScalar:
    """A text as a constant."""
    literal: ir.StringScalar = ibis.literal(value, type="string")
    return literal


def carried_accounts(seen: ibis.Table) -> ibis.Table:
    """The code-host account (``host``, ``login``) that each noreply address carries."""
    noreply = seen.filter(seen.account.contains("@users.noreply.")).select(
        email="account",
        host=seen.account.contains("gitlab").ifelse(text("gitlab"), text("github")),
        login=seen.account.re_extract(NOREPLY, 1),
    )
    return noreply.filter(noreply.login != "").distinct()


def through_noreply(resolved: ibis.Table) -> ibis.Table:
    """Rule 4, for noreply addresses that are still nobody's."""
    carriers = carried_accounts(resolved)
    code = resolved.filter((resolved.domain == CODE) & resolved.developer.notnull()).select(
        by="source", login="account", owner="developer"
    )
    pairs = carriers.join(code, "login").filter(lambda row: row.by == row.host)
    first = ibis.row_number().over(group_by="email", order_by=pairs.owner)
    numbered = pairs.mutate(position=first)
    carriers = numbered.filter(numbered.position == 0).select(
        noreply="email", owner="owner", carrier=numbered.host + " account " + numbered.login
    )
    joined = resolved.left_join(
        carriers, [resolved.account == carriers.noreply, ~resolved.final, resolved.developer.isnull()]
    ).select(resolved, carriers.owner, carriers.carrier)
    return joined.select(
        *KEYS,
        "seen",
        "bot_name",
        "final",
        developer=joined.developer.coalesce(joined.owner),
        reason=joined.owner.notnull().ifelse(text("noreply address of the ") + joined.carrier, joined.reason),
    )


def renamed(resolved: ibis.Table) -> ibis.Table:
    """Rule 5, for accounts that are still nobody's."""
    numbered = resolved.filter(resolved.account.contains("@users.noreply.")).select(
        address="account",
        owner="developer",
        host=resolved.account.contains("gitlab").ifelse(text("gitlab"), text("github")),
        number=resolved.account.re_extract(_NUMBER, 1),
        login=resolved.account.re_extract(NOREPLY, 1),
    )
    numbered = numbered.filter(numbered.number != "")
    # A name that was given up may be somebody else's by now.
    names = numbered.group_by("host", "login").agg(
        number=lambda t: t.number.min(), numbers=lambda t: t.number.nunique()
    )
    names = names.filter(names.numbers == 1).select("host", "login", "number")
    code = resolved.filter((resolved.domain == CODE) & resolved.developer.notnull()).select(
        by="source", login="account", owner="developer"
    )
    by_name = names.join(code, "login").filter(lambda row: row.by == row.host)
    owned = numbered.filter(numbered.owner.notnull()).select("host", "number", "owner", "login")
    owned = owned.union(by_name.select("host", "number", "owner", "login"))
    owners = owned.group_by("host", "number").agg(
        people=owned.owner.nunique(), present=owned.owner.min(), called=owned.login.min()
    )
    owners = owners.filter(owners.people == 1).drop("people")
    addresses = numbered.select("host", "number", same="address").distinct().join(owners, ["host", "number"])
    logins = names.join(owners, ["host", "number"]).select("host", "login", "present", "called")
    joined = resolved.left_join(addresses, resolved.account == addresses.same).select(
        resolved, by_address=addresses.present, address_of=addresses.host + " account " + addresses.called
    )
    own = (joined.domain == CODE) & ((joined.source == logins.host) | (joined.source == ""))
    joined = joined.left_join(logins, [joined.account == logins.login, own])
    joined = joined.select(
        joined,
        by_login=joined.present,
        login_of=joined.host + " account " + joined.called,
        position=ibis.row_number().over(group_by=list(KEYS), order_by=joined.host),
    )
    joined = joined.filter(joined.position == 0)
    open_ = joined.developer.isnull() & ~joined.final & ~joined.bot_name
    owner = open_.ifelse(joined.by_address.coalesce(joined.by_login), ibis.null("string"))
    known = text("renamed: the number of its noreply address is also that of the ") + joined.address_of.coalesce(
        joined.login_of
    )
    return joined.select(
        *KEYS,
        "seen",
        "bot_name",
        developer=joined.developer.coalesce(owner),
        reason=owner.notnull().ifelse(known, joined.reason),
    )
