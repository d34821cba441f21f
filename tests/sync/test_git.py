"""What a first sync brings: every situation of a real history, compared with what git itself says of it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadline.errors import InvalidRequest
from leadline.home import Project
from stubs.git_history import START, History, rows, shas, sync, sync_all, totals, versions


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "org" / "repo")


def test_a_commit_becomes_a_row_with_its_files(project: Project, history: History) -> None:
    first = history.commit("Title\n\nBody\n", {"a.txt": "1\n2\n3\n", "b/c.txt": "x\n"})
    second = history.commit("second", {"a.txt": "1\n3\n4\n"}, author="Bo <bo@example.com>")
    result = sync(project, history.folder)
    assert (result.repository, result.commits_added, result.files_added) == ("org/repo", 2, 3)
    assert (result.vanished, result.shallow, result.refs, result.notes) == (0, False, 1, ())
    by_sha = {row["sha"]: row for row in rows(project, "commits")}
    assert by_sha[first] == {
        "repository": "org/repo",
        "sha": first,
        "parents": None,
        "author_name": "Ada",
        "author_email": "ada@example.com",
        "authored_at": datetime.fromtimestamp(START, UTC),
        "committer_email": "grace@example.com",
        "committed_at": datetime.fromtimestamp(START, UTC),
        "message": "Title\n\nBody",
        "additions": 4,
        "deletions": 0,
        "source": "git",
        "updated_at": None,
    }
    assert by_sha[second]["parents"] == first
    assert (by_sha[second]["additions"], by_sha[second]["deletions"]) == (1, 1)
    assert rows(project, "commit_files", "sha, path, old_path, additions, deletions", f"sha = '{second}'") == [
        {"sha": second, "path": "a.txt", "old_path": None, "additions": 1, "deletions": 1}
    ]
    assert rows(project, "repositories", "repository, url, default_branch") == [
        {"repository": "org/repo", "url": None, "default_branch": "main"}
    ]


def test_merges_have_parents_but_neither_files_nor_lines(project: Project, history: History) -> None:
    history.commit("root", {"f": "1\n"})
    tips = []
    for branch in ("one", "two", "three"):
        history.git("checkout", "-q", "-b", branch, "main")
        tips.append(history.commit(branch, {branch: "1\n2\n"}))
    history.git("checkout", "-q", "main")
    main = history.commit("main goes on", {"f": "2\n"})
    merge = history.merge("one", "two", "three")
    sync(project, history.folder)
    (row,) = rows(project, "commits", "parents, additions, deletions", f"sha = '{merge}'")
    assert row == {"parents": " ".join([main, *tips]), "additions": None, "deletions": None}
    assert rows(project, "commit_files", "path", f"sha = '{merge}'") == []
    assert shas(project) == history.commit_ids()
    assert totals(project) == history.shortstat()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("plain.txt", "dir/moved.txt"),
        ("naïve – 数.txt", "größer 🎉.txt"),
        ("new\nline", 'quo"te\\back'),
        ("tab\there", " leading and trailing "),
        ("{a => b}", "-dash"),
        ("1\t2\tx", "\n1\t2\tx"),
    ],
)
def test_a_rename_keeps_both_names_exactly(project: Project, history: History, old: str, new: str) -> None:
    lines = "".join(f"line {number}\n" for number in range(20))
    history.commit("make", {old: lines})
    history.write({old: None, new: lines + "more\n"})
    renamed = history.commit("move")
    sync(project, history.folder)
    assert rows(project, "commit_files", "path, old_path, additions, deletions", f"sha = '{renamed}'") == [
        {"path": new, "old_path": old, "additions": 1, "deletions": 0}
    ]


def test_binary_files_have_no_line_counts(project: Project, history: History) -> None:
    sha = history.commit("both", {"image.png": b"\x89PNG\0\1\2", "text": "1\n2\n"})
    only = history.commit("only", {"image.png": b"\x89PNG\0\3"})
    sync(project, history.folder)
    assert rows(project, "commit_files", "path, additions, deletions", f"sha = '{sha}'") == [
        {"path": "image.png", "additions": None, "deletions": None},
        {"path": "text", "additions": 2, "deletions": 0},
    ]
    assert [row["additions"] for row in rows(project, "commits", "sha, additions") if row["sha"] == only] == [0]


@pytest.mark.parametrize("message", ["", "\n\n", "one\n", "0\t1\tnot a file\n", "a\n\n\x01 odd \x1f", "é" * 70_000])
@pytest.mark.parametrize("files", [{}, {"f": "1\n"}])
def test_any_message_with_and_without_files(
    project: Project, history: History, message: str, files: dict[str | bytes, str | bytes | None]
) -> None:
    history.commit("before", {"g": "1\n"})
    sha = history.record("add", "-A")
    history.write(files)
    history.git("add", "-A")
    sha = history.record(
        "commit", "-q", "--allow-empty", "--allow-empty-message", "--cleanup=verbatim", "-F", "-", message
    )
    history.commit("after", {"g": "2\n"})
    sync(project, history.folder)
    (row,) = rows(project, "commits", "message, additions", f"sha = '{sha}'")
    assert row == {"message": message.rstrip("\n") or None, "additions": len(files)}
    assert totals(project) == history.shortstat()


def test_encodings(project: Project, history: History) -> None:
    history.git("config", "i18n.commitEncoding", "ISO-8859-1")
    latin = history.commit("caf\xe9".encode("latin-1"), {"a": "1\n"})
    history.git("config", "--unset", "i18n.commitEncoding")
    raw = b"tree %s\nauthor Ren\xe9 <r@example.com> 1767225600 +0000\ncommitter R <r@example.com> 1767225600 +0000\n\nb\xe4d\n"
    tree = history.git("rev-parse", "HEAD^{tree}").encode()
    broken = history.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw % tree)
    history.git("branch", "broken", broken)
    paths = history.commit("paths", {b"caf\xe9": "1\n", b"caf\xe8": "1\n", "café": "1\n"})
    result = sync(project, history.folder)
    assert result.commits_added == 3
    message = {row["sha"]: row["message"] for row in rows(project, "commits", "sha, message")}
    assert message[latin] == "café"
    assert message[broken] == "b\ufffdd"
    assert rows(project, "commits", "author_name", f"sha = '{broken}'") == [{"author_name": "Ren\ufffd"}]
    assert {row["path"] for row in rows(project, "commit_files", "path", f"sha = '{paths}'")} == {
        "café",
        "caf\\xe9",
        "caf\\xe8",
    }


def test_impossible_dates_are_unknown_and_counted(project: Project, history: History) -> None:
    tree = history.git("mktree")
    for number, date in enumerate(
        ("0 +0000", "99999999999 +0000", "18446744073709551614 +0000", "-5 +0000", "nonsense")
    ):
        raw = f"tree {tree}\nauthor A <a@b> {date}\ncommitter A <a@b> 1767225600 +0000\n\n{number}\n"
        sha = history.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw.encode())
        history.git("update-ref", f"refs/heads/b{number}", sha)
    result = sync(project, history.folder)
    assert result.commits_added == 5
    assert {row["authored_at"] for row in rows(project, "commits", "authored_at")} == {None}
    assert {row["committed_at"] for row in rows(project, "commits", "committed_at")} == {
        datetime.fromtimestamp(START, UTC)
    }
    assert result.notes == ("5 impossible dates (before 1970 or after 2261) left unknown",)


def test_which_refs_count(project: Project, history: History) -> None:
    history.commit("root", {"f": "1\n"})

    def elsewhere(ref: str) -> str:
        history.git("checkout", "-q", "--detach", "main")
        sha = history.commit(ref, {ref.replace("/", "-"): "1\n"})
        history.git("checkout", "-q", "main")
        history.git("update-ref", ref, sha)
        return sha

    counted = {elsewhere(ref) for ref in ("refs/heads/a/b", "refs/remotes/origin/x", "refs/tags/light")}
    annotated = elsewhere("refs/tags/tmp")
    history.git("tag", "-a", "-m", "x", "annotated", annotated)
    history.git("tag", "-a", "-m", "x", "nested", "annotated")
    history.git("tag", "-d", "tmp")
    history.git("tag", "-d", "annotated")
    history.git("tag", "tree", "main^{tree}")
    left_out = {
        elsewhere(ref) for ref in ("refs/pull/1/head", "refs/notes/commits", "refs/stash", "refs/merge-requests/1/head")
    }
    history.git("checkout", "-q", "--detach")
    detached = history.commit("detached", {"d": "1\n"})
    result = sync(project, history.folder)
    found = shas(project)
    assert counted | {annotated, detached} <= found
    assert not left_out & found
    assert found == history.commit_ids()
    assert result.refs == 6


def test_mailmap(project: Project, history: History) -> None:
    history.commit(
        "a", {"f": "1\n", ".mailmap": "Ada L <ada@example.com> <old@example.com>\n"}, author="x <old@example.com>"
    )
    # Not committed: what others see of the repository does not depend on it.
    history.write({".mailmap": "Eve <eve@example.com> <old@example.com>\n"})
    sync(project, history.folder)
    assert rows(project, "commits", "author_name, author_email") == [
        {"author_name": "Ada L", "author_email": "ada@example.com"}
    ]


def test_a_submodule_is_a_file_of_one_line(project: Project, history: History, tmp_path: Path) -> None:
    library = History(tmp_path / "library")
    library.commit("lib", {"l": "1\n"})
    history.git("submodule", "add", "-q", str(library.folder), "vendor/lib")
    history.commit("add")
    library.commit("lib 2", {"l": "2\n"})
    history.git("-C", "vendor/lib", "pull", "-q")
    bump = history.commit("bump")
    sync(project, history.folder)
    assert rows(project, "commit_files", "path, additions, deletions", f"sha = '{bump}'") == [
        {"path": "vendor/lib", "additions": 1, "deletions": 1}
    ]
    assert shas(project) == history.commit_ids()
    assert totals(project) == history.shortstat()


@pytest.mark.parametrize("bare", [False, True])
def test_an_empty_repository(project: Project, tmp_path: Path, bare: bool) -> None:
    history = History(tmp_path / "org" / "empty.git", bare=bare)
    for _ in range(2):
        result = sync(project, history.folder)
        assert (result.repository, result.commits_added, result.refs, result.notes) == ("org/empty", 0, 0, ())
    assert "commits" not in versions(project)


def test_sha256_repository(project: Project, tmp_path: Path) -> None:
    history = History(tmp_path / "long", object_format="sha256")
    sha = history.commit("x", {"f": "1\n"})
    assert len(sha) == 64
    assert sync(project, history.folder, name="o/long").files_added == 1
    assert shas(project) == {sha}


def test_settings_of_the_repository_change_nothing(project: Project, history: History, tmp_path: Path) -> None:
    lines = "".join(f"line {number}\n" for number in range(20))
    history.commit("make", {"a": lines, "keep.min.js": "1\n", "x.secret": "1\n"})
    history.git("checkout", "-q", "-b", "side")
    history.commit("side", {"s": "1\n"})
    history.git("checkout", "-q", "main")
    history.write({"a": None, "b": lines})
    history.commit("rename", {"keep.min.js": "2\n", "x.secret": "2\n"})
    history.merge("side")
    expected = history.shortstat()
    touched = tmp_path / "touched"
    for key, value in {
        "color.ui": "always",
        "diff.renames": "false",
        "diff.external": f"touch {touched}",
        "diff.secret.textconv": f"touch {touched}; cat",
        "diff.noprefix": "true",
        "diff.relative": "true",
        "diff.orderFile": "/nowhere",
        "diff.algorithm": "histogram",
        "diff.ignoreSubmodules": "all",
        "log.diffMerges": "first-parent",
        "log.follow": "true",
        "log.showSignature": "true",
        "log.showRoot": "false",
        "log.date": "relative",
        "log.mailmap": "false",
        "log.decorate": "full",
        "format.pretty": "oneline",
        "i18n.logOutputEncoding": "UTF-16",
        "mailmap.file": "/nowhere",
        "core.attributesFile": str(tmp_path / "attributes"),
        "core.pager": f"touch {touched}",
    }.items():
        history.git("config", key, value)
    (tmp_path / "attributes").write_text("*.min.js -diff\n*.secret diff=secret\n")
    history.write({".gitattributes": "*.min.js -diff\n*.secret diff=secret\n"})
    result = sync(project, history.folder)
    assert result.commits_added == 4
    assert totals(project) == expected
    assert not touched.exists()
    assert [row["old_path"] for row in rows(project, "commit_files", "old_path", "path = 'b'")] == ["a"]


def test_settings_of_the_user_change_nothing(
    project: Project, history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.commit("one", {"f": "1\n"})
    config = tmp_path / "gitconfig"
    config.write_text("[log]\n\tshowSignature = true\n[mailmap]\n\tfile = /nowhere\n[core]\n\tquotepath = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("GIT_DIFF_OPTS", "--unified=9")
    assert sync(project, history.folder).files_added == 1


def test_replaced_and_grafted_commits_show_what_their_ids_name(project: Project, history: History) -> None:
    first = history.commit("one", {"f": "1\n"})
    second = history.commit("two", {"f": "2\n"})
    third = history.commit("three", {"f": "3\n"})
    history.git("replace", third, first)
    (history.folder / ".git" / "info" / "grafts").write_text(f"{second}\n")
    sync(project, history.folder)
    assert {row["sha"]: row["message"] for row in rows(project, "commits")} == {
        first: "one",
        second: "two",
        third: "three",
    }


def test_every_way_to_the_same_repository_gives_the_same_rows(
    project: Project, history: History, tmp_path: Path
) -> None:
    history.commit("one", {"f": "1\n", "sub/g": "1\n"})
    history.commit("two", {"f": "2\n"})
    history.git("tag", "-a", "-m", "v1", "v1")
    mirror = tmp_path / "mirror.git"
    history.git("clone", "-q", "--mirror", str(history.folder), str(mirror))
    bare = tmp_path / "bare.git"
    history.git("clone", "-q", "--bare", str(history.folder), str(bare))
    history.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    ways = {
        "w/tree": history.folder,
        "w/dotgit": history.folder / ".git",
        "w/mirror": mirror,
        "w/bare": bare,
        "w/linked": tmp_path / "linked",
        "w/url": history.folder.as_uri(),
    }
    for name, way in ways.items():
        assert sync(project, way, name=name).commits_added == 2, name
    columns = "sha, parents, author_email, authored_at, message, additions, deletions"
    found = {name: rows(project, "commits", columns, f"repository = '{name}'") for name in ways}
    assert all(one == found["w/tree"] for one in found.values())


def test_a_linked_work_tree_is_the_same_repository(project: Project, history: History, tmp_path: Path) -> None:
    history.commit("one", {"f": "1\n"})
    linked = History(tmp_path / "elsewhere" / "linked", init=False)
    history.git("worktree", "add", "-q", "--detach", str(linked.folder))
    sha = linked.commit("detached there", {"g": "1\n"})
    for folder in (history.folder, linked.folder, history.folder):
        result = sync(project, folder)
        assert (result.repository, result.vanished) == ("org/repo", 0)
    assert sha in shas(project)


def test_names(project: Project, history: History, tmp_path: Path) -> None:
    history.commit("one", {"f": "1\n"})
    assert sync(project, history.folder, name="given/name").repository == "given/name"
    history.git("remote", "add", "origin", "https://u:secret@git.example.com/group/sub/project.git?token=1")
    result = sync(project, history.folder)
    assert result.repository == "sub/project"
    assert rows(project, "repositories", "url", "repository = 'sub/project'") == [
        {"url": "https://git.example.com/group/sub/project.git"}
    ]
    other = History(tmp_path / "other" / "repo")
    other.git("remote", "add", "origin", "git@example.com:sub/project.git")
    results = sync_all(project, history.folder, history.folder, other.folder)
    assert [result.error is None for result in results] == [True, True, False]
    assert results[2].error is not None
    assert "sync it by itself with --name" in results[2].error.message


def test_arguments_that_do_not_fit(project: Project, history: History) -> None:
    with pytest.raises(InvalidRequest, match="at least one repository"):
        sync_all(project)
    with pytest.raises(InvalidRequest, match="--name names one repository"):
        sync_all(project, "a", "b", name="x/y")
    history.commit("one")
    for name in ("", " / ", "a\nb", "x" * 500):
        with pytest.raises(InvalidRequest, match="cannot be called"):  # before anything is read
            sync_all(project, history.folder, name=name)


def test_since_takes_what_was_committed_from_then_on(project: Project, history: History) -> None:
    old = history.commit("old", {"f": "1\n"})
    middle = history.commit("middle", {"f": "2\n"})
    # A clock that ran backwards: an older commit on top of newer ones does not end the walk.
    history.time -= 7 * 3600
    history.commit("skewed", {"f": "3\n"})
    history.time += 7 * 3600
    new = history.commit("new", {"f": "4\n"})
    since = datetime.fromtimestamp(START + 3600, UTC)
    assert sync(project, history.folder, since=since).commits_added == 2
    assert shas(project) == {middle, new}
    later = history.commit("later", {"f": "5\n"})
    result = sync(project, history.folder, since=since.replace(year=2027))
    assert (result.commits_added, result.notes) == (
        1,
        ("--since changes nothing: the history was already taken from further back",),
    )
    assert shas(project) == {middle, new, later}
    assert sync(project, history.folder).commits_added == 0
    assert sync(project, history.folder, since=datetime(2025, 1, 1, tzinfo=UTC)).commits_added == 2
    assert old in shas(project)
    assert shas(project) == history.commit_ids()


# -- former names ------------------------------------------------------------------------------------------------------


def former_names(project: Project) -> dict[str, list[str] | None]:
    return {row["repository"]: row["former_names"] for row in rows(project, "repositories", "repository, former_names")}


def test_what_is_read_from_the_same_place_under_another_name_was_renamed(project: Project, history: History) -> None:
    history.commit("one", {"f": "1\n"})
    sync(project, history.folder, name="acme/old")
    history.commit("two", {"f": "2\n"})
    result = sync(project, history.folder, name="acme/new")
    assert "was acme/old before: it is read from the same place (told as its former name)" in result.notes
    sync(project, history.folder, name="acme/Newest")
    sync(project, history.folder, name="acme/new")
    assert former_names(project) == {
        "acme/old": None,
        "acme/new": ["acme/old"],
        "acme/Newest": ["acme/new", "acme/old"],
    }


def test_another_repository_or_a_fork_where_one_was_is_not_the_same(project: Project, history: History) -> None:
    history.commit("one", {"f": "1\n"})
    history.git("remote", "add", "origin", "https://code.example.com/acme/shop.git")
    sync(project, history.folder, name="acme/shop")
    history.git("remote", "set-url", "origin", "https://code.example.com/dave/shop.git")
    history.commit("his", {"f": "2\n"})
    sync(project, history.folder, name="dave/shop")
    shutil.rmtree(history.folder)
    other = History(history.folder)
    other.commit("other", {"g": "1\n"})
    other.git("remote", "add", "origin", "https://code.example.com/dave/shop.git")
    sync(project, other.folder, name="acme/other")
    assert former_names(project) == {"acme/shop": None, "dave/shop": None, "acme/other": None}


def test_a_clone_elsewhere_is_not_the_same(project: Project, history: History, tmp_path: Path) -> None:
    history.commit("one", {"f": "1\n"})
    sync(project, history.folder, name="acme/shop")
    history.git("clone", "-q", str(history.folder), str(tmp_path / "fork"))
    sync(project, tmp_path / "fork", name="dave/shop")
    assert former_names(project) == {"acme/shop": None, "dave/shop": None}
