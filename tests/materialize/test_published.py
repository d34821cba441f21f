"""Machines with one bucket: a stored table is computed by one of them, and the others take it, whole or not at all."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadline.administration import erasure
from leadline.db import forgotten as marks
from leadline.engine import schema_table
from leadline.errors import StoreError
from leadline.exports.cleaning import clean_project
from leadline.exports.insights.kept import stored_in
from leadline.facts.policy import BUILD_POLICY
from leadline.home import Home, Project
from leadline.lake.bucket import Bucket
from leadline.lake.maintenance import compact_table
from leadline.materialize import published, ranges, sharing
from leadline.materialize.computed_by import computed_by
from leadline.materialize.incremental import BuildRecord
from leadline.materialize.model import Model
from leadline.materialize.published import PublishedTables
from leadline.materialize.session import Sessions
from leadline.materialize.sharing import Sharing
from leadline.materialize.store import MaterializationStore
from leadline.schema import TABLES
from metrics.world import deliver
from stubs.object_store import ObjectStore

SHAS = Model(
    "shas_here",
    {"repository": "string", "sha": "string"},
    expression=lambda _profile: schema_table("commits").select("repository", "sha"),
    by_repository=True,
)
COUNTED = Model(
    "counted_here",
    {"repository": "string", "commits": "int64"},
    expression=lambda _profile: SHAS.table().group_by("repository").agg(commits=lambda t: t.count()),
)


@pytest.fixture
def first(object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with three commits in a bucket, of which any is much to compute."""
    for name, value in {**object_store.environ, "LEADLINE_LAKE": object_store.new_bucket()}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sharing, "LEAST_ROWS", 1)
    with Home.open(tmp_path / "first") as home:
        add(home.project(), "o", "a")
        add(home.project(), "o", "b")
        add(home.project(), "p", "x")
        yield home.project()


@pytest.fixture
def second(first: Project, tmp_path: Path) -> Project:
    """The same project on another machine."""
    (tmp_path / "second" / "tmp").mkdir(parents=True)
    return Home(replace(first.home.settings, home=tmp_path / "second"), first.db).project()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Which machine computed which table."""
    compute, done = MaterializationStore._compute, list[tuple[str, str]]()

    def one(store: MaterializationStore, model: Model, folder: Path) -> None:
        compute(store, model, folder)
        done.append((folder.parents[5].name, model.name))

    monkeypatch.setattr(MaterializationStore, "_compute", one)
    return done


def add(project: Project, repository: str, sha: str) -> None:
    deliver(project, "commits", [{"repository": repository, "sha": sha, "parents": ""}])


def counts(project: Project, sharing: Sharing | None = None) -> dict[str, int]:
    with (
        Sessions(project.home, BUILD_POLICY) as sessions,
        sessions.open(project, project.lake.snapshot().versions, {}, project.profile(), sharing=sharing) as opened,
    ):
        opened.facts.bind([COUNTED])
        rows = opened.engine.arrow(COUNTED.table()).to_pylist()
    return {row["repository"]: row["commits"] for row in rows}


def bucket(project: Project) -> Bucket:
    storage = project.lake.storage
    assert isinstance(storage, Bucket)
    return storage


BOTH = ["shas_here", "counted_here"]


def test_what_one_machine_computed_another_takes(
    first: Project, second: Project, computed: list[tuple[str, str]]
) -> None:
    assert counts(first) == counts(second) == {"o": 2, "p": 1}
    assert computed == [("first", name) for name in BOTH]
    add(second, "p", "y")
    assert counts(second) == counts(first) == {"o": 2, "p": 2}
    assert computed[2:] == [("second", name) for name in BOTH]


def test_rows_of_an_earlier_state_of_another_machine_are_kept(first: Project, second: Project) -> None:
    counts(first)
    before = {folder.name for folder in first.computed.iterdir()}
    add(first, "p", "y")
    assert counts(second) == {"o": 2, "p": 2}
    (made,) = {folder for folder in second.computed.glob("shas_here-*") if folder.name not in before}
    record = BuildRecord.of(made)
    assert record is not None
    assert (record.previous in before, record.rebuilt) == (True, ("p",))


def test_files_that_are_not_on_this_machine_any_more_are_brought_to_be_compared(first: Project) -> None:
    """Copies of an earlier version of the lake go when others need the room."""
    counts(first)
    before = {folder.name for folder in first.computed.iterdir()}
    add(first, "p", "y")
    assert compact_table(first.writing, TABLES["commits"])[0] > 1, "the files of before are those of now"
    shutil.rmtree(bucket(first).copies)
    assert counts(first) == {"o": 2, "p": 2}
    (made,) = {folder for folder in first.computed.glob("shas_here-*") if folder.name not in before}
    record = BuildRecord.of(made)
    assert record is not None
    assert (record.previous in before, record.rebuilt) == (True, ("p",))


def test_what_follows_from_little_is_computed_by_each(
    first: Project, second: Project, computed: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "LEAST_ROWS", 4)
    assert counts(first) == counts(second)
    assert len(computed) == 4
    assert bucket(first).below("facts") == []


def test_a_table_without_its_index_is_not_there(
    first: Project, second: Project, computed: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who published it was killed before the end, or the bucket refused; whoever computed it goes on."""
    send = Bucket.send

    def refused(self: Bucket, file: Path | bytes, name: str) -> None:
        if name.endswith(".json"):
            raise StoreError("the bucket is full")
        send(self, file, name)

    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "send", refused)
        assert counts(first) == {"o": 2, "p": 1}
    assert bucket(first).below("facts") != []
    assert counts(second) == {"o": 2, "p": 1}
    assert computed == [(machine, name) for machine in ("first", "second") for name in BOTH]


@pytest.mark.parametrize("damage", ["a file is gone", "a file is cut off", "the index is none"])
def test_what_cannot_be_taken_whole_is_computed(
    first: Project, second: Project, computed: list[tuple[str, str]], damage: str
) -> None:
    counts(first)
    for name in bucket(first).below("facts"):
        if name.endswith(".parquet") and damage == "a file is gone":
            bucket(first).remove(name)
        elif name.endswith(".parquet") and damage == "a file is cut off":
            bucket(first).send(b"PAR1", name)
        elif name.endswith(".json") and damage == "the index is none":
            bucket(first).send(b"[]", name)
    assert counts(second) == {"o": 2, "p": 1}
    assert computed[2:] == [("second", name) for name in BOTH]
    assert [path.name for path in second.computed.iterdir() if path.name.startswith(".")] == []
    # What could not be taken was published anew.
    before = len(computed)
    third = Home(replace(first.home.settings, home=second.home.path.with_name("third")), first.db)
    third.temp.mkdir(parents=True)
    assert counts(third.project()) == {"o": 2, "p": 1}
    assert len(computed) == before


def test_earlier_states_go(first: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "KEPT_STATES", 2)
    for number in range(4):
        add(first, "q", f"s{number}")
        counts(first)
    assert states(first) == {"shas_here": 4, "counted_here": 4}
    monkeypatch.setattr(published, "KEPT_SECONDS", -1)
    add(first, "q", "last")
    counts(first)
    assert states(first) == {"shas_here": 2, "counted_here": 2}
    assert len({name.split("/")[1] for name in bucket(first).below("facts") if name.endswith(".parquet")}) == 4
    assert counts(first)["q"] == 5


@dataclass(frozen=True)
class Alone:
    """A worker that shares out a run, with nobody there to help."""

    worker = "alone"
    helps = False

    def ask_for_help(self, tables: Sequence[str]) -> None:
        """Nobody hears."""

    def turn(self, name: str) -> AbstractContextManager[bool]:  # noqa: ARG002
        return nullcontext(True)

    def rest(self, seconds: float) -> None:  # noqa: ARG002
        raise AssertionError("there is nobody to wait for")


def test_a_table_of_pieces_lies_in_the_bucket_once(
    first: Project, second: Project, computed: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "PIECE_ROWS", 2)
    assert counts(first, Alone()) == counts(second) == {"o": 2, "p": 1}
    assert [name.partition(".")[0] for _, name in computed] == ["shas_here", "shas_here", *BOTH]
    assert {found.who: found.tables for found in computed_by([first.computed])} == {"DuckDB": 2}
    files = [name for name in bucket(first).below("facts") if name.endswith(".parquet")]
    assert sorted(name.split("/")[1].partition("-")[0].partition(".")[0] for name in files) == [
        "counted_here",
        "shas_here",
        "shas_here",
    ]
    # What a machine has kept of it is used, as of any table.
    add(second, "q", "y")
    assert counts(first, Alone()) == {"o": 2, "p": 1, "q": 1}
    assert computed[4:] == [("first", name) for name in BOTH]


def test_pieces_go_with_their_table(first: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "PIECE_ROWS", 2)
    monkeypatch.setattr(published, "KEPT_STATES", 1)
    counts(first, Alone())
    monkeypatch.setattr(published, "KEPT_SECONDS", -1)
    for sha in "abc":  # too much to keep the rest
        add(first, "q", sha)
    assert counts(first, Alone())["q"] == 3
    assert {name.partition(".")[0]: number for name, number in states(first).items() if "." not in name} == {
        "shas_here": 1,
        "counted_here": 1,
    }
    assert sum("." in name for name in states(first)) == 3
    assert len([name for name in bucket(first).below("facts") if name.endswith(".parquet")]) == 4


def states(project: Project) -> dict[str, int]:
    """How many states of each table are there."""
    return dict(Counter(name.rpartition("-")[0] for name in bucket(project).names("facts")))


def test_who_is_forgotten_is_in_no_published_table(first: Project) -> None:
    counts(first)
    assert bucket(first).below("facts")
    erasure._forget_files(first)
    assert bucket(first).below("facts") == []


def test_what_other_machines_have_of_who_is_forgotten_goes(first: Project, second: Project) -> None:
    now = datetime.now(UTC)
    counts(second)
    add(first, "p", "y")
    counts(first)
    answer = stored_in(second) / "answer.json"
    answer.parent.mkdir()
    answer.touch()
    copies = list(bucket(second).copies.rglob("*.parquet"))
    marks.add(first.db, first.id, {"mark"}, "forgotten-1@forgotten.invalid", now)
    compact_table(first.writing, TABLES["commits"])
    for path in bucket(first).names("commits"):
        if path.endswith(".parquet") and path not in {
            file.path.name for file in first.lake.snapshot().data_files("commits")
        }:
            bucket(first).remove(f"commits/{path}")
    clean_project(second, now + timedelta(minutes=30))
    assert (counted(second), answer.exists()) == (1, True), "it may be read at this moment"
    assert all(path.exists() for path in copies)
    clean_project(second, now + timedelta(hours=2))
    assert (counted(second), answer.exists()) == (0, False)
    assert not any(path.exists() for path in copies)
    assert counts(second) == {"o": 2, "p": 2}


def test_what_is_computed_long_after_somebody_was_forgotten_stays(first: Project) -> None:
    now = datetime.now(UTC)
    marks.add(first.db, first.id, {"mark"}, "forgotten-1@forgotten.invalid", now - timedelta(hours=2))
    counts(first)
    clean_project(first, now + timedelta(hours=2))
    assert counted(first) == 1


def counted(project: Project) -> int:
    """How many states of a table are on a machine."""
    return len(list(project.computed.glob("counted_here-*")))


def test_who_only_looks_publishes_nothing(first: Project) -> None:
    apart = replace(first.home, apart=first.home.path.with_name("apart")).project()
    assert PublishedTables.of(apart) is None
    assert PublishedTables.of(first) is not None
