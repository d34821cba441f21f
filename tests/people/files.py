"""Org files as short text: what the tests of this folder write and read back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from leadline.people.csv_file import read_people
from leadline.people.draft import assemble
from leadline.people.hierarchy import draft_of
from leadline.people.nested_file import read_nested
from leadline.people.tree import OrgTree
from leadline.people.violations import Violations

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

HEADER = "email,full_name,manager_email,team"

ACME = f"""{HEADER}
ada@example.com,Ada Lund,,Leads
ben@example.com,Ben Moss,ada@example.com,Platform
cleo@example.com,Cleo Hart,ben@example.com,Platform
dan@example.com,Dan Wu,ben@example.com;eve@example.com,Platform
eve@example.com,Eve Roth,ada@example.com,Web
finn@example.com,Finn Ody,eve@example.com,Mobile
gus@example.com,Gus Lee,ada@example.com,Leads
hal@example.com,Hal Orr,,Advisors
"""
"""Ada leads Ben (Cleo, Dan) and Eve (Finn, Dan) and Gus; Dan is shared, Hal stands alone."""


def write(folder: Path, text: str, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def tree_of(text: str, name: str = "Acme") -> OrgTree:
    """The tree of a developers CSV, with ref ids 1, 2, … in preorder."""
    violations = Violations("people.csv")
    draft = draft_of(read_people(text.encode(), violations), name, violations)
    return _numbered(draft, name)


def nested_tree_of(text: str, name: str = "Acme", *, toml: bool = False) -> OrgTree:
    violations = Violations("org.toml" if toml else "org.json")
    return _numbered(read_nested(text.encode(), name, toml=toml, violations=violations), name)


def _numbered(draft, name: str) -> OrgTree:
    refs = {identity: number for number, identity in enumerate(draft.preorder(), start=1)}
    return assemble(draft, refs, tree_id=1, name=name, version=1)


def outline(tree: OrgTree) -> list[tuple[str, str]]:
    """Hierarchy path and own people (the part before the @) of every node, in preorder."""
    return [(node.path, " ".join(email.partition("@")[0] for email in node.own)) for node in tree.nodes]
