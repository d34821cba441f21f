"""The integrity check of a home: the metadata database, every project's lake and org trees, the files of exports."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator

import sqlalchemy as sa

from leadline.db import jobs, sources
from leadline.db.export_list import ListFilter, listed
from leadline.db.outage import DATABASE_AWAY
from leadline.db.projects import DEFAULT
from leadline.errors import LeadlineError
from leadline.exports.files import digest, on_this_machine
from leadline.home import Home, Project
from leadline.lake.maintenance import check_lake
from leadline.people import tree, trees
from leadline.permissions import open_to_others
from leadline.project_faults import sentence
from leadline.schema import TABLES
from leadline.sources.kit.settings import SourceSettings

_PAGE = 100


def findings(home: Home, progress: Callable[[int, int], None] = lambda _done, _of: None) -> list[str]:
    """A sentence for everything wrong with the home; [] when all is sound. Nothing is changed. ``progress`` is told how many of how
    many steps are done."""
    faults = [*_permissions(home), *_database(home)]
    steps = [(project, step) for project in home.projects() for step in _steps()]
    for done, (project, read) in enumerate(steps):
        progress(done, len(steps))
        prefix = named(project)
        try:
            faults += [prefix + finding for finding in read(project)]
        except DATABASE_AWAY:
            raise
        except Exception as error:  # whatever is wrong with one part, the others are checked, too
            faults.append(prefix + sentence(error))
    return list(dict.fromkeys(faults))


def _steps() -> list[Callable[[Project], Iterable[str]]]:
    """What is checked of a project, of which every table is one."""
    tables = [lambda project, table=table: check_lake(project.lake, [table]) for table in TABLES.values()]
    return [_storage, *tables, _settings, _sources, _trees, _exports]


def _storage(project: Project) -> list[str]:
    return project.lake.storage.findings()


def named(project: Project) -> str:
    """How a sentence about ``project`` begins where it is one of several."""
    is_default = (project.organization, project.name) == (DEFAULT, DEFAULT)
    return "" if is_default else f"project {project.full_name}: "


def _permissions(home: Home) -> Iterator[str]:
    """Homes made before files were their owner's alone. They stay as they are: their owner may mean it so."""
    if readable := open_to_others(home.path):
        what = f"{len(readable):,} files can be read" if len(readable) > 1 else f"{readable[0]} can be read"
        yield f"{what} by other users of this machine; `chmod -R go= {shlex.quote(str(home.path))}` ends that"


def _database(home: Home) -> Iterator[str]:
    """SQLite checks pages and references when asked to; PostgreSQL guards both by itself."""
    if not home.db.is_sqlite:
        return
    with home.db.read() as connection:
        for (line,) in connection.execute(sa.text("PRAGMA integrity_check")):
            if line != "ok":
                yield f"metadata database: {line}"
        for row in connection.execute(sa.text("PRAGMA foreign_key_check")):
            yield f"metadata database: a row of {row[0]} names a row of {row[2]} that is not there"


def _settings(project: Project) -> Iterator[str]:
    """Settings that an earlier or later version, or somebody else, has stored and that cannot be read."""
    for tree_name in (None, *(summary.name for summary in trees(project))):
        try:
            project.profile(tree_name)
        except LeadlineError as error:
            yield error.message


def _sources(project: Project) -> Iterator[str]:
    """Sources whose settings are not what this version stores."""
    for row in sources.listed(project.db, project.id, configured=True):
        try:
            SourceSettings.restored(row.kind, row.name, row.settings)
        except LeadlineError as error:
            yield error.message
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            yield f"source {row.name!r}: its stored settings cannot be read ({sentence(error)}); remove it and add it anew"


def _trees(project: Project) -> Iterator[str]:
    for summary in trees(project):
        try:
            tree(project, summary.name)
        except (LeadlineError, KeyError, TypeError, ValueError) as error:
            yield f"org tree {summary.name!r} cannot be read: {error}"


def _exports(project: Project) -> Iterator[str]:
    return (f"export {export.id}: {fault}" for export, fault in damaged_exports(project))


def damaged_exports(project: Project) -> Iterator[tuple[jobs.Export, str]]:
    """Completed exports, of every kind there is or was, whose file is not what was written, and what is wrong with it."""
    page, total = 0, 1
    while page * _PAGE < total:
        wanted = ListFilter(status=jobs.COMPLETED, limit=_PAGE, page=page, sort_by="createdAt")
        exports, total = listed(project.db, project.id, None, wanted)
        for export in exports:
            if export.file is not None and (fault := _file_fault(project, export)):
                yield export, fault
        page += 1


def _file_fault(project: Project, export: jobs.Export) -> str | None:
    try:
        size = project.files.stored(str(export.file)).size
        whole = size == export.size_bytes
        sha256 = digest(on_this_machine(project.files, str(export.file), size))[1] if whole else None
    except FileNotFoundError:
        # A worker may have cleared it since the row was read; then the row names no file any more.
        newest = jobs.get(project.db, project.id, export.id)
        return f"its file {export.file} is missing" if newest is not None and newest.file is not None else None
    if not whole:
        return f"its file {export.file} has {size} bytes instead of {export.size_bytes}"
    if sha256 != export.sha256:
        return f"its file {export.file} is not what was written: its SHA-256 differs"
    return None
