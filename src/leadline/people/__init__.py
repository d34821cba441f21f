"""People: developers, the org trees they form, and the store that keeps every version of every tree.

A developers CSV or a nested tree file comes in (``load_org``); an ``OrgTree`` goes out, whose nodes have ref ids that
survive re-uploads and whose questions (who is in this team, which team is this person's first here) are answered in
memory. ``arrow`` gives the same answers as tables for queries.
"""

from leadline.people.store import LoadedTree, TreeSummary, find_team, load_org, tree, trees
from leadline.people.tree import Developer, Node, OrgTree

__all__ = [
    "Developer",
    "LoadedTree",
    "Node",
    "OrgTree",
    "TreeSummary",
    "find_team",
    "load_org",
    "tree",
    "trees",
]
