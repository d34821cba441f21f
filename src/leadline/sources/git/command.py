"""Running git. Reading is deaf to every configuration but the repository's own, and that is overridden where it could change a
number; cloning and fetching keep the user's (proxies, credential helpers, ssh), but never ask a question."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast
from urllib.parse import unquote

from leadline.errors import LeadlineError

_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s'\"]*@", re.IGNORECASE)
_QUERY = re.compile(r"([a-z][a-z0-9+.-]*://[^\s?'\"]*)\?[^\s'\"]*", re.IGNORECASE)
_STDERR_SHOWN = 600
# Settings of the repository itself that would alter what `git log` counts or prints.
_NEUTRAL = (
    "advice.graftFileDeprecated=false",
    "core.attributesFile=",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "diff.renames=true",
    "diff.submodule=short",
    "log.showRoot=true",
    "log.showSignature=false",
    "mailmap.file=",
)
# Variables that would point git at another repository or change what it prints.
_MISLEADING = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
_Handle = int | IO[bytes]
_RUNNING: set[subprocess.Popen[bytes]] = set()
"""The gits that this process runs now."""


class GitError(LeadlineError):
    """git could not do what was asked of one repository; the message names it and carries git's own words."""

    code = "git_failed"


def scrub(text: str, secret: str | None = None) -> str:
    """``text`` without the user and password of any URL in it, and without what follows a URL's ``?``. ``secret`` is a URL whose
    password is taken out wherever else it stands."""
    if secret is not None:
        userinfo = re.match(r"[a-z][a-z0-9+.-]*://([^/]*)@", secret, re.IGNORECASE)
        password = userinfo.group(1).partition(":")[2] if userinfo else ""
        for form in {password, unquote(password)} - {""}:
            text = text.replace(form, "***")
    return _QUERY.sub(r"\1", _USERINFO.sub(r"\1", text))


def reading_environment(base: Mapping[str, str]) -> dict[str, str]:
    """The environment for reading a repository: nobody's git configuration, no locks, no replaced or grafted commits. A replace ref
    or graft shows other content under a commit's id; the rows describe the commit that the id names."""
    kept = {name: value for name, value in base.items() if not name.startswith("GIT_") or name == "GIT_EXEC_PATH"}
    return kept | {
        "LC_ALL": "C",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


def asking_environment(base: Mapping[str, str], configuration: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The environment for cloning and fetching: the user's configuration, plus ``configuration``, no questions. The settings go
    through variables because a command line is visible to every user of the machine."""
    kept = {name: value for name, value in base.items() if name not in _MISLEADING}
    first = int(kept.get("GIT_CONFIG_COUNT", "0") or "0")
    for number, (key, value) in enumerate(configuration, start=first):
        kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    kept["GIT_CONFIG_COUNT"] = str(first + len(configuration))
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def run(
    repository: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path | None = None,
    stdin: str = "",
    failure_is: tuple[int, ...] = (),
    secret: str | None = None,
) -> str | None:
    """The output of one short git command; None when it ends with a status of ``failure_is``. ``repository`` names it in the
    ``GitError`` that every other failing status raises; ``secret`` is the URL that must not appear there."""
    process = _started(arguments, folder, environment, subprocess.PIPE, subprocess.PIPE)
    with process, _known(process):
        # surrogateescape: ref names and settings may be in any encoding.
        output, errors = process.communicate(stdin.encode("utf-8", "surrogateescape"))
    if process.returncode in failure_is:
        return None
    # A branch file torn by a crash is only warned of: the branch would be missing without a sign.
    if process.returncode != 0 or b"ignoring broken ref" in errors:
        raise failed(repository, arguments, process.returncode, errors, secret)
    return output.decode("utf-8", "surrogateescape")


def _started(
    arguments: Sequence[str], folder: Path | None, environment: Mapping[str, str], stdin: _Handle, stderr: _Handle
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            # Without a terminal neither git nor ssh can stop to ask for a password.
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if error.filename != "git":
            raise
        raise GitError("git is not installed (or not on PATH); install git to use `leadline sync git`") from None


def failed(
    repository: str, arguments: Sequence[str], status: int, stderr: bytes, secret: str | None = None
) -> GitError:
    """The error for a git command that ended with ``status`` after saying ``stderr``."""
    errors = scrub(stderr.decode("utf-8", "replace"), secret).strip()
    if len(errors) > _STDERR_SHOWN:
        errors = "… " + errors[-_STDERR_SHOWN:]
    command = next((word for word in arguments if not word.startswith("-") and "=" not in word), "git")
    ended = f"ended with status {status}" if status >= 0 else f"was ended by signal {-status}"
    return GitError(f"{repository}: git {command} {ended}: {errors or 'it gave no reason'}")


@dataclass(frozen=True)
class Git:
    """git on one repository: ``dir`` is its folder, ``name`` what messages call it."""

    git_dir: Path
    name: str

    def text(self, *arguments: str, stdin: str = "", failure_is: tuple[int, ...] = ()) -> str | None:
        """Output of a short read-only command (see ``run``)."""
        environment = reading_environment(os.environ)
        full = self._full(arguments)
        return run(self.name, full, environment=environment, folder=self.git_dir, stdin=stdin, failure_is=failure_is)

    @contextmanager
    def stream(self, *arguments: str, stdin: str) -> Iterator[Stream]:
        """A long command whose output is read while it runs; it is ended when the block is left."""
        # Files instead of pipes for what is small: nothing then has to be pumped beside the output.
        with tempfile.TemporaryFile() as revisions, tempfile.TemporaryFile() as errors:
            revisions.write(stdin.encode())
            revisions.seek(0)
            full = self._full(arguments)
            process = _started(full, self.git_dir, reading_environment(os.environ), revisions, errors)
            output = cast("IO[bytes]", process.stdout)
            _widen(output)
            with _known(process):
                try:
                    yield Stream(self.name, full, process, output, errors)
                finally:
                    process.kill()
                    output.close()
                    process.wait()

    def _full(self, arguments: Sequence[str]) -> list[str]:
        # An explicit git dir needs no safe.directory: the owner may be somebody else. Running inside it, git sees no
        # work tree, whose uncommitted .gitattributes and .mailmap would change the numbers.
        settings = [word for setting in _NEUTRAL for word in ("-c", setting)]
        return ["--no-pager", f"--git-dir={self.git_dir}", *settings, *arguments]


@dataclass(frozen=True)
class Stream:
    """A running git command: ``output`` is read by the caller, then ``finish`` tells whether all of it came."""

    repository: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    errors: IO[bytes]

    def finish(self) -> None:
        """Wait for git to end. Raises ``GitError`` if it failed, or complained of an error and still ended with 0."""
        status = self.process.wait()
        self.errors.seek(0)
        errors = self.errors.read()
        if status != 0 or re.search(rb"^(error|fatal):", errors, re.MULTILINE):
            raise failed(self.repository, self.arguments, status, errors)


def _widen(pipe: IO[bytes]) -> None:
    """Let git run ahead of the reader where the system allows (Linux: a pipe of 1 MiB instead of 64 KiB)."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 1 << 20)


@contextmanager
def _known(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Have ``end_all`` end it while the block runs; it, and what it has started, do not outlive an error."""
    _RUNNING.add(process)
    try:
        yield
    except BaseException:
        _end(process)
        raise
    finally:
        _RUNNING.discard(process)


def end_all() -> None:
    """End every git that this process runs, with what these have started: for who is about to end without cleaning up. They are in
    sessions of their own, so no signal to this process reaches them."""
    for process in list(_RUNNING):
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
