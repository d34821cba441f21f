"""What git's own blame says of one file of one commit: for the files of commits that the walk has no state of any more."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator

from leadline.sources.git.command import GitError
from leadline.sources.git.line_ages.patches import file_lines, text_of
from leadline.sources.git.line_ages.trees import File
from leadline.sources.git.repository import Repository

BLAME = ("blame", "-M", "--root", "--incremental")


def read_blame(repository: Repository, file: File, number: Callable[[str, int], int]) -> bool:
    """Fill in the lines of ``file`` as its commit has them; ``number`` numbers commits, of which the author date (epoch seconds) is
    told. False if git cannot say: a binary file, or what is no file at all."""
    try:
        with repository.git.stream(*BLAME, file.commit, "--", file.path, stdin="") as stream:
            told = stream.output.read()
            stream.finish()
        content = repository.contents([file.blob]).get(file.blob)
    except GitError:
        return False
    if content is None:
        return False
    lines = array("I", file_lines(content))
    origins = array("I", bytes(4 * len(lines)))
    try:
        for sha, authored, first, count in _groups(told):
            origins[first : first + count] = array("I", [number(sha, authored)]) * count
    except (ValueError, IndexError):
        return False
    if len(origins) != len(lines):
        return False
    file.lines, file.origins = lines.tobytes(), origins.tobytes()
    return True


def _groups(told: bytes) -> Iterator[tuple[str, int, int, int]]:
    """Commit, author date, first line from 0, how many lines."""
    dates: dict[str, int] = {}
    sha, first, count = "", 0, 0
    for line in told.split(b"\n"):
        words = line.split(b" ")
        if not sha:
            if len(words) == 4:
                sha, first, count = words[0].decode("ascii"), int(words[2]) - 1, int(words[3])
        elif words[0] == b"author-time":
            dates[sha] = int(words[1])
        elif words[0] == b"filename":
            yield sha, dates[sha], first, count
            sha = ""


def tree_of(repository: Repository, commit: str) -> dict[str, File]:
    """The files of a commit, whose lines are not known yet."""
    files: dict[str, File] = {}
    with repository.git.stream("ls-tree", "-r", "-z", commit, stdin="") as stream:
        listed = stream.output.read()
        stream.finish()
    for entry in listed.split(b"\0")[:-1]:
        described, _, path = entry.partition(b"\t")
        name = text_of(path)
        files[name] = File(described.split(b" ")[2].decode("ascii"), name, commit)
    return files
