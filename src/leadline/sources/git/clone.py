"""The bare clone kept for a repository that is given by URL: it holds exactly the remote's branches and tags. Nothing of the URL's
secrets is written to the folder: the address is handed to git anew each time. A URL that leads to a folder of this machine is read
through a view, as the folder itself would be."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from leadline.errors import StoreError
from leadline.sources.git.command import Git, GitError, asking_environment, run, scrub
from leadline.sources.git.credentials import handed
from leadline.sources.git.folder import find_folder
from leadline.sources.git.location import local_path
from leadline.sources.git.view import GitFolder
from leadline.sources.kit.reach import why_not

_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
AI_NOTES = "refs/notes/ai"
"""Where notes say what AI tools wrote (``ai_notes``); all other notes are nobody's delivered work."""
_PEELED = "^{}"
_HOPS = 5
"""Redirects followed."""
_REDIRECTED = re.compile(r"returned error: 30[12378]\b")
_LOCATION = re.compile(r"<= Recv header: location: (\S+)", re.IGNORECASE)
_REFS = "/info/refs"
"""What git asks for first, below a repository's address."""


def refresh_clone(folder: Path, url: str, name: str) -> None:
    """Make ``folder`` a bare clone of the branches and tags of ``url``, fetching only what is new. ``name`` is what errors call the
    repository. Raises ``GitError`` with git's words if the remote cannot be reached or refuses; the clone then is as it was."""
    if not (folder / "HEAD").is_file():
        _initialize(folder, name)
    with _reached(url, name) as remote:
        _fetch(folder, remote)


def remote_refs(url: str, shown: str) -> list[str]:
    """The names of the branches and tags at ``url``, which errors call ``shown``. Nothing is fetched."""
    with _reached(url, shown) as remote:
        answer = remote.run(Path(os.devnull), "ls-remote", "--heads", "--tags", "origin")
        if not answer:
            remote.require_git(Path(os.devnull))
    names = [line.partition("\t")[2].partition("/")[2] for line in answer.splitlines()]
    return [name for name in names if not name.endswith(_PEELED)]


@dataclass(frozen=True)
class _Remote:
    """A remote that git calls ``origin`` for the time of one command. Errors call it ``name``."""

    url: str
    name: str

    def require_git(self, folder: Path) -> None:
        """Raises ``GitError`` if nothing at the remote speaks git's protocol. To git, a web page is a list of no branches, as other
        servers have it in a file: a login page would be a repository from which everything vanished."""
        with tempfile.NamedTemporaryFile(prefix="leadline-packets-") as packets:
            self.run(folder, "ls-remote", "origin", GIT_TRACE_PACKET=packets.name)
            if not packets.read(1):
                raise GitError(
                    f"{self.name}: what answers at {scrub(self.url, self.url)} is no git server; is the address right, and is "
                    "nothing (a proxy, a login page) before it?"
                )

    def run(self, folder: Path, *command: str, **variables: str) -> str:
        """A command that talks to the remote, run in the git folder ``folder`` (or in none: the null device), with these variables
        beside its others. Redirects are followed by the rules of all sources, which git has not."""
        url = self.url
        for _ in range(_HOPS):
            try:
                return self._run(url, folder, command, variables)
            except GitError as error:
                if _REDIRECTED.search(error.message) is None:
                    raise
                url = self._redirected(url, error)
        raise GitError(f"{self.name}: {scrub(self.url, self.url)} redirects more than {_HOPS} times")

    def _redirected(self, url: str, error: GitError) -> str:
        """Where ``url`` redirects. Raises ``GitError`` where it is not to be followed, and ``error`` if it is not told."""
        nowhere = Path(os.devnull)
        with tempfile.NamedTemporaryFile(prefix="leadline-headers-") as trace:
            with suppress(GitError):
                self._run(url, nowhere, ("ls-remote", "origin"), {"GIT_TRACE_CURL": trace.name})
            locations: list[str] = _LOCATION.findall(trace.read().decode("utf-8", "replace"))
        if not locations:
            raise error
        own, here = (
            self._run(place, nowhere, ("ls-remote", "--get-url", "origin"), {}).strip() for place in (self.url, url)
        )
        target, is_git, _ = urljoin(f"{here.rstrip('/')}{_REFS}", locations[-1]).partition(_REFS)
        parts, source = urlsplit(target), urlsplit(own)
        why = why_not(parts.scheme, parts.hostname or "", source.scheme, source.hostname or "")
        if why or not is_git:
            raise GitError(f"{self.name}: {scrub(own, own)} redirects {why or 'to what is no git repository'}")
        secret = source.netloc.rpartition("@")[0]
        is_own = secret and (parts.scheme, parts.netloc) == (source.scheme, source.netloc.rpartition("@")[2])
        return target.replace("://", f"://{secret}@", 1) if is_own else target

    def _run(self, url: str, folder: Path, command: Sequence[str], variables: Mapping[str, str]) -> str:
        address = handed(url, self.url)
        configuration = [
            ("remote.origin.url", address.url),
            *address.configuration,
            ("http.followRedirects", "false"),
            # A connection that brings nothing for five minutes is given up.
            ("http.lowSpeedLimit", "1"),
            ("http.lowSpeedTime", "300"),
            # Clean-up after a fetch happens now or not at all, never behind our back.
            ("gc.autoDetach", "false"),
            ("maintenance.autoDetach", "false"),
            ("core.fsmonitor", "false"),
            ("core.hooksPath", os.devnull),
            ("fetch.fsckObjects", "false"),
            ("fetch.recurseSubmodules", "false"),
        ]
        environment = {**asking_environment(os.environ, configuration), **address.variables, **variables}
        # Not where we happen to be: that may be a repository, whose configuration would count.
        inside = folder if folder.is_dir() else Path("/")
        arguments = ["--no-pager", f"--git-dir={folder}", *command]
        return run(self.name, arguments, environment=environment, folder=inside, secret=self.url) or ""


@contextmanager
def _reached(url: str, name: str) -> Iterator[_Remote]:
    """The remote at ``url``, which the user's configuration may rewrite. Raises ``InvalidInput`` for a folder of this machine that
    may not be read."""
    remote = _Remote(url, name)
    path = local_path(remote.run(Path(os.devnull), "ls-remote", "--get-url", "origin").strip())
    if path is None:
        yield remote
        return
    # git tries this ending, too.
    ending = path.with_name(f"{path.name}.git")
    with find_folder(ending if ending.exists() and not path.exists() else path).view() as view:
        yield _Remote(str(view), name)


def _fetch(folder: Path, remote: _Remote) -> None:
    branch, refs = _remote_refs(folder, remote)
    git = Git(GitFolder(folder, folder), remote.name)
    if refs != _local_refs(git):
        options = ("--quiet", "--no-write-fetch-head", "--prune", "--no-tags", "--no-recurse-submodules")
        notes = (f"+{AI_NOTES}:{AI_NOTES}",) if AI_NOTES in refs else ()
        remote.run(folder, "fetch", *options, "origin", *_REFSPECS, *notes)
        if not notes:
            remote.run(folder, "update-ref", "-d", AI_NOTES)
    if branch is not None and branch != git.head():
        remote.run(folder, "symbolic-ref", "HEAD", branch)


def _initialize(folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{name}: the folder for its clone cannot be made: {error}") from error
    # No template: it could bring hooks.
    environment = asking_environment(os.environ, [])
    run(name, ["init", "--quiet", "--bare", "--template=", str(folder)], environment=environment)


def _remote_refs(folder: Path, remote: _Remote) -> tuple[str | None, dict[str, str]]:
    """The remote's default branch (as a ref) and the object each branch and tag points at."""
    answer = remote.run(folder, "ls-remote", "--symref", "origin", "HEAD", "refs/heads/*", "refs/tags/*", AI_NOTES)
    branch = None
    refs: dict[str, str] = {}
    for line in answer.splitlines():
        value, _, ref = line.partition("\t")
        # The remote may say anything: what is no branch would be an option of git's, or lead elsewhere.
        if ref == "HEAD":
            if value.startswith("ref: refs/heads/"):
                branch = value.removeprefix("ref: ")
        elif (ref == AI_NOTES or ref.startswith(("refs/heads/", "refs/tags/"))) and not ref.endswith(_PEELED):
            refs[ref] = value
    if not refs:
        remote.require_git(folder)
    return branch, refs


def _local_refs(git: Git) -> dict[str, str]:
    listed = git.text("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags", AI_NOTES) or ""
    pairs = (line.partition(" ") for line in listed.splitlines())
    return {ref: oid for oid, _, ref in pairs}
