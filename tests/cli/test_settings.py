"""``leadline settings``: show, get, set, unset, from a file, per tree; all or nothing."""

from __future__ import annotations

import pytest

from .running import Leadline


def test_all_settings_with_defaults_and_meaning(leadline: Leadline) -> None:
    rows = {row["key"]: row for row in leadline.json("settings")}
    assert rows["timezone"] | {"meaning": ""} == {
        "key": "timezone",
        "value": "UTC",
        "default": "UTC",
        "set": "",
        "meaning": "",
    }
    assert rows["exports.keep_days"]["value"] == "30"
    assert all(row["meaning"] for row in rows.values())


def test_set_get_and_unset(leadline: Leadline) -> None:
    leadline("settings", "timezone", "Europe/Berlin")
    assert leadline("settings", "timezone").stdout == "Europe/Berlin\n"
    assert leadline.json("settings", "timezone")["set"] == "project"
    leadline("settings", "timezone", "--unset")
    assert leadline("settings", "timezone").stdout == "UTC\n"


def test_a_tree_has_settings_of_its_own(company: Leadline) -> None:
    company("settings", "timezone", "Asia/Tokyo", "--org-tree", "Research")
    assert company("settings", "timezone").stdout == "UTC\n"
    assert company("settings", "timezone", "--org-tree", "Research").stdout == "Asia/Tokyo\n"
    assert 'no org tree "Sales"' in company("settings", "--org-tree", "Sales", code=2).stderr


def test_a_toml_file_nested_or_dotted(leadline: Leadline) -> None:
    (leadline.cwd / "s.toml").write_text(
        'timezone = "Europe/Rome"\n'
        'bots = ["robo", "ci"]\n'
        "pr_size.small = 20\n"
        "[deployments]\nfirst_carries = true\n"
        '[team.web]\nrepository = ["equals example/web", "not contains old"]\n'
        'pull_requests.base_branches = ["main", "release/*"]\n'
    )
    leadline("settings", "--file", "s.toml")
    values = {row["key"]: row["value"] for row in leadline.json("settings")}
    assert values["timezone"] == "Europe/Rome"
    assert values["bots"] == "robo, ci"
    assert values["pr_size.small"] == "20"
    assert values["deployments.first_carries"] == "true"
    assert values["team.web.repository"] == "equals example/web; not contains old"
    assert values["team.web.pull_requests.base_branches"] == "main, release/*"


def test_settings_of_one_service_or_repository(company: Leadline) -> None:
    """Names have dots and any letter case; a tree's value takes the project's place however either writes the name."""
    company("settings", "service.Api.v2.paths", "src/api/, lib/")
    assert company("settings", "SERVICE.api.v2.paths", code=2).stderr
    assert company("settings", "service.API.V2.paths").stdout == "src/api/, lib/\n"
    (company.cwd / "s.toml").write_text(
        '[service."API.v2"]\npaths = ["x/", "y/*"]\n[repository."Acme/shop.js"]\n"code.exclude" = []\n'
    )
    company("settings", "--file", "s.toml", "--org-tree", "Research")
    of_tree = {row["key"]: (row["value"], row["set"]) for row in company.json("settings", "--org-tree", "Research")}
    assert of_tree["service.api.v2.paths"] == ("x/, y/*", "tree")
    assert of_tree["repository.acme/shop.js.code.exclude"] == ("", "tree")
    company("settings", "service.api.V2.paths", "--unset", "--org-tree", "Research")
    assert company("settings", "service.api.v2.paths", "--org-tree", "Research").stdout == "src/api/, lib/\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('timezone = "Europe/Rome"\nbots = 2026-01-01', "bots: must be text"),
        ('timezone = "Europe/Rome"\nnope = 1', "no setting 'nope'"),
        ('timezone = "Europe/Rome"\npr_size.small = 500', "pr_size.small must not be above pr_size.medium"),
        ('timezone = "Europe/Rome"\nbots = [', "is not TOML"),
        ("timezone = 'Europe/\xff'", "is not UTF-8"),
    ],
)
def test_a_bad_file_sets_nothing(leadline: Leadline, text: str, says: str) -> None:
    (leadline.cwd / "s.toml").write_bytes(text.encode("latin-1"))
    assert says in leadline("settings", "--file", "s.toml", code=1).stderr
    assert leadline("settings", "timezone").stdout == "UTC\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["timezon"], "no setting 'timezon'; settings are timezone"),
        (["timezone", "Mars/Base"], "timezone cannot be 'Mars/Base'; it must be an IANA time zone"),
        (["code.exclude", "vendor/, !vendor/own"], "none can begin with `!`"),
        (["code.exclude", "vendor, /"], "none can begin with `!` or name nothing"),
        (["service.api.paths", "!src/"], "service.api.paths cannot be '!src/'; it must be globs of paths"),
        (["service.api.path", "src/"], "no setting 'service.api.path'; settings are service.<name>.paths"),
        (["service.paths", "src/"], "no setting 'service.paths'"),
        (["service..paths", "src/"], "no setting 'service..paths'"),
        (["repository.acme/shop.timezone", "UTC"], "no setting 'repository.acme/shop.timezone'"),
        (["exports.keep_days", "0"], "a whole number from 1 to 36500"),
        (["nope", "--unset"], "no setting 'nope'"),
    ],
)
def test_impossible_settings_are_refused(leadline: Leadline, arguments: list[str], says: str) -> None:
    done = leadline("settings", *arguments, code=2)
    assert says in done.stderr
    assert done.stdout == ""
    assert not leadline.home.exists()


def test_a_file_that_is_not_there(leadline: Leadline) -> None:
    done = leadline("settings", "--file", "missing.toml", code=1)
    assert "No such file or directory: missing.toml" in done.stderr
    assert not leadline.home.exists()


def test_unsetting_must_leave_a_possible_profile(leadline: Leadline) -> None:
    leadline("settings", "pr_size.medium", "900")
    leadline("settings", "pr_size.small", "500")
    assert "must not be above" in leadline("settings", "pr_size.medium", "--unset", code=2).stderr
    assert leadline("settings", "pr_size.medium").stdout == "900\n"


def test_a_reader_that_is_gone_is_no_error(leadline: Leadline) -> None:
    process = leadline.start("settings", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(60) == 0
