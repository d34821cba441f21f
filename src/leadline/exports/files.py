"""Where exports lie and what they are called.

Each attempt writes in a folder of its own, so that a worker which lost its lease cannot touch what its successor wrote.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from leadline.errors import VersionsGone
from leadline.lake import DataFile
from leadline.lake.storage import Storage

FOLDER = "exports"
_WORK = ".work"
_LONGEST_SLUG = 80


@dataclass(frozen=True)
class Form:
    """How a format is stored: ``suffix`` of the stored file, ``content_type`` of what is inside, whether gzipped."""

    extension: str
    content_type: str
    gzip: bool

    @property
    def suffix(self) -> str:
        """The stored file's ending."""
        return self.extension + (".gz" if self.gzip else "")


FORMS = {
    "csv": Form(".csv", "text/csv", gzip=True),
    "jsonl": Form(".jsonl", "application/x-ndjson", gzip=True),
    "parquet": Form(".parquet", "application/vnd.apache.parquet", gzip=False),
}


def display_name(subject: str, start: date, end: date, file_format: str) -> str:
    """The file's name for people: ``developer-insights-2024.csv``."""
    return f"{subject}-{display_period(start, end)}{FORMS[file_format].extension}"


def slug(text: str) -> str:
    """A name as a part of a file's name: lower case letters and digits of ASCII, with `-` for all else."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-") or "team"


def display_period(start: date, end: date) -> str:
    """A range of days in a file's name: a calendar year as such, any other by its dates."""
    whole_year = (start.month, start.day, end.month, end.day) == (1, 1, 12, 31) and start.year == end.year
    return f"{start.year:04d}" if whole_year else f"{start.isoformat()}_{end.isoformat()}"


def stored_name(export_id: str, attempt: int, suffix: str) -> str:
    """The stored file of one attempt, relative to the project's folder."""
    return f"{FOLDER}/{export_id}{'' if attempt == 1 else f'-{attempt}'}{suffix}"


def work_folder(project_folder: Path, export_id: str, attempt: int) -> Path:
    """Where one attempt keeps unfinished work."""
    return work_root(project_folder) / f"{export_id}-{attempt}"


def work_root(project_folder: Path) -> Path:
    """Where all attempts of a project keep unfinished work."""
    return project_folder / FOLDER / _WORK


def attempt_of(folder: Path) -> tuple[str, int] | None:
    """The export id and attempt that a work folder belongs to; None if it is no work folder."""
    export_id, _, attempt = folder.name.rpartition("-")
    return (export_id, int(attempt)) if export_id and attempt.isdecimal() else None


def digest(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


# -- what was finished, by the stored name -------------------------------------------------------------------------------


def keep(storage: Storage, finished: Path, name: str) -> None:
    """Make a ``finished`` file the stored one called ``name``, so that it is still there after a power cut."""
    storage.prepare(FOLDER)
    storage.put(FOLDER, finished, Path(name).name)
    storage.settle(FOLDER, None)


def is_kept(storage: Storage, name: str) -> bool:
    """Whether the stored file that a row names is there. Where files stay as they were written, it is not looked for."""
    return storage.guarded or storage.exists(name)


def on_this_machine(storage: Storage, name: str, size: int) -> Path:
    """The path of a stored file of ``size`` bytes. Raises ``FileNotFoundError`` if it is gone."""
    folder, _, last = name.rpartition("/")
    path = storage.local(folder, last)
    try:
        storage.bring(folder, [DataFile(path, size, -1)])
    except VersionsGone as error:
        raise FileNotFoundError(name) from error
    return path


def drop(storage: Storage, name: str) -> None:
    """Remove a stored file, and what this machine has of it; it may be gone already."""
    storage.remove(name)
    storage.local(FOLDER, Path(name).name).unlink(missing_ok=True)
