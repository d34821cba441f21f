"""When deleted lines had last been changed: what the walk says of real repositories is what git's blame says, line by line."""

from __future__ import annotations

import io
import re
import subprocess
from array import array
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.sources.git.line_ages import store
from leadline.sources.git.line_ages.moves import Added, Former, FormerLines, letters, may_be_moved
from leadline.sources.git.line_ages.pairing import paired
from leadline.sources.git.line_ages.patches import file_lines, hash_of, read_commits
from leadline.sources.git.line_ages.trees import File, Tree, files_of_all
from leadline.sources.git.line_ages.walk import RECENT, Deleted, LineWalk
from leadline.sources.git.location import Location
from leadline.sources.git.repository import Repository, open_repository
from stubs.git_history import History
from stubs.git_random import RandomHistory

LONG = [f"the line number {number} of a file that has some\n" for number in range(40)]


def opened(folder: Path) -> Repository:
    return open_repository(Location(folder), name="o/r", clones=folder / "clones")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape")


def blamed(folder: Path, commit: str, path: str) -> list[str]:
    """The commit that last changed each line, by git."""
    told = git(folder, "blame", "-M", "--root", "-s", "-l", commit, "--", path)
    return [line[:40] for line in told.split("\n") if line]


def of_walk(walk: LineWalk, commit: str) -> dict[str, list[str]]:
    """The same of each file of a commit that the walk remembers; git is asked as the walk would, where it has to."""
    lines = {}
    for path, file in walk.nodes[commit].tree.files().items():
        assert walk._loaded(file) is not None, path
        assert file.origins is not None, path
        lines[path] = [walk.origins.shas[number] for number in walk.origins.commits_of(file.origins)]
    return lines


def walked(folder: Path, *heads: str) -> tuple[LineWalk, list[Deleted]]:
    walk = LineWalk(opened(folder))
    return walk, list(walk.walk(heads))


def ages(rows: list[Deleted], sha: str) -> dict[tuple[str, str], int]:
    return {(row.path, row.origin): row.lines for row in rows if row.sha == sha}


# -- small histories, told by hand -------------------------------------------------------------------------------------


def test_deleted_lines_are_of_the_commits_that_last_changed_them(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    first = history.commit("1", {"a": "".join(LONG[:6])})
    second = history.commit("2", {"a": "".join([*LONG[:2], "changed\n", *LONG[3:6]])})
    third = history.commit("3", {"a": LONG[0] + LONG[5]})
    gone = history.commit("4", {"a": None})
    again = history.commit("5", {"a": LONG[0]})
    last = history.commit("6", {"a": "other\n"})
    walk, rows = walked(history.folder, last)
    assert ages(rows, second) == {("a", first): 1}
    assert ages(rows, third) == {("a", first): 3, ("a", second): 1}
    assert ages(rows, gone) == {("a", first): 2}
    assert ages(rows, last) == {("a", again): 1}
    assert [row.changed for row in rows if row.origin == second] == [
        int(git(history.folder, "log", "-1", "--format=%at", second))
    ]
    assert walk.blamed == 0


def test_renamed_files_and_moved_lines_keep_their_age(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    first = history.commit("1", {"a": "".join(LONG[:12])})
    history.commit("2", {"a": None, "b": "".join([*LONG[:12], LONG[20]])})
    history.commit("3", {"b": "".join([*LONG[6:12], LONG[20], *LONG[:6]])})
    last = history.commit("4", {"b": "x\n"})
    _, rows = walked(history.folder, last)
    assert ages(rows, last) == {("b", first): 12, ("b", git(history.folder, "rev-parse", "HEAD~2").strip()): 1}


def test_short_lines_that_move_are_new(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    history.commit("1", {"a": "one\n" + "".join(LONG[:9])})
    moving = history.commit("2", {"a": "".join(LONG[:9]) + "one\n"})
    last = history.commit("3", {"a": "".join(LONG[:9])})
    _, rows = walked(history.folder, last)
    assert ages(rows, last) == {("a", moving): 1}


def test_binary_files_have_no_lines_and_links_and_line_ends_are_read(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    first = history.commit("1", {"bin": b"a\0b\n", "dos": "one\r\ntwo\r\n", "open": "one\ntwo", "ä ö\t": "x\n"})
    second = history.commit("2", {"bin": b"a\0c\n", "dos": "one\ntwo\r\n", "open": "one\ntwo\n", "ä ö\t": "y\n"})
    (history.folder / "link").symlink_to("dos")
    third = history.commit("3", {"bin": "text\n"})
    (history.folder / "link").unlink()
    fourth = history.commit("4", {"bin": "other\n", "link": "no link\n"})
    _, rows = walked(history.folder, fourth)
    assert ages(rows, second) == {("dos", first): 1, ("open", first): 1, ("ä ö\t", first): 1}
    assert ages(rows, fourth) == {("bin", third): 1, ("link", third): 1}


def merged_history(folder: Path) -> tuple[History, list[str]]:
    """A change on either side of two merges that cross, one of three branches, and one that takes a file from a side that
    renamed it."""
    history = History(folder)
    shas = [history.commit("base", {"a": "".join(LONG[:20]), "b": "".join(LONG[20:40])})]
    for branch, line in (("left", 2), ("right", 10), ("third", 17)):
        history.git("checkout", "-q", "-b", branch, shas[0])
        changed = [*LONG[:line], f"{branch} changed this line of the file\n", *LONG[line + 1 : 20]]
        shas.append(history.commit(branch, {"a": "".join(changed), f"of {branch}": LONG[line]}))
    history.git("checkout", "-q", "-b", "octopus", "left")
    shas.append(history.merge("right", "third"))
    for branch, other in (("left", shas[2]), ("right", shas[1])):
        history.git("checkout", "-q", branch)
        shas.append(history.merge(other))
    history.git("checkout", "-q", "left")
    shas.append(history.merge("right", "octopus"))
    history.git("checkout", "-q", "-b", "renaming", shas[-1])
    shas.append(history.commit("rename", {"b": None, "c": "".join([*LONG[20:39], "a new end of it all\n"])}))
    history.git("checkout", "-q", "left")
    shas.append(history.commit("edit", {"b": "".join(["a new beginning of it all\n", *LONG[21:40]])}))
    shas.append(history.merge("renaming"))
    shas.append(history.commit("all new", {"a": "x\n", "c": "y\n"}))
    return history, shas


def test_merges_have_lines_of_the_parent_that_has_them(tmp_path: Path) -> None:
    history, shas = merged_history(tmp_path / "r")
    heads = git(history.folder, "for-each-ref", "--format=%(objectname)", "refs/heads").split()
    walk, rows = walked(history.folder, *sorted(set(heads)))
    for sha in shas:
        for path, lines in of_walk(walk, sha).items():
            assert lines == blamed(history.folder, sha, path), (sha, path)
    base, left, right, third, *_, rename, edit, _, _ = shas
    assert ages(rows, shas[-1]) == {
        ("a", base): 17,
        ("a", left): 1,
        ("a", right): 1,
        ("a", third): 1,
        ("c", base): 18,
        ("c", rename): 1,
        ("c", edit): 1,
    }
    assert walk.blamed == 0


# -- any history -------------------------------------------------------------------------------------------------------


def made(folder: Path, seed: int, commits: int, *, moves: bool = True) -> RandomHistory:
    folder.mkdir()
    git(folder, "init", "-q", "--bare")
    history = RandomHistory(folder, Random(seed), moves=moves)
    history.grow(commits)
    return history


def heads_of(folder: Path) -> list[str]:
    return sorted(set(git(folder, "for-each-ref", "--format=%(objectname)", "refs/heads").split()))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**9))
def test_every_line_of_a_random_history_is_as_blame_has_it(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    history = made(tmp_path_factory.mktemp("random") / "r", seed, 12, moves=False)
    walk, _ = walked(history.folder, *heads_of(history.folder))
    for sha in history.shas()[-4:]:
        for path, lines in of_walk(walk, sha).items():
            assert lines == blamed(history.folder, sha, path), (sha, path)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 11))
def test_walking_bit_by_bit_is_as_walking_at_once(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("random") / "r"
    history = made(folder, seed, cut)
    repository, states = opened(folder), folder / "states"
    walk = LineWalk(repository)
    rows = list(walk.walk(heads_of(folder)))
    walk.settle(heads_of(folder))
    store.save(states, "first", walk, heads_of(folder))
    history.grow(12 - cut)
    loaded = store.load(states, "first", repository, frozenset())
    assert loaded is not None
    later, heads = loaded
    rows += later.walk(heads_of(folder), heads)
    _, at_once = walked(folder, *heads_of(folder))
    assert Counter(rows) == Counter(at_once)
    assert later.blamed == 0


def test_a_commit_that_is_not_remembered_is_asked_of_git(tmp_path: Path) -> None:
    history = made(tmp_path / "r", 3, 10)
    walk, _ = walked(history.folder, *heads_of(history.folder))
    whole, at_once = walked(history.folder, *heads_of(history.folder))
    heads = heads_of(history.folder)
    history.grow(6)
    rows = list(whole.walk(heads_of(history.folder), heads))
    walk.nodes.clear()
    assert Counter(walk.walk(heads_of(history.folder), heads)) == Counter(rows)
    assert rows
    assert at_once


def test_little_memory_changes_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = made(tmp_path / "r", 5, 40)
    _, rows = walked(history.folder, *heads_of(history.folder))
    monkeypatch.setattr("leadline.sources.git.line_ages.walk._TIDIED_EVERY", 4)
    monkeypatch.setattr("leadline.sources.git.line_ages.walk._MEASURED_EVERY", 4)
    monkeypatch.setattr("leadline.sources.git.line_ages.walk.MOST_UNUSED", 0)
    monkeypatch.setattr("leadline.sources.git.line_ages.walk.RECENT", 2)
    walk = LineWalk(opened(history.folder), most_bytes=2_000)
    assert Counter(walk.walk(heads_of(history.folder))) == Counter(rows)
    assert walk.blamed > 0


def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    stream = b""
    for number in range(3 * RECENT):
        content = "".join([*LONG[:20], f"{number}\n"]).encode()
        stream += f"commit refs/heads/main\ncommitter A <a@b> {number + 10} +0000\ndata 1\nx\n".encode()
        stream += f"M 100644 inline f\ndata {len(content)}\n".encode() + content + b"\n"
    history.git("fast-import", "--quiet", stdin=stream)
    walk, rows = walked(history.folder, history.git("rev-parse", "main"))
    assert len(rows) == 3 * RECENT - 1
    walk.settle([])
    assert len(walk.nodes) == RECENT
    assert len(list(files_of_all([node.tree for node in walk.nodes.values()]))) <= RECENT + 1


def test_a_state_that_is_torn_is_none(tmp_path: Path) -> None:
    history = made(tmp_path / "r", 7, 8)
    walk, _ = walked(history.folder, *heads_of(history.folder))
    store.save(tmp_path, "s", walk, heads_of(history.folder))
    path = tmp_path / store.file_name("s")
    content = path.read_bytes()
    for torn in (b"", content[: len(content) // 2], content[:-1] + b"x" * 40, b"no state"):
        path.write_bytes(torn)
        loaded = store.load(tmp_path, "s", opened(history.folder), frozenset())
        assert loaded is None or torn.startswith(content[:-1])
    assert store.load(tmp_path, "other", opened(history.folder), frozenset()) is None
    store.forget_others(tmp_path, "other")
    assert not path.exists()


# -- the parts ---------------------------------------------------------------------------------------------------------


def hashes(*texts: bytes) -> list[int]:
    return [hash_of(b"+" + text) for text in texts]


def packed(*texts: bytes) -> bytes:
    return b"".join(number.to_bytes(4, "little") for number in hashes(*texts))


@pytest.mark.parametrize("others", [0, 30])
def test_the_run_with_most_letters_is_moved(others: int) -> None:
    a, b, c = b"alpha beta gamma delta epsilon", b"}", b"one two three four five six"
    filler = [f"filler line {number} of the new part".encode() for number in range(others)]
    former = FormerLines(packed(b"x", a, b, b"y", c, a, b), array("I", range(1, 8)).tobytes())
    texts = [b"+" + text for text in (*filler, b"new", a, b, c, b)]
    new = [hash_of(text) for text in texts]
    assert may_be_moved(new, texts, former)
    before = [Former.of(new, former)]
    added = Added(0, 9, array("I", new), array("H", map(letters, texts)), b"\1" * len(new), before)
    assert [(at, list(found)) for at, found in sorted(added.moved(0, len(new)))] == [
        (others + 1, [2, 3]),
        (others + 3, [5]),
    ]
    assert [(at, list(found)) for at, found in added.moved(others + 2, others + 4)] == [(others + 3, [5])]
    assert not may_be_moved(hashes(b), [b"+}"], former)
    assert not may_be_moved(hashes(b"never seen before in this file"), [b"+never seen before in this file"], former)


@given(
    lines=st.lists(st.integers(0, 40), max_size=120),
    asked=st.lists(st.sets(st.integers(0, 45), max_size=30), min_size=4, max_size=6),
)
def test_where_lines_are_does_not_depend_on_how_often_it_was_asked(lines: list[int], asked: list[set[int]]) -> None:
    packed_lines = array("I", lines).tobytes()
    many = FormerLines(packed_lines, packed_lines)
    for wanted in asked:
        once = FormerLines(packed_lines, packed_lines)
        assert (
            list(many.places(wanted))
            == list(once.places(wanted))
            == [n for n, one in enumerate(lines) if one in wanted]
        )
        for former in (many, FormerLines(packed_lines, packed_lines)):
            few = {one: list(places) for one, places in former.few_places(set(wanted)).items()}
            assert few == {
                one: [n for n, other in enumerate(lines) if other == one][:64] for one in wanted & set(lines)
            }


def by_git(folder: Path, old: list[str], new: list[str]) -> list[tuple[int, int, int]]:
    """The runs of lines that git's diff leaves."""
    for name, lines in (("old", old), ("new", new)):
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    done = subprocess.run(
        ["git", "diff", "--no-index", "-U0", "--diff-algorithm=myers", "--no-indent-heuristic", "old", "new"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    runs = []
    at = place = 0
    for found in re.findall(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", done.stdout, re.MULTILINE):
        first, gone, start, came = (1 if number == "" else int(number) for number in found)
        end = start - (came > 0)
        runs.append((place, at, end - place))
        at, place = first - (gone > 0) + gone, end + came
    return [run for run in [*runs, (place, at, len(new) - place)] if run[2]]


@pytest.mark.parametrize(
    ("draw", "size", "added", "words"),
    [
        (1, 20, 5, 10),
        (2, 200, 20, 10),
        (3, 200, 60, 50),
        (4, 200, 5, 4),
        (5, 1500, 60, 10),
        (6, 1500, 20, 400),
        (7, 1, 1, 2),
    ],
)
def test_lines_are_paired_as_git_pairs_them(tmp_path: Path, draw: int, size: int, added: int, words: int) -> None:
    random = Random(draw)
    for _ in range(3):
        old = [f"w{random.randrange(words)}" if random.random() < 0.8 else f"u{random.random()}" for _ in range(size)]
        new: list[str] = []
        while len(new) < added:
            at = random.randrange(size)
            new += [*old[at : at + random.randrange(8)], random.choice(["w1", f"n{random.random()}"])]
        numbers = {line: number for number, line in enumerate(dict.fromkeys(new), start=1)}
        coded = [numbers.get(line, 0) for line in old]
        places = [place for place, number in enumerate(coded) if number]
        assert paired(coded, places, [numbers[line] for line in new]) == by_git(tmp_path, old, new)


def test_lines_of_a_file_are_hashed_as_those_of_a_patch(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    content = b"one\n\ntwo\r\n\xff\xfe\nthree"
    history.commit("1", {"a": content})
    told = subprocess.run(
        ["git", "log", "-z", "--raw", "-p", "-U0", "--no-abbrev", "--format=%x01%H"],
        cwd=history.folder,
        capture_output=True,
        check=True,
    )
    _, change = read_commits(io.BytesIO(told.stdout))
    assert [line for hunk in change.hunks for line in hunk.added] == file_lines(content)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "output", [b"\1abc", b"x\0", b"\1abc 1\0\n:1 2 3 4 M\0a\0\0no patch\n", b"\1abc 1\0\n:1 2 3 4 M\0a\0\0"]
)
def test_output_that_is_cut_is_refused(output: bytes) -> None:
    with pytest.raises(ValueError):
        list(read_commits(io.BytesIO(output)))


def test_trees_share_what_a_change_leaves() -> None:
    def file(number: int, path: str) -> File:
        return File(str(number), path, "c")

    first = Tree.of({path: file(0, path) for path in "abc"})
    second = first.changed({"a": file(1, "a"), "b": None, "gone": None})
    assert {path: one.blob for path, one in first.files().items()} == {"a": "0", "b": "0", "c": "0"}
    assert {path: one.blob for path, one in second.files().items()} == {"a": "1", "c": "0"}
    assert (second.get("b"), second.get("c")) == (None, first.get("c"))
    assert len(list(files_of_all([first, second]))) == 4
