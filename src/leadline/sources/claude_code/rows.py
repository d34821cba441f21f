"""Records of the report on Claude Code as rows of `ai_usage`: what somebody did on a day in one row, and what each model read,
wrote and cost in rows of their own. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from leadline.sources.kit.page import Row, Skipped
from leadline.sources.kit.records import Node, cleaned, inner, objects
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.usage import Usage, added, number, text, total

TOOL = "claude-code"
API_KEY = "api-key:"
"""What the accounts of API keys begin with: a key may be called like somebody."""
_WORK = ("sessions", "suggestions", "acceptances", "lines_accepted", "commits", "pull_requests")
_TOKENS = ("input_tokens", "output_tokens", "cents")
_READ = ("input", "cache_creation", "cache_read")


def usage_of(day: date, records: Iterable[Node]) -> Usage:
    """The rows of a day. One account may be in several records, of several terminals."""
    rows: dict[tuple[str, str | None], Row] = {}
    skipped: list[Skipped] = []
    count = 0
    for record in records:
        count += 1
        try:
            made = _rows(day, record)
        except Misshapen as error:
            skipped.append(Skipped(f"a record of {day}", error.message))
            continue
        for row in made:
            key = (str(row["account"]), row["model"])
            rows[key] = added(rows.get(key), row, _WORK if row["model"] is None else _TOKENS)
    return Usage([_shown(row) for row in rows.values()], count, tuple(skipped))


def _rows(day: date, record: Node) -> list[Row]:
    """The rows of one record. Raises ``Misshapen``."""
    account, email = _actor(inner(record, "actor") or {})
    who = {"tool": TOOL, "day": day.isoformat(), "account": account, "email": email, "source": TOOL}
    work = inner(record, "core_metrics") or {}
    actions = inner(record, "tool_actions") or {}
    tools = [actions[name] for name in actions if isinstance(actions[name], dict)]
    accepted = total([number(tool, "accepted") for tool in tools])
    rejected = total([number(tool, "rejected") for tool in tools])
    own = {
        "model": None,
        "sessions": number(work, "num_sessions"),
        "suggestions": total([accepted, rejected]),
        "acceptances": accepted,
        "lines_accepted": number(inner(work, "lines_of_code") or {}, "added"),
        "commits": number(work, "commits_by_claude_code"),
        "pull_requests": number(work, "pull_requests_by_claude_code"),
    }
    models = [_model(part) for part in objects(record.get("model_breakdown"), "model_breakdown")]
    return [{**who, **own}, *({**who, **model} for model in models)]


def _actor(actor: Node) -> tuple[str, str | None]:
    """The account, and its email. Raises ``Misshapen``."""
    if actor.get("type") == "api_actor":
        return API_KEY + text(actor, "api_key_name"), None
    email = text(actor, "email_address")
    return email, email


def _model(part: Node) -> Row:
    tokens, cost = inner(part, "tokens") or {}, inner(part, "estimated_cost") or {}
    currency = cost.get("currency")
    return {
        "model": text(part, "model"),
        "input_tokens": total([number(tokens, name) for name in _READ]),
        "output_tokens": number(tokens, "output"),
        "cents": _amount(cost.get("amount")),
        "currency": currency if isinstance(currency, str) else None,
    }


def _amount(value: Any) -> float | None:
    """An amount in minor units of its currency."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise Misshapen(f"its cost is no amount but {str(value)[:40]!r}")
    return value


def _shown(row: Row) -> Row:
    """The row of the table."""
    cents = row.pop("cents", None)
    if cents is not None:
        row["cost"] = cents / 100
    elif "currency" in row:
        row["currency"] = None
    return cleaned(**row)
