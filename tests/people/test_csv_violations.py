"""Every violation a developers CSV may have: found, named with its row, and all of them at once."""

from __future__ import annotations

import pytest

from leadline.errors import InvalidInput

from .files import HEADER, tree_of


def refused(text: str | bytes) -> list[tuple[str, str]]:
    """The details of the refusal as (place, message)."""
    from leadline.people.csv_file import read_people
    from leadline.people.hierarchy import draft_of
    from leadline.people.violations import Violations

    data = text if isinstance(text, bytes) else text.encode()
    violations = Violations("people.csv")
    with pytest.raises(InvalidInput) as caught:
        draft_of(read_people(data, violations), "Acme", violations)
    assert caught.value.code == "invalid_org_file"
    assert "nothing was changed" in caught.value.message
    return [(detail.field, detail.message) for detail in caught.value.details]


def test_all_violations_are_reported_at_once_in_the_order_of_the_file():
    violations = refused(
        f"{HEADER}\n"
        "ada@x.example,Ada,,\n"  # 2
        "ben@x.example,,ada@x.example,\n"  # 3: no name
        ",Cleo,ada@x.example,\n"  # 4: no email
        "no email,Dan,ada@x.example,\n"  # 5
        "eve@x.example,Eve,nobody@x.example,\n"  # 6
        "EVE@x.example,Eve Two,ada@x.example,\n"  # 7
        "finn@x.example,Finn,finn@x.example,\n"  # 8
        "gus@x.example,Gus,hal@x.example,\n"  # 9
        "hal@x.example,Hal,ian@x.example,\n"  # 10
        "ian@x.example,Ian,gus@x.example,\n"  # 11
        "jo@x.example,Jo,ada@x.example\n"  # 12: a cell short
    )
    assert [(where, message.split(":")[1].strip().split(":")[0]) for where, message in violations[:-1]] == [
        ("people.csv:3", "REQUIRED_VALUE_MISSING"),
        ("people.csv:4", "REQUIRED_VALUE_MISSING"),
        ("people.csv:5", "INVALID_EMAIL"),
        ("people.csv:6", "DUPLICATE_EMAIL"),
        ("people.csv:6", "UNKNOWN_MANAGER"),
        ("people.csv:7", "DUPLICATE_EMAIL"),
        ("people.csv:8", "SELF_MANAGER"),
        ("people.csv:9", "CYCLE"),
    ]
    assert violations[-1] == ("people.csv:12", "WRONG_CELL_COUNT: 3 cells under 4 columns")


def test_a_cycle_names_its_chain():
    ((where, message),) = refused(
        f"{HEADER}\nroot@x.example,R,,\na@x.example,A,root@x.example;b@x.example,\nb@x.example,B,c@x.example,\nc@x.example,C,a@x.example,\n"
    )
    assert where == "people.csv:3"
    assert "CYCLE: a@x.example → b@x.example → c@x.example → a@x.example" in message


def test_two_separate_cycles_are_two_findings():
    managers = {"a": "b", "b": "a", "c": "d", "d": "c", "e": "a"}
    rows = "".join(f"{who}@x.example,{who.upper()},{over}@x.example,\n" for who, over in managers.items())
    assert [where for where, _ in refused(f"{HEADER}\n{rows}")] == ["people.csv:2", "people.csv:4"]


def test_a_duplicate_names_every_other_row():
    violations = refused(
        f"{HEADER}\na@x.example,A,,\nb@x.example,B,a@x.example,\nB@x.example,B,a@x.example,\nb@X.example,B,a@x.example,\n"
    )
    assert [(where, message.split(";")[0]) for where, message in violations] == [
        ("people.csv:3", "email: DUPLICATE_EMAIL: b@x.example is also in line 4, 5"),
        ("people.csv:4", "email: DUPLICATE_EMAIL: b@x.example is also in line 3, 5"),
        ("people.csv:5", "email: DUPLICATE_EMAIL: b@x.example is also in line 3, 4"),
    ]


def test_lines_count_the_breaks_inside_quotes():
    ((where, _),) = refused(f'{HEADER}\r\na@x.example,"A\r\nB",,\r\nb@x.example,B,zed@x.example;a@x.example,\r\n')
    assert where == "people.csv:4"


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("", "people.csv", "EMPTY_FILE"),
        ("\ufeff\r\n", "people.csv", "EMPTY_FILE"),
        (f"{HEADER}\n\n,,,\n", "people.csv", "EMPTY_FILE: it has a header but no developers"),
        (b"\xff\xfea\x00b", "people.csv", "WRONG_ENCODING: it is UTF-16"),
        (f"{HEADER}\na@x.example,".encode() + b"Zo\xeb,,\n", "people.csv:2", "WRONG_ENCODING: byte 0xeb"),
        ("name;boss\n", "people.csv:1", "WRONG_SEPARATOR"),
        (
            "email,Who,Boss\n",
            "people.csv:1",
            "MISSING_COLUMN: full_name; the file has email, Who, Boss, one of which may be mapped to it (--map 'TITLE=full_name')",
        ),
        (
            "email,team\n",
            "people.csv:1",
            "MISSING_COLUMN: full_name; the file has email, team, one of which may be mapped to it (--map 'TITLE=full_name')",
        ),
        ("email,full_name,manager_email,Email\n", "people.csv:1", "DUPLICATE_COLUMN: email is column 1 and column 4"),
        ("email,full_name,manager_email,=A1\n", "people.csv:1", "INVALID_COLUMN: column 4 is called '=A1'"),
        (f'{HEADER}\na@x.example,"A,,\n', "people.csv:2", "MALFORMED_CSV"),
        (f"{HEADER}\na@x.example,A\x00,,\nb@x.example,B,a@x.example,\n", "people.csv:2", "full_name: INVALID_TEXT"),
        (
            f"{HEADER}\na@x.example,{'A' * 100_001},,\nb@x.example,B,a@x.example,\n",
            "people.csv:2",
            "full_name: VALUE_TOO_LONG",
        ),
        (
            "email,full_name,manager_email,\na@x.example,A,,\nb@x.example,B,a@x.example,x\n",
            "people.csv:3",
            "BLANK_COLUMN_NAME",
        ),
        (f"{HEADER}\na@x.example,A,,\nb@x.example,B,,\n", "people.csv", "NO_TEAM: nobody has a manager"),
        (
            f"{HEADER}\na@x.example,A,,\nb@x.example,B,a@x.example b@x.example,\n",
            "people.csv:3",
            "manager_email: INVALID_EMAIL",
        ),
    ],
)
def test_what_cannot_be_read_is_one_clear_finding(text: str | bytes, where: str, message: str):
    violations = refused(text)
    assert violations[0][0] == where
    assert violations[0][1].startswith(message)


def test_a_chain_of_managers_that_no_organization_has_is_refused():
    rows = "".join(f"p{n}@x.example,P{n},p{n - 1}@x.example,\n" if n else "p0@x.example,P0,,\n" for n in range(103))
    ((where, message),) = refused(f"{HEADER}\n{rows}")
    assert (where, message[:8]) == ("people.csv:102", "TOO_DEEP")
    assert len(tree_of(f"{HEADER}\n" + "".join(rows.splitlines(keepends=True)[:101])).nodes) == 100
