"""Attributes as git has them: each pattern against each path as git itself says (`git check-attr` in a plain work tree), and which
files of commits are left out."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadline.sources.git import excluded
from leadline.sources.git.attributes import FALSE, TRUE, UNSET, Stack, parse
from leadline.sources.git.location import parse_location
from leadline.sources.git.log import LogReader, Walk
from leadline.sources.git.repository import open_repository
from leadline.sources.git.wildmatch import PathPattern
from stubs.git_history import History

ASKED = ("linguist-generated", "linguist-vendored", "diff")


@pytest.mark.parametrize(
    ("pattern", "named", "others"),
    [
        ("api.gen", ["api.gen", "a/b/api.gen"], ["api.gen.go", "my-api.gen", "api.gen/x", "API.gen"]),
        ("/api.gen", ["api.gen"], ["a/api.gen"]),
        ("*.gen", [".gen", "a.gen", "d/a.gen"], ["a.gen.go", "a.gen/x"]),
        ("vendor", ["vendor", "a/vendor"], ["vendor/a.c"]),  # attributes of a folder are not those of what lies in it
        ("vendor/", [], ["vendor", "vendor/a.c"]),
        ("vendor/*", ["vendor/a.c"], ["vendor/x/a.c", "a/vendor/a.c"]),
        ("vendor/**", ["vendor/a.c", "vendor/x/y/a.c"], ["vendor", "a/vendor/a.c"]),
        ("**/vendor/**", ["vendor/a.c", "x/vendor/y/a.c"], ["vendor", "vendors/a.c"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "x/a/b"]),
        ("a/b**/c", ["a/bx/c", "a/b/c", "a/bc"], ["a/x/c"]),  # what follows `a/b` is a pattern of its own to git
        ("a**b", ["ab", "axxb", "x/ab"], ["a/b"]),
        ("src/*.pb.*", ["src/a.pb.go", "src/.pb."], ["src/x/a.pb.go", "src/pb.go"]),
        ("old?.txt", ["old1.txt", "d/oldx.txt"], ["old.txt", "old12.txt"]),
        ("a?c/x", ["abc/x"], ["a/c/x", "a/x"]),
        ("[a-c]1", ["a1", "c1"], ["d1", "-1", "ab1"]),
        ("[!a-c]1", ["d1"], ["a1", "1"]),
        ("[]x]1", ["]1", "x1"], ["a1"]),
        ("[[:digit:]x]", ["7", "x"], ["d", ":"]),
        ("[[:wrong:]]", [], ["w", ":", "]"]),
        ("[a", [], ["[a", "a"]),
        (r"\*a", ["*a"], ["xa", "a"]),
        (r"\!a", ["!a"], ["a"]),
        ("!a", [], ["a", "!a"]),  # git takes no negative patterns
        ('"a b"', ["a b"], ["a", '"a b"']),
        (r'"a\142\tc"', ["ab\tc"], ["abc"]),
        ("é", ["é"], ["e"]),
        ("??", ["é", "ab"], ["a"]),  # git counts bytes
    ],
)
def test_patterns(tmp_path: Path, pattern: str, named: list[str], others: list[str]) -> None:
    content = f"{pattern} linguist-generated\n".encode()
    stack = Stack([(b"", parse(content))])
    expected = {**dict.fromkeys(named, True), **dict.fromkeys(others, False)}
    assert {path: stack.excludes(path.encode()) for path in expected} == expected
    of_git = by_git(tmp_path, {"": content}, list(expected))
    assert {path: values[0] == TRUE for path, values in of_git.items()} == expected


@pytest.mark.parametrize(
    ("files", "left_out"),
    [
        ({"": "a linguist-generated"}, True),
        ({"": "a linguist-generated=true"}, True),
        ({"": "a linguist-generated=false"}, False),
        ({"": "a linguist-vendored"}, True),
        ({"": "a -linguist-vendored"}, False),
        ({"": "a -diff"}, True),
        ({"": "a diff"}, False),
        ({"": "a !diff"}, False),
        ({"": "a diff=false"}, False),  # a driver that is called so
        ({"": "a binary"}, True),  # git's macro: -diff -merge -text
        ({"": "a -binary"}, False),
        ({"": "a binary diff"}, False),
        ({"": "a diff binary"}, True),
        ({"": "* -diff\na diff"}, False),  # the later line
        ({"": "a diff\n* -diff"}, True),
        ({"": "a -diff\na !diff"}, False),
        ({"": "a -diff", "d/": "a diff"}, False),  # the deeper file; `d/a` is asked
        ({"": "a diff", "d/": "a -diff"}, True),
        ({"d/": "d/a -diff"}, False),  # patterns are of what lies below
        ({"d/": "/a -diff"}, True),
        ({"e/": "a -diff"}, False),
        ({"": "[attr]made linguist-generated\na made"}, True),
        ({"": "[attr]made linguist-generated\na made\na -made"}, False),
        ({"": "[attr]made linguist-generated\na -made\na made"}, True),
        ({"": "[attr]made linguist-generated\na -diff made"}, True),
        ({"": "[attr]made linguist-generated\na -made"}, False),
        ({"": "[attr]two made\n[attr]made -diff\na two"}, True),
        ({"": "[attr]binary diff\na binary"}, False),
        ({"d/": "[attr]made -diff\na made"}, False),  # macros are those of the root
        ({"": "[attr]made -diff", "d/": "a made"}, True),
        ({"": "# a -diff"}, False),
        ({"": "  a\t-diff \r"}, True),
        ({"": "\ufeffa -diff"}, True),
        ({"": "a -diff $bad"}, False),  # of a line with what is no attribute git takes nothing
        ({"": "a text=auto eol=lf"}, False),
        ({"": f"a -diff {'x' * 2048}"}, False),  # longer than git reads
        ({}, False),
    ],
)
def test_lines(tmp_path: Path, files: dict[str, str], left_out: bool) -> None:
    contents = {folder: f"{text}\n".encode() for folder, text in files.items()}
    found = [(folder.encode(), parse(content)) for folder, content in contents.items() if "d/a".startswith(folder)]
    assert Stack(found).excludes(b"d/a") is left_out
    assert marked(by_git(tmp_path, contents, ["d/a"])["d/a"]) is left_out


# -- as git itself says ------------------------------------------------------------------------------------------------

_NAMES = st.text("ab/*.", min_size=1, max_size=6)
_PARTS = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        "/",
        "*",
        "**",
        "?",
        ".",
        "[ab]",
        "[!a]",
        "[a-b",
        "\\",
        "\\*",
        "**/",
        "/**",
        "-",
        "[[:alpha:]]",
        "]",
    ]
)
_PATTERNS = st.lists(_PARTS, min_size=1, max_size=7).map("".join).filter(lambda text: text[0] not in '#"')
_PATHS = st.lists(st.text("ab.*-", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)
_SETTINGS = st.sampled_from(
    [
        "diff",
        "-diff",
        "!diff",
        "diff=x",
        "binary",
        "-binary",
        "!binary",
        "m",
        "-m",
        "n",
        "text",
        "-merge",
        "a=b=c",
        "linguist-generated",
        "-linguist-generated",
        "linguist-generated=false",
        "linguist-vendored=1",
        "!linguist-vendored",
    ]
)
_MACROS = st.lists(
    st.builds(
        lambda name, sets: f"[attr]{name} {' '.join(sets)}", st.sampled_from(["m", "n", "binary"]), st.lists(_SETTINGS)
    ),
    max_size=2,
)
_LINES = st.lists(
    st.builds(lambda pattern, sets: f"{pattern} {' '.join(sets)}", _PATTERNS, st.lists(_SETTINGS, max_size=3)),
    max_size=5,
)
_CONTENTS = st.builds(lambda macros, lines: "\n".join([*macros, *lines, ""]).encode(), _MACROS, _LINES)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(st.sampled_from(["", "a/", "a/b/"]), _CONTENTS),
    st.lists(_PATHS, min_size=1, max_size=6, unique=True),
)
def test_whatever_the_files_say_it_is_what_git_says(tmp_path: Path, files: dict[str, bytes], paths: list[str]) -> None:
    paths = [path for path in paths if not {".", ".."}.intersection(path.split("/"))]
    of_git = by_git(tmp_path, files, paths)
    for path in paths:
        stack = Stack([(name.encode(), parse(files[name])) for name in sorted(files, key=len) if path.startswith(name)])
        values = stack.values(path.encode())
        assert {name: values.get(name.encode(), UNSET) for name in ASKED} == dict(zip(ASKED, of_git[path], strict=True))
        assert stack.excludes(path.encode()) is marked(of_git[path])


def marked(values: list[bytes]) -> bool:
    """By the page: linguist-generated or linguist-vendored is set to anything but false, or diff is unset."""
    *marks, diff = values
    return diff == FALSE or any(value not in (UNSET, FALSE, b"=false") for value in marks)


def by_git(folder: Path, files: dict[str, bytes], paths: list[str]) -> dict[str, list[bytes]]:
    """What a plain work tree with these ``.gitattributes`` says of ``ASKED`` for each path; a value as in ``Attributes``."""
    tree = folder / "checkout"
    if not tree.exists():
        History(tree)
    for name in ("", "a/", "a/b/", "d/", "e/"):
        (tree / name / ".gitattributes").unlink(missing_ok=True)
    for name, content in files.items():
        (tree / name).mkdir(parents=True, exist_ok=True)
        (tree / name / ".gitattributes").write_bytes(content)
    asked = b"".join(path.encode() + b"\0" for path in paths)
    answer = History(tree, init=False).raw("check-attr", "-z", "--stdin", *ASKED, stdin=asked).split(b"\0")
    words = {b"set": TRUE, b"unset": FALSE, b"unspecified": UNSET}
    values = [words.get(value, b"=" + value) for value in answer[2::3]]
    return {path: values[len(ASKED) * at : len(ASKED) * (at + 1)] for at, path in enumerate(paths)}


@pytest.mark.parametrize(
    "pattern", ["*a" * 60 + "b", "/" + "**/" * 60 + "b", "**/" + "*a*/" * 30 + "b", "/x" + "**\\/a" * 60 + "b"]
)
def test_no_pattern_keeps_us_busy(pattern: str) -> None:
    compiled = PathPattern.of(pattern.encode())
    assert compiled is not None
    began = time.monotonic()
    for path in (b"a" * 4000, b"a/" * 2000 + b"a", b"x" + b"/a" * 2000):
        assert not compiled.matches(path, 0)
    assert time.monotonic() - began < 5
    assert re.search(rb"\(\?>", compiled.expression.pattern)


# -- of commits --------------------------------------------------------------------------------------------------------


def left_out(
    folder: Path, exclude: tuple[str, ...] = (), since: int | None = None, include: tuple[str, ...] = ()
) -> set[str]:
    """What is left out of the commits in a repository, each as `MESSAGE PATH`."""
    repository = open_repository(parse_location(str(folder)), name="o/r", clones=folder)
    state = repository.state()
    batches = list(LogReader(repository, state, Walk(include or state.heads, exclude, since)).batches())
    messages = {row["sha"]: row["message"] for batch in batches if batch.commits for row in batch.commits.to_pylist()}
    files = [row for batch in batches if batch.files for row in batch.files.to_pylist()]
    assert {row["excluded"] for row in files} <= {True, None}
    return {f"{messages[row['sha']]} {row['path']}" for row in files if row["excluded"]}


def test_it_is_the_commit_that_says_so(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    history.commit("before", {"a.gen": "1\n", "b": "1\n"})
    history.commit("marked", {".gitattributes": "*.gen -diff\n", "a.gen": "2\n", "b": "2\n"})
    history.commit("later", {"a.gen": "3\n"})
    history.commit("unmarked", {".gitattributes": "", "a.gen": "4\n"})
    history.commit("gone", {".gitattributes": None, "a.gen": "5\n"})
    assert left_out(history.folder) == {"marked a.gen", "later a.gen"}


def test_a_branch_from_before_the_file_went(tmp_path: Path) -> None:
    """Its commit is dated after that, and its own tree still has the file."""
    history = History(tmp_path / "r")
    history.commit("first", {"sub/.gitattributes": "* linguist-vendored\n", "sub/a": "1\n", "a": "1\n"})
    history.git("branch", "side")
    history.commit("gone", {"sub/.gitattributes": None, "sub/a": "2\n"})
    history.git("checkout", "-q", "side")
    history.commit("side", {"sub/a": "3\n", "a": "3\n"})
    # The first marks itself, too.
    assert left_out(history.folder) == {"first sub/.gitattributes", "first sub/a", "side sub/a"}


def test_what_was_there_before_the_commits_that_are_read(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    history.commit("first", {"x/.gitattributes": "a* linguist-generated\n", ".gitattributes": "*.c binary\n"})
    taken = history.commit("second", {"x/a": "1\n", "b.c": "1\n", "x/b": "1\n"})
    history.commit("third", {"x/a": "2\n"})
    history.commit("fourth", {"x/.gitattributes": None, "x/a": "3\n", "b.c": "3\n"})
    assert left_out(history.folder, exclude=(taken,)) == {"third x/a", "fourth b.c"}
    assert left_out(history.folder, since=history.time - 3600) == {"third x/a", "fourth b.c"}
    shallow = tmp_path / "shallow"
    history.git("clone", "-q", "--depth=2", f"file://{history.folder}", str(shallow))
    assert left_out(shallow) == {"fourth b.c"}


def test_a_folder_that_a_merge_brought(tmp_path: Path) -> None:
    """A subtree: no commit that is compared with its parents touched `lib/.gitattributes`."""
    history = History(tmp_path / "r")
    history.commit("ours", {"a": "1\n"})
    history.git("checkout", "-q", "--orphan", "theirs")
    history.git("rm", "-q", "-f", "a")
    history.commit("theirs", {".gitattributes": "*.c linguist-vendored\n", "z.c": "1\n"})
    history.git("checkout", "-q", "main")
    history.git("merge", "-q", "-s", "ours", "--no-commit", "--allow-unrelated-histories", "theirs")
    history.git("read-tree", "--prefix=lib/", "-u", "theirs")
    history.commit("merged")
    history.commit("after", {"lib/z.c": "2\n"})
    assert left_out(history.folder) == {"theirs z.c", "after lib/z.c"}
    # It goes as it came: then it is in no commit that is compared, nor there any more.
    history.git("checkout", "-q", "-b", "side", "main~2")
    history.commit("side", {"b": "1\n"})
    history.git("checkout", "-q", "main")
    history.git("merge", "-q", "-s", "ours", "--no-commit", "side")
    history.git("rm", "-q", "-r", "-f", "lib")
    history.commit("merged again")
    assert left_out(history.folder) == {"theirs z.c", "after lib/z.c"}


def test_names_of_any_kind(tmp_path: Path) -> None:
    """Folders whose names have blanks, ends of lines and bytes that are no UTF-8; where a line feed is, nothing is asked."""
    history = History(tmp_path / "r")
    files = {
        folder + name: text
        for folder in (b"a b/", b"c\rd\x0b/", b"\xff/", b"e\nf/")
        for name, text in ((b".gitattributes", "f -diff\n"), (b"f", "1\n"))
    }
    history.commit("all", files)
    assert left_out(history.folder) == {"all a b/f", "all c\rd\x0b/f", "all \\xff/f"}


def test_files_that_are_no_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of that name, and a file too large to read, which is told."""
    monkeypatch.setattr(excluded, "LARGEST", 100)
    history = History(tmp_path / "r")
    history.commit("folder", {"d/.gitattributes/x": "f -diff\n", "d/f": "1\n", "f": "1\n"})
    history.commit("large", {".gitattributes": "f -diff\n" * 100, "f": "2\n"})
    history.commit("again", {"f": "3\n"})
    repository = open_repository(parse_location(str(history.folder)), name="o/r", clones=tmp_path)
    state = repository.state()
    reader = LogReader(repository, state, Walk(state.heads))
    assert not any(row["excluded"] for batch in reader.batches() if batch.files for row in batch.files.to_pylist())
    assert reader.too_large == 1


def test_sha256(tmp_path: Path) -> None:
    history = History(tmp_path / "r", object_format="sha256")
    history.commit("all", {".gitattributes": "f -diff\n", "f": "1\n"})
    assert left_out(history.folder) == {"all f"}


def test_without_any_no_commit_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(tmp_path / "r")
    history.commit("one", {"a": "1\n"})
    monkeypatch.setattr(excluded.ExcludedFiles, "_objects", lambda *_: pytest.fail("asked for what cannot be there"))
    assert left_out(history.folder) == set()
