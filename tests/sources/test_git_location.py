"""Names, addresses and secrets: what the user types, what is stored, what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import InvalidRequest
from leadline.sources.git.command import scrub
from leadline.sources.git.location import (
    checked_name,
    clone_folder,
    name_of_folder,
    name_of_url,
    parse_location,
    public_url,
)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://git.example.com/org/repo.git", "org/repo"),
        ("https://user:pw@git.example.com:8443/org/repo/", "org/repo"),
        ("https://git.example.com/group/sub/repo", "sub/repo"),
        ("https://git.example.com/repo.git", "repo"),
        ("https://dev.example.com/org/project/_git/repo", "project/repo"),
        ("https://git.example.com/or%20g/re%C3%A9po?x=1", "or g/reépo"),
        ("ssh://git@git.example.com:22/org/repo.git", "org/repo"),
        ("git@git.example.com:org/repo.git", "org/repo"),
        ("git@git.example.com:/srv/git/org/repo.git", "org/repo"),
        ("host:repo", "repo"),
        ("file:///srv/git/org/repo.git", "org/repo"),
        ("/srv/git/org/repo.git", "org/repo"),
        ("../org/repo/.git", "org/repo"),
    ],
)
def test_the_name_of_an_address(url: str, name: str) -> None:
    assert name_of_url(url) == name


def test_the_name_of_a_folder() -> None:
    assert name_of_folder(Path("/srv/git/org/repo.git")) == "org/repo"
    assert name_of_folder(Path("/repo")) == "repo"


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://user:pw@git.example.com:8443/org/repo.git?token=1#x", "https://git.example.com:8443/org/repo.git"),
        ("https://token@git.example.com/org/repo.git", "https://git.example.com/org/repo.git"),
        ("ssh://git:pw@git.example.com:22/org/repo.git", "ssh://git@git.example.com:22/org/repo.git"),
        ("git@git.example.com:org/repo.git", "git@git.example.com:org/repo.git"),
        ("file:///srv/git/org/repo.git", None),
        ("/srv/git/org/repo.git", None),
        ("../repo", None),
        (None, None),
    ],
)
def test_the_address_that_is_stored(url: str | None, public: str | None) -> None:
    assert public_url(url) == public


def test_what_the_user_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "host:repo").mkdir()
    assert parse_location(".").target == tmp_path
    assert parse_location("host:repo").target == tmp_path / "host:repo"
    assert parse_location("git@host:org/repo").target == "git@host:org/repo"
    assert parse_location("https://u:pw@host/org/repo").shown == "https://host/org/repo"
    assert "pw" not in repr(parse_location("https://u:pw@host/org/repo"))
    for text in ("", "nowhere", "no where:x/../y z\n", "ext::sh -c whoami", "-oProxyCommand=x:y", "a/b:c"):
        with pytest.raises(InvalidRequest):
            parse_location(text)


def test_secrets_are_taken_out_of_what_git_says() -> None:
    url = "https://me:p%40ss@host/org/repo"
    assert (
        scrub(f"fatal: Authentication failed for '{url}/'")
        == "fatal: Authentication failed for 'https://host/org/repo/'"
    )
    assert scrub("cannot use p@ss or p%40ss here", url) == "cannot use *** or *** here"
    assert scrub("see https://host/x?private_token=abc now") == "see https://host/x now"
    assert scrub("see user@example.com", "https://host/x") == "see user@example.com"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/@ '\""), min_size=3, max_size=20))
def test_no_password_survives(password: str) -> None:
    url = f"https://user:§{password}§@host.example/org/repo"
    assert f"§{password}§" not in scrub(f"fatal: unable to access '{url}': no", url)
    assert password not in (public_url(url) or "") or password in "https://host.example/org/repo"


@given(st.lists(st.text(min_size=1, max_size=10), min_size=2, max_size=2, unique=True))
def test_each_name_has_a_clone_folder_of_its_own_below_the_clones(names: list[str]) -> None:
    clones = Path("/clones")
    folders = []
    for name in names:
        try:
            folders.append(clone_folder(clones, checked_name(name)))
        except InvalidRequest:
            return
    for folder in folders:
        assert ".." not in folder.parts
        assert folder.is_relative_to(clones)
        assert folder != clones
    if checked_name(names[0]) != checked_name(names[1]):
        assert folders[0] != folders[1]
