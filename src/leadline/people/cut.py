"""A tree cut to some of its teams, for those who may see no others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from leadline.people.tree import OrgTree


def cut(tree: OrgTree, teams: Collection[int]) -> OrgTree | None:
    """``tree`` with nothing but ``teams`` (ref ids) and their people; None if it has none of them. Paths stay whole; a team whose
    parent is not among them has none. The first of them is the root."""
    nodes = tuple(
        replace(
            node,
            parent=node.parent if node.parent in teams else None,
            also_under=tuple(ref_id for ref_id in node.also_under if ref_id in teams),
        )
        for node in tree.nodes
        if node.ref_id in teams
    )
    developers = {
        email: replace(developer, teams=inside)
        for email, developer in tree.developers.items()
        if (inside := tuple(ref_id for ref_id in developer.teams if ref_id in teams))
    }
    return OrgTree(tree.id, tree.name, tree.version, nodes, developers) if nodes else None
