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
    "cannot be used: terminating connection due to administrator command",  # as it was opened
)
_END = sa.text(
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@contextmanager
def statements(act: Callable[[int], None]) -> Iterator[list[int]]:
    """Have ``act`` told the number of every statement that is about to be sent; how many there were."""
    sent = [0]

    def before(*_: Any) -> None:
        sent[0] += 1
        act(sent[0])

    event.listen(sa.Engine, "before_cursor_execute", before)
    try:
        yield sent
    finally:
        event.remove(sa.Engine, "before_cursor_execute", before)


def end_all(database_url: str) -> None:
    """End every session of the database, from one that is not counted."""
    import psycopg

    address = sa.make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(str(_END))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_whose_database_connections_end_says_so_in_a_sentence(
    leadline: Leadline, database_url: str, name: str
) -> None:
    there = {"LEADLINE_DATABASE_URL": database_url}
    write_tables(leadline.cwd / "data")
    leadline("import", "data", env=there)
    leadline("org", "load", "data/developers.csv", "--name", "Research", env=there)
    told: set[int] = set()
    for words in COMMANDS[name]:
        with statements(lambda _: None) as sent:
            leadline(*words, env=there)
        last = sent[0]
        assert last
        for at in sorted({1, last // 4, last // 2, last * 3 // 4, last - 1, last} - {0}):
            with statements(lambda number, at=at: end_all(database_url) if number == at else None):  # type: ignore[misc]
                done = ends(leadline, words, there)
            told.add(done.code)
            assert done.code == 0 or any(sentence in done.stderr for sentence in TOLD), (words, at, done)
            assert "unexpected" not in done.stderr, (words, at, done.stderr)
    assert 1 in told
    assert leadline("status", "--check", env=there).stdout.splitlines()[-1] == "All is sound."


def ends(leadline: Leadline, words: tuple[str, ...], there: dict[str, str]) -> Done:
    """A command that may do its work or not."""
    return leadline.either(*words, env=there, codes=(0, 1))
