"""How much AI tools were used: the rows of the table `ai_usage` with whose they are. A day is a day, whatever the time zone: it is
the local day of the same date."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue, Table

from leadline.derive.account_names import CODE, GIT
from leadline.derive.accounts import developer_by_name
from leadline.derive.ai_tools import aliases, tools_with
from leadline.derive.expressions import DAY_US
from leadline.derive.local_time import Offset, offsets
from leadline.engine import schema_table
from leadline.engine.functions import to_bigint
from leadline.facts.accounts import with_developer
from leadline.materialize.model import Model
from leadline.settings.profile import Profile

_NUMBERS = (
    *("sessions", "interactions", "suggestions", "acceptances", "lines_suggested", "lines_accepted"),
    *("commits", "pull_requests", "input_tokens", "output_tokens"),
)
_FIRST, _LAST = date(2020, 1, 1), date(2050, 1, 1)
"""There was no usage before, and no zone is known after."""


def _usage(profile: Profile) -> Table:
    usage = schema_table("ai_usage")
    currency: str = profile["ai.currency"]
    own = usage.currency.strip().upper().nullif("").fill_null(currency) == currency
    usage = usage.mutate(
        cost_millionths=ibis.cases((own, to_bigint((usage.cost * 1_000_000).round()))), was_active=_active(usage)
    )
    owned = _with_developers(usage, profile)
    return owned.select(
        "developer",
        "lines_suggested",
        "lines_accepted",
        "suggestions",
        "acceptances",
        "cost_millionths",
        "licensed",
        tool=_tool(owned.tool),
        active=owned.was_active,
        happened_us=_noon(owned["day"], profile.zone),
    ).select(*AI_USAGE.columns)


def _active(usage: Table) -> BooleanValue:
    used = ibis.literal(False)
    for name in _NUMBERS:
        used |= (usage[name] > 0).fill_null(False)
    return usage.active.fill_null(used)


def _tool(tool: StringValue) -> StringValue:
    name = tool.strip().lower()
    return ibis.cases(*((name == alias, known) for alias, known in sorted(aliases(tools_with({})).items())), else_=name)


def _with_developers(usage: Table, profile: Profile) -> Table:
    """``usage`` with its ``developer``: that of the account, by a mapping, its address or what a tool says of it; else that of the
    email; else that of the account by what it did besides."""
    names = profile["bots"], profile["ai.agents"]
    account = developer_by_name(usage, "account", CODE, *names).rename(by_account="developer", mapped="final")
    email = developer_by_name(usage.mutate(source=ibis.null("string")), "email", GIT, *names)
    email = email.select("email", by_email="developer")
    seen = with_developer(usage, "account", "code").rename(seen_as="developer")
    same = [seen.account == account.account, seen["source"].identical_to(account["source"])]
    joined = seen.left_join(account, same).select(seen, account.by_account, account.mapped)
    joined = joined.left_join(email, joined.email == email.email).select(joined, email.by_email)
    others = joined.by_account.coalesce(joined.by_email, joined.seen_as)
    return joined.mutate(developer=ibis.cases((joined.mapped.fill_null(False), joined.by_account), else_=others))


def _noon(day: StringValue, zone: ZoneInfo) -> IntegerValue:
    """Noon of a local day, in microseconds."""
    since = ibis.date("1970-01-01")
    local = day.cast("date").delta(since, unit="day").cast("int64") * DAY_US + DAY_US // 2
    *changes, last = offsets(_FIRST, _LAST, zone)
    offset = ibis.literal(last.offset, "int64")
    branches = [(local - change.offset < _until(change), change.offset) for change in changes]
    return local - (ibis.cases(*branches, else_=last.offset).cast("int64") if branches else offset)


def _until(change: Offset) -> int:
    assert change.until is not None  # noqa: S101 -- only the last one has none
    return change.until


AI_USAGE = Model(
    "ai_usage",
    {
        "tool": "string",
        "developer": "string",
        "happened_us": "int64",
        **dict.fromkeys(("active", "licensed"), "boolean"),
        **dict.fromkeys(
            ("suggestions", "acceptances", "lines_suggested", "lines_accepted", "cost_millionths"), "int64"
        ),
    },
    expression=_usage,
)
"""Days of use by account and model, those of nobody known, too: they say that something was read."""
