"""What ``-o`` names is written as what it is: files and links are replaced whole, everything else is written through or
refused in a sentence. No test names a device of the machine: where one is needed, the test makes it."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .running import Leadline, environment

RANGE = ["--start", "2026-01-01", "--end", "2026-03-31"]
COMMANDS = {
    "export": ["export", "productivity", *RANGE, "--org-tree", "Research"],
    "report": ["report", *RANGE, "--productivity", "all"],
    "facts": ["facts", "pull-requests", *RANGE],
}
"""Every command that takes ``-o`` and writes CSV; a test below says that there is no other."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, company_template: Path) -> Leadline:
    """The small company with a team of a tool, for all the tests: none of them changes it."""
    folder = tmp_path_factory.mktemp("outputs")
    teams = "source,team,account,name\ngithub,example/core,ben-ito,Core\n"
    subprocess.run(["cp", "-r", company_template / "home", folder / "home"], check=True)
    (folder / "tool_teams.csv").write_text(teams)
    made = Leadline(folder / "home", folder)
    made("import", "tool_teams.csv")
    return made


@pytest.fixture(params=COMMANDS)
def command(request: pytest.FixtureRequest) -> list[str]:
    return COMMANDS[request.param]


@pytest.fixture
def written(program: Leadline, command: list[str], tmp_path: Path) -> bytes:
    """What the command writes to a file that is new."""
    program(*command, "-o", tmp_path / "new.csv")
    data = (tmp_path / "new.csv").read_bytes()
    assert len(data) > 20
    (tmp_path / "new.csv").unlink()
    return data


def nothing_left(program: Leadline, *folders: Path) -> None:
    assert [path for folder in folders for path in folder.iterdir() if path.name.startswith(".")] == []
    assert list((program.home / "tmp").glob("output-*")) == []


def test_these_are_the_commands_with_an_output() -> None:
    from typer.main import get_command

    from leadline.cli.app import app

    def walk(command: object, words: tuple[str, ...]) -> Iterator[str]:
        for name, part in getattr(command, "commands", {}).items():
            yield from walk(part, (*words, name))
        if any("-o" in parameter.opts for parameter in getattr(command, "params", ())):
            yield " ".join(words)

    with_output = {
        words.partition(" ")[0] if "from-teams" not in words else words for words in walk(get_command(app), ())
    }
    # A chart is a picture and teams are JSON, with endings of their own; they are written in the same way (``cli.files.Output``).
    assert with_output == {*COMMANDS, "chart", "org from-teams"}


def test_a_link_stays_and_its_file_is_replaced_keeping_its_mode(
    program: Leadline, command: list[str], written: bytes, tmp_path: Path
) -> None:
    real = tmp_path / "real" / "kept.csv"
    real.parent.mkdir()
    real.write_text("before")
    real.chmod(0o640)
    link, to_link = tmp_path / "link.csv", tmp_path / "to-link.csv"
    link.symlink_to("real/kept.csv")
    to_link.symlink_to(link)
    number = real.stat().st_ino
    program(*command, "-o", to_link)
    assert (to_link.is_symlink(), link.readlink()) == (True, Path("real/kept.csv"))
    assert real.read_bytes() == written
    assert real.stat().st_ino != number  # replaced whole, not written over
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    nothing_left(program, tmp_path, real.parent)


def test_a_link_that_leads_nowhere_makes_its_file(
    program: Leadline, command: list[str], written: bytes, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "there" / "new.csv")
    program(*command, "-o", link)
    assert (link.is_symlink(), (tmp_path / "there" / "new.csv").read_bytes()) == (True, written)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("folder", "is a folder; name a file in it"),
        ("socket", "is a socket"),
        ("missing/new.csv", "There is no folder"),
        ("to-missing.csv", "where the link"),
        ("loop.csv", "symbolic links"),
        ("/dev/fd/977", "is not open"),
        ("n" * 300 + ".csv", "File name too long"),
    ],
)
def test_what_cannot_be_written_to_is_refused_in_a_sentence(
    program: Leadline, command: list[str], tmp_path: Path, name: str, sentence: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "to-missing.csv").symlink_to(tmp_path / "missing" / "new.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with socket.socket(socket.AF_UNIX) as listening, _inside(tmp_path):
        listening.bind("socket")
        before = sorted(tmp_path.iterdir())
        done = program(*command, "-o", name if name.startswith("/") else tmp_path / name, code=1)
    (line,) = done.stderr.splitlines()
    assert sentence in line
    assert line.startswith("error: ")
    assert sorted(tmp_path.iterdir()) == before
    nothing_left(program, tmp_path)


def test_a_name_that_ends_in_a_slash_is_a_folder(program: Leadline, command: list[str]) -> None:
    assert "a file name" in program(*command, "-o", "out.csv/", code=2).stderr


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def read_in_a_thread(pipe: Path) -> tuple[threading.Thread, list[bytes]]:
    data: list[bytes] = []
    thread = threading.Thread(target=lambda: data.append(pipe.read_bytes()), daemon=True)
    thread.start()
    return thread, data


def test_a_pipe_is_written_through(program: Leadline, command: list[str], written: bytes, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread, data = read_in_a_thread(pipe)
    program(*command, "-o", pipe)
    thread.join(60)
    assert data == [written]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    nothing_left(program, tmp_path)


def test_parquet_goes_through_a_pipe(program: Leadline, tmp_path: Path) -> None:
    """Its writer goes back and forth in the file, which a pipe cannot."""
    pipe = tmp_path / "pipe.parquet"
    os.mkfifo(pipe)
    for command in (COMMANDS["export"], COMMANDS["facts"]):
        thread, data = read_in_a_thread(pipe)
        program(*command, "-o", pipe)
        thread.join(60)
        assert (data[0][:4], data[0][-4:]) == (b"PAR1", b"PAR1")


def test_a_reader_who_leaves_early_is_told_in_a_sentence(program: Leadline, tmp_path: Path) -> None:
    """A year of daily rows does not fit a pipe, so the rest of it is still to be written then."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    arguments = ["export", "productivity", "--start", "2026-01-01", "--end", "2026-12-31", "--granularity", "daily"]

    def read_little() -> None:
        with pipe.open("rb", buffering=0) as reader:
            reader.read(10)

    thread = threading.Thread(target=read_little, daemon=True)
    thread.start()
    done = program(*arguments, "-o", pipe, code=1)
    thread.join(60)
    assert done.stderr == f"error: {pipe} was closed by its reader before all was written\n"
    nothing_left(program, tmp_path)


def test_a_descriptor_is_written_to_where_it_stands(
    program: Leadline, command: list[str], written: bytes, tmp_path: Path
) -> None:
    """As shells pass one for ``-o >(…)`` and ``-o /dev/fd/3 3>>file``: what stands before stays, and it is not closed."""
    if not Path("/dev/fd").exists():
        pytest.skip("this system has no /dev/fd")
    log = tmp_path / "log.csv"
    log.write_bytes(b"before\n")
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    link = tmp_path / "link.csv"
    link.symlink_to(f"/dev/fd/{descriptor}")
    try:
        program(*command, "-o", link)
        os.write(descriptor, b"after\n")
    finally:
        os.close(descriptor)
    assert log.read_bytes() == b"before\n" + written + b"after\n"


def test_a_link_to_the_standard_output_is_the_standard_output(program: Leadline, tmp_path: Path) -> None:
    """The file alone, as with ``-``, without the line that says what was written."""
    command = COMMANDS["report"]
    program(*command, "-o", tmp_path / "new.csv")
    link = tmp_path / "out.csv"
    link.symlink_to("/dev/fd/1")
    run = subprocess.run(
        program.command(*command, "-o", link),
        stdout=subprocess.PIPE,
        env=environment(),
        timeout=240,
        check=True,
    )
    assert run.stdout == (tmp_path / "new.csv").read_bytes()


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A folder with devices of the test's own: ``nothing`` (as /dev/null) and ``full`` (as /dev/full)."""
    try:
        for name, minor in (("nothing", 3), ("full", 7)):
            os.mknod(tmp_path / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
            with (tmp_path / name).open("wb", buffering=0):
                pass  # folders may be mounted such that devices in them do nothing
    except OSError:
        pytest.skip("devices can be made by root alone")
    return tmp_path


def test_a_device_stays_a_device(program: Leadline, command: list[str], devices: Path) -> None:
    link = devices / "link.csv"
    link.symlink_to("nothing")
    for path in (devices / "nothing", link):
        program(*command, "-o", path)
    assert stat.S_ISCHR((devices / "nothing").stat().st_mode)
    assert link.is_symlink()
    done = program(*command, "-o", devices / "full", code=1)
    assert done.stderr == f"error: {devices / 'full'} could not be written: No space left on device\n"
    assert stat.S_ISCHR((devices / "full").stat().st_mode)
    nothing_left(program, devices)


def test_a_file_in_a_folder_that_takes_no_other_is_written_over(
    program: Leadline, command: list[str], written: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is mounted by itself, or somebody's in a sticky folder: it cannot be replaced, but written."""
    target = tmp_path / "mounted.csv"
    target.write_text("before, and longer than what comes" * 1000)
    number = target.stat().st_ino

    def busy(_self: Path, other: Path) -> None:
        raise OSError(16, "Device or resource busy", str(other))

    rename = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda self, other: busy(self, other) if other == target else rename(self, other)
    )
    program(*command, "-o", target)
    assert (target.read_bytes(), target.stat().st_ino) == (written, number)


def test_a_new_file_is_as_open_as_the_user_has_it(program: Leadline, command: list[str], tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        program(*command, "-o", tmp_path / "out.csv")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o640


def test_a_name_may_be_as_long_as_names_are(program: Leadline, command: list[str], tmp_path: Path) -> None:
    for name in ("n" * 251 + ".csv", "n" * 248 + ".csv.gz"):
        program(*command, "-o", tmp_path / name)
        assert (tmp_path / name).stat().st_size > 20
