"""The node rules of the data model ("People and the org tree"), each on a few rows."""

from __future__ import annotations

from .files import ACME, HEADER, outline, tree_of


def names(emails) -> str:
    return " ".join(email.partition("@")[0] for email in emails)


def test_a_manager_with_reports_is_a_node_of_the_manager_and_the_reports_who_manage_nobody():
    # Ada is the only top manager, so her node is the root, named like the tree. Dan has two managers.
    assert outline(tree_of(ACME)) == [
        ("Acme", "ada gus"),
        ("Acme/Eve Roth's team", "eve dan finn"),  # Web, Platform, Mobile: no team value shared
        ("Acme/Platform", "ben cleo dan"),
    ]


def test_several_top_managers_stand_under_a_root_without_own_people():
    tree = tree_of(
        f"{HEADER}\na@x.example,A,,\nb@x.example,B,a@x.example,\nc@x.example,C,,\nd@x.example,D,c@x.example,\n",
        name="Both",
    )
    assert outline(tree) == [("Both", ""), ("Both/A's team", "a b"), ("Both/C's team", "c d")]
    assert tree.root.manager is None


def test_one_with_neither_manager_nor_reports_is_in_no_node_but_known():
    tree = tree_of(ACME)
    assert tree.developers["hal@example.com"].teams == ()
    assert "hal@example.com" not in tree.people(tree.root)


def test_a_shared_developer_counts_in_both_teams_and_once_in_their_parent():
    tree = tree_of(ACME)
    root, web, platform = tree.nodes
    assert names(tree.people(web)) == "dan eve finn"
    assert names(tree.people(platform)) == "ben cleo dan"
    # Dan's primary team is Platform, which sorts after Eve's team: rows are in the order of the hierarchy.
    assert names(tree.people(root)) == "ada gus eve finn ben cleo dan"
    assert tree.covered({ref: ref for ref in tree.by_ref})["dan@example.com"] == (1, 2, 3)
    assert tree.head_counts() == {1: 7, 2: 3, 3: 3}


def test_a_developer_row_is_under_the_first_listed_team_in_scope():
    tree = tree_of(ACME)
    where = {scoped.developer.email: scoped.team.name for scoped in tree.scope_developers(tree.root)}
    assert where["dan@example.com"] == "Platform"
    within_web = {scoped.developer.email: scoped.team.name for scoped in tree.scope_developers(tree.nodes[1])}
    assert within_web["dan@example.com"] == "Eve Roth's team"


def test_a_shared_manager_has_one_place_and_counts_under_every_manager_listed():
    # Max reports to Ana first and to Bob second: one node, under Ana's; Bob's covers it too, the root counts it once.
    tree = tree_of(
        f"{HEADER}\ntop@x.example,Top,,\nana@x.example,Ana,top@x.example,\nbob@x.example,Bob,top@x.example,\n"
        "max@x.example,Max,ana@x.example;bob@x.example,\nmia@x.example,Mia,max@x.example,\nned@x.example,Ned,bob@x.example,\n"
    )
    assert [node.path for node in tree.nodes] == [
        "Acme",
        "Acme/Ana's team",
        "Acme/Ana's team/Max's team",
        "Acme/Bob's team",
    ]
    ana, max_, bob = tree.nodes[1:]
    assert names(tree.people(ana)) == "ana max mia"
    assert names(tree.people(bob)) == "max mia bob ned"
    assert tree.subtree(bob) == (max_, bob)
    assert len(tree.people(tree.root)) == 6


def test_a_node_is_called_as_its_reports_say_or_all_its_people_or_after_its_manager():
    shared = tree_of(f"{HEADER}\na@x.example,A,,\nb@x.example,Bo,a@x.example,Core\nc@x.example,C,b@x.example,Core\n")
    assert shared.nodes[1].name == "Core"
    manager_differs = tree_of(
        f"{HEADER}\na@x.example,A,,\nb@x.example,Bo,a@x.example,Heads\nc@x.example,C,b@x.example,Core\n"
    )
    assert manager_differs.nodes[1].name == "Core"
    reports_differ = tree_of(
        f"{HEADER}\na@x.example,A,,\nb@x.example,Bo,a@x.example,Core\nc@x.example,C,b@x.example,Core\nd@x.example,D,b@x.example,\n"
    )
    assert reports_differ.nodes[1].name == "Bo's team"
    of_managers = tree_of(
        f"{HEADER}\na@x.example,A,,\nb@x.example,Bo,a@x.example,Heads\nc@x.example,C,b@x.example,Core\nd@x.example,D,c@x.example,Deep\n"
    )
    assert [node.name for node in of_managers.nodes[1:]] == ["Heads", "Deep"]
    nobody_says = tree_of(f"{HEADER}\na@x.example,A,,\nb@x.example,Bo,a@x.example,\nc@x.example,C,b@x.example,\n")
    assert nobody_says.nodes[1].name == "Bo's team"


def test_siblings_sort_by_code_point_not_by_language_or_case():
    rows = "".join(
        f"{name}@x.example,{name},top@x.example,{team}\nr{name}@x.example,R,{name}@x.example,{team}\n"
        for name, team in (("a", "étage"), ("b", "zoo"), ("c", "Zoo"), ("d", "apple"))
    )
    tree = tree_of(f"{HEADER}\ntop@x.example,Top,,\n{rows}")
    assert [node.name for node in tree.nodes[1:]] == ["Zoo", "apple", "zoo", "étage"]


def test_a_name_may_contain_the_separator_and_anything_else():
    tree = tree_of(
        f'{HEADER}\na@x.example,A,,\nb@x.example,B,a@x.example,"R/D, =cmd()"\nc@x.example,C,b@x.example,"R/D, =cmd()"\n'
    )
    assert tree.nodes[1].name == "R/D, =cmd()"
    assert tree.nodes[1].path == "Acme/R%2FD, =cmd()"
    assert tree.nodes[1].depth == 1


def test_columns_come_in_any_order_and_case_and_further_ones_are_kept():
    text = (
        "\ufeffManager Email,TEAM,Cost Center,Full Name,E-Mail2,EMAIL\r\n"
        ',,7,"Ada\r\nLund",x,ADA@Example.com\r\n'
        " Ada@example.com ;ADA@example.com,,8,Ben,,ben@example.com\r\n,,,,,\r\n"
    )
    tree = tree_of(text)
    assert outline(tree) == [("Acme", "ada ben")]
    ada = tree.developers["ada@example.com"]
    assert ada.full_name == "Ada\r\nLund"
    assert ada.attributes == {"Cost Center": "7", "E-Mail2": "x"}


def test_a_node_is_found_by_ref_id_or_key_and_by_nothing_else():
    tree = tree_of(ACME)
    assert tree.find("3") is tree.nodes[2]
    assert tree.find(" 3 ") is tree.nodes[2]
    for nothing in ("4", "03", "-1", "٣", "Platform", "", "9" * 40):
        assert tree.find(nothing) is None
