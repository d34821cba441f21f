"""The inbox of pushed rows on SQLite and PostgreSQL: order, durability, what leaves it and what is kept aside."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from leadline.db import Database, inbox
from leadline.db.inbox import Delivery, Refused
from leadline.db.projects import ensure_project

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def deliveries(project_id: int, *contents: str, table: str = "builds") -> list[Delivery]:
    return [Delivery(project_id, table, content.count("\n") + 1, content) for content in contents]


def contents(database: Database, project_id: int, *, rows: int = 1000, size: int = 1000) -> list[str]:
    until = inbox.newest(database, project_id)
    return [waiting.content for waiting in inbox.oldest(database, project_id, until=until or 0, rows=rows, size=size)]


def test_deliveries_come_out_in_the_order_they_came_in(database: Database, project_id: int) -> None:
    assert inbox.newest(database, project_id) is None
    inbox.add(database, deliveries(project_id, "a", "b\nc"), NOW)
    inbox.add(database, deliveries(project_id, "d"), NOW)
    assert contents(database, project_id) == ["a", "b\nc", "d"]


def test_a_batch_is_as_large_as_asked_for_but_never_empty(database: Database, project_id: int) -> None:
    inbox.add(database, deliveries(project_id, "a\nb", "c", "d" * 50, "e"), NOW)
    assert contents(database, project_id, rows=3) == ["a\nb", "c"]
    assert contents(database, project_id, rows=1) == ["a\nb"]
    assert contents(database, project_id, size=10) == ["a\nb", "c", "d" * 50]


def test_what_comes_after_the_last_one_asked_for_stays(database: Database, project_id: int) -> None:
    inbox.add(database, deliveries(project_id, "a"), NOW)
    until = inbox.newest(database, project_id)
    assert until is not None
    inbox.add(database, deliveries(project_id, "b"), NOW)
    assert [waiting.content for waiting in inbox.oldest(database, project_id, until=until, rows=9, size=9)] == ["a"]


def test_settling_takes_out_and_keeps_aside_at_once(database: Database, project_id: int) -> None:
    inbox.add(database, deliveries(project_id, "a", "b", "c"), NOW)
    first, second, _ = inbox.oldest(database, project_id, until=1 << 40, rows=9, size=99)
    later = NOW + timedelta(hours=1)
    refused = [Refused("builds", 1, "a", NOW, "old"), Refused("builds", 1, "b", later, "new")]
    with database.lock("inbox") as lease:
        inbox.acknowledge(database, project_id, [first.id, second.id], refused, later, under=lease)
    assert contents(database, project_id) == ["c"]
    (aside,) = inbox.refused(database, project_id)
    assert (aside.table, aside.rows, aside.oldest, aside.reason) == ("builds", 2, NOW, "new")
    assert inbox.totals(database) == {"waiting": 1, "refused": 2}


def test_projects_and_tables_are_told_apart(database: Database, project_id: int) -> None:
    other = ensure_project(database, "acme", "web", NOW)
    inbox.add(database, deliveries(project_id, "a\nb") + deliveries(other, "c", table="incidents"), NOW)
    inbox.add(database, deliveries(project_id, "d", table="comments"), NOW + timedelta(minutes=1))
    assert contents(database, other) == ["c"]
    assert [(waiting.table, waiting.rows, waiting.oldest) for waiting in inbox.waiting(database, project_id)] == [
        ("builds", 2, NOW),
        ("comments", 1, NOW + timedelta(minutes=1)),
    ]
    assert {backlog.project_id: (backlog.rows, backlog.oldest) for backlog in inbox.backlogs(database)} == {
        project_id: (3, NOW),
        other: (1, NOW),
    }
    assert inbox.refused(database, project_id) == []


def test_a_failed_addition_leaves_nothing(database: Database, project_id: int) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        inbox.add(database, [*deliveries(project_id, "a"), *deliveries(987_654, "b")], NOW)
    assert inbox.newest(database, project_id) is None


def test_durable_writes_reach_the_disk_and_others_do_not_wait_for_it(database: Database) -> None:
    """What the database is set to within either transaction; nothing short of pulling the plug shows more."""

    def level(connection: sa.Connection) -> object:
        setting = "PRAGMA synchronous" if database.is_sqlite else "SHOW synchronous_commit"
        return connection.exec_driver_sql(setting).scalar()

    full, normal = (2, 1) if database.is_sqlite else ("on", "off")  # the test server runs with it off
    for _ in range(2):
        with database.write(durable=True) as connection:
            assert level(connection) == full
        with database.write() as connection:
            assert level(connection) == normal


def test_a_failed_durable_write_gives_its_connection_back_as_it_was(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write(durable=True):
        raise RuntimeError
    if database.is_sqlite:
        with database.write() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1


def test_many_threads_add_while_one_takes_out(database: Database, project_id: int) -> None:
    def add(name: str) -> None:
        for number in range(20):
            inbox.add(database, deliveries(project_id, f"{name}{number}"), NOW)

    threads = [threading.Thread(target=add, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    taken: list[str] = []
    while any(thread.is_alive() for thread in threads) or inbox.newest(database, project_id) is not None:
        batch = inbox.oldest(database, project_id, until=1 << 40, rows=7, size=1000)
        with database.lock("inbox") as lease:
            inbox.acknowledge(database, project_id, [waiting.id for waiting in batch], [], NOW, under=lease)
        taken += [waiting.content for waiting in batch]
    assert sorted(taken) == sorted(f"{name}{number}" for name in "abc" for number in range(20))
    for name in "abc":  # of one sender the order is kept
        numbers = [int(content[1:]) for content in taken if content.startswith(name)]
        assert numbers == sorted(numbers)


def test_only_deliveries_to_some_tables(database: Database, project_id: int) -> None:
    inbox.add(database, deliveries(project_id, "a") + deliveries(project_id, "b", table="incidents"), NOW)
    assert inbox.newest(database, project_id, {"comments"}) is None
    until = inbox.newest(database, project_id, {"builds", "comments"})
    assert until is not None
    oldest = inbox.oldest(database, project_id, until=1 << 40, rows=9, size=9, tables={"incidents"})
    assert [waiting.content for waiting in oldest] == ["b"]
    assert oldest[0].id > until
