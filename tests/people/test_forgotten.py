"""Who is forgotten is recognized in whatever form they are named, and nobody else is."""

from __future__ import annotations

import pytest

from leadline.people.forgotten import DOMAIN, Called, Forgotten, is_pseudonym, name_of, new_pseudonym
from leadline.schema import TABLES, ColumnType

BEN = f"forgotten-0a1b2c3d{DOMAIN}"
CALLED = Called(
    frozenset({"ben@example.com", "o'ben@home.test", "bén@example.com"}),
    frozenset({("github", "ben-ito"), ("", "bito"), ("jira", "ben@corp.test")}),
    frozenset({"Ben Ito", "Ana María de Souza"}),
)


@pytest.fixture(scope="module")
def forgotten() -> Forgotten:
    nobody = Forgotten("00" * 32, {})
    return nobody.with_marks(nobody.marks_of(CALLED), BEN)


@pytest.mark.parametrize(
    ("email", "found"),
    [
        (" BEN@Example.com ", True),
        ("be\u0301n@example.com", True),
        ("ben@corp.test", True),
        ("123+Ben-Ito@users.noreply.github.com", True),
        ("ben-ito@users.noreply.github.example.com", True),
        ("ben-ito@users.noreply.gitlab.com", False),
        ("ben@example.org", False),
        ("", False),
    ],
)
def test_addresses(forgotten: Forgotten, email: str, found: bool) -> None:
    assert forgotten.address(email) == (BEN if found else None)


@pytest.mark.parametrize(
    ("source", "account", "found"),
    [
        ("github", "Ben-Ito", True),
        ("GitHub", "ben-ito", True),
        ("gitlab", "ben-ito", False),
        (None, "ben-ito", True),
        ("", "bito", True),
        ("github", "bito", False),
        ("whatever", "ben@example.com", True),
        ("github", "ben", False),
    ],
)
def test_accounts(forgotten: Forgotten, source: str | None, account: str, found: bool) -> None:
    assert forgotten.account(source, account) == (BEN if found else None)


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("thanks to Ben Ito, and Ben", "thanks to Forgotten 0a1b2c3d, and Ben"),
        ("by ITO, BEN: fix", "by Forgotten 0a1b2c3d: fix"),
        ("Ben\nIto", "Forgotten 0a1b2c3d"),
        ("Ben Ito's team", "Forgotten 0a1b2c3d's team"),
        ("Ben Itoh; Reuben Ito; Ben, who knows Ito", "Ben Itoh; Reuben Ito; Ben, who knows Ito"),
        ("de Souza Ana María", "de Souza Ana María"),
        ("Souza, Ana María de", "Forgotten 0a1b2c3d"),
        ("x\n\nCo-authored-by: B. <ben@example.com>", f"x\n\nCo-authored-by: Forgotten 0a1b2c3d <{BEN}>"),
        ("Co-authored-by: Ada <ada@example.com>", "Co-authored-by: Ada <ada@example.com>"),
        ("mail 'ben@example.com' or o'ben@home.test.", f"mail '{BEN}' or {BEN}."),
        ("cc @ben-ito, @Ben-Ito.", "cc @forgotten-0a1b2c3d, @forgotten-0a1b2c3d."),
        ("Merge pull request #1 from ben-ito/fix", "Merge pull request #1 from forgotten-0a1b2c3d/fix"),
        ("ben-ito/fix", "forgotten-0a1b2c3d/fix"),
        ("src/ben-ito/x, @ben-itos and ben-ito", "src/ben-ito/x, @ben-itos and ben-ito"),
        ("", ""),
    ],
)
def test_texts(forgotten: Forgotten, text: str, without: str) -> None:
    assert forgotten.prose(text) == without
    assert forgotten.prose(without) == without


def test_marks_say_nothing_without_the_secret(forgotten: Forgotten) -> None:
    other = Forgotten("11" * 32, {})
    assert other.marks_of(CALLED).isdisjoint(forgotten.pseudonyms)
    assert not any("ben" in mark for mark in forgotten.pseudonyms)


def test_pseudonyms_are_drawn() -> None:
    drawn = {new_pseudonym() for _ in range(100)}
    assert len(drawn) == 100
    assert all(is_pseudonym(one) and name_of(one).startswith("Forgotten ") for one in drawn)


OF_THINGS = {
    *(
        "repository",
        "url",
        "default_branch",
        "former_names",
        "sha",
        "shas",
        "parents",
        "path",
        "origin",
        "old_path",
        "merge_commit_sha",
    ),
    *("labels", "review_id", "comment_id", "project", "key", "type", "status", "priority", "parent_key", "components"),
    *(
        "fix_versions",
        "resolution",
        "former_keys",
        "sprints",
        "field",
        "board",
        "sprint_id",
        "name",
        "state",
        "build_id",
    ),
    *(
        "pipeline",
        "deployment_id",
        "service",
        "environment",
        "tags",
        "incident_id",
        "severity",
        "tag",
        "source",
        "team",
    ),
    *("parent", "above", "role"),
    *("tool", "day", "model", "currency"),
}
"""Columns that name no people, but for repositories, labels and tags that are called after somebody."""


def test_of_every_column_is_known_whether_it_names_people() -> None:
    unknown = {
        f"{table.name}.{column.name}"
        for table in TABLES.values()
        for column in table.columns
        if column.type in (ColumnType.TEXT, ColumnType.LIST)
        if column.personal is None and not column.values and column.name not in OF_THINGS
    }
    assert unknown == set(), "declare what they say of people (schema.table.Personal), or that they say nothing (above)"
