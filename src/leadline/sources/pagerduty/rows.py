"""PagerDuty's incidents as rows of ``incidents``. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from leadline.instants import rfc3339
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node
from leadline.sources.kit.text import Misshapen, clean

SOURCE = "pagerduty"
RESOLVED = "resolved"


def key_of(prefix: str, node: Node) -> str:
    """An incident's id. Raises ``Misshapen`` if it has none."""
    identity = node.get("id")
    if not isinstance(identity, str) or not identity:
        raise Misshapen("it has no id")
    return f"{prefix}:{clean(identity)}"


def incident_row(prefix: str, node: Node) -> Row | None:
    """The row of an incident; None for one that was merged into another, which tells of it. Raises ``Misshapen`` if it has no id or
    no time."""
    key = key_of(prefix, node)
    created = instant(node.get("created_at"))
    if created is None:
        raise Misshapen("its created_at is no time")
    reason = node.get("resolve_reason")
    if isinstance(reason, dict) and reason.get("type") == "merge_resolve_reason":
        return None
    row = {
        "incident_id": key,
        "service": _summary(node.get("service")),
        "title": node.get("title") or node.get("summary"),
        "severity": _summary(node.get("priority")) or node.get("urgency"),
        "status": node.get("status"),
        "created_at": created,
        "resolved_at": resolved_at(node),
        "url": node.get("html_url"),
    }
    return {name: clean(value) for name, value in row.items()}


def resolved_at(node: Node) -> str | None:
    """When it was resolved: its last change of status is what resolved it. None if it is not resolved."""
    if node.get("status") != RESOLVED:
        return None
    return instant(node.get("resolved_at")) or instant(node.get("last_status_change_at"))


def instant(value: Any) -> str | None:
    """A time as RFC 3339 in UTC to the second, so that times compare as texts; None for none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return rfc3339(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)


def _summary(node: Any) -> str | None:
    summary = node.get("summary") or node.get("name") if isinstance(node, dict) else None
    return summary if isinstance(summary, str) else None
