"""Forgets a person: a pseudonym takes their place in everything that a project keeps, and in whatever is said of them later.

What they are called is noted first, as marks that nobody can read; all else follows from these. So it may be ended anywhere, and
done again until it is done.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import sqlalchemy as sa

from leadline.administration.called import called, is_known
from leadline.db import forgotten as marks
from leadline.db import jobs
from leadline.db import trees as tree_rows
from leadline.db.projects import pseudonym_secret
from leadline.errors import InvalidRequest, NotFound
from leadline.exports.files import drop, work_root
from leadline.home import Project
from leadline.ingest.erasure import Look
from leadline.ingest.forgetting import line_without
from leadline.ingest.pushed import deliver_pushed
from leadline.materialize.published import PublishedTables
from leadline.people.erasure import count_in_tree, count_in_uploads, forget_in_tree, forget_in_uploads
from leadline.people.forgotten import Called, Forgotten, forgotten_of, new_pseudonym
from leadline.schema import TABLES

Report = Callable[[float, float], None]
"""Called with the rows that were looked at, and all."""

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_ACCOUNT_SETTINGS = re.compile(r"[^,;\s]+")


@dataclass
class Erasure:
    """What was changed, or would be. ``tables``: rows by table; ``trees``: versions by tree; ``clones``: repositories whose clones
    keep the history that their hosts have."""

    pseudonym: str
    called: Called
    tables: dict[str, int] = field(default_factory=dict)
    trees: dict[str, int] = field(default_factory=dict)
    uploads: int = 0
    notes: int = 0
    sessions: int = 0
    exports: int = 0
    clones: int = 0


def foresee(project: Project, email: str, report: Report = lambda _done, _all: None) -> Erasure:
    """What ``forget`` would change now; nothing is written. Raises as it does."""
    forgotten, erasure, new = _meant(project, email)
    look = Look(project, forgotten.with_marks(new, erasure.pseudonym), _heard(project, report))
    for name, table in TABLES.items():
        erasure.tables[name] = look.count(table)
    for known in tree_rows.listed(project.db, project.id):
        erasure.trees[known.name] = count_in_tree(project, known, look.forgotten)
    erasure.uploads = count_in_uploads(project, look.forgotten)
    with project.db.write() as connection, connection.begin_nested() as undone:
        _forget_in_database(connection, project, look.forgotten, erasure)
        undone.rollback()
    erasure.exports = len(jobs.files(project.db, project.id))
    return _finished(project, erasure)


def forget(project: Project, email: str, now: datetime, report: Report = lambda _done, _all: None) -> Erasure:
    """Put a pseudonym in place of the person whose address is ``email``. Files of exports are deleted, and so are earlier versions
    of the tables: both name people. Raises ``InvalidRequest`` for what is no address, ``NotFound`` if nobody is called so,
    ``StoreError`` if the data cannot be read or written; done again it goes on."""
    deliver_pushed(project)
    _, erasure, new = _meant(project, email)
    marks.add(project.db, project.id, new, erasure.pseudonym, now)
    look = Look(project, forgotten_of(project), _heard(project, report))
    for known in tree_rows.listed(project.db, project.id):
        erasure.trees[known.name] = forget_in_tree(project, known, look.forgotten)
    for name, table in TABLES.items():
        erasure.tables[name] = look.rewrite(table)
    erasure.uploads = forget_in_uploads(project, look.forgotten)
    with project.db.write() as connection:
        _forget_in_database(connection, project, look.forgotten, erasure)
    erasure.exports = _forget_files(project)
    project.db.tidy(
        ["org_tree_versions", "developer_uploads", "inbox", "inbox_refused", "settings", "sessions", "exports"]
    )
    return _finished(project, erasure)


def _meant(project: Project, email: str) -> tuple[Forgotten, Erasure, set[str]]:
    """Who is forgotten by now, the person who will be, and the marks of what they are called."""
    if not _EMAIL.fullmatch(email.strip()):
        raise InvalidRequest(f"{email[:80]!r} is no email address; people are named by theirs", code="invalid_email")
    forgotten = forgotten_of(project)
    known = forgotten.address(email) if forgotten else None
    person = called(project, email, known)
    if known is None and not is_known(person):
        raise NotFound(
            f"Nobody in this project has the address {email.strip()}; `leadline identities` lists accounts and whose they are",
            code="unknown_developer",
        )
    making = forgotten or Forgotten(pseudonym_secret(project.db, project.id), {})
    return making, Erasure(known or new_pseudonym(), person), making.marks_of(person)


def _heard(project: Project, report: Report) -> Callable[[int], None]:
    whole = sum(project.lake.newest([name for name, table in TABLES.items() if table.personal]).row_counts().values())
    done = 0

    def heard(rows: int) -> None:
        nonlocal done
        done += rows
        report(done, max(whole, done))

    return heard


# -- the database --------------------------------------------------------------------------------------------------------


def _forget_in_database(connection: sa.Connection, project: Project, forgotten: Forgotten, erasure: Erasure) -> None:
    def is_theirs(text: str) -> bool:
        return forgotten.prose(text) != text

    erasure.sessions = marks.end_sessions(connection, project.id, is_theirs)
    erasure.notes = (
        marks.change_texts(connection, project.id, forgotten.prose)
        + marks.change_accounts(connection, project.id, lambda text: _accounts(forgotten, text))
        + marks.change_addresses(connection, project.id, lambda text: _address_of_view(forgotten, text))
        + marks.change_refused(
            connection,
            project.id,
            lambda table, line: line_without(forgotten, TABLES[table], line) if table in TABLES else line,
        )
    )


def _accounts(forgotten: Forgotten, text: str) -> str:
    return _ACCOUNT_SETTINGS.sub(lambda word: forgotten.account(None, word[0]) or word[0], text)


def _address_of_view(forgotten: Forgotten, text: str) -> str:
    parts = urlsplit(text)
    asked = parse_qsl(parts.query, keep_blank_values=True)
    changed = [(name, forgotten.prose(value)) for name, value in asked]
    return text if changed == asked else urlunsplit(parts._replace(query=urlencode(changed)))


# -- files -----------------------------------------------------------------------------------------------------------------


def _forget_files(project: Project) -> int:
    """Delete the files of exports and what is computed and kept; how many exports had one."""
    files = jobs.begin_anew(project.db, project.id)
    for name in files:
        drop(project.files, name)
    if (published := PublishedTables.of(project)) is not None:
        published.forget_all()
    for folder in (work_root(project.folder), *_kept(project)):
        shutil.rmtree(folder, ignore_errors=True)
    return len(files)


def _kept(project: Project) -> list[Path]:
    cache = project.computed.parent
    return sorted(cache.iterdir()) if cache.is_dir() else []


def _finished(project: Project, erasure: Erasure) -> Erasure:
    erasure.clones = sum(1 for path in project.clones.rglob("HEAD")) if project.clones.is_dir() else 0
    return erasure
