"""Tables in a bucket of an object store (S3, Google Cloud Storage, Azure), which several machines share.

Data files never change, so each machine keeps copies of those that it has read: they are read at the speed of a disk, and again
without a request. Of two who commit the same version the store lets one: a log entry is only written where there is none.
Which key opens the bucket is said by the usual variables of its provider.
"""

# ruff: noqa: D102 -- what the methods do is said by ``Storage``

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.errors import StoreError, VersionsGone, first_line
from leadline.lake.snapshot import DataFile
from leadline.lake.storage import LOG, STAGING, Stored

if TYPE_CHECKING:
    from obstore.store import ObjectStore

AT_ONCE = 16
"""Requests that are open at a time, so that the way to the store is gone many times at once."""
_TRIES = 5
_PATIENCE = timedelta(seconds=60)
"""How often and how long a request is tried again that a store refuses or does not answer."""
_CLOCK = timedelta(seconds=60)
"""How far the clocks of this machine and of the store may be apart: signatures of requests hold for some minutes."""
_CHUNK = 4 << 20
_OWNER = "leadline.owner"
"""The object that says of which database the tables are."""


class Bucket:
    """The tables of a lake below ``url`` (``s3://bucket/folder``), with copies below ``copies``. ``owner`` is the same for all
    machines of one database, and for no others: who does not hold its locks must not write, and does not read. See ``Storage``."""

    guarded = True

    def __init__(self, url: str, copies: Path, owner: Callable[[], str]) -> None:
        self.where = url.rstrip("/")
        self.copies = copies.absolute()
        self._owner = owner

    @cached_property
    def _store(self) -> ObjectStore:
        try:
            from obstore.store import from_url
        except ImportError:
            raise StoreError(f"The lake in {self.where} needs what `pip install leadline[buckets]` brings") from None
        with self._told():
            retries: Any = {"max_retries": _TRIES, "retry_timeout": _PATIENCE}
            store: ObjectStore = from_url(self.where, retry_config=retries)
            self._require_owner(store)
        return store

    def _require_owner(self, store: ObjectStore) -> None:
        import obstore

        try:
            owner = bytes(obstore.get(store, _OWNER).bytes()).decode()
        except FileNotFoundError:
            return  # nobody's yet
        if owner != self._owner():
            raise StoreError(
                f"The tables in {self.where} are of another home's database; name a folder of this home's own in LEADLINE_LAKE, or "
                "the database in LEADLINE_DATABASE_URL"
            )

    def _claim(self) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        store = self._store
        with self._told():
            try:
                obstore.put(store, _OWNER, self._owner().encode(), mode="create")
            except AlreadyExistsError:
                self._require_owner(store)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the library says, in our words."""
        import obstore.exceptions as said

        try:
            yield
        except FileNotFoundError:
            raise
        except (said.PermissionDeniedError, said.UnauthenticatedError) as error:
            raise StoreError(
                f"{self.where} may not be used with the key that this machine has: {first_line(error)}"
            ) from error
        except (said.BaseError, OSError, ValueError) as error:
            raise StoreError(f"{self.where} cannot be read or written: {first_line(error)}") from error

    # -- reading -------------------------------------------------------------------------------------------------------

    def location(self, table: str) -> str:
        return f"{self.where}/{table}"

    def prepare(self, table: str) -> None:
        self._claim()
        self._make_room(table)

    def _make_room(self, table: str) -> None:
        (self.copies / table).mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> bytes:
        import obstore

        with self._told():
            return bytes(obstore.get(self._store, name).bytes())

    def exists(self, name: str) -> bool:
        try:
            self.stored(name)
        except FileNotFoundError:
            return False
        return True

    def stored(self, name: str) -> Stored:
        import obstore

        with self._told():
            found = obstore.head(self._store, name)
        return Stored(found["size"], found["last_modified"].timestamp())

    def names(self, folder: str) -> list[str]:
        return sorted(self.stored_in(folder))

    def stored_in(self, folder: str) -> dict[str, Stored]:
        """What is known of the objects directly in a folder, by the last parts of their names."""
        import obstore

        with self._told():
            found = obstore.list_with_delimiter(self._store, folder)["objects"]
        return {
            str(one["path"]).rpartition("/")[2]: Stored(one["size"], one["last_modified"].timestamp()) for one in found
        }

    def following(self, log: str, version: int) -> int:
        import obstore

        with self._told():
            later = obstore.list(self._store, log, offset=f"{log}/{version:020d}.json")
            names = {str(one["path"]).rpartition("/")[2] for some in later for one in some}
        while f"{version + 1:020d}.json" in names:
            version += 1
        return version

    def each(self, look: Callable[[str], int | None], tables: Iterable[str]) -> dict[str, int | None]:
        names = list(tables)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(names, pool.map(look, names), strict=True))

    # -- copies --------------------------------------------------------------------------------------------------------

    def local(self, table: str, name: str) -> Path:
        return self.copies / table / name

    def bring(self, table: str, files: Sequence[DataFile]) -> None:
        wanted = [file for file in files if not file.path.exists()]
        if not wanted:
            return
        self._make_room(table)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(partial(self._copy, table), wanted))

    def _copy(self, table: str, file: DataFile) -> None:
        partial_copy = file.path.with_name(f".{uuid.uuid4().hex}.partial")
        try:
            self.fetch(f"{table}/{file.path.name}", file.size, partial_copy)
            partial_copy.replace(file.path)
        except FileNotFoundError:
            raise VersionsGone(f"The file {file.path.name} of table {table} is gone from {self.where}") from None
        finally:
            partial_copy.unlink(missing_ok=True)

    def fetch(self, name: str, size: int, target: Path) -> None:
        """Write an object of so many bytes to the file ``target``. Raises ``FileNotFoundError`` if there is none, and
        ``StoreError`` if it is not so long."""
        import obstore

        with self._told(), target.open("wb") as file:
            for chunk in obstore.get(self._store, name).stream(min_chunk_size=_CHUNK):
                file.write(chunk)
        if (found := target.stat().st_size) != size:
            raise StoreError(f"{self.where}/{name} has {found} bytes instead of {size}")

    def send(self, file: Path | bytes, name: str) -> None:
        """Make an object of a file, or of what would be in one."""
        import obstore

        with self._told():
            obstore.put(self._store, name, file)

    def below(self, folder: str) -> list[str]:
        """The names of all objects below a folder."""
        import obstore

        with self._told():
            return [str(one["path"]) for some in obstore.list(self._store, folder) for one in some]

    def lost(self, table: str, files: Sequence[DataFile]) -> DataFile | None:
        away = [file for file in files if not file.path.exists()]
        there = set(self.names(table)) if away else set()
        return next((file for file in away if file.path.name not in there), None)

    def forget(self, table: str, before: float) -> None:
        copies = self.copies / table
        if not copies.is_dir():
            return
        there = set(self.names(table))
        for path in copies.iterdir():
            if path.is_file() and path.name not in there and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    # -- writing -------------------------------------------------------------------------------------------------------

    def staging(self, table: str) -> Path:
        return self.copies / table / STAGING

    def put(self, table: str, staged: Path, name: str) -> None:
        self.send(staged, f"{table}/{name}")
        staged.rename(self.local(table, name))

    def take_back(self, table: str, staged: Path, name: str) -> None:
        with suppress(OSError):
            self.local(table, name).rename(staged)
        with suppress(OSError, StoreError):
            self.remove(f"{table}/{name}")

    def settle(self, table: str, version: int | None) -> None:
        """What a store has taken it has."""

    def remove(self, name: str) -> None:
        import obstore

        with self._told(), suppress(FileNotFoundError):
            obstore.delete(self._store, name)

    # -- trying out ----------------------------------------------------------------------------------------------------

    def findings(self) -> list[str]:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        name, found = f"{LOG}-probe/{uuid.uuid4().hex}", list[str]()
        try:
            with self._told():
                obstore.put(self._store, name, b"first", mode="create")
            with suppress(AlreadyExistsError):
                obstore.put(self._store, name, b"second", mode="create")
                found.append(
                    f"{self.where} does not keep one from writing what another wrote at the same moment (a conditional put): two "
                    "machines would lose rows; use a store that does, or one machine and a folder"
                )
            if not found and self.read(name) != b"first":
                found.append(f"{self.where} gives back other bytes than were written")
            apart = abs(self.stored(name).modified - time.time())
            if apart > _CLOCK.total_seconds():
                found.append(
                    f"The clocks of this machine and of {self.where} are {apart:.0f} seconds apart; set this machine's"
                )
            self.remove(name)
        except FileNotFoundError:
            found.append(f"There is no bucket {self.where}; make it first, or correct LEADLINE_LAKE")
        except StoreError as error:
            found.append(error.message)
        except (OSError, obstore.exceptions.BaseError) as error:
            found.append(f"{self.where} cannot be used: {first_line(error)}")
        return found

    def take_in(self, folder: Path, below: str = "") -> None:
        if not (folder / below).exists():
            return
        self._claim()
        # Logs last: what a log names is there.
        files = [path for path in (folder / below).rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: (LOG in path.parts, path)):
            self.send(path, path.relative_to(folder).as_posix())
        shutil.rmtree(folder / below)
