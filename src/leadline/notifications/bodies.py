"""What a message says: the type and time of what happened, where, and the same that is answered to who asks for it. Neither rows
nor names of people are in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leadline.db import jobs
from leadline.db.outbox import Message
from leadline.exports.kinds import KINDS
from leadline.home import Project
from leadline.instants import rfc3339

_ADDRESS = re.compile(r"[^\s@\"'<>(),;:]+@[^\s@\"'<>(),;:]+")
"""An e-mail address, which a sentence about a fault could have."""


def body_of(project: Project, message: Message, now: datetime) -> str:
    """The body of a message, as JSON; of an export, what polling it answers."""
    data = _polled(project, str(message.data["exportId"]), now) if _is_of_export(message) else message.data
    return body(project, message.type, message.occurred_at, data)


def body(project: Project, event: str, at: datetime, data: Mapping[str, Any]) -> str:
    """The body of a message that tells ``event``."""
    document = {
        "type": event,
        "timestamp": rfc3339(at, milliseconds=True),
        "project": project.name,
        "organization": project.organization,
        "data": _without_addresses(data),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _is_of_export(message: Message) -> bool:
    return message.type.startswith("export.")


def _polled(project: Project, export_id: str, now: datetime) -> Mapping[str, Any]:
    export = jobs.get(project.db, project.id, export_id)
    kind = None if export is None else KINDS.get(export.kind)
    if export is None or kind is None:
        return {"exportId": export_id}
    polled: dict[str, Any] = kind.export_body.of(export, kind.path, now).model_dump(mode="json", exclude_unset=True)
    return polled


def _without_addresses(value: Any) -> Any:
    if isinstance(value, str):
        return _ADDRESS.sub("…", value)
    if isinstance(value, Mapping):
        return {name: _without_addresses(member) for name, member in value.items()}
    return [_without_addresses(member) for member in value] if isinstance(value, list) else value
