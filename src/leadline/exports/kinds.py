"""The kinds of exports that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadline.exports.efficiency import EFFICIENCY_EXPORT
from leadline.exports.export_kind import ExportKind
from leadline.exports.productivity import PRODUCTIVITY_EXPORT
from leadline.exports.requests import Parsed
from leadline.home import Project

KINDS: dict[str, ExportKind] = {kind.name: kind for kind in (PRODUCTIVITY_EXPORT, EFFICIENCY_EXPORT)}
"""Every kind by its name, in the order in which they are shown."""


def parse(project: Project, body: Mapping[str, Any], kind: str) -> Parsed:
    """The request of an export of ``kind`` for ``project``. Raises ``InvalidRequest``, or ``Forbidden`` if it names
    another project."""
    return KINDS[kind].parse(project, body)
