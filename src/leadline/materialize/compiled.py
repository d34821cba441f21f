"""Queries as SQL text: compiled once and kept, since compiling takes longer than many a query.

Texts are kept in the process and in a folder, so that a new process need not compile what another has. A file is named by a
digest of all that its text follows from.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from leadline.engine import DUCKDB
from leadline.kept_files import KeptFiles

_MOST_KEPT = 500
"""Texts: some fifty for each way in which trees and projects are set up."""
_MOST_FILES = 2_000
"""The same in the folder, which projects, homes and versions share."""
BUILDING = threading.RLock()
"""Held while an expression is built and compiled: ibis remembers comparisons of its nodes in a way that two threads at
once would confuse."""
_texts: dict[str, str] = {}


class CompiledQueryCache:
    """Compiled texts of one engine's ``dialect``, kept in ``folder`` (None: in this process alone), where they follow from
    the code of leadline's ``packages``. Use from any thread."""

    def __init__(self, folder: Path | None = None, packages: tuple[str, ...] = (), dialect: str = DUCKDB) -> None:
        self._folder = folder
        self._files = None if folder is None else KeptFiles(folder, _MOST_FILES)
        self._packages = packages
        self._dialect = dialect

    def in_dialect(self, dialect: str) -> CompiledQueryCache:
        """The texts in another dialect, kept beside these."""
        return self if dialect == self._dialect else CompiledQueryCache(self._folder, self._packages, dialect)

    def text(self, name: str, state: object, compiled: Callable[[], str]) -> str:
        """What ``compiled`` gives, which must follow from ``name``, ``state`` (as JSON) and leadline's code alone."""
        key = json.dumps([self._dialect, name, state], sort_keys=True)
        if (text := _texts.get(key)) is not None:  # no one waits for a text that is there
            return text
        with BUILDING:
            if (text := _texts.get(key)) is None:
                if len(_texts) >= _MOST_KEPT:
                    _texts.clear()
                text = self.kept(name, state)
                if text is None:
                    text = compiled()
                    self.keep(name, text, state)
                _texts[key] = text
            return text

    def kept(self, name: str, state: object = None) -> str | None:
        """The text kept for ``name`` and ``state`` in the folder; None if there is none, or it is not what was written."""
        text = None if self._files is None else self._files.get(self._file(name, state))
        return None if text is None else text.decode()

    def keep(self, name: str, text: str, state: object = None) -> None:
        """Keep ``text`` in the folder if it can be kept; what cannot is made anew."""
        if self._files is not None:
            # As bytes: a query may hold any kind of line end, and every one is meant.
            self._files.put(self._file(name, state), text.encode())

    def _file(self, name: str, state: object) -> str:
        follows = json.dumps([_compiler(self._packages), self._dialect, name, state], sort_keys=True)
        digest = hashlib.sha256(follows.encode()).hexdigest()[:32]
        return f"{name}-{digest}.sql"


@cache
def _compiler(packages: tuple[str, ...]) -> list[str]:
    return [code_digest(packages), *(f"{name} {version(name)}" for name in ("ibis-framework", "sqlglot"))]


@cache
def code_digest(packages: tuple[str, ...]) -> str:
    """A digest of DuckDB's version and of the code of ``packages`` of leadline: what it made may differ after an update."""
    digest = hashlib.sha256(version("duckdb").encode())
    leadline = Path(__file__).parent.parent
    for package in packages:
        for file in sorted((leadline / package).rglob("*.py")):
            digest.update(file.relative_to(leadline).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()
