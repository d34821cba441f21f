"""A cluster that is reached by Spark Connect: what goes wrong is said plainly and leaves nothing; what is finished stays."""

from __future__ import annotations

import builtins
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.engine import Interrupted, NotPortable, schema_table
from leadline.engine.connect import ConnectEngine, shown
from leadline.engine.connect_errors import ClusterGone, QueryRefused, TaskLost, told
from leadline.engine.dialects.not_portable import UNCOMPOSED
from leadline.errors import InvalidRequest, PreconditionFailed, StoreError
from leadline.facts.policy import BUILD_POLICY
from leadline.home import Home, Project
from leadline.materialize.computed_by import computed_by
from leadline.materialize.model import Model
from leadline.materialize.session import Sessions
from leadline.materialize.steps import ConnectSteps
from leadline.settings.server import ServerSettings
from metrics.world import deliver
from stubs.object_store import ObjectStore
from stubs.sail import sail_address

PARENTS = Model(
    "parents_there",
    {"repository": "string", "sha": "string", "parents": "string"},
    expression=lambda _profile: schema_table("commits").select("repository", "sha", "parents"),
    by_repository=True,
)
COUNTS = Model(
    "counts_there",
    {"repository": "string", "commits": "int64"},
    expression=lambda _profile: PARENTS.table().group_by("repository").agg(commits=lambda t: t.count()),
)
NOBODY = Model(
    "nobody_there",
    {"repository": "string", "sha": "string", "at": "timestamp('UTC', 6)"},
    expression=lambda _profile: (
        schema_table("commits").filter(lambda t: t.sha == "none").select("repository", "sha", at="authored_at")
    ),
)


@pytest.fixture
def engine() -> Iterator[ConnectEngine]:
    opened = ConnectEngine(sail_address())
    yield opened
    opened.close()


@pytest.fixture
def commits(project: Project) -> Project:
    """A project with three commits."""
    rows = [{"repository": "o", "sha": sha, "parents": ""} for sha in ("a", "b")]
    deliver(project, "commits", [*rows, {"repository": "p", "sha": "x", "parents": ""}])
    return project


def on(project: Project, address: str, from_rows: int = 0) -> Project:
    """The project with its settings naming a cluster."""
    settings = replace(project.home.settings, cluster=address, cluster_from_rows=from_rows)
    return Home(settings, project.home.db).project()


def found(project: Project, model: Model) -> list[tuple[Any, ...]]:
    with (
        Sessions(project.home, BUILD_POLICY) as sessions,
        sessions.open(project, project.lake.snapshot().versions, {}, project.profile()) as opened,
    ):
        opened.facts.bind([model])
        return list(opened.engine.arrow(model.table().order_by(list(model.columns))).to_pydict().values())


def test_steps_run_where_they_are_cheaper(commits: Project) -> None:
    project = on(commits, sail_address(), from_rows=3)
    assert found(project, PARENTS) == [["o", "o", "p"], ["a", "b", "x"], [None] * 3]
    assert [row.who for row in computed_by([project.computed])] == [shown(sail_address())]
    assert found(on(commits, sail_address(), from_rows=4), COUNTS) == [["o", "p"], [2, 1]]
    assert [(row.who, row.tables) for row in computed_by([project.computed])] == [
        ("DuckDB", 1),
        (shown(sail_address()), 1),
    ]
    deliver(project, "commits", [{"repository": "p", "sha": "y", "parents": ""}])
    assert found(project, COUNTS) == [["o", "p"], [2, 2]]


def test_a_step_without_rows_has_its_columns(commits: Project) -> None:
    assert found(on(commits, sail_address()), NOBODY) == [[], [], []]


def test_names_are_read_as_they_are_everywhere(commits: Project) -> None:
    deliver(commits, "commits", [{"repository": "O", "sha": "c", "parents": ""}])
    here = found(commits, PARENTS)
    project = on(commits, sail_address())
    for folder in project.computed.glob("parents_there-*"):
        folder.rename(folder.with_name("before"))
    assert found(project, PARENTS) == here
    assert len(set(here[0])) == 2


def test_tables_in_a_bucket_are_read_from_their_copies_in_the_home(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**object_store.environ, "LEADLINE_LAKE": object_store.new_bucket()}.items():
        monkeypatch.setenv(name, value)
    with Home.open(tmp_path / "home") as home:
        project = home.project()
        deliver(project, "commits", [{"repository": "o", "sha": sha, "parents": ""} for sha in ("a", "b")])
        assert found(on(project, sail_address()), COUNTS) == [["o"], [2]]
        assert [row.who for row in computed_by([project.computed])] == [shown(sail_address())]
        assert list(project.computed.parent.glob("lake/commits/*.parquet"))


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_where_no_server_answers_is_said(commits: Project) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(
            ClusterGone, match=rf"No Spark Connect server answers at sc://127.0.0.1:{port} \(.*\); start it"
        ):
            found(on(commits, f"sc://127.0.0.1:{port}/;token=secret"), PARENTS)


def test_a_client_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch, engine: ConnectEngine) -> None:
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pyspark"):
            raise ImportError("No module named 'pyspark'")
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PreconditionFailed, match=r"pip install 'leadline\[spark\]'"):
        engine.bind_arrow("some", pa.table({"a": [1]}))


def test_files_that_the_cluster_does_not_see_are_missed(tmp_path: Path, engine: ConnectEngine) -> None:
    file = tmp_path / "a b%20[c].parquet"
    pq.write_table(pa.table({"a": [1, 2]}), file)
    engine.bind_files("two", "a BIGINT", [file], 2)
    file.rename(tmp_path / "gone")
    with pytest.raises(StoreError, match=r"finds 0 of the 3 rows of .* must see the home"):
        engine.bind_files("three", "a BIGINT", [file], 3)


def test_a_query_that_fails_leaves_nothing(tmp_path: Path, engine: ConnectEngine) -> None:
    for text, error, sentence in (
        (f"SELECT raise_error('{UNCOMPOSED.replace(chr(39), chr(92) + chr(39))}')", NotPortable, "composed"),
        ("SELECT nothing FROM nowhere", QueryRefused, "refused a query"),
    ):
        with pytest.raises(error, match=sentence):
            engine.write(text, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert [file.name for file in engine.write("SELECT 1 AS a", tmp_path)] == ["00000.parquet"]
    assert engine.write("SELECT 1 AS a WHERE false", tmp_path) == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("IO error: No space left on device (os error 28)", "no room left"),
        ("Resources exhausted: Failed to allocate", "not enough memory"),
        ("Permission denied (os error 13)", "may not read or write"),
        ("[PATH_NOT_FOUND] Path does not exist", "does not see the files"),
        ("failed to connect to all addresses", "does not answer any more"),
        ("task 3 failed: worker 2 lost", "could not finish"),
    ],
)
def test_what_a_server_says_is_said_plainly(said: str, sentence: str) -> None:
    error = told(RuntimeError(said), "sc://there:15002")
    assert isinstance(error, StoreError)
    assert sentence in error.message


def test_a_worker_that_does_not_answer_the_server_is_lost_and_not_the_server() -> None:
    reported = type("SparkRuntimeException", (Exception,), {})
    assert isinstance(told(reported("Connection refused (os error 111)"), "sc://there:15002"), TaskLost)


def test_a_lost_part_of_the_work_is_tried_again(commits: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [TaskLost("worker lost"), TaskLost("worker lost")]
    write = ConnectEngine.write

    def written(self: ConnectEngine, text: str, folder: Path) -> list[Path]:
        files = write(self, text, folder)
        if failures:
            for file in files:
                file.unlink()
            raise failures.pop()
        return files

    monkeypatch.setattr(ConnectEngine, "write", written)
    monkeypatch.setattr(ConnectSteps.__init__, "__defaults__", ((0.01, 0.01),))
    assert found(on(commits, sail_address()), COUNTS) == [["o", "p"], [2, 1]]
    failures += [TaskLost("worker lost")] * 3
    deliver(commits, "commits", [{"repository": "q", "sha": "z", "parents": ""}])
    with pytest.raises(TaskLost):
        found(on(commits, sail_address()), COUNTS)


def test_what_a_server_does_not_understand_is_computed_here(
    commits: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(_self: ConnectEngine, _text: str, _folder: Path) -> list[Path]:
        raise told(RuntimeError('No field named "?table?".labels.'), "sc://there:15002")

    monkeypatch.setattr(ConnectEngine, "write", refused)
    project = on(commits, sail_address())
    assert found(project, COUNTS) == [["o", "p"], [2, 1]]
    assert [row.who for row in computed_by([project.computed])] == ["DuckDB"]
    assert "counts_there is computed by DuckDB: sc://there:15002 refused" in caplog.text


def test_it_is_cancelled_at_once(tmp_path: Path, engine: ConnectEngine) -> None:
    engine.write("SELECT 1 AS a", tmp_path)
    began = time.monotonic()
    threading.Timer(0.3, engine.interrupt).start()
    with pytest.raises(Interrupted):
        engine.write("SELECT count(*) AS n FROM range(100000000000) WHERE hash(id) = 5", tmp_path)
    assert time.monotonic() - began < 3
    assert [path.name for path in tmp_path.iterdir()] == ["00000.parquet"]
    with pytest.raises(Interrupted):
        engine.write("SELECT 1 AS a", tmp_path)


_SERVER = "import sys; from pysail.spark import SparkConnectServer as S; S('127.0.0.1', int(sys.argv[1])).start(background=False)"


@pytest.fixture
def serve() -> Iterator[Callable[[int], subprocess.Popen[bytes]]]:
    """Starts a server of its own at a port, which answers."""
    processes: list[subprocess.Popen[bytes]] = []

    def started(port: int) -> subprocess.Popen[bytes]:
        processes.append(subprocess.Popen([sys.executable, "-c", _SERVER, str(port)], stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", port)) == 0:
                    return processes[-1]
            time.sleep(0.05)
        raise AssertionError("no server came up")

    yield started
    for process in processes:
        process.kill()
        process.wait()


def test_a_killed_server_is_said_and_the_next_try_goes_on(
    commits: Project, serve: Callable[[int], subprocess.Popen[bytes]]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    project = on(commits, f"sc://127.0.0.1:{port}")
    versions = project.lake.snapshot().versions
    server = serve(port)
    with Sessions(project.home, BUILD_POLICY) as sessions:
        with sessions.open(project, versions, {}, project.profile()) as opened:
            opened.facts.bind([PARENTS])
        (finished,) = project.computed.glob("parents_there-*")
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        with (
            pytest.raises(ClusterGone, match="does not answer any more; what is finished is kept"),
            sessions.open(project, versions, {}, project.profile()) as opened,
        ):
            opened.facts.bind([COUNTS])
        serve(port)
        before = finished.stat().st_ino
        with sessions.open(project, versions, {}, project.profile()) as opened:
            opened.facts.bind([COUNTS])
        assert finished.stat().st_ino == before
    assert [(row.who, row.tables) for row in computed_by([project.computed])] == [(f"sc://127.0.0.1:{port}", 2)]


# -- settings ----------------------------------------------------------------------------------------------------------


def test_addresses_are_checked() -> None:
    def read(**given: str) -> ServerSettings:
        return ServerSettings.from_environment({f"LEADLINE_{name}": text for name, text in given.items()})

    assert read().cluster is None
    settings = read(CLUSTER="sc://spark.example.com/;token=abc;use_ssl=true", CLUSTER_FROM_ROWS="0")
    assert settings.cluster_from_rows == 0
    assert "abc" not in repr(settings)
    assert shown(str(settings.cluster)) == "sc://spark.example.com:15002"
    for text in ("spark.example.com", "http://spark.example.com", "sc://", "sc://host:port", "sc://host/path"):
        with pytest.raises(InvalidRequest, match=r"LEADLINE_CLUSTER cannot be .* Spark Connect server"):
            read(CLUSTER=text)
    with pytest.raises(InvalidRequest, match="LEADLINE_CLUSTER_FROM_ROWS cannot be"):
        read(CLUSTER_FROM_ROWS="many")


def test_a_process_without_a_file_of_its_own_is_a_program_too() -> None:
    """A process that another one spawned, or ``python -c``: the client would take it for its own examples, and end it."""
    asking = "import __main__; from leadline.engine.connect import client; client(); assert not hasattr(__main__, '__file__')"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # with all that is installed
    command = [sys.executable, "-c", asking]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
