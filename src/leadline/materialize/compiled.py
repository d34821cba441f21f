"""Queries as SQL text: compiled once and kept, since compiling takes longer than many a query.

A name, what the text follows from and a way to compile it come in; the text goes out. Texts are kept in the process and in
a folder, so that a new process need not compile what another has. A file is named by a digest of all that its text follows
from and begins with a digest of the text; the folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

_MOST_KEPT = 500
"""Texts: some thirty for each way in which trees and projects are set up."""
_COMPILING = threading.Lock()
"""Held while an expression is built and compiled: ibis remembers comparisons of its nodes in a way that two threads at
once would confuse."""
_known: dict[str, str] = {}


class CompiledQueryCache:
    """Compiled texts, kept in ``folder`` (None: in this process alone). Use from any thread."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def text(self, name: str, state: object, compiled: Callable[[], str]) -> str:
        """What ``compiled`` gives, which must follow from ``name``, ``state`` (as JSON) and leadline's code alone."""
        follows = json.dumps([_compiler(), name, state], sort_keys=True)
        digest = hashlib.sha256(follows.encode()).hexdigest()[:32]
        if (known := _known.get(digest)) is not None:  # no one waits for a text that is there
            return known
        with _COMPILING:
            if (known := _known.get(digest)) is None:
                if len(_known) >= _MOST_KEPT:
                    _known.clear()
                known = _known[digest] = self._found(f"{name}-{digest}.sql", compiled)
            return known

    def _found(self, name: str, compiled: Callable[[], str]) -> str:
        if self._folder is None:
            return compiled()
        file = self._folder / name
        return _read(file) or _kept(file, compiled())


def _read(file: Path) -> str | None:
    """The text kept in ``file``; None if there is none, or if it is not what was written."""
    try:
        digest, _, text = file.read_bytes().partition(b"\n")
    except OSError:
        return None
    return text.decode() if digest == _digest_line(text) else None


def _kept(file: Path, text: str) -> str:
    """``text``, written to ``file`` if it can be: what cannot be kept is compiled anew."""
    partial = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            # As bytes: a query may hold any kind of line end, and every one is meant.
            partial.write_bytes(_digest_line(text.encode()) + b"\n" + text.encode())
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
        for old in sorted(file.parent.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)[_MOST_KEPT:]:
            old.unlink(missing_ok=True)
    return text


def _digest_line(text: bytes) -> bytes:
    return f"-- {hashlib.sha256(text).hexdigest()}".encode()


@cache
def _compiler() -> list[str]:
    """What stands for all code that makes texts."""
    packages = ("schema", "settings", "people", "engine", "derive", "facts", "metrics")
    return [code_digest(packages), *(f"{name} {version(name)}" for name in ("ibis-framework", "sqlglot"))]


@cache
def code_digest(packages: tuple[str, ...]) -> str:
    """A digest of DuckDB's version and of the code of ``packages`` of leadline: what it made may differ after an update."""
    import duckdb

    digest = hashlib.sha256(duckdb.__version__.encode())
    leadline = Path(__file__).parent.parent
    for package in packages:
        for file in sorted((leadline / package).rglob("*.py")):
            digest.update(file.relative_to(leadline).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()
