"""A git folder of our own through which a repository is read. It shares the repository's objects and refs, nothing else:
configuration, hooks, attributes and index are never looked at, so that nothing a repository says can run a program."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from leadline.errors import InvalidInput

SHARED = ("objects", "packed-refs", "refs", "reftable", "shallow")
"""What a view shares. What is not there (yet) is shared, too: a ref that is packed while we read stays in sight."""
_CONFIG = """\
[core]
\trepositoryFormatVersion = {version}
\tbare = true
\tquotePath = false
\tattributesFile =
\tfsmonitor = false
\thooksPath = /dev/null
[advice]
\tgraftFileDeprecated = false
[gc]
\tauto = 0
[protocol]
\tallow = never
"""
_HEAD = re.compile(rb"(ref: refs/[^\0-\x20\x7f~^:?*\[\\]+|[0-9a-f]{40}|[0-9a-f]{64})\s*")
_LONGEST_HEAD = 4096


@dataclass(frozen=True)
class GitFolder:
    """Where a repository lies. ``git_dir`` has its HEAD, ``common_dir`` all that work trees share; a linked work tree has two.

    ``formats``: the extensions that say how objects and refs are stored. ``mailmap``: the name of its mailmap, in git's syntax.
    ``remote``: the address of its origin. ``partial``: what it lacks may be at its remote.
    """

    git_dir: Path
    common_dir: Path
    formats: tuple[tuple[str, str], ...] = ()
    mailmap: str = "HEAD:.mailmap"
    remote: str | None = None
    partial: bool = False

    @contextmanager
    def view(self) -> Iterator[Path]:
        """The folder to hand to git in place of the repository, as long as the block runs. Raises ``InvalidInput``."""
        with tempfile.TemporaryDirectory(prefix="leadline-git-") as made:
            view = Path(made)
            for name in SHARED:
                (view / name).symlink_to(self.common_dir / name)
            config = _CONFIG.format(version=1 if self.formats else 0)
            if self.formats:
                config += "[extensions]\n" + "".join(f"\t{key} = {value}\n" for key, value in self.formats)
            (view / "config").write_text(config, encoding="ascii")
            (view / "HEAD").write_bytes(head(self.git_dir) + b"\n")
            yield view

    def heads(self) -> list[str]:
        """What the HEADs of all work trees are: ref names and object ids."""
        folders = [self.common_dir, *sorted((self.common_dir / "worktrees").glob("*"))]
        # A work tree being added or pruned right now has none.
        return [_named(folder) for folder in folders if (folder / "HEAD").exists()]

    def head(self) -> str:
        """What HEAD is: a ref name or an object id."""
        return _named(self.git_dir)


def head(folder: Path) -> bytes:
    """``ref: refs/…`` or the object id in the HEAD of a git folder. Raises ``InvalidInput`` if it is neither."""
    path = folder / "HEAD"
    # Long ago HEAD was a symbolic link; any other link, a pipe or a device is nothing to read.
    content = b"ref: " + os.fsencode(path.readlink()) if path.is_symlink() else _start_of(path)
    if (match := _HEAD.fullmatch(content)) is None:
        raise InvalidInput(f"{path} is no HEAD of a git repository: it names neither a ref nor a commit")
    return match[1]


def _named(folder: Path) -> str:
    return head(folder).removeprefix(b"ref: ").decode("utf-8", "surrogateescape")


def _start_of(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        return os.read(descriptor, _LONGEST_HEAD)
    finally:
        os.close(descriptor)
