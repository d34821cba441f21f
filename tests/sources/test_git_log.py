"""The reader of ``git log``: any history, however its output is cut into chunks, comes out as it went in."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadline.sources.git import log as git_log
from leadline.sources.git.command import GitError
from leadline.sources.git.location import parse_location
from leadline.sources.git.log import LogReader, Walk
from leadline.sources.git.repository import open_repository
from stubs.git_history import START, History

_BYTES = st.binary(min_size=1, max_size=12)
_PATHS = st.lists(
    _BYTES.map(lambda raw: bytes(b for b in raw if b not in b"\0/.")).filter(bool), min_size=1, max_size=3
)
_MESSAGES = st.binary(max_size=40).map(lambda raw: raw.replace(b"\0", b""))


def quoted(path: bytes) -> bytes:
    return b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'


def read(folder: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    repository = open_repository(parse_location(str(folder)), name="o/r", clones=folder)
    state = repository.state()
    batches = list(LogReader(repository, state, Walk(state.heads)).batches())
    commits = [row for batch in batches if batch.commits for row in batch.commits.to_pylist()]
    files = [row for batch in batches if batch.files for row in batch.files.to_pylist()]
    return commits, files


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(_MESSAGES, _PATHS), min_size=1, max_size=6))
def test_any_bytes_in_messages_and_paths(commits: list[tuple[bytes, list[bytes]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "r", bare=True)
        script = b""
        for number, (message, paths) in enumerate(commits):
            script += b"commit refs/heads/main\ncommitter A <a@b> %d +0000\n" % (START + number)
            script += b"data %d\n%s\n" % (len(message), message)
            for path in paths:
                script += b"M 644 inline %s\ndata 2\n%d\n" % (quoted(path), number % 10)
        history.git("fast-import", "--quiet", stdin=script)
        found, files = read(history.folder)
        expected = [message.rstrip(b"\n").decode("utf-8", "replace") for message, _ in commits]
        assert [row["message"] for row in found] == expected
        names = history.raw("log", "--name-only", "-z", "--format=", "--no-renames", "-M100%", "main")
        assert {row["path"] for row in files} == {
            name.decode("utf-8", "backslashreplace") for name in names.split(b"\0") if name
        }
        assert len(files) == history.shortstat()[0]


def test_the_output_may_be_cut_anywhere(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    history.commit("größer", {"é": "1\n", "b": "1\n" * 30})
    history.write({"b": None, "ç": "1\n" * 30})
    history.commit("moved\n\nbody")
    history.commit("")
    output = history.raw("log", "--numstat", "-z", "-M", git_log._FORMAT)
    whole = parsed(output, len(output))
    assert [len(column) for column in whole] == [3, 3]
    for size in (1, 2, 3, 7, 100):
        assert parsed(output, size) == whole


def test_a_cut_output_never_looks_whole(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    history.commit("one", {"a": "1\n", "b": "1\n"})
    history.commit("two", {"a": "2\n"})
    output = history.raw("log", "--numstat", "-z", "-M", git_log._FORMAT)
    # Cut right after a commit's message or a file entry it is a shorter log: git's exit status tells those.
    for end in range(1, len(output)):
        if output[end - 1 : end] != b"\0":
            with pytest.raises((RuntimeError, ValueError)):
                parsed(output[:end], 64)


def parsed(output: bytes, size: int) -> tuple[list[str], list[str]]:
    """Messages and paths of ``output``, read in chunks of ``size`` bytes."""

    class Pipe(io.BytesIO):
        def read1(self, _size: int | None = -1) -> bytes:
            return self.read(size)

    commits, files = git_log._Commits(), git_log._Files()
    for _ in git_log._parse(git_log._tokens(Pipe(output)), commits, git_log._Commits(), files, {}):
        pass
    return commits.message, files.path


def test_batches_are_bounded_also_within_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_log, "_FILES_PER_BATCH", 10)
    history = History(tmp_path / "r")
    history.commit("before", {"z": "1\n"})
    history.commit("many", {f"f{number}": f"{number}\n" for number in range(35)})
    repository = open_repository(parse_location(str(history.folder)), name=None, clones=tmp_path)
    state = repository.state()
    batches = list(LogReader(repository, state, Walk(state.heads)).batches())
    sizes = [batch.files.num_rows for batch in batches if batch.files]
    assert max(sizes) == 10
    assert sum(sizes) == 36
    rows = [row for batch in batches if batch.commits for row in batch.commits.to_pylist()]
    assert [(row["message"], row["additions"]) for row in rows] == [("before", 1), ("many", 35)]


def test_git_is_ended_when_the_reader_stops_early(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    script = "".join(
        f"commit refs/heads/main\ncommitter A <a@b> {START + n} +0000\ndata 1\nx\nM 644 inline f{n % 50}\ndata {len(str(n))}\n{n}\n"
        for n in range(20_000)  # more than a pipe holds
    )
    history.git("fast-import", "--quiet", stdin=script.encode())
    repository = open_repository(parse_location(str(history.folder)), name=None, clones=tmp_path)
    state = repository.state()
    batches = LogReader(repository, state, Walk(state.heads)).batches()
    next(batches)
    assert running_gits()
    batches.close()
    assert not running_gits()


def running_gits() -> list[psutil.Process]:
    """The gits that this process has started, dead but unreaped ones excepted."""
    running = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name() == "git" and process.status() != psutil.STATUS_ZOMBIE:
                running.append(process)
    return running


def test_a_head_that_is_no_object(tmp_path: Path) -> None:
    history = History(tmp_path / "o" / "r")
    history.commit("x")
    repository = open_repository(parse_location(str(history.folder)), name=None, clones=tmp_path)
    with pytest.raises(GitError, match="o/r: git log ended with status 128: fatal: bad object"):
        list(LogReader(repository, repository.state(), Walk(["1" * 40])).batches())


def test_a_message_of_many_megabytes_is_cut(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    history.commit("before", {"a": "1\n"})
    history.commit(b"\xc3\xa9" * 10_000_000, {"a": "2\n"})
    history.commit("after", {"a": "3\n"})
    repository = open_repository(parse_location(str(history.folder)), name=None, clones=tmp_path)
    state = repository.state()
    reader = LogReader(repository, state, Walk(state.heads))
    rows = [row for batch in reader.batches() if batch.commits for row in batch.commits.to_pylist()]
    assert [len(row["message"]) for row in rows] == [6, git_log.LONGEST_MESSAGE, 5]
    assert [row["additions"] for row in rows] == [1, 1, 1]
    assert reader.cut_messages == 1
