"""Which exports somebody may see. What an export says follows from its scope, its level and how it names people, whoever asked
for it: so these decide, and an export that one key made serves every other that may see it."""

from __future__ import annotations

import re
from dataclasses import replace

from leadline.access import Access
from leadline.db import jobs
from leadline.db.export_list import Visible
from leadline.db.jobs import Export
from leadline.errors import NotFound
from leadline.home import Project


def visible_to(project: Project, access: Access) -> Visible:
    """The project's exports that ``access`` shows."""
    if access.teams is None:
        return Visible(None, access.developers, access.names)
    from leadline.people.access import VisibleTrees

    teams = VisibleTrees(project, access).teams or frozenset()
    return Visible(frozenset(map(str, teams)), access.developers, access.names)


def shows(project: Project, access: Access, export: Export) -> bool:
    """Whether ``access`` shows an export of the project."""
    return export in visible_to(project, access)


def visible(project: Project, export_id: str, access: Access, kind: str | None = None) -> Export:
    """One export of the project as it is stored. Raises ``NotFound``, the same for another project's and for one that ``access``
    does not show as for one that never was."""
    export = jobs.get(project.db, project.id, export_id, kind) if _is_id(export_id) else None
    if export is None or not shows(project, access, export):
        raise NotFound(f"There is no export {export_id[:80]!r}", code="unknown_export")
    return export


def _is_id(text: str) -> bool:
    """Whether ``text`` could be an export's id; the databases differ in what else they can be asked for."""
    return re.fullmatch("[A-Za-z0-9_-]{1,40}", text) is not None


def as_seen(project: Project, access: Access, export: Export) -> Export:
    """An export that ``access`` shows: a run pins all org trees, and the names of others are not told."""
    if access.teams is None or not export.pinned:
        return export
    from leadline.people.access import VisibleTrees

    names = {known.name for known in VisibleTrees(project, access).listed()}
    trees = {name: version for name, version in export.pinned.get("trees", {}).items() if name in names}
    return replace(export, pinned={**export.pinned, "trees": trees})
