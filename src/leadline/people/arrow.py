"""An org tree's answers as Arrow tables, for the engine to bind and facts and metrics to join with.

A tree and the node of a scope come in; one table per question goes out. Emails are in lower case; ``node_order`` is the
position in the tree's preorder, which is the order of rows in an export.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from leadline.people.tree import Node, OrgTree

DEVELOPERS_SCHEMA = pa.schema(
    [
        ("email", pa.string()),
        ("full_name", pa.string()),
        ("team_ref_id", pa.int64()),
        ("team", pa.string()),
        ("hierarchy", pa.string()),
        ("node_order", pa.int64()),
    ]
)
CLOSURE_SCHEMA = pa.schema([("ref_id", pa.int64()), ("email", pa.string())])
NODES_SCHEMA = pa.schema(
    [
        ("ref_id", pa.int64()),
        ("name", pa.string()),
        ("key", pa.string()),
        ("hierarchy", pa.string()),
        ("node_order", pa.int64()),
        ("developers", pa.int64()),
    ]
)
PEOPLE_SCHEMA = pa.schema([("email", pa.string()), ("full_name", pa.string())])


def scope_developers(tree: OrgTree, node: Node) -> pa.Table:
    """One row per developer of the subtree, under the first listed team in it; in the order of developer rows."""
    scoped = tree.scope_developers(node)
    return pa.table(
        [
            [each.developer.email for each in scoped],
            [each.developer.full_name for each in scoped],
            [each.team.ref_id for each in scoped],
            [each.team.name for each in scoped],
            [each.team.path for each in scoped],
            [each.team.order for each in scoped],
        ],
        schema=DEVELOPERS_SCHEMA,
    )


def closure(tree: OrgTree, node: Node) -> pa.Table:
    """One row per node of the subtree and distinct developer it covers."""
    pairs = list(tree.closure(node))
    return pa.table([[ref_id for ref_id, _ in pairs], [email for _, email in pairs]], schema=CLOSURE_SCHEMA)


def nodes(tree: OrgTree, node: Node) -> pa.Table:
    """One row per node of the subtree in preorder, with its distinct developers counted."""
    within = tree.subtree(node)
    counts = dict.fromkeys((each.ref_id for each in within), 0)
    for ref_id, _ in tree.closure(node):
        counts[ref_id] += 1
    return pa.table(
        [
            [each.ref_id for each in within],
            [each.name for each in within],
            [each.key for each in within],
            [each.path for each in within],
            [each.order for each in within],
            [counts[each.ref_id] for each in within],
        ],
        schema=NODES_SCHEMA,
    )


def people(trees: Iterable[OrgTree]) -> pa.Table:
    """Everybody of the given trees once (those without a team too), by email; the first tree's full name holds."""
    names: dict[str, str] = {}
    for tree in trees:
        for developer in tree.developers.values():
            names.setdefault(developer.email, developer.full_name)
    emails = sorted(names)
    return pa.table([emails, [names[email] for email in emails]], schema=PEOPLE_SCHEMA)
