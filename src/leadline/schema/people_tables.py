"""The tables that say who people are, what their accounts are called and when they are absent."""

from __future__ import annotations

from leadline.schema.columns import about, account, address, instant, text, texts
from leadline.schema.table import Column, ColumnType, Personal, Table

DEVELOPERS = Table(
    "developers",
    "People, as the HR export lists them; further columns are kept.",
    ("email",),
    (
        address("email", "Work email; unique, compared without case."),
        about("full_name", "Full name.", "email", personal=Personal.NAME),
        address("manager_email", "Emails of the managers, separated by `;`; the first is the primary team."),
        about("role", "Role.", "email"),
        about("sub_role", "Sub-role.", "email"),
        text("team", "Team name."),
        about("department", "Department.", "email"),
        about("site", "Site.", "email"),
        Column(
            "fte",
            ColumnType.DECIMAL,
            "Full-time equivalent, from 0 to 1; empty: 1.",
            minimum=0,
            personal=Personal.DETAIL,
            whose=("email",),
        ),
    ),
    open_columns=True,
)
ABSENCES = Table(
    "absences",
    "Days on which people are absent: holidays, leave.",
    ("email", "day"),
    (
        address("email", "Developer who is absent."),
        instant("day", "The day, as a date: `2026-03-02`."),
        Column("share", ColumnType.DECIMAL, "Share of the day, from 0 to 1; empty: all of it.", minimum=0),
    ),
    event_time="day",
)
IDENTITIES = Table(
    "identities",
    "Accounts mapped to developers by hand or by a tool.",
    ("source", "account"),
    (
        text("source", "Tool of the account: `git`, `github`, `gitlab`, `bitbucket`, `jira`, …"),
        account("account", "Account; for `git` the commit's email."),
        address("email", "Developer the account belongs to."),
    ),
)
TOOL_ACCOUNTS = Table(
    "tool_accounts",
    "What a tool says of its accounts. The email tells whose an account is; the name alone never does.",
    ("source", "account"),
    (
        text("source", "Tool of the account: `github`, `gitlab`, `bitbucket`, `jira`, …"),
        account("account", "Account, as the other tables name it."),
        address("email", "Email that the tool gives for it."),
        about("name", "Name that the tool gives for it.", "account", "email", personal=Personal.NAME),
    ),
)
TOOL_TEAMS = Table(
    "tool_teams",
    "Who is in which team, as a tool says; a member of a team below is not named for the ones above.",
    ("source", "team", "account"),
    (
        text("source", "Tool of the team: `github`, …"),
        text("team", "The team by its path, as `org/parent/child`."),
        account("account", "Account of the member, as the other tables name it."),
        text("name", "Name of the team."),
        text("parent", "Path of the team above; empty for the topmost."),
        texts("above", "Names of the teams above, the topmost first."),
        text("role", "The member's role, as `member` or `maintainer`."),
    ),
)
