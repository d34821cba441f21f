"""Developers as records: a tree made of a list gives that list back, whatever the list; a nested one may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import Conflict, InvalidInput
from leadline.people.csv_file import read_people
from leadline.people.error_types import ERROR_TYPES, documented, finding_of
from leadline.people.hierarchy import draft_of
from leadline.people.records import Wanted, fields_of, people_of, records, selected
from leadline.people.violations import Violations

from .files import ACME, nested_tree_of, tree_of
from .test_org_properties import Row, build, email, organizations


@given(organizations())
def test_a_tree_of_a_list_gives_the_list_back(rows: list[Row]):
    people = {person.email: person for person in people_of(build([(managers, "") for managers, _ in rows]))}
    assert {address: person.managers for address, person in people.items()} == {
        email(number): tuple(email(manager) for manager in managers) for number, (managers, _) in enumerate(rows)
    }


def test_everything_of_a_row_comes_back():
    header, *lines = ACME.splitlines()
    tree = tree_of("\n".join([f"{header},role", *(f"{line},{'SRE' if 'Platform' in line else ''}" for line in lines)]))
    people = {person.email: person for person in people_of(tree)}
    assert people["dan@example.com"].managers == ("ben@example.com", "eve@example.com")
    assert people["dan@example.com"].attributes == {"team": "Platform", "role": "SRE"}
    assert (people["hal@example.com"].managers, people["hal@example.com"].full_name) == ((), "Hal Orr")


@pytest.mark.parametrize(
    "text",
    [
        '{"members": ["a@x.example", "b@x.example"]}',
        '{"manager": "a@x.example", "members": ["b@x.example"], "key": "top"}',
        '{"manager": "a@x.example", "children": [{"name": "B", "manager": "a@x.example"}]}',
        '{"manager": "a@x.example", "children": [{"name": "B", "members": ["b@x.example"]}]}',
        '{"manager": "a@x.example", "members": ["b@x.example"], "children": [{"name": "Odd", "manager": "b@x.example"}]}',
    ],
)
def test_a_nested_tree_that_no_list_makes(text: str):
    with pytest.raises(Conflict, match="nested file"):
        people_of(nested_tree_of(text))


def test_a_nested_tree_that_a_list_makes_too():
    assert [
        person.managers
        for person in people_of(nested_tree_of('{"manager": "a@x.example", "members": ["b@x.example"]}'))
    ] == [
        (),
        ("a@x.example",),
    ]


@given(st.sampled_from(["email", "name", "managerEmail", "team", "role"]), st.booleans())
def test_sorting_keeps_everybody(sort: str, descending: bool):
    listed = records(tree_of(ACME))
    chosen = selected(listed, Wanted(sort=sort, descending=descending))
    assert sorted(record.developer.email for record in chosen) == [record.developer.email for record in listed]
    keys = [
        record.values.get({"name": "full_name", "managerEmail": "manager_email"}.get(sort, sort), "").casefold()
        for record in chosen
    ]
    assert keys == sorted(keys, reverse=descending)
    assert fields_of(listed)[0] == "email"


EVERYTHING = [
    b"",
    b"\xff\xfea",
    b"email,full_name,manager_email\n\xff",
    b'email,full_name,manager_email\n"',
    b"email;full_name;manager_email\n",
    b"email,email,=x\n",
    b"email,full_name,manager_email,\na@x.example,A,,x\nb,B\nb@x.example,,b@x.example;c@x.example\n" * 2,
    b"email,full_name,manager_email\na@x.example,A,b@x.example\nb@x.example,B,a@x.example\n",
    b"email,full_name,manager_email\na@x.example,A,c@x.example\nb@x.example,B,a@x.example\n",
    b"email,full_name,manager_email\na@x.example,A,\n",
    b"email,full_name,manager_email\n,A,\nx y,A\0,\n" + b"z@x.example," + b"x" * 100_001 + b",\n",
]


def test_every_violation_has_a_type():
    kinds = set()
    for data in EVERYTHING:
        violations = Violations("people.csv")
        with pytest.raises(InvalidInput) as refused:
            draft_of(read_people(data, violations), "Acme", violations)
        for detail in refused.value.details:
            finding = finding_of(detail)
            kinds.add(finding.error_type)
            assert finding.error_type not in ERROR_TYPES, "its documented name, not ours"
            assert finding.line is None or detail.field.endswith(f":{finding.line}")
        refusal = documented(refused.value)
        assert refusal.code == "invalid_developers"
        assert len(refusal.details) == len(refused.value.details)
        assert all(
            f"{finding_of(old).error_type}: " in new.message
            for old, new in zip(refused.value.details, refusal.details, strict=True)
        )
    assert kinds >= {
        "EMPTY_CSV",
        "INVALID_CSV",
        "BLANK_CSV_COLUMN_NAME",
        "REQUIRED_FIELD_MISSING",
        "REQUIRED_VALUE_MISSING",
        "DUPLICATE_EMAIL",
        "CIRCULAR_REFERENCE",
        "MANAGER_EMAIL_MISSING_IN_DEVELOPER_EMAILS",
        "INVALID_EMAIL",
        "INVALID_TEXT",
        "VALUE_TOO_LONG",
        "NO_TEAM",
    }
