"""Finds the git folder at a path and tells whether it may be read: git itself judges whose it is. Of its configuration a few plain
values are read, by name; none of them is ever run."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from leadline.errors import InvalidInput, Unusable
from leadline.sources.git.command import GitError, asking_environment, reading_environment, run
from leadline.sources.git.location import no_such_folder
from leadline.sources.git.view import SHARED, GitFolder

_READ = r"^(core\.repositoryformatversion|extensions\..*|mailmap\.blob|remote\.origin\.url|remote\..*\.promisor)$"
# Extensions that say how objects and refs are stored, with what they may be; and those that do not matter to reading them.
_FORMATS = {"objectformat": ("sha1", "sha256"), "refstorage": ("files", "reftable")}
_WITHOUT_EFFECT = {
    "compatobjectformat",
    "noop",
    "noop-v1",
    "partialclone",
    "preciousobjects",
    "relativeworktrees",
    "worktreeconfig",
}
_OWNED_BY_OTHERS = re.compile(
    r"(?:dubious ownership in repository at|unsafe repository \()\s*'(?P<path>.*?)'", re.DOTALL
)
_LOOK_SECONDS = 60
"""How long git may look for a repository and at its configuration: a pipe in place of a file would keep it for ever."""
_LONGEST_ALTERNATES = 1 << 20
_DEEPEST_ALTERNATES = 5


def find_folder(path: Path) -> GitFolder:
    """The git folder of the repository at ``path``: a work tree, a bare repository, or a git folder itself. Raises
    ``Unusable`` or ``InvalidInput``, which say why it cannot be read; also if it is somebody else's and not named safe."""
    if not path.exists():
        raise no_such_folder(str(path))
    if not path.is_dir():
        raise Unusable(f"{path} is a file; give the folder or the URL of a git repository")
    git_dir, common_dir, *prefix = _locate(path)
    if prefix and prefix[0]:
        top = str(path)[: -len(prefix[0].rstrip("/"))].rstrip("/")
        raise InvalidInput(f"{path} is a folder inside the repository {top}; give {top}")
    if common_dir != git_dir:
        # git looks at the owner of a linked work tree, not at that of the repository behind it.
        common = Path(common_dir)
        _locate(common.parent if common.name == ".git" else common)
    return described(Path(git_dir), Path(common_dir), str(path))


def described(git_dir: Path, common_dir: Path, shown: str) -> GitFolder:
    """The git folder with what its configuration says of its formats, mailmap and remote. Errors call it ``shown``."""
    _check_shared(common_dir, shown)
    values = _configuration(common_dir, shown)
    extensions = {
        key.removeprefix("extensions."): value.lower() for key, value in values.items() if key.startswith("extensions.")
    }
    if values.get("core.repositoryformatversion", "0") != "0":
        unknown = sorted(
            name
            for name, value in extensions.items()
            if name not in _WITHOUT_EFFECT and value not in _FORMATS.get(name, ())
        )
        if unknown:
            raise InvalidInput(
                f"{shown} is stored in a way that leadline does not know (extensions.{unknown[0]} = "
                f"{extensions[unknown[0]][:40]!r}); give a clone of it"
            )
    mailmap = values.get("mailmap.blob", "")
    return GitFolder(
        git_dir,
        common_dir,
        formats=tuple((name, extensions[name]) for name in _FORMATS if name in extensions),
        mailmap=mailmap if mailmap and mailmap.isprintable() else "HEAD:.mailmap",
        remote=values.get("remote.origin.url") or None,
        partial="partialclone" in extensions or any(key.endswith(".promisor") for key in values),
    )


def _locate(path: Path) -> list[str]:
    """git dir, common dir and, below the top of a work tree, the way to ``path``; git refuses what belongs to somebody else."""
    asked = ["--no-pager", "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", "--show-prefix"]
    # The user's own configuration says what is safe.
    environment = asking_environment(os.environ, (("core.fsmonitor", "false"),)) | {"GIT_ALLOW_PROTOCOL": ""}
    try:
        answer = run(str(path), asked, environment=environment, folder=path, seconds=_LOOK_SECONDS)
    except GitError as error:
        raise _refusal(path, error) from None
    return (answer or "").splitlines()


def _refusal(path: Path, error: GitError) -> InvalidInput | GitError:
    if owned := _OWNED_BY_OTHERS.search(error.message):
        safe = shlex.quote(owned["path"])
        return InvalidInput(
            f"{path} belongs to another user, and git does not read it unless it is named safe; if you trust whoever can write "
            f"there: git config --global --add safe.directory {safe}"
        )
    if "not a git repository" in error.message:
        return InvalidInput(f"{path} is not a git repository; give the folder or the URL of one")
    return error


def _configuration(common_dir: Path, shown: str) -> Mapping[str, str]:
    """Those values of the repository's own file that are read at all. What it includes is left alone."""
    file = common_dir / "config"
    arguments = ["--no-pager", f"--git-dir={os.devnull}", "config", f"--file={file}", "--no-includes", "--null"]
    environment = reading_environment(os.environ)
    if not file.is_file():
        return {}
    answer = run(shown, [*arguments, "--get-regexp", _READ], environment=environment, failure_is=(1,))
    pairs = (entry.partition("\n") for entry in (answer or "").split("\0") if entry)
    return {key.lower(): value for key, _, value in pairs}


def _check_shared(common_dir: Path, shown: str) -> None:
    """Raises ``InvalidInput`` if what is shared lies outside the repository and is not its owner's: a link, or an entry of
    ``objects/info/alternates``, would show what the owner may not read but we may."""
    inside, owner = common_dir.resolve(), common_dir.stat().st_uid
    paths = [common_dir / name for name in SHARED]
    for path in (*paths, *_alternates(common_dir / "objects", shown)):
        real = path.resolve()
        if real.exists() and not (real.is_file() or real.is_dir()):
            raise InvalidInput(f"{shown} is no git repository: {path} is neither a file nor a folder")
        if real.exists() and not real.is_relative_to(inside) and real.stat().st_uid != owner:
            raise InvalidInput(
                f"{shown} takes its {path.name} from {real}, which is not its owner's; run `git repack -a -d` in it, remove "
                "objects/info/alternates and links, and sync again"
            )


def _alternates(objects: Path, shown: str, depth: int = 0) -> Iterator[Path]:
    """The object folders that ``objects`` borrows from, and they in turn, as deep as git goes."""
    listed = objects / "info" / "alternates"
    if not listed.is_file():
        return
    with listed.open("rb") as file:
        content = file.read(_LONGEST_ALTERNATES + 1)
    if len(content) > _LONGEST_ALTERNATES or b'"' in content or depth > _DEEPEST_ALTERNATES:
        raise InvalidInput(
            f"{shown} borrows objects in a way that leadline does not follow: see objects/info/alternates"
        )
    for line in content.splitlines():
        if line and not line.startswith(b"#"):
            borrowed = objects.resolve() / os.fsdecode(line)
            yield borrowed
            yield from _alternates(borrowed, shown, depth + 1)
