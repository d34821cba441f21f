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
from pathlib import Path
from typing import IO, Any

from leadline import __version__
from leadline.administration.archive import DATABASE, FORMAT, MANIFEST, PROJECTS, ArchiveReader, ArchiveWriter, reading
from leadline.administration.remote_sources import SECRETS
from leadline.db import dump
from leadline.db.migrate import CURRENT
from leadline.errors import Conflict, StoreError
from leadline.exports.files import FOLDER as EXPORTS
from leadline.home import RESTORING, Home, Project
from leadline.instants import rfc3339
from leadline.lake.lake import LOG
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
    whole = sum(path.stat().st_size for project in projects for path in _files(project))
    files = done = 0
    for project in projects:
        for table in TABLES:
            for path, content in _log(project.lake.folder(table) / LOG).items():
                archive.add(_name(home, path), content)
                files, done = files + 1, done + len(content)
        for path in _files(project):
            with suppress(FileNotFoundError):  # cleaned up: nothing that is backed up names it
                done += archive.add_file(_name(home, path), path)
                files += 1
                report(done, max(done, whole))
    return files, done


def _name(home: Home, path: Path) -> str:
    return f"{PROJECTS}/{path.relative_to(home.path / PROJECTS).as_posix()}"


def _log(folder: Path) -> dict[Path, bytes]:
    """The files of a table's log with their content. What was written last points to what was written before, so it is read first;
    where something is tidied up meanwhile, all is read again."""
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):
            names = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
            return {
                folder / name: (folder / name).read_bytes()
                for name in sorted(names, key=lambda name: name[0].isdigit())
            }
    if not folder.exists():
        return {}
    raise StoreError(f"The log in {folder} changes faster than it can be read; try again in a moment")


def _files(project: Project) -> Iterator[Path]:
    """What else of a project is backed up: files that never change."""
    for table in TABLES:
        yield from sorted(project.lake.folder(table).glob("*.parquet"))
    for name in (EXPORTS, SECRETS):
        yield from (path for path in sorted((project.folder / name).glob("*")) if path.is_file())


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
            begun.touch()
            _put_in_place(home, Path(temporary), archive.manifest)
            begun.unlink()
    return Contents(archive.manifest["createdAt"], archive.manifest["rows"], files, size)


def _is_unused(home: Home) -> bool:
    folder = home.path / PROJECTS
    return dump.is_unused(home.db) and not any(path.is_file() for path in folder.rglob("*"))


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
        (unpacked / PROJECTS).rename(target)
