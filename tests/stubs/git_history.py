"""Makes real git repositories for tests, with fixed names and dates, and reads what a sync brought into the lake.

``History`` is a repository being written; ``sync`` syncs one into a project; ``rows`` the lake's rows as dicts.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leadline.engine import Engine
from leadline.home import Project
from leadline.sync.repositories import RepositoryResult, sync_repositories
from leadline.sync.run import SyncRun

START = 1_767_225_600
"""2026-01-01T00:00:00Z, the date of a history's first commit; each further one is an hour later."""


class History:
    """A git repository in ``folder``: a work tree, or bare."""

    def __init__(self, folder: Path, *, bare: bool = False, init: bool = True, object_format: str = "sha1") -> None:
        self.folder = folder
        self.bare = bare
        self.time = START - 3600
        if init:
            folder.mkdir(parents=True)
            self.git("init", "-q", "-b", "main", f"--object-format={object_format}", *(["--bare"] if bare else []))

    def git(self, *arguments: str | bytes, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """Run git here; its output, which must be a success."""
        return self.raw(*arguments, stdin=stdin, env=env).decode("utf-8", "surrogateescape").strip()

    def raw(self, *arguments: str | bytes, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """Run git here; its output as bytes."""
        done = subprocess.run(
            ["git", *arguments],
            check=False,
            cwd=self.folder,
            env=self._env() | dict(env or {}),
            input=stdin,
            capture_output=True,
        )
        assert done.returncode == 0, (arguments, done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def write(self, files: Mapping[str | bytes, str | bytes | None]) -> None:
        """Put ``files`` into the work tree; None deletes one."""
        for name, content in files.items():
            path = self.folder / os.fsdecode(name)
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(
        self,
        message: str | bytes = "change",
        files: Mapping[str | bytes, str | bytes | None] | None = None,
        *,
        author: str = "Ada <ada@example.com>",
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Commit ``files`` an hour after the commit before; the new commit's id."""
        self.write(files or {})
        self.git("add", "-A")
        return self.record(
            "commit", "-q", "--allow-empty", "--allow-empty-message", "-F", "-", message, author=author, env=env
        )

    def merge(self, *branches: str, message: str = "merge") -> str:
        """Merge ``branches`` into the current one with a merge commit; its id."""
        return self.record("merge", "-q", "--no-ff", "-m", message, *branches)

    def record(
        self,
        *arguments: str | bytes,
        author: str = "Ada <ada@example.com>",
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Run a command that makes commits (a message after ``-F -`` goes to its input); the id of HEAD then."""
        self.time += 3600
        name, email = author[:-1].split(" <")
        people = {
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": email,
            "GIT_AUTHOR_DATE": f"{self.time} +0000",
            "GIT_COMMITTER_NAME": "Grace",
            "GIT_COMMITTER_EMAIL": "grace@example.com",
            "GIT_COMMITTER_DATE": f"{self.time} +0000",
        }
        stdin = b""
        if arguments[-2] == "-":
            *arguments, message = arguments  # type: ignore[assignment]
            stdin = message.encode() if isinstance(message, str) else message
        self.git(*arguments, stdin=stdin, env=people | dict(env or {}))
        return self.git("rev-parse", "HEAD")

    def commit_ids(self) -> set[str]:
        """Commits that branches, tags, remote branches and HEAD reach, as git itself says."""
        return set(self.git("rev-list", "--branches", "--tags", "--remotes", "HEAD").split())

    def shortstat(self) -> tuple[int, int, int]:
        """Files, lines added and lines deleted over all commits but merges, as git itself sums them."""
        text = self.git("log", "--branches", "--tags", "--remotes", "--shortstat", "-M", "--format=")
        return tuple(
            sum(int(number) for number in re.findall(rf"(\d+) {word}", text))
            for word in ("files? changed", r"insertions?\(", r"deletions?\(")
        )  # type: ignore[return-value]

    def _env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "protocol.file.allow",
            "GIT_CONFIG_VALUE_0": "always",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
            "GIT_COMMITTER_NAME": "Grace",
            "GIT_COMMITTER_EMAIL": "grace@example.com",
            "LC_ALL": "C",
            "TZ": "UTC",
        }


def sync_all(project: Project, *locations: Path | str, **options: Any) -> list[RepositoryResult]:
    """Sync repositories as the command line does."""
    return list(sync_repositories(SyncRun(project), [str(location) for location in locations], **options))


def sync(project: Project, location: Path | str, **options: Any) -> RepositoryResult:
    """Sync one repository, which must succeed."""
    (result,) = sync_all(project, location, **options)
    assert result.error is None, result
    return result


def failed_sync(project: Project, location: Path | str, **options: Any) -> str:
    """Sync one repository, which must fail; the error's message."""
    (result,) = sync_all(project, location, **options)
    assert result.error is not None, result
    return result.error.message


def rows(project: Project, table: str, columns: str = "*", where: str = "true") -> list[dict[str, Any]]:
    """Rows of a lake table, ordered by their columns."""
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), [table])
        found: list[dict[str, Any]] = engine.arrow(
            f"SELECT {columns} FROM {table} WHERE {where} ORDER BY ALL"
        ).to_pylist()
        return found


def shas(project: Project) -> set[str]:
    """Commit ids in the lake."""
    return {row["sha"] for row in rows(project, "commits", "sha")}


def totals(project: Project) -> tuple[int, int, int]:
    """Files, lines added and lines deleted in the lake's ``commit_files``."""
    (row,) = rows(
        project, "commit_files", "count(*) AS n, coalesce(sum(additions), 0) AS a, coalesce(sum(deletions), 0) AS d"
    )
    return int(row["n"]), int(row["a"]), int(row["d"])


def versions(project: Project) -> dict[str, int]:
    """Delta versions of the lake's tables."""
    return project.lake.snapshot().versions
