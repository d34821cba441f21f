"""The bare clone kept for a repository that is given by URL: it holds exactly the remote's branches and tags. Nothing of the URL's
secrets is written to the folder: the address is handed to git anew each time."""

from __future__ import annotations

import os
from pathlib import Path

from leadline.errors import StoreError
from leadline.sources.git.command import Git, asking_environment, run

_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_PEELED = "^{}"


def refresh_clone(folder: Path, url: str, name: str) -> None:
    """Make ``folder`` a bare clone of the branches and tags of ``url``, fetching only what is new. ``name`` is what errors call the
    repository. Raises ``GitError`` with git's words if the remote cannot be reached or refuses; the clone then is as it was."""
    if not (folder / "HEAD").is_file():
        _initialize(folder, name)
    branch, refs = _remote_refs(folder, url, name)
    git = Git(folder, name)
    if refs != _local_refs(git):
        options = ("--quiet", "--no-write-fetch-head", "--prune", "--no-tags")
        _remote(folder, url, name, "fetch", *options, "origin", *_REFSPECS)
    if branch is not None and branch != (git.text("symbolic-ref", "--quiet", "HEAD", failure_is=(1,)) or "").strip():
        git.text("symbolic-ref", "HEAD", branch)


def remote_refs(address: str, shown: str) -> list[str]:
    """The names of the branches and tags at the path or URL ``address``, which errors call ``shown``. Nothing is fetched."""
    environment = asking_environment(os.environ, ())
    answer = run(shown, ["ls-remote", "--heads", "--tags", "--", address], environment=environment) or ""
    names = [line.partition("\t")[2].partition("/")[2] for line in answer.splitlines()]
    return [name for name in names if not name.endswith(_PEELED)]


def _initialize(folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{name}: the folder for its clone cannot be made: {error}") from error
    # No template: it could bring hooks.
    environment = asking_environment(os.environ, [])
    run(name, ["init", "--quiet", "--bare", "--template=", str(folder)], environment=environment)


def _remote_refs(folder: Path, url: str, name: str) -> tuple[str | None, dict[str, str]]:
    """The remote's default branch (as a ref) and the object each branch and tag points at."""
    answer = _remote(folder, url, name, "ls-remote", "--symref", "origin", "HEAD", "refs/heads/*", "refs/tags/*")
    branch = None
    refs: dict[str, str] = {}
    for line in answer.splitlines():
        value, _, ref = line.partition("\t")
        if ref == "HEAD":
            if value.startswith("ref: "):
                branch = value.removeprefix("ref: ")
        elif ref.startswith(("refs/heads/", "refs/tags/")) and not ref.endswith(_PEELED):
            refs[ref] = value
    return branch, refs


def _local_refs(git: Git) -> dict[str, str]:
    listed = git.text("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags") or ""
    pairs = (line.partition(" ") for line in listed.splitlines())
    return {ref: oid for oid, _, ref in pairs}


def _remote(folder: Path, url: str, name: str, *command: str) -> str:
    """A command that talks to the remote called ``origin``, which exists for this one command only."""
    configuration = [
        ("remote.origin.url", url),
        # A connection that brings nothing for five minutes is given up.
        ("http.lowSpeedLimit", "1"),
        ("http.lowSpeedTime", "300"),
        # Clean-up after a fetch happens now or not at all, never behind our back.
        ("gc.autoDetach", "false"),
        ("maintenance.autoDetach", "false"),
        ("core.hooksPath", os.devnull),
        ("fetch.fsckObjects", "false"),
    ]
    if url.lower().startswith("file:"):
        # The other side is a git on this machine that would refuse a folder of another owner.
        configuration.append(("remote.origin.uploadpack", "git -c safe.directory=* upload-pack"))
    arguments = [f"--git-dir={folder}", *command]
    environment = asking_environment(os.environ, configuration)
    return run(name, arguments, environment=environment, folder=folder, secret=url) or ""
