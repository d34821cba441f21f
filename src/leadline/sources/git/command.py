"""Running git. Reading goes through a view (``view``) and is deaf to every configuration; cloning and fetching keep the user's
(proxies, credential helpers, ssh), but never ask a question."""

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
from leadline.sources.git.view import GitFolder

_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s'\"]*@", re.IGNORECASE)
_QUERY = re.compile(r"([a-z][a-z0-9+.-]*://[^\s?'\"]*)\?[^\s'\"]*", re.IGNORECASE)
_STDERR_SHOWN = 600
# Of the user's own variables, those that say how a remote is reached. All others could point git at another repository or change
# what it prints.
_REACHING = (
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_CONFIG_",
    "GIT_CURL_",
    "GIT_EXEC_PATH",
    "GIT_HTTP_",
    "GIT_PROTOCOL",
    "GIT_PROXY_",
    "GIT_SSH",
    "GIT_SSL_",
)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_NO_NAME = re.compile(r"Could not resolve (?:host|proxy)", re.IGNORECASE)
"""What git says where no name server knows a name, over HTTP or SSH."""
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
    """The environment for reading a repository: nobody's git configuration, no locks, nothing fetched, no replaced or grafted
    commits. A replace ref or graft shows other content under a commit's id; the rows describe the commit that the id names."""
    kept = {name: value for name, value in base.items() if not name.startswith("GIT_") or name == "GIT_EXEC_PATH"}
    return kept | {
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


def asking_environment(base: Mapping[str, str], configuration: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The environment for cloning and fetching: the user's configuration and ways to a remote, plus ``configuration``. The settings
    go through variables because a command line is visible to every user of the machine."""
    kept = {name: value for name, value in base.items() if not name.startswith("GIT_") or name.startswith(_REACHING)}
    count = kept.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0
    for number, (key, value) in enumerate(configuration, start=first):
        kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    kept["GIT_CONFIG_COUNT"] = str(first + len(configuration))
    return kept | {"LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}


def run(
    repository: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path | None = None,
    stdin: str = "",
    failure_is: tuple[int, ...] = (),
    secret: str | None = None,
    seconds: float | None = None,
) -> str | None:
    """The output of one short git command; None when it ends with a status of ``failure_is``. ``repository`` names it in the
    ``GitError`` that every other failing status raises, and a command that takes longer than ``seconds``; ``secret`` is the URL
    that must not appear there."""
    process = _started(arguments, folder, environment, subprocess.PIPE, subprocess.PIPE)
    with process, _known(process):
        # surrogateescape: ref names and settings may be in any encoding.
        try:
            output, errors = process.communicate(stdin.encode("utf-8", "surrogateescape"), timeout=seconds)
        except subprocess.TimeoutExpired:
            raise GitError(f"{repository}: git did not answer within {seconds:.0f} seconds") from None
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
    """The error for a git command that ended with ``status`` after saying ``stderr``, which a remote may have written."""
    errors = scrub(_CONTROL.sub(" ", stderr.decode("utf-8", "replace")), secret).strip()
    if len(errors) > _STDERR_SHOWN:
        errors = "… " + errors[-_STDERR_SHOWN:]
    if _NO_NAME.search(errors):
        errors += " (is the address right?)"
    command = next((word for word in arguments if not word.startswith("-") and "=" not in word), "git")
    ended = f"ended with status {status}" if status >= 0 else f"was ended by signal {-status}"
    return GitError(f"{repository}: git {command} {ended}: {errors or 'it gave no reason'}")


@dataclass(frozen=True)
class Git:
    """git on one repository, which lies in ``folder`` and is called ``name`` in messages. It is only ever read."""

    folder: GitFolder
    name: str

    @property
    def git_dir(self) -> Path:
        """The repository's own git folder."""
        return self.folder.git_dir

    def text(self, *arguments: str, stdin: str = "", failure_is: tuple[int, ...] = ()) -> str | None:
        """Output of a short read-only command (see ``run``)."""
        environment = reading_environment(os.environ)
        with self.folder.view() as view, self._told_of(view):
            full = _on(view, arguments)
            return run(self.name, full, environment=environment, folder=view, stdin=stdin, failure_is=failure_is)

    def head(self) -> str:
        """The ref that HEAD is on, or the object id it is at."""
        name = self.folder.head()
        # A repository that keeps its refs in tables has a HEAD that says nothing.
        at_table = name == "refs/heads/.invalid"
        return (self.text("symbolic-ref", "--quiet", "HEAD", failure_is=(1,)) or "").strip() if at_table else name

    @contextmanager
    def stream(self, *arguments: str, stdin: str) -> Iterator[Stream]:
        """A long command whose output is read while it runs; it is ended when the block is left."""
        # Files instead of pipes for what is small: nothing then has to be pumped beside the output.
        with (
            self.folder.view() as view,
            self._told_of(view),
            tempfile.TemporaryFile() as revisions,
            tempfile.TemporaryFile() as errors,
        ):
            revisions.write(stdin.encode())
            revisions.seek(0)
            full = _on(view, arguments)
            process = _started(full, view, reading_environment(os.environ), revisions, errors)
            output = cast("IO[bytes]", process.stdout)
            _widen(output)
            with _known(process):
                try:
                    yield Stream(self.name, full, process, output, errors)
                finally:
                    process.kill()
                    output.close()
                    process.wait()

    @contextmanager
    def _told_of(self, view: Path) -> Iterator[None]:
        """Errors speak of the repository, not of the view; one of a partial clone says what would do."""
        try:
            yield
        except GitError as error:
            message = error.message.replace(str(view), str(self.folder.common_dir))
            if self.folder.partial:
                message += (
                    " (it is a partial clone, and what it lacks is never fetched while it is read: run `git fetch --refetch "
                    "--no-filter` in it, or give the URL of its remote)"
                )
            raise GitError(message) from None


def _on(view: Path, arguments: Sequence[str]) -> list[str]:
    return ["--no-pager", f"--git-dir={view}", *arguments]


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
