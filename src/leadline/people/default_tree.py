"""Which org tree a request without ``orgTreeName`` means, and the refusal while there is none in force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from leadline.errors import Detail, InvalidRequest, PreconditionFailed
from leadline.home import Project
from leadline.people.access import VisibleTrees
from leadline.people.lookup import TreeSummary, checked_name, tree, trees
from leadline.people.tree import OrgTree

DEFAULT_TREE = "Organization"
"""The name of a first tree that nobody named."""


def chosen_name(project: Project, name: str | None) -> str:
    """``name``, else the project's only tree, else ``DEFAULT_TREE`` if there is one or none at all. Raises ``InvalidRequest`` if it
    cannot be told or is no name."""
    return _chosen(trees(project), name)


def _chosen(among: Sequence[TreeSummary], name: str | None) -> str:
    if name is not None:
        return checked_name(name)
    names = [summary.name for summary in among]
    if len(names) == 1:
        return names[0]
    if not names or DEFAULT_TREE in names:
        return DEFAULT_TREE
    listed = ", ".join(f'"{tree_name}"' for tree_name in names)
    raise InvalidRequest(
        f"The project has several org trees; name one as orgTreeName: {listed}",
        code="missing_org_tree_name",
        details=[Detail("orgTreeName", f"one of {listed}")],
    )


def chosen_tree(project: Project, name: str | None, day: date | None = None) -> OrgTree:
    """The tree in force on ``day`` (default: today) that ``chosen_name`` says. Raises ``PreconditionFailed`` (``not_set_up``)
    while the project has none, ``InvalidRequest`` if it has others only."""
    if not trees(project):
        raise not_set_up()
    return tree(project, chosen_name(project, name), day=day)


def shown_tree(visible: VisibleTrees, name: str | None, day: date | None = None) -> OrgTree | None:
    """As ``chosen_tree``, among the trees that are shown and as it is shown; None if nothing of it is on that day."""
    if not visible.listed():
        raise not_set_up()
    return visible.tree(_chosen(visible.listed(), name), day)


def not_set_up() -> PreconditionFailed:
    """The refusal of what needs developers while there are none."""
    return PreconditionFailed(
        "No developers are saved yet: upload a CSV with POST /v2/developers and save it with "
        "PUT /v2/developers/versions/{versionId}/fieldMappings first",
        code="not_set_up",
    )
