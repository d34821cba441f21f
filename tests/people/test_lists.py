"""Lists of people are taken as spreadsheets, Workday and BambooHR save them, or refused in one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from leadline.api.people.models import VersionBody
from leadline.errors import InvalidInput, InvalidRequest
from leadline.home import Project
from leadline.people import OrgTree, load_org, tree
from leadline.people.changes import upsert
from leadline.people.versions import map_fields, upload

NOW = datetime(2026, 4, 1, tzinfo=UTC)
PLAIN = 'email,full_name,manager_email,team\nlea@example.com,Lea Berg,,Core\nann@example.com,"Ann Groß",lea@example.com,Core\n'
PEOPLE = {"lea@example.com": "Lea Berg", "ann@example.com": "Ann Groß"}

Load = Callable[..., OrgTree]


@pytest.fixture(params=["command", "upload"])
def load(request: pytest.FixtureRequest, project: Project, tmp_path: Path) -> Load:
    """Puts a list in force, by the command's code or by the upload's of the API and the page."""

    numbers = count()

    def by_command(data: bytes | str, fields: Mapping[str, str] | None = None) -> OrgTree:
        file = tmp_path / "list.csv"
        file.write_bytes(data if isinstance(data, bytes) else data.encode())
        return load_org(project, file, "T", now=NOW, fields=fields).tree

    def by_upload(data: bytes | str, fields: Mapping[str, str] | None = None) -> OrgTree:
        raw = data if isinstance(data, bytes) else data.encode()
        kept = upload(project, raw, "list.csv", tree_name="T", upload_id=f"u{next(numbers)}", created_by="k", now=NOW)
        map_fields(project, kept.upload.id, fields or {}, now=NOW, save=True)
        return tree(project, "T")

    return by_command if request.param == "command" else by_upload


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        "sep=,\n" + PLAIN,
        "sep=;\r\n" + PLAIN.replace(",", ";"),
        "Employee report,,,\nAs of,03/31/2026,,\n" + PLAIN,
        "Employee report;;;\n;;;\n\nAs of: 03/31/2026, 9:00;;;\n" + PLAIN.replace(",", ";"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.replace("\n", ",,\n") + ",,,,,\n,,,,,\n",
        PLAIN.replace("email,", "E-Mail,", 1)
        .replace("full_name", "Full Name")
        .replace("manager_email", "Manager Email"),
    ],
)
def test_as_spreadsheets_save_them(load: Load, data: bytes | str) -> None:
    made = load(data)
    assert {developer.email: developer.full_name for developer in made.developers.values()} == PEOPLE
    assert [node.manager for node in made.nodes] == ["lea@example.com"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_titles_that_only_a_mapping_tells_are_taken_apart_too(load: Load, separator: str) -> None:
    titles = {"Wer": "full_name", "Post": "email", "Chef": "manager_email"}
    text = "Nr,Wer,Post,Chef\n1,Lea Berg,lea@example.com,\n2,Ann Groß,ann@example.com,lea@example.com\n"
    made = load(text.replace(",", separator), titles)
    assert {developer.email: developer.full_name for developer in made.developers.values()} == PEOPLE
    assert made.root.manager == "lea@example.com"


WORKDAY = """\
Employee ID,Worker,Email - Primary Work,Worker's Manager,Manager Email,Business Title,Location,Active Status
00017,Lea Berg,Lea.Berg@Example.com,,,VP,Berlin,Yes
00018,Ann Gross,ann@example.com,Lea Berg,lea.berg@example.com,Engineer,Berlin,Yes
"""
BAMBOO = """\
Employee #,"Last Name, First Name",Work Email,Job Title,Reporting to,Department,Location
1,"Berg, Lea",lea@example.com,VP Engineering,,Engineering,Berlin
2,"Gross, Ann",ann@example.com,Engineer,"Berg, Lea",Engineering,Berlin
"""


@pytest.mark.parametrize(
    ("text", "manager", "name", "role"),
    [
        (WORKDAY, "lea.berg@example.com", "Lea Berg", "VP"),
        (WORKDAY.replace(",Manager Email", ",HRBP"), "lea.berg@example.com", "Lea Berg", "VP"),
        (BAMBOO, "lea@example.com", "Berg, Lea", "VP Engineering"),
        (BAMBOO.replace('Engineer,"Berg, Lea"', "Engineer,LEA BERG"), "lea@example.com", "Berg, Lea", "VP Engineering"),
        (BAMBOO.replace('Engineer,"Berg, Lea"', "Engineer,1"), "lea@example.com", "Berg, Lea", "VP Engineering"),
        (
            "First Name,Last Name,Work Email,Supervisor email\nLea,Berg,lea@example.com,\nAnn,G,ann@example.com,lea@example.com\n",
            "lea@example.com",
            "Lea Berg",
            None,
        ),
        (
            "Worker ID,Given Name,Surname,Work Email,Manager ID\n007,Lea,Berg,lea@example.com,\n008,Ann,G,ann@example.com,007\n",
            "lea@example.com",
            "Lea Berg",
            None,
        ),
    ],
)
def test_as_hr_systems_export_them(load: Load, text: str, manager: str, name: str, role: str | None) -> None:
    made = load(text)
    assert made.root.manager == manager
    assert len(made.root.own) == 2
    assert made.developers[manager].full_name == name
    assert made.developers[manager].attributes.get("role") == role


@pytest.mark.parametrize(
    ("column", "tom", "lea"),
    [
        ("Status", "Terminated", "Active"),
        ("Status", "Inactive", "Full-Time"),
        ("Employment Status", "terminated", ""),
        ("Active Status", "No", "Yes"),
        ("Active", "false", "TRUE"),
        ("Termination Date", "2026-02-28", ""),
        ("Last Day of Work", "03/31/2026", "-"),
        ("End Date", "2026-05-01", "9999-12-31"),
    ],
)
def test_who_is_said_to_have_left_is_kept_and_told(
    project: Project, tmp_path: Path, column: str, tom: str, lea: str
) -> None:
    text = f"Work Email,Employee Name,Manager Email,{column}\nlea@x.test,Lea,,{lea}\ntom@x.test,Tom,lea@x.test,{tom}\n"
    file = tmp_path / "list.csv"
    file.write_text(text)
    loaded = load_org(project, file, "T", now=NOW)
    assert set(loaded.tree.developers) == {"lea@x.test", "tom@x.test"}
    assert (loaded.leavers.emails, loaded.leavers.titles) == (("tom@x.test",), (column,))
    said = str(loaded.leavers)
    assert said.startswith(f"1 person is said to have left or to leave ({column})")
    assert "tom@x.test" in said
    body = VersionBody.of(
        upload(project, text.encode(), "list.csv", tree_name="U", upload_id="u", created_by="k", now=NOW)
    )
    assert body.warnings == [said]


def test_nobody_is_said_to_have_left_by_other_words(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "email,full_name,manager_email,Status,Active,Left Foot\na@x.test,A,,On leave,yes,no\nb@x.test,B,a@x.test,,Y,left\n"
    )
    loaded = load_org(project, file, "T", now=NOW)
    assert (loaded.leavers.emails, str(loaded.leavers)) == ((), "")


def test_a_column_can_be_said(load: Load) -> None:
    text = "Who,Address,Boss\nLea,lea@example.com,\nAnn,ann@example.com,lea@example.com\n"
    with pytest.raises((InvalidInput, InvalidRequest)):
        load(text)
    made = load(text, {"Who": "full_name", "Address": "email", "Boss": "manager_email"})
    assert made.developers["ann@example.com"].full_name == "Ann"
    with pytest.raises(InvalidRequest, match="no such column"):
        load(text, {"Nobody": "email"})


def test_a_nested_file_has_no_columns(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "tree.json"
    file.write_text(
        '{"name": "T", "children": [{"name": "Web", "members": [{"email": "a@x.test", "full_name": "A"}]}]}'
    )
    with pytest.raises(InvalidRequest, match="has no columns"):
        load_org(project, file, "T", now=NOW, fields={"Worker": "full_name"})
    assert load_org(project, file, "T", now=NOW).tree.by_path.keys() == {"T", "T/Web"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a@x.test,Ann,\nb@x.test,Bo,Sam Left\n", "'sam left' is no email address"),
        ("a@x.test,Ann Lee,\nc@x.test,Lee Ann,a@x.test\nb@x.test,Bo,ann lee\n", "AMBIGUOUS_MANAGER"),
        ("a@x.test,Ann,\nb@x.test,Bo,gone@x.test\n", "gone@x.test has no row in this file"),
        ("a@x.test,Ann,\nb@x.test,Bo,#N/A\n", "'#n/a' is no email address"),
    ],
)
def test_managers_that_nobody_can_tell_are_told(project: Project, tmp_path: Path, rows: str, message: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text("email,full_name,manager_email\n" + rows)
    with pytest.raises(InvalidInput) as refused:
        load_org(project, file, "T", now=NOW)
    assert message in refused.value.details[0].message
    assert len({detail.field for detail in refused.value.details}) == 1


FLAT = (
    "email,full_name,team\nann@example.com,Ann,Web\nbo@example.com,Bo,Web\ncy@example.com,Cy,App\ndi@example.com,Di,\n"
)


def test_a_list_without_managers_makes_its_teams(load: Load, project: Project) -> None:
    made = load(FLAT)
    assert [(node.path, node.own) for node in made.nodes] == [
        ("T", ()),
        ("T/App", ("cy@example.com",)),
        ("T/Web", ("ann@example.com", "bo@example.com")),
    ]
    assert not made.developers["di@example.com"].teams
    refs = {node.name: node.ref_id for node in made.nodes}
    again = load(FLAT.replace("bo@example.com,Bo,Web", "bo@example.com,Bo,App") + "ed@example.com,Ed,Ops\n")
    assert {name: ref for name, ref in {node.name: node.ref_id for node in again.nodes}.items() if name in refs} == refs
    upsert(project, [{"email": "di@example.com", "team": "Ops"}], tree_name="T", now=NOW)
    assert tree(project, "T").find("T/Ops") is not None
    assert len(tree(project, "T").people(tree(project, "T").root)) == 5


def test_names_of_teams_that_are_dropped_are_told(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    rows = (
        "ann@x.test,Ann,,Board\nbo@x.test,Bo,ann@x.test,Web\ncy@x.test,Cy,bo@x.test,Web\ndi@x.test,Di,bo@x.test,App\n"
    )
    file.write_text("email,full_name,manager_email,team\n" + rows)
    loaded = load_org(project, file, "T", now=NOW, check=True)
    assert [node.name for node in loaded.tree.nodes] == ["T", "Bo's team"]
    assert loaded.unused_teams == ("App", "Web")
