"""What a repository holds right now. Branches, remote branches, tags and detached HEADs of all work trees count. Everything else
does not: stashes and notes are nobody's delivered work, and the ``refs/pull`` (or ``merge-requests``) of a mirror are proposals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from leadline.sources.git.clone import AI_NOTES, refresh_clone
from leadline.sources.git.command import Git
from leadline.sources.git.folder import find_folder
from leadline.sources.git.location import Location, checked_name, clone_folder, name_of_folder, name_of_url, public_url
from leadline.sources.git.view import GitFolder

_REFS = ("refs/heads", "refs/remotes", "refs/tags")
_REF_FORMAT = (
    "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname)"
    "%(if:equals=refs/remotes/origin/HEAD)%(refname)%(then)%00%(symref)%(end)"
)


@dataclass(frozen=True)
class State:
    """One look at a repository.

    ``heads``: the distinct commits its branches, tags and HEADs point at, sorted. ``refs``: how many refs those were.
    ``mailmap``: object id of the mailmap in force, None without one. ``boundary``: the commits a shallow clone ends at,
    sorted; empty for a whole one. ``url`` and ``default_branch`` as the ``repositories`` table has them. ``ai_notes``: the
    commit that ``refs/notes/ai`` is at.
    """

    heads: tuple[str, ...]
    refs: int
    mailmap: str | None
    boundary: tuple[str, ...]
    url: str | None
    default_branch: str | None
    ai_notes: str | None = None


@dataclass(frozen=True)
class RawCommit:
    """A commit's parents (separated by spaces) and commit date (epoch seconds, 0 if it cannot be read)."""

    parents: str
    committed: int


@dataclass(frozen=True)
class Repository:
    """A repository on this machine (a clone kept for a URL included), under the name its rows carry."""

    name: str
    git: Git
    url: str | None
    location: Location

    def refresh(self) -> None:
        """Fetch what is new, if this is the clone of a URL. Raises ``GitError`` if the remote cannot be read."""
        if isinstance(self.location.target, str):
            refresh_clone(self.git.git_dir, self.location.target, self.name)

    def state(self) -> State:
        """Read refs, mailmap and shallow boundary as they are now. Raises ``GitError`` if a ref points at nothing."""
        listed = self.git.text("for-each-ref", _REF_FORMAT, *_REFS) or ""
        heads: set[str] = set()
        unpeeled: list[str] = []
        refs = 0
        default = ""
        for line in listed.splitlines():
            refs += 1
            objects, _, symref = line.partition("\0")
            default = symref or default
            kind, oid, *peeled = objects.split()
            if kind == "commit":
                heads.add(oid)
            elif peeled and peeled[0] == "commit":
                heads.add(peeled[1])
            else:
                unpeeled.append(oid)
        others = (*self.git.folder.heads(), *unpeeled)
        asked = [
            "HEAD^{commit}",
            *(f"{name}^{{commit}}" for name in others),
            f"{AI_NOTES}^{{commit}}",
            self.git.folder.mailmap,
        ]
        *commits, ai_notes, mailmap = self._objects(asked)
        # A tag may point at a tree or a blob: it has no commits.
        heads.update(oid for oid in commits if oid is not None)
        return State(
            heads=tuple(sorted(heads)),
            refs=refs,
            mailmap=mailmap,
            boundary=self._boundary(),
            url=self.url,
            default_branch=self._default_branch(default),
            ai_notes=ai_notes,
        )

    def ref_names(self) -> list[str]:
        """The names of its branches and tags, as a remote shows them: ``heads/main``."""
        listed = self.git.text("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags") or ""
        return [name.removeprefix("refs/") for name in listed.splitlines()]

    def existing(self, commits: Iterable[str]) -> set[str]:
        """Those of ``commits`` that the repository still has."""
        oids = self._objects([f"{oid}^{{commit}}" for oid in commits])
        return {oid for oid in oids if oid is not None}

    def reachable(self, include: Iterable[str], exclude: Iterable[str] = ()) -> Iterator[list[str]]:
        """Ids of the commits reachable from ``include`` and not from ``exclude``, in lists of some thousand."""
        stdin = revisions(include, exclude)
        if not stdin:
            return
        with self.git.stream("rev-list", "--stdin", stdin=stdin) as stream:
            while lines := stream.output.readlines(1 << 18):
                yield [line.decode("ascii").strip() for line in lines]
            stream.finish()

    def raw_commits(self, commits: Iterable[str]) -> dict[str, RawCommit]:
        """What the commits themselves say: a shallow clone hides the parents of those at its boundary."""
        return {oid: _raw_commit(content) for oid, content in self.contents(commits).items()}

    def contents(self, objects: Iterable[str]) -> dict[str, bytes]:
        """What ``objects`` hold, by their ids; those that are not there are left out."""
        wanted = "".join(f"{oid}\n" for oid in objects)
        if not wanted:
            return {}
        answer = (self.git.text("cat-file", "--batch", stdin=wanted) or "").encode("utf-8", "surrogateescape")
        contents: dict[str, bytes] = {}
        start = 0
        while (end := answer.find(b"\n", start)) >= 0:
            oid, _, *sizes = answer[start:end].decode().split()
            start = end + 1
            if sizes:  # else "missing": what a shallow clone ended at once may be long gone
                end = start + int(sizes[0])
                contents[oid] = answer[start:end]
                start = end + 1
        return contents

    def blobs(self, names: list[str]) -> list[tuple[str, int] | None]:
        """Object id and size of each of ``names`` (in git's syntax, without line feeds), None for what is no file."""
        described = self._described(names)
        return [(found[0], found[2]) if found is not None and found[1] == "blob" else None for found in described]

    def _objects(self, names: list[str]) -> list[str | None]:
        """Object id of each of ``names`` (in git's syntax), None for what is not there."""
        return [None if found is None else found[0] for found in self._described(names)]

    def _described(self, names: list[str]) -> list[tuple[str, str, int] | None]:
        """Object id, type and size of each of ``names``, None for what is not there."""
        if not names:
            return []
        answer = self.git.text("cat-file", "--batch-check", stdin="".join(f"{name}\n" for name in names)) or ""
        # Not by every end of a line that Python knows: a name that is not there is repeated.
        lines = (line.split(" ") for line in answer.split("\n")[:-1])
        return [(line[0], line[1], int(line[2])) if len(line) == 3 and line[2].isdigit() else None for line in lines]

    def _boundary(self) -> tuple[str, ...]:
        try:
            return tuple(sorted((self.git.folder.common_dir / "shallow").read_text("ascii").split()))
        except FileNotFoundError:
            return ()

    def _default_branch(self, of_remote: str) -> str | None:
        """The remote's default branch (the ref ``of_remote``) if known here, else the branch HEAD is on."""
        for ref, prefix in ((of_remote, "refs/remotes/origin/"), (self.git.head(), "refs/heads/")):
            if ref.startswith(prefix):
                return ref.removeprefix(prefix).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return None


def _raw_commit(content: bytes) -> RawCommit:
    header = content.partition(b"\n\n")[0].splitlines()
    parents = b" ".join(line[7:] for line in header if line.startswith(b"parent ")).decode("ascii")
    committer = next((line for line in header if line.startswith(b"committer ")), b"")
    words = committer.rpartition(b">")[2].split()
    return RawCommit(parents, int(words[0]) if words and words[0].isdigit() else 0)


def revisions(include: Iterable[str], exclude: Iterable[str]) -> str:
    """The revision list for ``--stdin``; empty when nothing is included (git would then take HEAD)."""
    wanted = "".join(f"{oid}\n" for oid in include)
    return wanted + "".join(f"^{oid}\n" for oid in exclude) if wanted else ""


def open_repository(location: Location, *, name: str | None, clones: Path) -> Repository:
    """The repository at ``location``; one given by URL lies in ``clones``, and needs ``refresh`` before it can be read.

    ``name``: None for the last two segments of its remote's address, else of its folder. Raises ``InvalidInput`` if a path is
    no repository."""
    target = location.target
    if isinstance(target, str):
        called = checked_name(name if name is not None else name_of_url(target))
        folder = clone_folder(clones, called)
        return Repository(called, Git(GitFolder(folder, folder), called), public_url(target), location)
    found = find_folder(target)
    if name is None:
        folder = found.common_dir.parent if found.common_dir.name == ".git" else found.common_dir
        name = name_of_url(found.remote) if found.remote else name_of_folder(folder)
    called = checked_name(name)
    return Repository(called, Git(found, called), public_url(found.remote), location)
