"""People: developers, the org trees they form, and every version of every tree. ``load_org`` puts a developers CSV or a nested tree
file in force from a day. An ``OrgTree`` has nodes whose ref ids survive re-uploads, and answers in memory who is in a team and
which team is a person's first."""

from leadline.people.history import BEGINNING
from leadline.people.lookup import TreeSummary, find_team, history, tree, trees
from leadline.people.store import LoadedTree, load_org
from leadline.people.tree import Developer, Node, OrgTree, addresses

__all__ = [
    "BEGINNING",
    "Developer",
    "LoadedTree",
    "Node",
    "OrgTree",
    "TreeSummary",
    "addresses",
    "find_team",
    "history",
    "load_org",
    "tree",
    "trees",
]
