"""What somebody limited to teams sees of org trees, and what stands in place of names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.db import settings
from leadline.errors import Forbidden, InvalidRequest
from leadline.home import Project
from leadline.people import load_org, tree, trees
from leadline.people.access import UNLIMITED, Access, VisibleTrees, limited_to
from leadline.people.cut import cut
from leadline.people.pseudonyms import Pseudonyms, pseudonyms_of
from leadline.people.records import records
from leadline.people.tree import OrgTree

from .files import ACME, HEADER, NOW, tree_of, write

OTHER = f"{HEADER}\nzoe@other.example,Zoe,,\nyan@other.example,Yan,zoe@other.example,Elsewhere\n"


@pytest.fixture
def loaded(project: Project, tmp_path: Path) -> Project:
    """Two trees."""
    load_org(project, write(tmp_path, ACME), "Acme", now=NOW)
    load_org(project, write(tmp_path, OTHER), "Other", now=NOW)
    return project


def team(project: Project, name: str, tree_name: str = "Acme") -> int:
    return next(node.ref_id for node in tree(project, tree_name).nodes if node.name == name)


def seen(project: Project, *teams: int) -> VisibleTrees:
    return VisibleTrees(project, Access(frozenset(teams)))


def names(org_tree: OrgTree | None) -> list[str]:
    return [] if org_tree is None else [node.name for node in org_tree.nodes]


def test_nothing_is_left_out_without_limits(loaded: Project) -> None:
    everything = VisibleTrees(loaded, UNLIMITED)
    assert everything.listed() == trees(loaded)
    assert everything.tree("Acme") == tree(loaded, "Acme")
    assert everything.scope("Acme") is None
    assert everything.shows(None)


def test_a_team_and_those_below_are_seen_with_their_people(loaded: Project) -> None:
    platform = seen(loaded, team(loaded, "Platform"))
    assert [known.name for known in platform.listed()] == ["Acme"]
    shown = platform.tree("Acme")
    assert shown is not None
    assert names(shown) == ["Platform"]
    assert [record.developer.email for record in records(shown)] == [
        f"{name}@example.com" for name in ("ben", "cleo", "dan")
    ]
    assert shown.root.parent is None
    assert shown.root.path == tree(loaded, "Acme").by_ref[shown.root.ref_id].path
    # Dan is in Web, too, and Ben has a manager: neither is told.
    assert [len(record.teams) for record in records(shown)] == [1, 1, 1]
    assert records(shown)[0].managers == ()


def test_what_is_not_seen_is_refused_as_what_never_was(loaded: Project) -> None:
    platform, web = team(loaded, "Platform"), team(loaded, "Eve Roth's team")
    limited = seen(loaded, platform)
    for ask in (
        lambda one: limited.find_team(str(one)),
        lambda one: limited.find_team(str(one), "Acme"),
    ):
        refusals = []
        for number in (web, 999_999):
            with pytest.raises(InvalidRequest) as refused:
                ask(number)
            refusals.append((refused.value.code, refused.value.message.replace(str(number), "N")))
        assert refusals[0] == refusals[1]
        assert "Eve" not in refusals[0][1]
    for name in ("Other", "Never"):
        with pytest.raises(InvalidRequest) as refused:
            limited.tree(name)
        assert refused.value.code == "invalid_org_tree_name"
        assert refused.value.message.endswith('it may be "Acme"')


def test_a_request_without_a_team_means_the_one_there_is(loaded: Project) -> None:
    platform, elsewhere = team(loaded, "Platform"), tree(loaded, "Other").root.ref_id
    for name in (None, "Acme"):
        scope = seen(loaded, platform).scope(name)
        assert scope is not None
        assert (scope[0], scope[1].ref_id) == ("Acme", platform)
    both = seen(loaded, platform, elsewhere)
    with pytest.raises(Forbidden) as refused:
        both.scope(None)
    assert refused.value.code == "limited_to_teams"
    assert [detail.message for detail in refused.value.details] == [
        f"{platform} (Acme/Platform)",
        f"{elsewhere} (Other)",
    ]
    assert both.scope("Other") == ("Other", tree(loaded, "Other").root)
    with pytest.raises(InvalidRequest):
        seen(loaded, platform).scope("Other")


def test_a_team_below_another_one_is_no_second_one(loaded: Project) -> None:
    root, platform = tree(loaded, "Acme").root.ref_id, team(loaded, "Platform")
    scope = seen(loaded, root, platform).scope("Acme")
    assert scope is not None
    assert scope[1].ref_id == root


MOVES = f"""{HEADER}
top@example.com,Top,,
a@example.com,A,top@example.com,A
a1@example.com,A1,a@example.com,A
b@example.com,B,top@example.com,B
b1@example.com,B1,b@example.com,B
moves@example.com,M,a@example.com,Moves
moves1@example.com,M1,moves@example.com,Moves
ends@example.com,E,a@example.com,Ends
ends1@example.com,E1,ends@example.com,Ends
"""


def test_a_team_is_where_it_is_today_and_one_that_is_gone_where_it_was_last(project: Project, tmp_path: Path) -> None:
    load_org(project, write(tmp_path, MOVES), "Acme", now=NOW)
    was = {node.name: node.ref_id for node in tree(project, "Acme").nodes}
    later = MOVES.replace("M,a@", "M,b@").replace("E1,ends@", "E1,a@")
    load_org(project, write(tmp_path, later), "Acme", now=NOW, since=date(2026, 2, 1))
    assert seen(project, was["A"]).teams == {was["A"], was["Ends"]}
    assert seen(project, was["B"]).teams == {was["B"], was["Moves"]}
    assert names(seen(project, was["A"]).tree("Acme", date(2026, 1, 1))) == ["A", "Ends"]
    assert names(seen(project, was["B"]).tree("Acme", date(2026, 1, 1))) == ["Moves", "B"]
    gone = seen(project, was["Ends"])
    assert gone.tree("Acme") is None
    assert names(gone.tree("Acme", date(2026, 1, 1))) == ["Ends"]
    scope = gone.scope(None)
    assert scope is not None
    assert scope[1].ref_id == was["Ends"]


def test_limits_name_teams_that_there_are(loaded: Project) -> None:
    platform = team(loaded, "Platform")
    assert limited_to(loaded, [str(platform)]) == Access(frozenset([platform]))
    assert limited_to(loaded, [], developers=False) == Access(None, developers=False)
    with pytest.raises(InvalidRequest, match="no team"):
        limited_to(loaded, ["nope"])


@given(st.sets(st.integers(1, 12)))
def test_a_cut_tree_has_the_rows_of_the_whole_that_are_within(teams: set[int]) -> None:
    whole = tree_of(ACME)
    part = cut(whole, teams)
    inside = [node for node in whole.nodes if node.ref_id in teams]
    assert names(part) == [node.name for node in inside]
    if part is None:
        return
    assert [node.own for node in part.nodes] == [node.own for node in inside]
    assert [node.path for node in part.nodes] == [node.path for node in inside]
    below = {node.ref_id: {below.ref_id for below in whole.subtree(node)} for node in inside}
    heads = whole.head_counts()
    for ref_id, count in part.head_counts().items():
        # What is below in the whole tree, too, counts as much as it is within.
        assert count <= heads[ref_id]
        if below[ref_id] <= teams:
            assert count == heads[ref_id]


# -- pseudonyms --------------------------------------------------------------------------------------------------------


def test_a_pseudonym_is_kept_and_is_of_the_project_alone(loaded: Project) -> None:
    mine = pseudonyms_of(loaded)
    assert mine == pseudonyms_of(loaded)
    assert mine.address("Ada@Example.com") == mine.address("ada@example.com")
    other = pseudonyms_of(loaded.home.project("o", "p", create=True))
    assert mine.name("ada@example.com") != other.name("ada@example.com")
    assert len(mine.secret) == 64


@given(st.sets(st.emails(), max_size=50))
def test_no_two_people_have_the_same(emails: set[str]) -> None:
    shown = Pseudonyms("ab" * 32)
    people = {email.lower() for email in emails}
    assert len({shown.address(email) for email in people}) == len(people)


def test_a_hidden_tree_shows_nobody(loaded: Project) -> None:
    hidden = VisibleTrees(loaded, replace(UNLIMITED, names=False)).tree("Acme")
    whole = tree(loaded, "Acme")
    assert hidden is not None
    assert [node.ref_id for node in hidden.nodes] == [node.ref_id for node in whole.nodes]
    outlined = repr([node.path for node in hidden.nodes])
    shown = repr([(record.values, record.shown_managers) for record in records(hidden)]) + outlined
    for developer in whole.developers.values():
        assert developer.full_name not in shown
        assert developer.email not in shown
    eve = pseudonyms_of(loaded).name("eve@example.com")
    assert f"Acme/{eve}'s team" in [node.path for node in hidden.nodes]


def test_names_are_hidden_for_the_whole_project_or_not_at_all(loaded: Project) -> None:
    with pytest.raises(InvalidRequest, match="of the whole project"):
        settings.put(loaded.db, loaded.id, {"developers.names": "hidden"}, "Acme")
    settings.put(loaded.db, loaded.id, {"developers.names": "Hidden"})
    assert loaded.profile("Acme")["developers.names"] == "hidden"
