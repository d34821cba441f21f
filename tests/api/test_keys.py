"""Keys in the metadata database, on both databases: only the hash is kept, only the right text opens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from leadline.access import UNLIMITED, Access
from leadline.db import Database, keys, settings
from leadline.db.models import api_keys
from leadline.db.projects import ensure_project
from leadline.errors import InvalidRequest, NotFound

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_key_is_found_by_its_text_and_by_nothing_else(database: Database, project_id: int) -> None:
    made = keys.create(database, project_id, " CI ", "Viewer", now=NOW)
    found = keys.find(database, made.key, NOW)
    assert found is not None
    assert (found.id, found.name, found.role, found.organization, found.project) == (
        made.id,
        "CI",
        "viewer",
        "default",
        "default",
    )
    prefix, secret = made.key.split("_")[1:]
    flipped = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    wrong = (
        "",
        "x",
        made.key + " ",
        made.key[:-1],
        f"ll_{prefix}_{flipped}",
        f"ll_{'0' * 12}_{secret}",
        made.key.upper(),
    )
    assert [keys.find(database, text, NOW) for text in wrong] == [None] * len(wrong)


def test_the_secret_is_not_stored(database: Database, project_id: int) -> None:
    made = keys.create(database, project_id, "CI", "admin", now=NOW)
    with database.read() as connection:
        row = connection.execute(sa.select(api_keys)).one()
    secret = made.key.split("_")[2]
    assert len(secret) == 64, "256 random bits"
    assert not any(secret in str(value) for value in row)
    assert row.hash == keys.hash_of(made.key)


def test_keys_differ(database: Database, project_id: int) -> None:
    made = [keys.create(database, project_id, "same name", "viewer", now=NOW) for _ in range(5)]
    assert len({made_build.key for made_build in made} | {made_build.id for made_build in made}) == 10


def test_an_expired_key_opens_nothing(database: Database, project_id: int) -> None:
    made = keys.create(database, project_id, "short", "viewer", now=NOW, expires_at=NOW + timedelta(days=1))
    assert keys.find(database, made.key, NOW + timedelta(hours=23)) is not None
    assert keys.find(database, made.key, NOW + timedelta(days=1)) is None


def test_a_revoked_key_opens_nothing_for_good(database: Database, project_id: int) -> None:
    made = keys.create(database, project_id, "lost", "viewer", now=NOW)
    keys.revoke(database, project_id, made.id, now=NOW + timedelta(hours=1))
    again = keys.revoke(database, project_id, made.id, now=NOW + timedelta(hours=2))
    assert again.revoked_at == NOW + timedelta(hours=1)
    assert keys.find(database, made.key, NOW + timedelta(hours=3)) is None
    assert [key.id for key in keys.listed(database, project_id)] == [made.id]


def test_only_the_own_project_revokes_and_lists(database: Database, project_id: int) -> None:
    other = ensure_project(database, "acme", "web", NOW)
    made = keys.create(database, other, "theirs", "viewer", now=NOW)
    with pytest.raises(NotFound, match="keys list"):
        keys.revoke(database, project_id, made.id, now=NOW)
    assert keys.listed(database, project_id) == []
    assert keys.find(database, made.key, NOW) is not None


def test_a_use_is_noted(database: Database, project_id: int) -> None:
    made = keys.create(database, project_id, "CI", "viewer", now=NOW)
    keys.touch(database, made.id, NOW + timedelta(minutes=5))
    assert keys.listed(database, project_id)[0].last_used_at == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("name", "role", "expires_at", "field"),
    [
        ("CI", "owner", None, "role"),
        ("", "viewer", None, "name"),
        (" ", "viewer", None, "name"),
        ("x" * 256, "viewer", None, "name"),
        ("a\0b", "viewer", None, "name"),
        ("CI", "viewer", NOW, "expires_at"),
    ],
)
def test_impossible_keys_are_refused(
    database: Database, project_id: int, name: str, role: str, expires_at: datetime | None, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        keys.create(database, project_id, name, role, now=NOW, expires_at=expires_at)
    assert [detail.field for detail in refused.value.details] == [field]
    assert keys.listed(database, project_id) == []


def test_a_key_sees_what_it_is_limited_to(database: Database, project_id: int) -> None:
    limits = Access(frozenset([3, 1]), developers=False)
    made = keys.create(database, project_id, "lead", "viewer", now=NOW, access=limits)
    found = keys.find(database, made.key, NOW)
    assert found is not None
    assert found.access == limits
    assert keys.listed(database, project_id) == [found]


@pytest.mark.parametrize("role", ["admin", "ingestion"])
def test_only_viewers_are_limited(database: Database, project_id: int, role: str) -> None:
    with pytest.raises(InvalidRequest, match=f"the role {role} cannot be limited") as refused:
        keys.create(database, project_id, "n", role, now=NOW, access=Access(frozenset([1])))
    assert [detail.field for detail in refused.value.details] == ["role"]
    assert keys.listed(database, project_id) == []


@pytest.mark.parametrize(("text", "hidden"), [("hidden", True), ("HIDDEN", True), ("shown", False), (None, False)])
def test_names_are_hidden_from_viewers_alone(
    database: Database, project_id: int, text: str | None, hidden: bool
) -> None:
    other = ensure_project(database, "acme", "web", NOW)
    if text is not None:
        settings.put(database, project_id, {"developers.names": text})
    made = {role: keys.create(database, project_id, role, role, now=NOW) for role in ("admin", "viewer")}
    theirs = keys.create(database, other, "theirs", "viewer", now=NOW)
    names = {role: key.access.names for role in made if (key := keys.find(database, made[role].key, NOW))}
    assert names == {"admin": True, "viewer": not hidden}
    found = keys.find(database, theirs.key, NOW)
    assert found is not None
    assert found.access == UNLIMITED
