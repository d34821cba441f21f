"""Backs up a whole home, consistently while others write to it, and restores it into an empty one.

The database comes first, as it is at one moment, and the tables of the lake after it: they may hold rows that the database does not
know to be read, which are read again and are the same; the other way round rows would be missing.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

from leadline import __version__
from leadline.administration.archive import DATABASE, FORMAT, MANIFEST, PROJECTS, ArchiveReader, ArchiveWriter, reading
from leadline.administration.remote_sources import SECRETS
from leadline.db import dump
from leadline.db.migrate import CURRENT
from leadline.errors import Conflict, StoreError
from leadline.exports.files import FOLDER as EXPORTS
from leadline.exports.files import on_this_machine
from leadline.home import LAKE, RESTORING, Home, Project
from leadline.instants import rfc3339
from leadline.lake.lake import log_of
from leadline.lake.storage import Storage
from leadline.schema import TABLES

Report = Callable[[float, float], None]
"""Called with the bytes that are done, and all."""

_TRIES = 5
"""How often a table's log is read, if it is tidied up meanwhile."""


@dataclass(frozen=True)
class Contents:
    """What a backup holds: rows of the database by table, and how many files of how many bytes, those of the database too."""

    made_at: str
    rows: dict[str, int]
    files: int
    size: int


# -- out -----------------------------------------------------------------------------------------------------------------


def back_up(
    home: Home, target: IO[bytes], *, gzip: bool, now: datetime, report: Report = lambda _done, _all: None
) -> Contents:
    """Write the whole home to ``target``, a file that is open for writing: the database, the tables and their history, the
    exported files and the files with secrets of sources; nothing of what can be made again."""
    archive = ArchiveWriter(target, gzip=gzip)
    with tempfile.TemporaryDirectory(prefix="backup-", dir=home.temp) as temporary:
        rows = dump.dump(home.db, Path(temporary))
        manifest = {
            "format": FORMAT,
            "version": __version__,
            "schema": CURRENT,
            "createdAt": rfc3339(now),
            "rows": rows,
        }
        archive.add(MANIFEST, json.dumps(manifest).encode())
        sizes = [archive.add_file(f"{DATABASE}/{path.name}", path) for path in sorted(Path(temporary).iterdir())]
    files, size = _projects(home, archive, report)
    archive.close()
    return Contents(rfc3339(now), rows, len(sizes) + files, sum(sizes) + size)


def _projects(home: Home, archive: ArchiveWriter, report: Report) -> tuple[int, int]:
    projects = home.projects()
    whole = sum(each.size for project in projects for each in _files(project))
    files = done = 0
    for project in projects:
        for table in TABLES:
            for name, content in _log(project.lake.storage, log_of(table)).items():
                archive.add(f"{_folder(project)}/{LAKE}/{name}", content)
                files, done = files + 1, done + len(content)
        for each in _files(project):
            with suppress(FileNotFoundError):  # cleaned up: nothing that is backed up names it
                done += archive.add_file(f"{_folder(project)}/{each.name}", each.here())
                files += 1
                report(done, max(done, whole))
    return files, done


def _folder(project: Project) -> str:
    """The folder of a project in an archive, which is as in a home without a bucket."""
    return f"{PROJECTS}/{project.folder.relative_to(project.home.path / PROJECTS).as_posix()}"


def _log(storage: Storage, log: str) -> dict[str, bytes]:
    """The files of a table's ``log`` with their content. What was written last points to what was written before, so it is read
    first; where something is tidied up meanwhile, all is read again."""
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):
            names = (name for name in storage.names(log) if not name.startswith("."))
            return {
                f"{log}/{name}": storage.read(f"{log}/{name}")
                for name in sorted(names, key=lambda name: name[0].isdigit())
            }
    raise StoreError(f"The log {log} in {storage.where} changes faster than it can be read; try again in a moment")


@dataclass(frozen=True)
class _File:
    """A file of a project that never changes: its name in the project's folder, its size, and how it is had on this machine."""

    name: str
    size: int
    here: Callable[[], Path]


def _files(project: Project) -> Iterator[_File]:
    """What else of a project is backed up."""
    storage = project.lake.storage
    for table in TABLES:
        for name in storage.names(table):
            if name.endswith(".parquet"):
                with suppress(FileNotFoundError):
                    size = storage.stored(f"{table}/{name}").size
                    yield _File(
                        f"{LAKE}/{table}/{name}", size, partial(on_this_machine, storage, f"{table}/{name}", size)
                    )
    for name in project.files.names(EXPORTS):
        with suppress(FileNotFoundError):
            size = project.files.stored(f"{EXPORTS}/{name}").size
            yield _File(f"{EXPORTS}/{name}", size, partial(on_this_machine, project.files, f"{EXPORTS}/{name}", size))
    for path in sorted((project.folder / SECRETS).glob("*")):
        if path.is_file():
            yield _File(f"{SECRETS}/{path.name}", path.stat().st_size, partial(_itself, path))


def _itself(path: Path) -> Path:
    return path


# -- back ----------------------------------------------------------------------------------------------------------------


def restore(home_path: Path | None, file: Path, report: Report = lambda _done, _all: None) -> Contents:
    """Put what the backup ``file`` holds into an empty home. Raises ``InvalidInput`` for a file that is no whole backup and
    ``Conflict`` for a home that is in use; nothing is changed then."""
    with reading(file) as archive:
        return _restored(home_path, file, archive, report)


def _restored(home_path: Path | None, file: Path, archive: ArchiveReader, report: Report) -> Contents:
    with Home.open(home_path, restoring=True) as home:
        begun = home.path / RESTORING
        if not begun.exists() and not _is_unused(home):
            raise Conflict(
                f"The home {home.path} is in use; restore into a new one: leadline --home FOLDER restore {file}"
            )
        with tempfile.TemporaryDirectory(prefix="restore-", dir=home.temp) as temporary:
            files, size = _unpack(archive, Path(temporary), file.stat().st_size, report)
            if not begun.exists():
                _require_room(home, Path(temporary) / PROJECTS)
            begun.touch()
            _put_in_place(home, Path(temporary), archive.manifest)
            begun.unlink()
    return Contents(archive.manifest["createdAt"], archive.manifest["rows"], files, size)


def _is_unused(home: Home) -> bool:
    folder = home.path / PROJECTS
    return dump.is_unused(home.db) and not any(path.is_file() for path in folder.rglob("*"))


def _require_room(home: Home, unpacked: Path) -> None:
    """Raise ``Conflict`` if there are tables where those of the projects below ``unpacked`` are to lie, or ``StoreError`` if these
    are another home's."""
    for folder in unpacked.glob("*/*"):
        lake = home.lake_of(home.path / PROJECTS / folder.relative_to(unpacked), str)  # nobody's: it is only looked at
        if lake.has_data():
            raise Conflict(
                f"There are tables in {lake.where}; restore into another folder of the bucket (LEADLINE_LAKE)"
            )


def _unpack(archive: ArchiveReader, folder: Path, whole: int, report: Report) -> tuple[int, int]:
    files = done = 0
    for size in archive.unpack(folder):
        files, done = files + 1, done + size
        report(min(done, whole), whole)
    return files, done


def _put_in_place(home: Home, unpacked: Path, manifest: dict[str, Any]) -> None:
    with home.db.engine.connect().execution_options(leadline_write=True) as connection:
        dump.load(connection, unpacked / DATABASE, manifest["schema"])
    target = home.path / PROJECTS
    shutil.rmtree(target, ignore_errors=True)
    if (unpacked / PROJECTS).exists():
        for project in home.projects():
            folder = unpacked / PROJECTS / project.folder.relative_to(target)
            project.lake.storage.take_in(folder / LAKE)
            project.files.take_in(folder, EXPORTS)
        (unpacked / PROJECTS).rename(target)
