"""Takes an org tree away for good: who is in which team by it, in every version, and what was set for it."""

from __future__ import annotations

from datetime import UTC, datetime

from leadline.db import trees as rows
from leadline.errors import Conflict
from leadline.home import Project
from leadline.people.lookup import TreeSummary, summary
from leadline.sync.configured import configured


def remove_tree(project: Project, name: str) -> TreeSummary:
    """Remove the tree ``name``; what was exported by it stays, as long as exports do. Raises ``InvalidRequest``
    (``invalid_org_tree_name``) if there is none, ``Conflict`` if a source would load it again."""
    with rows.lock(project.db, project.id, name) as lease:
        known = summary(project, name)
        keeping = [source.settings.name for source in configured(project) if source.settings.option("org-tree") == name]
        if keeping:
            raise Conflict(
                f"The source {keeping[0]} loads the org tree {name}; take that away first: leadline sources remove {keeping[0]}"
            )
        with project.db.write(under=lease) as connection:
            rows.remove(connection, project.id, known.id, name, datetime.now(UTC))
    return known
