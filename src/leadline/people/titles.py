"""What columns of lists of developers are called: by us, by HR systems, and by whoever exports from these."""

from __future__ import annotations

FIELDS = ("email", "full_name", "manager_email", "role", "sub_role", "team", "department", "site", "fte")

ALIASES = {"name": "full_name", "fullname": "full_name", "display_name": "full_name", "subrole": "sub_role"}
"""Further names of fields in requests."""

TITLES = {
    **ALIASES,
    **dict.fromkeys(
        ("e_mail", "mail", "email_address", "e_mail_address", "work_email", "company_email", "developer_email"), "email"
    ),
    **dict.fromkeys(("email_primary_work", "primary_work_email", "email_work", "business_email"), "email"),
    **dict.fromkeys(
        ("employee_name", "developer_name", "developer", "worker", "legal_name", "preferred_name"), "full_name"
    ),
    **dict.fromkeys(("last_name_first_name", "last_name,_first_name", "employee"), "full_name"),
    **dict.fromkeys(("manager", "manager_mail", "managers_email", "manager_e_mail", "reports_to"), "manager_email"),
    **dict.fromkeys(
        ("manager's_email", "manager_email_address", "supervisor_email", "supervisor's_email", "reporting_to_email"),
        "manager_email",
    ),
    **dict.fromkeys(("title", "job_title", "business_title", "job_profile"), "role"),
    **dict.fromkeys(("team_name",), "team"),
    **dict.fromkeys(("location", "office", "work_location"), "site"),
    **dict.fromkeys(("full_time_equivalent", "fte_%", "employment_fraction"), "fte"),
}
"""Titles that HR systems give to columns."""

MANAGERS_OTHERWISE = dict.fromkeys(
    (
        *("manager_name", "manager's_name", "worker's_manager", "managers_name", "supervisor", "supervisor_name"),
        *(
            "supervisor's_name",
            "reporting_to",
            "reporting_manager",
            "line_manager",
            "manager_id",
            "manager_employee_id",
        ),
        *("supervisor_id", "supervisor_employee_id", "manager_number", "supervisor_eid"),
    ),
    "manager_email",
)
"""Titles of columns that name managers by something else than their emails, which will do where there is none of these."""

EMPLOYEE_IDS = frozenset(
    {
        "employee_id",
        "employee_#",
        "employee_number",
        "employee_no",
        "employee_no.",
        "worker_id",
        "eeid",
        "id",
        "person_id",
    }
)
"""Titles of columns by whose values managers may be named."""

FIRST_NAMES = frozenset(
    {"first_name", "given_name", "forename", "firstname", "legal_first_name", "preferred_first_name"}
)
LAST_NAMES = frozenset({"last_name", "surname", "family_name", "lastname", "legal_last_name"})
"""Titles of columns that make a full name together."""


def normalized(title: str) -> str:
    """A column's title as names of columns are written: `Full Name` is `full_name`."""
    return "_".join(title.lower().replace("-", " ").replace("_", " ").split())


def is_email(title: str) -> bool:
    """Whether a column called so has emails of people."""
    name = normalized(title)
    return name == "email" or TITLES.get(name) == "email"


def name_columns(titles: list[str]) -> tuple[str, str] | None:
    """The titles of the columns of first and last names, if there is one of each."""
    first = [title for title in titles if normalized(title) in FIRST_NAMES]
    last = [title for title in titles if normalized(title) in LAST_NAMES]
    return (first[0], last[0]) if first and last else None
