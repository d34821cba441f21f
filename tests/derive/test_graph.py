"""The commit graph and the walk over it: small histories by hand, and random ones against sets of ancestors."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.derive.commit_graph import Graph
from leadline.derive.deployed_commit import CommitResolver, touches
from leadline.derive.first_deployment import FirstDeployment
from leadline.derive.graph_growth import Extension, extend, mention

Row = tuple[bytes, bytes | None, Sequence[bytes] | None]


def grown(graph: Graph, more: Extension | None) -> Graph:
    """A graph with an extension, in memory."""
    assert more is not None
    offsets = array("q", graph.sha_offsets)
    for sha in more.new_shas:
        offsets.append(offsets[-1] + len(sha))
    first_parent = array("i", graph.first_parent) + more.first_parent
    for node, above in more.changed.items():
        first_parent[node] = above
    other_parents = array("i", graph.other_parents) + more.other_parents
    cherry_picks = array("i", graph.cherry_picks) + more.cherry_picks
    in_order = graph.in_order if len(graph) else more.in_order
    shas = bytes(graph.shas) + b"".join(more.new_shas)
    return Graph(offsets, shas, first_parent, other_parents, cherry_picks, in_order)


def commits(parents: Mapping[str, str], picks: Mapping[str, str] | None = None) -> list[Row]:
    """Commits by id → parents, with what some were cherry-picked from."""
    chosen = picks or {}
    return [
        (
            sha.encode(),
            above.encode() or None,
            [each.encode() for each in chosen[sha].split()] if sha in chosen else None,
        )
        for sha, above in parents.items()
    ]


def graph_of(parents: Mapping[str, str], picks: Mapping[str, str] | None = None) -> Graph:
    return grown(Graph(), extend(Graph(), commits(parents, picks)))


def names(graph: Graph, nodes: Iterable[int]) -> set[str]:
    return {graph.sha(node).decode() for node in nodes}


def deploy(graph: Graph, *deployed: str) -> list[set[str]]:
    """What each of some commits, deployed one after another, reaches first."""
    reach = FirstDeployment(graph, bytearray(len(graph)))
    found = []
    for sha in deployed:
        carried = reach.walk(graph.node(sha.encode()), [])
        found.append(names(graph, carried.ancestors) | names(graph, carried.picked))
    return found


MAIN = {"a": "", "b": "a", "c": "b", "d": "c"}


@pytest.mark.parametrize(
    ("parents", "deployed", "expected"),
    [
        pytest.param({"a": ""}, ["a"], [{"a"}], id="one commit"),
        pytest.param(MAIN, ["b", "d"], [{"a", "b"}, {"c", "d"}], id="a line"),
        pytest.param(MAIN, ["b", "b", "d"], [{"a", "b"}, set(), {"c", "d"}], id="redeployed"),
        pytest.param(MAIN, ["c", "a", "d"], [{"a", "b", "c"}, set(), {"d"}], id="rolled back and forth"),
        pytest.param(
            {"a": "", "f": "a", "g": "f", "b": "a", "m": "b g"},
            ["a", "b", "m"],
            [{"a"}, {"b"}, {"f", "g", "m"}],
            id="merge commit",
        ),
        pytest.param(
            {"a": "", "f": "a", "g": "a", "h": "a", "m": "a f g h"},
            ["a", "m"],
            [{"a"}, {"f", "g", "h", "m"}],
            id="octopus",
        ),
        pytest.param({"a": "", "z": "", "m": "a z"}, ["a", "m"], [{"a"}, {"m", "z"}], id="two roots"),
        pytest.param({"a": "", "r": "a", "b": "a"}, ["r", "b"], [{"a", "r"}, {"b"}], id="release branch"),
        pytest.param({"b": "a", "c": "b"}, ["c"], [{"a", "b", "c"}], id="a parent that is not known"),
        pytest.param({"b": "a a"}, ["b"], [{"a", "b"}], id="the same parent twice"),
    ],
)
def test_walk(parents: Mapping[str, str], deployed: Sequence[str], expected: Sequence[set[str]]) -> None:
    assert deploy(graph_of(parents), *deployed) == expected


def test_a_pick_brings_the_change_but_not_its_ancestry() -> None:
    graph = graph_of({"a": "", "f": "a", "g": "f", "r": "a", "s": "r"}, {"r": "g"})
    assert deploy(graph, "a", "r", "g") == [{"a"}, {"r", "g"}, {"f"}]


def test_picks_follow_one_another_and_the_first_by_id_is_named() -> None:
    graph = graph_of({"a": "", "p": "a", "q": "p", "x": "a"}, {"p": "x", "q": "x", "x": "y"})
    reach = FirstDeployment(graph, bytearray(len(graph)))
    reach.walk(graph.node(b"a"), [])
    carried = reach.walk(graph.node(b"q"), [])
    assert names(graph, carried.ancestors) == {"p", "q"}
    assert {(graph.sha(target), graph.sha(by)) for target, by in carried.picked.items()} == {(b"x", b"p"), (b"y", b"x")}


def test_what_is_listed_has_no_ancestry() -> None:
    graph = graph_of(MAIN)
    reach = FirstDeployment(graph, bytearray(len(graph)))
    listed = reach.walk(None, [graph.node(b"c"), graph.node(b"c")])
    assert (names(graph, listed.ancestors), names(graph, listed.listed)) == (set(), {"c"})
    assert names(graph, reach.walk(graph.node(b"d"), []).ancestors) == {"a", "b", "d"}


@pytest.mark.parametrize(
    ("parents", "cyclic"),
    [
        pytest.param({"a": "a"}, {"a"}, id="its own parent"),
        pytest.param({"a": "b", "b": "a"}, {"a", "b"}, id="two"),
        pytest.param({"a": "b", "b": "c", "c": "a", "d": "c", "e": ""}, {"a", "b", "c"}, id="three, with a child"),
        pytest.param(
            {"a": "b", "b": "a x", "x": "c", "c": "d", "d": "c"}, {"a", "b", "c", "d"}, id="one before another"
        ),
        pytest.param({"a": "b c", "b": "a", "c": "a"}, {"a", "b", "c"}, id="two that share a commit"),
        pytest.param(MAIN, set(), id="none"),
    ],
)
def test_parents_of_commits_on_a_cycle_are_left_out(parents: Mapping[str, str], cyclic: set[str]) -> None:
    more = extend(Graph(), commits(parents))
    assert more is not None
    assert more.cyclic == len(cyclic)
    graph = grown(Graph(), more)
    for sha, above in parents.items():
        expected = set() if sha in cyclic else set(above.split())
        assert names(graph, graph.parents(graph.node(sha.encode()))) == expected


def test_a_long_line_and_a_long_cycle_need_no_recursion() -> None:
    line = {f"{at:06}": f"{at - 1:06}" if at else "" for at in range(20_000)}
    assert len(deploy(graph_of(line), "019999")[0]) == 20_000
    more = extend(Graph(), commits(line | {"000000": "019999"}))
    assert more is not None
    assert more.cyclic == 20_000


def test_growing_refuses_what_changes_what_is_there() -> None:
    graph = graph_of({"b": "a"})
    assert extend(graph, commits({"a": ""})) is None  # a parent that was missing
    assert extend(graph, commits({"b": "a"})) is None  # there already
    named = grown(graph, mention(graph, [b"z", b"b"]))
    more = extend(named, commits({"z": "b", "y": "z"}))
    assert more is not None
    assert more.filled == (named.node(b"z"),)
    assert deploy(grown(named, more), "b", "y") == [{"a", "b"}, {"y", "z"}]


def test_a_commit_twice_in_the_lake_counts_once() -> None:
    graph = grown(Graph(), extend(Graph(), [*commits(MAIN), *commits({"b": "c"})]))
    assert len(graph) == len(MAIN)


# --- random -------------------------------------------------------------------------------------------------------------

SHAS = [f"{at:x}{at % 3}" for at in range(12)]


@st.composite
def histories(draw: st.DrawFn) -> dict[str, str]:
    order = draw(st.permutations(SHAS))
    count = draw(st.integers(1, len(order)))
    return {
        sha: " ".join(draw(st.lists(st.sampled_from(order[:place]), unique=True, max_size=3)) if place else [])
        for place, sha in enumerate(order[:count])
    }


def ancestors(parents: Mapping[str, str], sha: str) -> set[str]:
    found = {sha}
    for above in parents.get(sha, "").split():
        found |= ancestors(parents, above)
    return found


@given(
    parents=histories(),
    deployed=st.lists(st.integers(0, 11), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 12)),
)
def test_every_commit_is_reached_first_once(parents: dict[str, str], deployed: list[int], cuts: list[int]) -> None:
    rows = commits(parents)
    graph = Graph()
    start = 0
    for end in [*sorted(cuts), len(rows)]:  # parents come first, so that it grows whatever the cuts
        graph = grown(graph, extend(graph, rows[start:end]))
        start = max(start, end)
    tips = [list(parents)[at % len(parents)] for at in deployed]
    before: set[str] = set()
    for found, tip in zip(deploy(graph, *tips), tips, strict=True):
        assert found == ancestors(parents, tip) - before
        before |= found
    for sha in SHAS:
        assert (graph.find(sha.encode()) >= 0) == (sha in parents)
    for prefix in ("1", "2", "a0", "b2", "c"):
        assert names(graph, graph.starting_with(prefix.encode())) == {sha for sha in parents if sha.startswith(prefix)}


# --- anchors ------------------------------------------------------------------------------------------------------------

KNOWN = graph_of({"abcd11": "", "abcd22": "", "beef": "", "c1": "", "dead" * 16: ""})
RELEASES = [("v1", "beef"), ("V2", "abcd11"), ("v2", "beef"), ("Big", "abcd2"), ("gone", "0123")]


@pytest.mark.parametrize(
    ("sha", "shas", "tags", "anchor", "listed", "note"),
    [
        ("abcd11", [], [], "abcd11", [], None),
        ("c1", [], [], "c1", [], None),
        ("dead" * 16, [], [], "dead" * 16, [], None),
        ("bee", [], [], None, ["bee"], "sha bee is not a known commit: no ancestry, it carries that sha alone"),
        ("abcd1", [], [], "abcd11", [], "sha abcd1 is short for abcd11"),
        ("abcd", [], [], None, ["abcd"], "sha abcd is a prefix of 2 commits: no ancestry, it carries that sha alone"),
        (
            "ffff",
            ["abcd2", "c1", "e"],
            [],
            None,
            ["abcd22", "c1", "e", "ffff"],
            "sha ffff is not a known commit: no ancestry, it carries only the shas it lists",
        ),
        ("beef", ["c1"], ["v2"], "beef", [], None),
        ("v1", [], [], "beef", [], "tag v1 is beef"),
        ("v2", [], [], "beef", [], "tag v2 is beef"),
        ("big", [], [], "abcd22", [], "tag big is abcd22"),
        (
            "gone",
            [],
            [],
            None,
            ["0123"],
            "tag gone is 0123, which is not a known commit: no ancestry, it carries that sha alone",
        ),
        (None, ["v1", "abcd1"], ["v2"], None, ["beef", "abcd11"], "no sha: it carries only the shas it lists"),
        (None, [], ["team-a", "V2"], "abcd11", [], "tag V2 is abcd11"),
        (None, [], ["team-a"], None, [], "no sha, and no tag that is a release"),
        (None, [], [], None, [], "no sha"),
    ],
)
def test_anchor(
    sha: str | None, shas: list[str], tags: list[str], anchor: str | None, listed: list[str], note: str | None
) -> None:
    found = CommitResolver(KNOWN, RELEASES).resolve(sha, shas, tags)
    assert (found.sha, list(found.listed), found.note) == (anchor, listed, note)


def test_cycles_are_said() -> None:
    finder = CommitResolver(KNOWN, [], cyclic=3)
    assert finder.resolve("c1", [], []).note == (
        "3 commits are on a cycle of parents in this repository: the parents of these are ignored"
    )
    assert (
        finder.resolve("nope", [], []).note == "sha nope is not a known commit: no ancestry, it carries that sha alone"
    )


def test_only_commits_that_begin_with_what_was_looked_up_matter() -> None:
    finder = CommitResolver(KNOWN, RELEASES)
    for sha in ("abcd1", "beef", "ffff", "v1"):
        finder.resolve(sha, [], [])
    assert finder.unresolved == {"abcd1", "ffff", "v1"}
    assert touches(finder.unresolved, [b"0000", b"ffff9"])
    assert not touches(finder.unresolved, [b"fff", b"beef1", b"abcd2"])
