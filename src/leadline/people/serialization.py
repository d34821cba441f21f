"""An ``OrgTree`` as the JSON document that the metadata database keeps, and back. Ids of the tree and the version are the row's,
not the document's: equal trees have equal documents. Versions never change, so a document is written in one form and read in that
of its ``format``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from leadline.errors import StoreError
from leadline.people.tree import Developer, Node, OrgTree, with_paths

FORMAT = 1


def to_document(tree: OrgTree) -> dict[str, Any]:
    """The tree as JSON values; lists instead of objects where there are many."""
    return {
        "format": FORMAT,
        "nodes": [
            [
                node.ref_id,
                node.key,
                node.name,
                node.parent,
                node.path,
                node.depth,
                node.manager,
                list(node.own),
                list(node.also_under),
            ]
            for node in tree.nodes
        ],
        "developers": [
            [
                *(developer.email, developer.full_name, list(developer.teams)),
                dict(sorted(developer.attributes.items())),
                *([developer.written] if developer.written else []),
            ]
            for developer in tree.developers.values()
        ],
    }


def from_document(document: dict[str, Any], *, tree_id: int, name: str, version: int) -> OrgTree:
    """The tree of a document. Raises ``StoreError`` if a newer leadline wrote it."""
    if document["format"] != FORMAT:
        raise StoreError(
            f"Version {version} of org tree {name!r} has form {document['format']}, which this leadline does not know; "
            "it was written by a newer leadline: install that version"
        )
    nodes = with_paths(
        Node(ref_id, key, title, parent, path, depth, order, manager, tuple(own), tuple(also_under))
        for order, (ref_id, key, title, parent, path, depth, manager, own, also_under) in enumerate(document["nodes"])
    )
    developers = {
        email: Developer(email, full_name, tuple(teams), attributes, *written)
        for email, full_name, teams, attributes, *written in document["developers"]
    }
    return OrgTree(tree_id, name, version, nodes, developers)


def people_in(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Email and full name of everybody in a document, without the tree being made of it."""
    return ((email, full_name) for email, full_name, *_ in document["developers"])


def people_digest(document: dict[str, Any]) -> str:
    """What documents with the same people have in common, in whatever teams these are (SHA-256, hexadecimal)."""
    people = sorted(people_in(document))
    return hashlib.sha256(json.dumps(people, separators=(",", ":")).encode()).hexdigest()


def digest(document: dict[str, Any]) -> str:
    """What two documents with the same content have in common (SHA-256, hexadecimal)."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
