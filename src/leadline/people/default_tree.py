"""Which org tree a request without ``orgTreeName`` means, and the refusal while there is none in force."""

from __future__ import annotations

from datetime import date

from leadline.errors import Detail, InvalidRequest, PreconditionFailed
from leadline.home import Project
from leadline.people.lookup import checked_name, tree, trees
from leadline.people.tree import OrgTree

DEFAULT_TREE = "Organization"
"""The name of a first tree that nobody named."""


def chosen_name(project: Project, name: str | None) -> str:
    """``name``, else the project's only tree, else ``DEFAULT_TREE`` if there is one or none at all. Raises ``InvalidRequest`` if it
    cannot be told or is no name."""
    if name is not None:
        return checked_name(name)
    names = [summary.name for summary in trees(project)]
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


def not_set_up() -> PreconditionFailed:
    """The refusal of what needs developers while there are none."""
    return PreconditionFailed(
        "No developers are saved yet: upload a CSV with POST /v2/developers and save it with "
        "PUT /v2/developers/versions/{versionId}/fieldMappings first",
        code="not_set_up",
    )
