"""What holds for every organization: parents cover their children, rows are dense and distinct, ids do not move."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.errors import InvalidInput
from leadline.people.csv_file import Person
from leadline.people.draft import assemble
from leadline.people.hierarchy import draft_of
from leadline.people.serialization import from_document, to_document
from leadline.people.tree import Node, OrgTree, path_part
from leadline.people.violations import Violations

Row = tuple[list[int], str]


@st.composite
def organizations(draw: st.DrawFn) -> list[Row]:
    """Who reports to whom (earlier people only, so there are no cycles; up to three managers each) and team values."""
    rows: list[Row] = []
    for number in range(draw(st.integers(2, 25))):
        managers = draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
        rows.append((managers, draw(st.sampled_from(["", "Web", "web", "A/B", "é"]))))
    if not any(managers for managers, _ in rows):
        rows.append(([0], ""))
    return rows


def email(number: int) -> str:
    return f"p{number}@x.example"


def build(rows: Sequence[Row], order: Sequence[int] | None = None) -> OrgTree:
    people = [
        Person(
            line,
            email(number),
            f"P {number}",
            tuple(email(manager) for manager in rows[number][0]),
            rows[number][1],
            {},
        )
        for line, number in enumerate(order if order is not None else range(len(rows)), start=2)
    ]
    draft = draft_of(people, "Org", Violations("people.csv"))
    # Ids by identity, so that two builds can be compared.
    refs = {identity: number for number, identity in enumerate(sorted(draft.nodes), start=1)}
    return assemble(draft, refs, tree_id=1, name="Org", version=1)


def pairs(tree: OrgTree, node: Node) -> list[tuple[int, str]]:
    """Who is covered by which of ``node`` and the nodes below it."""
    covered = tree.covered({below.ref_id: below.ref_id for below in tree.subtree(node)})
    return [(ref_id, email) for email, covering in covered.items() for ref_id in covering]


@given(organizations())
def test_a_node_covers_its_own_people_and_those_of_the_nodes_under_it(rows: list[Row]):
    tree = build(rows)
    closure = pairs(tree, tree.root)
    assert len(closure) == len(set(closure))
    covered = {ref_id: {email for covering, email in closure if covering == ref_id} for ref_id in tree.by_ref}
    for node in tree.nodes:
        children = [child for child in tree.nodes if node.ref_id in (child.parent, *child.also_under)]
        expected = set(node.own).union(*(covered[child.ref_id] for child in children))
        assert covered[node.ref_id] == expected == set(tree.people(node))
        assert set(tree.subtree(node)) == {node}.union(*(tree.subtree(child) for child in children))
    assert tree.head_counts() == {ref_id: len(emails) for ref_id, emails in covered.items()}


@given(organizations())
def test_the_tree_says_what_the_rows_say(rows: list[Row]):
    tree = build(rows)
    managers = {manager for listed, _ in rows for manager in listed}
    by_manager = {node.manager: node for node in tree.nodes if node.manager}
    assert set(by_manager) == {email(number) for number in managers}
    for number, (listed, _) in enumerate(rows):
        teams = [tree.by_ref[ref_id] for ref_id in tree.developers[email(number)].teams]
        if number in managers:
            assert teams == [by_manager[email(number)]]
            node = teams[0]
            if listed:
                assert tree.by_ref[node.parent] == by_manager[email(listed[0])]
            else:
                assert node.parent in (None, tree.root.ref_id)
        else:
            assert teams == [by_manager[email(manager)] for manager in listed]
    in_a_node = {number for number, (listed, _) in enumerate(rows) if listed or number in managers}
    assert set(tree.people(tree.root)) == {email(number) for number in in_a_node}


@given(organizations())
def test_preorder_sorts_siblings_by_code_point_and_paths_follow_it(rows: list[Row]):
    tree = build(rows)
    assert [node.order for node in tree.nodes] == list(range(len(tree.nodes)))
    for node in tree.nodes:
        children = [child.name for child in tree.nodes if child.parent == node.ref_id]
        assert children == sorted(children)
        if node.parent is None:
            assert (node.path, node.depth) == ("Org", 0)
        else:
            parent = tree.by_ref[node.parent]
            by_name = f"{parent.path}/{path_part(node.name)}"
            assert node.path in (by_name, f"{by_name}#{node.ref_id}")
            assert node.depth == parent.depth + 1
            assert parent.order < node.order


@given(organizations(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Row], dice: random.Random):
    order = list(range(len(rows)))
    dice.shuffle(order)
    assert build(rows, order) == build(rows)


@given(organizations())
def test_the_stored_document_reads_back_as_the_same_tree(rows: list[Row]):
    tree = build(rows)
    assert from_document(to_document(tree), tree_id=1, name="Org", version=1) == tree


@settings(max_examples=40)
@given(organizations())
def test_every_scope_has_each_developer_once_under_the_first_team_in_it(rows: list[Row]):
    tree = build(rows)
    heads = tree.head_counts()
    for node in tree.nodes:
        scoped = tree.scope_developers(node)
        order = [(one.team.order, one.developer.email) for one in scoped]
        assert order == sorted(order)
        assert [one.developer.email for one in scoped] == list(tree.people(node))
        inside = {below.ref_id for below in tree.subtree(node)}
        for one in scoped:
            assert one.team.ref_id == next(ref_id for ref_id in one.developer.teams if ref_id in inside)
        closure = pairs(tree, node)
        assert len(set(closure)) == len(closure)
        for below in tree.subtree(node):
            assert sum(ref_id == below.ref_id for ref_id, _ in closure) == heads[below.ref_id]


@given(organizations(), st.data())
def test_a_cycle_anywhere_is_found(rows: list[Row], data: st.DataObject):
    # Somebody's manager is made to report to them, directly or further up.
    below = data.draw(st.sampled_from([number for number, (listed, _) in enumerate(rows) if listed]))
    above = below
    for _ in range(data.draw(st.integers(1, 5))):
        if rows[above][0]:
            above = data.draw(st.sampled_from(rows[above][0]))
    rows[above][0].append(below)
    try:
        build(rows)
    except InvalidInput as error:
        (detail,) = error.details
        assert "CYCLE" in detail.message
        chain = detail.message.split("CYCLE: ")[1].split(";")[0].split(" → ")
        assert chain[0] == chain[-1]
        for lower, upper in pairwise(chain):
            assert int(upper[1:].split("@")[0]) in rows[int(lower[1:].split("@")[0])][0]
    else:
        raise AssertionError("the cycle was not found")
