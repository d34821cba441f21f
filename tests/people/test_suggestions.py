"""Whose an account might be: one developer by the name that a tool says, or by the address, or nobody."""

from __future__ import annotations

import pytest

from leadline.people.suggestions import Suggestions

SAID = [
    ("jira", "712020:0a1b", None, "Ada  Byron"),
    ("jira", "712020:2c3d", "two@x.example", "Sam Poe"),
    ("github", "octo", "octo@home.example", "BEN ITO"),
    ("github", "ben.ito", None, "Ada Byron"),
    ("github", "pat", None, "Pat One"),
    ("gitlab", "pat", None, "Pat Two"),
]
DEVELOPERS = [
    ("ada@x.example", "Ada Byron"),
    ("Ben.Ito@x.example", "Ben Ito"),
    ("sam@x.example", "Sam Poe"),
    ("sam.poe@x.example", "Sam Poe"),
    ("nameless@x.example", None),
]


@pytest.mark.parametrize(
    ("source", "account", "name", "suggestion"),
    [
        ("jira", "712020:0A1B", "Ada  Byron", "ada@x.example"),
        ("", "712020:0a1b", "Ada  Byron", "ada@x.example"),
        ("jira", "712020:2c3d", "Sam Poe", None),  # two developers have that name
        ("github", "octo", "BEN ITO", "ben.ito@x.example"),
        ("git", "Octo@home.example", "BEN ITO", "ben.ito@x.example"),  # the address of that account
        ("gitlab", "octo", None, None),  # of another tool
        ("github", "ben.ito", "Ada Byron", None),  # the name says one, the account another
        ("gitlab", "sam", None, "sam@x.example"),
        ("git", "ben.ito@home.example", None, "ben.ito@x.example"),
        ("git", "77+Ada@users.noreply.github.com", None, "ada@x.example"),
        ("", "pat", None, None),  # tools say two names
        ("github", "pat", "Pat One", None),
        ("github", "nameless", None, "nameless@x.example"),
        ("github", "ad", None, None),
        ("git", "@", None, None),
    ],
)
def test_one_developer_or_nobody(source: str, account: str, name: str | None, suggestion: str | None) -> None:
    suggestions = Suggestions(SAID, DEVELOPERS)
    assert (suggestions.name(source, account), suggestions.developer(source, account)) == (name, suggestion)


def test_nothing_said() -> None:
    suggestions = Suggestions([], [])
    assert (suggestions.name("jira", "x"), suggestions.developer("jira", "x")) == (None, None)
