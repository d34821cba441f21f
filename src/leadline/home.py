"""The home: one folder (or database URL) opened, and the projects in it, each with its lake, locks and profile.

Several processes may hold the same home open at once.
"""

from __future__ import annotations

import errno
import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from leadline.db import Database
from leadline.db.database import copy_sqlite, sqlite_url
from leadline.db.outage import DATABASE_AWAY, DatabaseAway
from leadline.db.projects import DEFAULT, all_projects, ensure_project, lake_owner, project_id
from leadline.errors import NotFound, StoreError, Unusable, first_line
from leadline.folder_names import folder_name, unfit_in
from leadline.lease import Lease
from leadline.settings.engine_limits import EngineLimits
from leadline.settings.profile import Profile
from leadline.settings.server import ServerSettings

if TYPE_CHECKING:  # the lake's libraries cost a start-up that commands without it need not pay
    from leadline.db.trees import TreeRow
    from leadline.lake import Lake, TableWriter
    from leadline.lake.storage import Storage
    from leadline.schema import Table


_DATABASE = "leadline.db"
SCHEDULING = "scheduling"
"""Name of the lock that a server holds while it reads the home's sources on their schedules."""
LAKE = "lake"
"""The folder of a project in which its tables are, in a home and in a backup."""
RESTORING = "restoring"
"""A file of a home that is there while a backup is put into it."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 4.0
"""Seconds until a database that is away is asked again."""


@dataclass
class Home:
    """An open home. Close it (or use it as a context manager) to end its database connections. ``apart`` is where one that is only
    read keeps what is made meanwhile; None: in itself. ``engines`` may compute at a time,
    and share what the process may use; ``part`` of an engine's share of the memory is used."""

    settings: ServerSettings
    db: Database
    apart: Path | None = None
    engines: int = 1
    part: float = 1.0

    @classmethod
    def open(cls, path: Path | None = None, *, restoring: bool = False) -> Home:
        """Open the home at ``path`` (default: the environment's), making it if it is new.

        Raises ``StoreError`` if the folder cannot be made or written, and for one that is half restored, unless ``restoring``.
        """
        settings = ServerSettings.from_environment(home=path)
        if not restoring and (settings.home / RESTORING).exists():
            raise StoreError(
                f"The home {settings.home} is half restored: `leadline restore FILE` was ended in the middle; run it again"
            )
        try:
            for folder in (settings.home, settings.home / "tmp"):
                folder.mkdir(parents=True, exist_ok=True)
            if not os.access(settings.home, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "It may not be written by you")
        except OSError as error:
            raise StoreError(
                f"The home {settings.home} cannot be used: {error.strerror}; name another with --home or LEADLINE_HOME"
            ) from error
        return cls(settings, Database.open(settings.database_url or sqlite_url(settings.home / _DATABASE)))

    @classmethod
    def open_existing(cls, path: Path | None = None) -> Home:
        """As ``open``, of a home that is there: none is made. Raises ``NotFound``, and ``StoreError`` as ``open``."""
        cls.require(path)
        return cls.open(path)

    @staticmethod
    def require(path: Path | None = None) -> None:
        """Raise ``NotFound`` unless a home is there."""
        settings = ServerSettings.from_environment(home=path)
        there = settings.home / _DATABASE if settings.database_url is None else settings.home
        if not there.exists():
            raise NotFound(
                f"There is no home at {settings.home}: `leadline init` makes one of your own data, `leadline demo` one of made-up "
                "data; another is named by --home or LEADLINE_HOME"
            )

    @staticmethod
    def is_to_be_made(path: Path | None = None) -> bool:
        """Whether no home is there yet, but one could be made, with its database in it."""
        settings = ServerSettings.from_environment(home=path)
        return settings.database_url is None and not settings.home.exists() and _may_be_home(settings.home)

    @classmethod
    @contextmanager
    def open_to_read(cls, path: Path | None = None) -> Iterator[Home]:
        """Open a home to look at it: one that is not there is as an empty one, and is not made; in one that may not be written
        nothing is. What is computed meanwhile is gone afterwards then. Raises ``StoreError`` as ``open``."""
        settings = ServerSettings.from_environment(home=path)
        if os.access(settings.home, os.W_OK | os.X_OK) or not _may_be_home(settings.home):
            with cls.open(path) as home:  # which says why it cannot be one, if it cannot
                yield home
            return
        with TemporaryDirectory(prefix="leadline-") as folder:
            apart = Path(folder)
            (apart / "tmp").mkdir()
            if settings.database_url is None:
                copy_sqlite(settings.home / _DATABASE, apart / _DATABASE)
            with cls(settings, Database.open(settings.database_url or sqlite_url(apart / _DATABASE)), apart) as home:
                yield home

    @classmethod
    def open_when_there(
        cls, path: Path | None, tell: Callable[[str], None], wait: Callable[[float], object] = time.sleep
    ) -> Home:
        """As ``open``, with its default project made, for whoever serves: while the database is away, ``tell`` gets one sentence
        and it is tried again, after pauses that grow. ``wait`` may raise what ends that. Raises ``Unusable`` for a folder
        that tables cannot lie in: who serves needs them."""
        folder = ServerSettings.from_environment(home=path).home
        if unfit := unfit_in(folder):
            raise Unusable(f"The home cannot be {str(folder)!r}: {unfit}", code="unfit_home")
        pause = _FIRST_PAUSE
        while True:
            try:
                home = cls.open(path)
                try:
                    home.project()
                except DATABASE_AWAY as error:
                    home.db.close()
                    raise DatabaseAway(f"The metadata database cannot be used: {first_line(error)}") from error
                return home
            except DatabaseAway as error:
                if pause == _FIRST_PAUSE:
                    tell(f"{first_line(error).rstrip('. ')}; waiting until it can")
            wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def __enter__(self) -> Home:
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()

    @property
    def path(self) -> Path:
        """The folder of this home."""
        return self.settings.home

    @property
    def is_only_read(self) -> bool:
        """Whether nothing may be changed in it."""
        return self.apart is not None

    @property
    def is_scheduled(self) -> bool:
        """Whether a server reads the sources on their schedules now, or may: of a home that is only read it cannot be told."""
        return self.is_only_read or not self.db.is_free(SCHEDULING)

    @property
    def temp(self) -> Path:
        """Where unfinished work is kept; whatever lies here may be deleted while nothing runs."""
        return (self.apart or self.path) / "tmp"

    @property
    def limits(self) -> EngineLimits:
        """What one engine that computes on it may take."""
        limits = self.settings.engine_limits(self.engines)
        return limits.at_most(int(limits.memory * self.part))

    def with_part(self, part: float) -> Home:
        """The same open home, of which an engine gets ``part`` (above 0, up to 1) of its memory."""
        return replace(self, part=part)

    def shared_by(self, engines: int) -> Home:
        """The same open home, of which each of ``engines`` gets its share of threads and memory."""
        return replace(self, engines=engines)

    @property
    def cache(self) -> Path:
        """Where is kept what follows from the program alone, whatever the data; it may be deleted at any time."""
        return self.settings.cache or (self.apart or self.path) / "cache"

    def projects(self) -> list[Project]:
        """Every project, by id."""
        return [Project(self, number, organization, name) for number, organization, name in all_projects(self.db)]

    def project(self, organization: str = DEFAULT, name: str = DEFAULT, *, create: bool = False) -> Project:
        """A project by name; the default one always exists. Raises ``NotFound``, unless ``create``."""
        if create or (organization, name) == (DEFAULT, DEFAULT):
            number = ensure_project(self.db, organization, name, datetime.now(UTC))
        else:
            number = project_id(self.db, organization, name)
        return Project(self, number, organization, name)

    def lake_of(self, project: Path, owner: Callable[[], str]) -> Lake:
        """The tables of the project whose folder this is: in the bucket that the settings name, marked as the ``owner``'s, or in
        the folder."""
        from leadline.lake import Lake

        if self.settings.lake is None:
            return Lake(project / LAKE)
        from leadline.lake.bucket import Bucket

        below = project.relative_to(self.path)
        copies = (self.apart or self.path) / below / "cache" / LAKE
        return Lake(Bucket(f"{self.settings.lake}/{below.as_posix()}", copies, owner))


def _may_be_home(folder: Path) -> bool:
    """Whether ``folder`` is one, or could be made."""
    return next(path for path in (folder, *folder.parents) if path.exists()).is_dir()


@dataclass
class Project:
    """One project of a home: its id in the database, its lake, its locks, its caches."""

    home: Home
    id: int
    organization: str
    name: str

    @property
    def full_name(self) -> str:
        """Organization and project, for sentences."""
        return f"{self.organization}/{self.name}"

    @property
    def options(self) -> str:
        """The global options that choose it on the command line, each with a blank after it; none for the default project."""
        chosen = (("--organization", self.organization), ("--project", self.name))
        return "".join(f"{option} {shlex.quote(value)} " for option, value in chosen if value != DEFAULT)

    @property
    def db(self) -> Database:
        """The home's metadata database; what belongs to a project has its ``id`` there."""
        return self.home.db

    @property
    def temp(self) -> Path:
        """The home's folder of unfinished work."""
        return self.home.temp

    @cached_property
    def folder(self) -> Path:
        """Where the project's lake, caches and repositories lie: ``<home>/projects/<organization>/<project>``."""
        # A % in a folder's name is not read back as one by the lake's library.
        parts = [folder_name(part, mark="@") for part in (self.organization, self.name)]
        return self.home.path.joinpath("projects", *parts)

    @property
    def computed(self) -> Path:
        """Where tables that follow from the lake are kept; they may be deleted while nothing runs."""
        below = self.folder.relative_to(self.home.path)
        return (self.home.apart or self.home.path) / below / "cache" / "facts"

    @property
    def clones(self) -> Path:
        """Where bare clones of git repositories named by a URL are kept."""
        return self.folder / "git"

    @cached_property
    def lake(self) -> Lake:
        """The project's event tables."""
        return self.home.lake_of(self.folder, lambda: lake_owner(self.db, self.id))

    @cached_property
    def files(self) -> Storage:
        """Where finished files lie: beside the tables in their bucket, or in the project's folder."""
        from leadline.lake.storage import Folder

        return Folder(self.folder) if self.home.settings.lake is None else self.lake.storage

    def lock(self, name: str) -> AbstractContextManager[Lease]:
        """Hold a lock of this project exclusively across processes; what is written under it is written with the lease."""
        return self.db.lock(f"{self.id}:{name}")

    def lock_if_free(self, name: str) -> AbstractContextManager[Lease | None]:
        """As ``lock``, without waiting: None if somebody else holds it."""
        return self.db.lock_if_free(f"{self.id}:{name}")

    def is_free(self, name: str) -> bool:
        """Whether nobody holds the project's lock ``name`` at this moment."""
        return self.db.is_free(f"{self.id}:{name}")

    def turn(self, name: str) -> AbstractContextManager[None]:
        """Wait for one's turn at work that may be done twice at once, and should not only to save it."""
        return self.db.turn(f"{self.id}:{name}")

    def turn_if_free(self, name: str) -> AbstractContextManager[bool]:
        """As ``turn``, without waiting: False if somebody else has it."""
        return self.db.turn_if_free(f"{self.id}:{name}")

    @contextmanager
    def writing(self, table: Table, *, under: Lease | None = None) -> Iterator[TableWriter]:
        """Hold the lock of a table of the lake and write to it: the only way there is. ``under``: another lock without which
        nothing may be written, either."""
        from leadline.lake import TableWriter

        with self.lock(f"lake:{table.name}") as lease:
            yield TableWriter(self.lake, table, lease, under)

    @contextmanager
    def writing_if_free(self, table: Table) -> Iterator[TableWriter | None]:
        """As ``writing``, without waiting: None if somebody else writes to the table."""
        from leadline.lake import TableWriter

        with self.lock_if_free(f"lake:{table.name}") as lease:
            yield None if lease is None else TableWriter(self.lake, table, lease)

    def profile(self, tree: str | None = None) -> Profile:
        """The settings in force for the project or one of its trees."""
        from leadline.db.settings import profile

        return profile(self.home.db, self.id, tree)

    def org_trees(self) -> list[TreeRow]:
        """Its org trees that have a version, by code point of the name."""
        from leadline.db.trees import listed

        return listed(self.db, self.id)

    def settled(self) -> Project:
        """This project for whoever answers one request: its settings and the list of its org trees are read once, so that all of
        the answer is of one state."""
        return _Settled(self)


class _Settled(Project):
    """A project whose settings and trees stay as they were first read."""

    def __init__(self, project: Project) -> None:
        super().__init__(project.home, project.id, project.organization, project.name)
        self._project = project
        self._profiles: dict[str | None, Profile] = {}

    @cached_property
    def lake(self) -> Lake:
        return self._project.lake

    @cached_property
    def _org_trees(self) -> list[TreeRow]:
        return self._project.org_trees()

    def profile(self, tree: str | None = None) -> Profile:
        if tree not in self._profiles:
            self._profiles[tree] = self._project.profile(tree)
        return self._profiles[tree]

    def org_trees(self) -> list[TreeRow]:
        return self._org_trees

    def settled(self) -> Project:
        return self
