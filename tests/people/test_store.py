"""Loading and reading trees on a real database: versions, stable ref ids, refusals that change nothing."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from leadline.errors import InvalidInput, InvalidRequest, StoreError
from leadline.home import Home, Project
from leadline.people import find_team, history, load_org, tree, trees

from .files import ACME, HEADER, NOW, outline, write


@pytest.fixture
def project(database_project: Project) -> Project:
    """The project of these tests, once on each kind of database."""
    return database_project


def load(project: Project, folder: Path, text: str, name: str = "Acme", **options):
    return load_org(project, write(folder, text), name, now=NOW, **options)


def refs(project: Project, name: str = "Acme") -> dict[str, int]:
    return {node.manager or "": node.ref_id for node in tree(project, name).nodes}


def test_a_loaded_tree_reads_back_as_it_was(project: Project, tmp_path: Path):
    loaded = load(project, tmp_path, ACME)
    with Home.open(project.home.path) as again:
        assert tree(again.project(), "Acme") == loaded.tree
    assert loaded.version == 1
    assert loaded.added == ("Acme", "Acme/Eve Roth's team", "Acme/Platform")
    assert loaded.without_team == ("hal@example.com",)
    (summary,) = trees(project)
    (entry,) = history(project, "Acme")
    assert (summary.name, summary.version, entry.loaded_at) == ("Acme", 1, NOW)


def test_the_same_content_makes_no_new_version(project: Project, tmp_path: Path):
    first = load(project, tmp_path, ACME)
    header, *rows = ACME.splitlines()
    shuffled = load(project, tmp_path, "\n".join([header, *reversed(rows)]))
    assert (shuffled.changed, shuffled.version) == (False, 1)
    assert shuffled.tree == first.tree
    assert load(project, tmp_path, ACME.replace("Cleo Hart", "Cleo Hardt")).version == 2


def test_ref_ids_survive_renames_moves_and_absence_and_are_never_given_again(project: Project, tmp_path: Path):
    load(project, tmp_path, ACME)
    before = refs(project)
    # Everybody is renamed, and Eve's team moves under Ben.
    moved = ACME.replace("Platform", "Base").replace("Eve Roth,ada@", "Eva Rot,ben@")
    load(project, tmp_path, moved)
    assert outline(tree(project, "Acme"))[-1] == ("Acme/Base/Eva Rot's team", "eve dan finn")
    assert refs(project) == before
    # Eve leaves with her team; a new one comes; then hers comes back.
    without_eve = (
        f"{HEADER}\nada@example.com,Ada,,\nzoe@example.com,Zoe,ada@example.com,\nx@x.example,X,zoe@example.com,\n"
    )
    changed = load(project, tmp_path, without_eve)
    assert changed.removed == ("Acme/Base", "Acme/Base/Eva Rot's team")
    now = refs(project)
    assert now["zoe@example.com"] not in before.values()
    load(project, tmp_path, ACME)
    assert refs(project) == before


def test_the_root_stays_the_same_when_the_top_changes(project: Project, tmp_path: Path):
    root = load(project, tmp_path, ACME).tree.root.ref_id
    two_tops = ACME + "ivy@example.com,Ivy,,\njon@example.com,Jon,ivy@example.com,\n"
    loaded = load(project, tmp_path, two_tops).tree
    assert loaded.root.ref_id == root
    assert loaded.root.own == ()
    assert {node.parent for node in loaded.nodes if node.depth == 1} == {root}


def test_a_node_keeps_its_ref_id_when_it_gets_a_key_and_by_the_key_from_then_on(project: Project, tmp_path: Path):
    def nested(**platform: object) -> str:
        return json.dumps({"members": ["ada@x.example"], "children": [{"members": ["cleo@x.example"], **platform}]})

    def load_nested(text: str) -> int:
        path = write(tmp_path, text, "org.json")
        return load_org(project, path, "Acme", now=NOW).tree.nodes[1].ref_id

    first = load_nested(nested(name="Platform", manager="ben@x.example"))
    assert load_nested(nested(name="Platform", manager="ben@x.example", key="platform")) == first
    assert load_nested(nested(name="Base", manager="eve@x.example", key="platform")) == first
    assert load_nested(nested(name="Base", manager="eve@x.example", key="other")) != first


def test_ref_ids_are_unique_across_the_trees_and_projects_of_a_database(project: Project, tmp_path: Path):
    other = project.home.project("default", "other", create=True)
    loaded = [
        load(project, tmp_path, ACME),
        load(project, tmp_path, ACME, "Second"),
        load(other, tmp_path, ACME),
    ]
    ids = [node.ref_id for tree_loaded in loaded for node in tree_loaded.tree.nodes]
    assert len(set(ids)) == 9
    assert [summary.name for summary in trees(project)] == ["Acme", "Second"]
    assert [summary.name for summary in trees(other)] == ["Acme"]
    with pytest.raises(InvalidRequest, match="Invalid teamId"):
        find_team(other, str(ids[0]))


def test_a_refused_file_leaves_the_last_good_tree_in_force(project: Project, tmp_path: Path):
    load(project, tmp_path, ACME)
    before = tree(project, "Acme")
    with pytest.raises(InvalidInput):
        load(project, tmp_path, ACME + "ivy@example.com,Ivy,nobody@example.com,\n")
    assert tree(project, "Acme") == before
    with pytest.raises(InvalidInput, match=r"people\.csv has 2 violations; nothing was changed"):
        load(project, tmp_path, f"{HEADER}\na@x.example,,a@y.example,\n", "New")
    assert [summary.name for summary in trees(project)] == ["Acme"]


def test_checking_changes_nothing_and_says_what_would_change(project: Project, tmp_path: Path):
    checked = load(project, tmp_path, ACME, check=True)
    assert (checked.version, len(checked.added)) == (None, 3)
    assert trees(project) == []
    load(project, tmp_path, ACME)
    known_refs = refs(project)
    checked = load(project, tmp_path, ACME + "ivy@example.com,Ivy,finn@example.com,\n", check=True)
    assert checked.added == ("Acme/Platform/Finn Ody's team",)
    assert {node.manager: node.ref_id for node in checked.tree.nodes if node.ref_id > 0} == known_refs
    assert tree(project, "Acme").version == 1


def test_every_version_stays_readable(project: Project, tmp_path: Path):
    load(project, tmp_path, ACME)
    load_org(
        project,
        write(tmp_path, ACME.replace("Cleo Hart", "Cleo")),
        "Acme",
        now=NOW + timedelta(days=1),
    )
    assert tree(project, "Acme", 1).developers["cleo@example.com"].full_name == "Cleo Hart"
    assert tree(project, "Acme").developers["cleo@example.com"].full_name == "Cleo"
    with pytest.raises(StoreError, match="Version 3"):
        tree(project, "Acme", 3)


def test_two_loading_at_once_both_succeed(project: Project, tmp_path: Path):
    failures: list[BaseException] = []

    def load_one(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            load(project, folder, ACME.replace("Gus Lee", f"Gus {number}"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=load_one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert tree(project, "Acme").version == 4
    assert len({tuple(n.ref_id for n in tree(project, "Acme", v).nodes) for v in range(1, 5)}) == 1


def test_teams_are_found_across_trees_and_unknown_ones_named(project: Project, tmp_path: Path):
    keyed = {"children": [{"name": "Platform", "key": "team_abc123", "members": ["a@x.example"]}]}
    for name in ("One", "Two"):
        load_org(project, write(tmp_path, json.dumps(keyed), "org.json"), name, now=NOW)
    acme = load(project, tmp_path, ACME).tree
    found, node = find_team(project, str(acme.nodes[2].ref_id))
    assert (found.name, node.path) == ("Acme", "Acme/Platform")
    assert find_team(project, "team_abc123", "Two")[0].name == "Two"

    def sentence(*arguments: str) -> tuple[str, str, str]:
        with pytest.raises(InvalidRequest) as caught:
            find_team(project, *arguments)
        return caught.value.code, caught.value.message, caught.value.details[0].field

    code, message, field = sentence("team_abc124")
    assert (code, field) == ("invalid_team_id", "scope.teamId")
    assert message.startswith('Invalid teamId: there is no team "team_abc124"')
    assert '"team_abc123" (One/Platform)' in message
    assert sentence("team_abc123")[1].startswith('Invalid teamId: "team_abc123" is a team of several org trees')
    assert sentence(str(acme.root.ref_id), "Two")[0] == "invalid_team_id"
    code, message, field = sentence("1", "Acne")
    assert (code, field) == ("invalid_org_tree_name", "scope.orgTreeName")
    assert message == 'Invalid orgTreeName: there is no org tree "Acne"; it may be "Acme"'


@pytest.mark.parametrize("name", ["", "  ", "x" * 256, "line\nbreak"])
def test_impossible_tree_names_are_refused(project: Project, tmp_path: Path, name: str):
    with pytest.raises(InvalidRequest, match="An org tree cannot be called"):
        load(project, tmp_path, ACME, name)


def test_a_file_that_is_not_there_is_named(project: Project, tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"none\.csv cannot be read: No such file"):
        load_org(project, tmp_path / "none.csv", "Acme", now=NOW)
    with pytest.raises(InvalidInput, match="cannot be read: Is a directory"):
        load_org(project, tmp_path, "Acme", now=NOW)
