"""The kinds of exports that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadline.access import UNLIMITED, Access
from leadline.exports.business import BUSINESS_EXPORT
from leadline.exports.efficiency import EFFICIENCY_EXPORT
from leadline.exports.export_kind import ExportKind
from leadline.exports.facts import FACTS_EXPORT
from leadline.exports.flow import FLOW_EXPORT
from leadline.exports.productivity import PRODUCTIVITY_EXPORT
from leadline.exports.requests import Parsed
from leadline.exports.sprint import SPRINT_EXPORT
from leadline.exports.ticket_data import TICKET_DATA_EXPORT
from leadline.home import Project

_KINDS = (
    PRODUCTIVITY_EXPORT,
    EFFICIENCY_EXPORT,
    BUSINESS_EXPORT,
    FLOW_EXPORT,
    TICKET_DATA_EXPORT,
    SPRINT_EXPORT,
    FACTS_EXPORT,
)
KINDS: dict[str, ExportKind] = {kind.name: kind for kind in _KINDS}
"""Every kind by its name, in the order in which they are shown."""


def parse(project: Project, body: Mapping[str, Any], kind: str, access: Access = UNLIMITED) -> Parsed:
    """The request of an export of ``kind`` for ``project``, within ``access``. Raises ``InvalidRequest``, or ``Forbidden`` if it
    names another project or what ``access`` does not show."""
    return KINDS[kind].parse(project, body, access)
