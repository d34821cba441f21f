"""``leadline keys`` and the projects they make."""

from __future__ import annotations

import re
from pathlib import Path

from .running import Leadline


def test_a_key_is_shown_once_listed_and_revoked(leadline: Leadline) -> None:
    made = leadline.json("keys", "create", "--name", "dashboard", "--role", "Viewer")
    assert made["role"] == "viewer"
    assert re.fullmatch(r"ll_[0-9a-f]{12}_[0-9a-f]{64}", made["key"])
    (listed,) = leadline.json("keys", "list")
    assert listed["id"] == made["id"]
    assert listed["state"] == "active"
    assert made["key"] not in str(listed)
    leadline("keys", "revoke", made["id"], "--yes")
    assert leadline.json("keys", "list")[0]["state"] == "revoked"


def test_the_key_alone_is_on_stdout(leadline: Leadline) -> None:
    done = leadline("keys", "create", "--name", "n", "--role", "admin")
    assert re.fullmatch(r"ll_\w+\n", done.stdout)
    assert "shown this once" in done.stderr


def test_a_key_makes_its_project_and_the_global_options_choose_it(leadline: Leadline) -> None:
    made = leadline.json("keys", "create", "--name", "n", "--role", "admin", "--project", "P", "--organization", "O")
    assert (made["organization"], made["project"]) == ("O", "P")
    assert leadline.json("keys", "list") == []
    (listed,) = leadline.json("--organization", "O", "--project", "P", "keys", "list")
    assert listed["id"] == made["id"]


def test_an_unknown_project_is_refused_with_what_to_do(leadline: Leadline) -> None:
    done = leadline("--project", "nope", "keys", "list", code=1)
    assert done.stderr.startswith("error: There is no project 'nope' of organization 'default'\n")
    assert "next: `leadline keys create" in done.stderr


def test_revoking_what_is_not_there_fails(leadline: Leadline) -> None:
    leadline("keys", "create", "--name", "n", "--role", "admin")
    assert "no key 'key_1'" in leadline("keys", "revoke", "key_1", "--yes", code=1).stderr


def test_expiry_is_shown(leadline: Leadline) -> None:
    made = leadline.json("keys", "create", "--name", "n", "--role", "admin", "--expires-days", "2")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["expiresAt"])


def test_a_viewer_is_limited_to_teams_that_there_are(leadline: Leadline, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("email,full_name,manager_email,team\na@x.example,A,,\nb@x.example,B,a@x.example,Web\n")
    leadline("org", "load", str(people), "--name", "Acme")
    assert "no team" in leadline("keys", "create", "--name", "n", "--role", "viewer", "--team", "nope", code=2).stderr
    for role in ("admin", "ingestion"):
        refused = leadline("keys", "create", "--name", "n", "--role", role, "--no-developers", code=2).stderr
        assert f"A key of the role {role} cannot be limited to teams or to rows of teams" in refused
    assert leadline.json("keys", "list") == []
    made = leadline.json("keys", "create", "--name", "n", "--role", "viewer", "--team", "1", "--no-developers")
    assert (made["teams"], made["developers"]) == ([1], False)
    leadline("keys", "create", "--name", "all", "--role", "viewer")
    limited, free = leadline.json("keys", "list")
    assert (limited["teams"], limited["developers"]) == ([1], False)
    assert (free["teams"], free["developers"]) == (None, True)
    assert "Acme; no developers" in leadline("keys", "list").stdout
    assert "sees Acme." in leadline("keys", "limit", free["id"], "--team", "1").stdout
    assert leadline.json("keys", "limit", made["id"])["teams"] is None
    limited, free = leadline.json("keys", "list")
    assert (limited["teams"], limited["developers"]) == (None, True)
    assert (free["teams"], free["developers"]) == ([1], True)
    assert "no key 'key_1'" in leadline("keys", "limit", "key_1", code=1).stderr
