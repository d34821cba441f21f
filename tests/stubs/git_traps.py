"""A repository full of traps: settings, hooks and attributes that make git run a program, and every way to hand it to a source."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from leadline.sources.git.location import parse_location
from leadline.sources.git.log import LogReader, Walk
from leadline.sources.git.repository import Repository
from leadline.sources.git.source import GitHistory
from stubs.git_history import History

SOMEBODY = 12345
"""A user id that is not ours."""
# Settings that name a program ({run} is one that leaves a trace), as a repository's own configuration may have them.
PROGRAMS = [
    ("alias.log", "!{run}"),
    ("alias.rev-parse", "!{run}"),
    ("core.alternateRefsCommand", "{run}"),
    ("core.askPass", "{run}"),
    ("core.editor", "{run}"),
    ("core.fsmonitor", "{run}"),
    ("core.gitProxy", "{run}"),
    ("core.hooksPath", "{hooks}"),
    ("core.pager", "{run}"),
    ("core.sshCommand", "{run}"),
    ("credential.helper", "!{run}"),
    ("diff.external", "{run}"),
    ("diff.trap.command", "{run}"),
    ("diff.trap.textconv", "{run}"),
    ("filter.trap.clean", "{run}"),
    ("filter.trap.process", "{run}"),
    ("filter.trap.smudge", "{run}"),
    ("gpg.program", "{run}"),
    ("gpg.ssh.program", "{run}"),
    ("include.path", "{include}"),
    ("includeIf.gitdir:/.path", "{include}"),
    ("merge.trap.driver", "{run}"),
    ("pager.for-each-ref", "{run}"),
    ("pager.log", "{run}"),
    ("remote.origin.uploadpack", "{run}"),
    ("remote.origin.vcs", "ext"),
    ("trace2.eventTarget", "{pwned}"),
    ("trace2.normalTarget", "{pwned}"),
    ("uploadpack.packObjectsHook", "{run}"),
    ("url.ext::{run} .insteadOf", "/"),
]
HOOKS = (
    "post-checkout",
    "post-index-change",
    "pre-auto-gc",
    "fsmonitor-watchman",
    "reference-transaction",
    "post-fetch",
)


class Trap:
    """A repository that runs something as soon as its configuration counts; ``pwned`` is there then."""

    def __init__(self, folder: Path) -> None:
        self.pwned = folder / "pwned"
        self.script = folder / "run"
        self.script.write_text(f"#!/bin/sh\necho ran > {shlex.quote(str(self.pwned))}\n")
        self.script.chmod(0o755)
        self.hooks = folder / "hooks"
        self.hooks.mkdir()
        for name in HOOKS:
            shutil.copy(self.script, self.hooks / name)
        self.include = folder / "include"
        self.include.write_text(f"[core]\n\tfsmonitor = {self.script}\n[diff]\n\texternal = {self.script}\n")
        self.history = History(folder / "org" / "repo")
        self.history.commit("one", {"f": "1\n", ".gitattributes": "* diff=trap filter=trap merge=trap\n"})
        self.history.commit("two", {"f": "2\n"})

    def arm(self, key: str, value: str) -> None:
        """Set a trap, also for what lies below or beside the repository's folder."""
        names = {"run": self.script, "hooks": self.hooks, "include": self.include, "pwned": self.pwned}
        self.history.git("config", key.format(**names), value.format(**names))
        git_dir = self.history.folder / ".git"
        (git_dir / "info" / "attributes").write_text("* diff=trap filter=trap merge=trap\n")
        shutil.copytree(self.hooks, git_dir / "hooks", dirs_exist_ok=True)


def as_folder(trap: Trap, _elsewhere: Path) -> Path:
    return trap.history.folder


def as_git_folder(trap: Trap, _elsewhere: Path) -> Path:
    return trap.history.folder / ".git"


def as_bare(trap: Trap, elsewhere: Path) -> Path:
    """The same configuration, which says that there is no work tree."""
    shutil.copytree(trap.history.folder / ".git", elsewhere / "bare.git")
    History(elsewhere / "bare.git", init=False).git("config", "core.bare", "true")
    return elsewhere / "bare.git"


def as_work_tree(trap: Trap, elsewhere: Path) -> Path:
    """A linked work tree, made by hand: git itself would run the trap."""
    git_dir = trap.history.folder / ".git"
    linked = git_dir / "worktrees" / "linked"
    linked.mkdir(parents=True)
    (elsewhere / "linked").mkdir()
    (linked / "HEAD").write_text(trap.history.git("rev-parse", "HEAD") + "\n")
    (linked / "commondir").write_text("../..\n")
    (linked / "gitdir").write_text(f"{elsewhere}/linked/.git\n")
    (elsewhere / "linked" / ".git").write_text(f"gitdir: {linked}\n")
    return elsewhere / "linked"


def as_submodule(trap: Trap, elsewhere: Path) -> Path:
    """Its git folder lies among the modules of another repository."""
    above = History(elsewhere / "above")
    git_dir = above.folder / ".git" / "modules" / "sub"
    shutil.copytree(trap.history.folder / ".git", git_dir)
    (above.folder / "sub").mkdir()
    (above.folder / "sub" / ".git").write_text("gitdir: ../.git/modules/sub\n")
    History(git_dir, init=False).git("config", "--file", "config", "core.worktree", "../../../sub")
    return above.folder / "sub"


def as_url(trap: Trap, _elsewhere: Path) -> str:
    return trap.history.folder.as_uri()


def read(location: Path | str, clones: Path) -> tuple[Repository, int]:
    """Everything that a run asks of a repository; how many commits it has."""
    history = GitHistory(parse_location(str(location)), clones, "o/r")
    assert "heads/main" in history.check().things
    repository = history.repository
    repository.refresh()
    state = repository.state()
    commits = sum(
        batch.commits.num_rows for batch in LogReader(repository, state, Walk(state.heads)).batches() if batch.commits
    )
    assert sum(map(len, repository.reachable(state.heads))) == commits
    assert repository.existing(state.heads) == set(state.heads)
    return repository, commits


def give_away(folder: Path) -> None:
    """Make ``folder`` and all in it somebody else's, which only root can."""
    for path in (folder, *folder.rglob("*")):
        os.lchown(path, SOMEBODY, SOMEBODY)
