"""Which field a column is: proposals by title, former mappings, and what a request may say about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import InvalidRequest
from leadline.people.csv_file import normalized
from leadline.people.fields import FIELDS, field_of, proposed, remapped
from leadline.people.violations import value_problem

TITLES = st.lists(
    st.sampled_from(["email", "Work Email", "E-Mail", "Name", "Full Name", "Manager", "Reports to", "X", "x ", ""])
)


@given(TITLES)
def test_a_field_is_proposed_for_one_column_at_most(titles: list[str]):
    mapping = proposed(titles, {})
    assert list(mapping) == [title for title in dict.fromkeys(titles) if title]
    fields = [normalized(field) for field in mapping.values() if normalized(field) in FIELDS]
    assert len(fields) == len(set(fields))


def test_the_exact_title_comes_before_a_similar_one():
    assert proposed(["Work Email", "email", "Name", "Location"], {}) == {
        "Work Email": "Work Email",
        "email": "email",
        "Name": "full_name",
        "Location": "site",
    }


@pytest.mark.parametrize(
    ("titles", "fields"),
    [
        (  # Workday
            ["Employee ID", "Worker", "Email - Primary Work", "Manager Email", "Business Title", "Location"],
            ["Employee ID", "full_name", "email", "manager_email", "role", "site"],
        ),
        (  # BambooHR: the full name is in two columns, which no mapping can join
            ["Employee #", "First Name", "Last Name", "Work Email", "Job Title", "Supervisor email", "Department"],
            ["Employee #", "First Name", "Last Name", "email", "role", "manager_email", "department"],
        ),
        (["Legal Name", "Company Email", "Manager's Email"], ["full_name", "email", "manager_email"]),
    ],
)
def test_titles_of_hr_systems(titles: list[str], fields: list[str]):
    assert list(proposed(titles, {}).values()) == fields


def test_former_mappings_come_first():
    previous = {"Login": "email", "email": "", "gone": "team"}
    assert proposed(["email", "Login", "Name"], previous) == {"email": "", "Login": "email", "Name": "full_name"}


def test_a_field_moves_to_the_column_named():
    current = {"email": "email", "Work Email": "Work Email", "Name": "full_name", "Boss": "manager_email"}
    assert remapped(current, {"Work Email": "EMAIL", "Name": "name"}) == {
        "email": "",
        "Work Email": "email",
        "Name": "full_name",
        "Boss": "manager_email",
    }
    assert remapped(current, {"Name": "", "Work Email": "NAME"})["Name"] == ""


@pytest.mark.parametrize("wanted", [{"Nobody": "email"}, {"email": "x"}, {"Boss": ""}, {"email": "name"}])
def test_mappings_that_cannot_be(wanted: dict[str, str]):
    current = {"email": "email", "Name": "full_name", "Boss": "manager_email"}
    with pytest.raises(InvalidRequest, match="Invalid field mapping"):
        remapped(current, wanted)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("managerEmail", "manager_email"),
        ("MANAGER_EMAIL", "manager_email"),
        ("Manager Email", "manager_email"),
        ("NAME", "full_name"),
        ("fullName", "full_name"),
        ("subRole", "sub_role"),
        ("Cost Center", "Cost Center"),
        (" ", ""),
    ],
)
def test_names_of_fields(name: str, field: str):
    assert field_of(name) == field


@pytest.mark.parametrize(("text", "good"), [("0.8", True), (" 1 ", True), (".5", True), ("80%", False), ("1.2", False)])
def test_a_full_time_equivalent_is_from_0_to_1(text: str, *, good: bool) -> None:
    problem = value_problem("fte", text)
    assert (problem is None) is good
    assert problem is None or "no number from 0 to 1" in problem
