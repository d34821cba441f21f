"""Commands whose connections to the metadata database end in the middle, at any statement: they do their work all the same, or say
in a sentence that they could not, and the next try does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from .running import Done, Leadline, write_tables

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

QUARTER = ("--start", "2026-01-01", "--end", "2026-03-31")
COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "import": (("import", "data"),),
    "org": (("org", "load", "data/developers.csv", "--name", "Other"), ("org", "show")),
    "identities": (("identities", "set", "github", "stranger", "cleo@example.com"), ("identities",)),
    "settings": (("settings", "timezone", "Europe/Paris"), ("settings",)),
    "keys": (("keys", "create", "--name", "reader", "--role", "viewer"), ("keys", "list")),
    "export": (("export", "productivity", *QUARTER, "-o", "local.csv"),),
    "report": (("report", *QUARTER, "--productivity", "all"),),
    "facts": (("facts", "commits", "-o", "commits.csv"),),
    "sources": (("sources", "list"),),
    "status": (("status",),),
}
TOLD = (
    "The connection to the metadata database ended before the command did",
    # As it was opened: what the server says, or what its client says where that did not come through any more.
    "cannot be used: terminating connection due to administrator command",
    "cannot be used: server closed the connection unexpectedly",
)
_END = sa.text(
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


# Whom to tell of a statement, by the name of its database. The listener stands as long as the process: engines of other tests'
# servers run meanwhile, and listeners cannot be added while they are called; their statements are nobody's here.
_told: dict[str | None, Callable[[], None]] = {}


@event.listens_for(sa.Engine, "before_cursor_execute")
def _tell(connection: sa.Connection, *_: Any) -> None:
    _told.get(connection.engine.url.database, lambda: None)()


@contextmanager
def statements(database_url: str, act: Callable[[int], None]) -> Iterator[list[int]]:
    """Have ``act`` told the number of every statement that is about to be sent to a database; how many there were."""
    sent = [0]

    def before() -> None:
        sent[0] += 1
        act(sent[0])

    database = sa.make_url(database_url).database
    _told[database] = before
    try:
        yield sent
    finally:
        del _told[database]


def end_all(database_url: str) -> int:
    """End every session of the database, from one that is not counted; how many."""
    import psycopg

    address = sa.make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        return sum(ended for (ended,) in connection.execute(str(_END)))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_whose_database_connections_end_says_so_in_a_sentence(
    leadline: Leadline, database_url: str, name: str
) -> None:
    there = {"LEADLINE_DATABASE_URL": database_url}
    write_tables(leadline.cwd / "data")
    leadline("import", "data", env=there)
    leadline("org", "load", "data/developers.csv", "--name", "Research", env=there)
    ended: list[int] = []

    def end_at(at: int) -> Callable[[int], None]:
        return lambda number: ended.append(end_all(database_url)) if number == at else None

    for words in COMMANDS[name]:
        with statements(database_url, lambda _: None) as sent:
            leadline(*words, env=there)
        last = sent[0]
        assert last
        for at in sorted({1, last // 4, last // 2, last * 3 // 4, last - 1, last} - {0}):
            with statements(database_url, end_at(at)):
                done = ends(leadline, words, there)
            assert done.code == 0 or any(sentence in done.stderr for sentence in TOLD), (words, at, done)
            assert "unexpected" not in done.stderr, (words, at, done.stderr)
    # Whether a command notices depends on when its client hears of it; that there was something to end does not.
    assert ended
    assert all(ended)
    assert leadline("status", "--check", env=there).stdout.splitlines()[-1] == "All is sound."


def ends(leadline: Leadline, words: tuple[str, ...], there: dict[str, str]) -> Done:
    """A command that may do its work or not."""
    return leadline.either(*words, env=there, codes=(0, 1))
