"""Changes of single developers: rows to add or update, and emails to remove, applied to the tree in force on a day, from which what
comes of it is in force. They are held to the very rules of a whole file. A change reads, merges and stores under the tree's lock,
so none overwrites another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from leadline.db import trees as rows
from leadline.errors import Detail, InvalidInput, NotFound
from leadline.home import Project
from leadline.people.csv_file import REQUIRED_VALUES, Person, as_written, is_plain, managers_of
from leadline.people.default_tree import chosen_tree
from leadline.people.error_types import documented
from leadline.people.fields import field_of
from leadline.people.hierarchy import draft_of
from leadline.people.history import today
from leadline.people.records import people_of
from leadline.people.store import LoadedTree, put_in_force
from leadline.people.titles import normalized
from leadline.people.tree import OrgTree
from leadline.people.violations import Violations, email_problem, shown, text_problem, value_problem

_LONGEST_NUMBER = 256


@dataclass(frozen=True)
class Changed:
    """What a change did, by email in the order of the request."""

    tree: OrgTree
    added: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...] = ()


@dataclass
class _Request(Violations):
    """Violations of a request: the line of a developer is shown as what the request calls it, or as the email."""

    shown_lines: dict[int, str] = field(default_factory=dict)

    def row(self, line: int, message: str) -> None:
        self.add(line, self.shown_lines.get(line, self.file), message)


def upsert(
    project: Project,
    values: Sequence[Mapping[str, Any]],
    *,
    tree_name: str | None,
    now: datetime,
    since: date | None = None,
) -> Changed:
    """Add developers, or change those who are there from the day ``since`` (``BEGINNING``: always; default: today): fields not
    given stay, empty ones are cleared. Raises ``PreconditionFailed`` before the first save, ``InvalidInput`` with every violation,
    ``Conflict`` if the tree is not made of a list."""
    violations = _Request("developers")
    changes = _by_email(values, violations)
    outcome: dict[str, list[str]] = {"added": [], "updated": [], "unchanged": []}

    def merged(people: list[Person]) -> list[Person]:
        had = {person.email: person for person in people}
        # One further field has one spelling, as its column would in a file.
        names = {normalized(name): name for person in people for name in person.attributes}
        for email, (line, texts) in changes.items():
            fields = {names.setdefault(normalized(name), name): text for name, text in texts.items()}
            before = had.get(email)
            new = _merged(before, line, fields, violations)
            same = before is not None and replace(before, line=line) == new
            outcome["unchanged" if same else "updated" if before else "added"].append(email)
            had[email] = new
        return list(had.values())

    loaded = _changed(project, tree_name, merged, violations, now, since)
    return Changed(loaded.tree, *(tuple(outcome[name]) for name in ("added", "updated", "unchanged")))


def delete(
    project: Project, emails: Sequence[str], *, tree_name: str | None, now: datetime, since: date | None = None
) -> Changed:
    """Remove developers from the day ``since`` on. Raises ``NotFound`` naming every email that is nobody's, else as ``upsert``."""
    wanted = dict.fromkeys(email.strip().lower() for email in emails)
    violations = _Request("developers")

    def left(people: list[Person]) -> list[Person]:
        emails = {person.email for person in people}
        if unknown := [email for email in wanted if email not in emails]:
            raise NotFound(
                f"No developer has the email {', '.join(shown(email) for email in unknown[:5])}; nobody was removed",
                code="unknown_developer",
                details=[Detail("emails", f"{shown(email)} is no developer's email") for email in unknown],
            )
        return [person for person in people if person.email not in wanted]

    loaded = _changed(project, tree_name, left, violations, now, since)
    return Changed(loaded.tree, (), (), (), tuple(wanted))


def _changed(
    project: Project,
    tree_name: str | None,
    change: Callable[[list[Person]], list[Person]],
    violations: _Request,
    now: datetime,
    since: date | None,
) -> LoadedTree:
    name = chosen_tree(project, tree_name).name
    day = today(project, name, now) if since is None else since
    with rows.lock(project.db, project.id, name) as lease:
        # Developers who are there already have lines after all that the request brings, and are shown by their email.
        before = [
            replace(person, line=person.line + len(violations.shown_lines) + 1)
            for person in people_of(chosen_tree(project, name, day))
        ]
        violations.shown_lines.update((person.line, person.email) for person in before)
        try:
            draft = draft_of(change(before), name, violations)
        except InvalidInput as error:
            raise documented(error) from None
        return put_in_force(project, name, draft, now, lease, since=since)


def _by_email(values: Sequence[Mapping[str, Any]], violations: _Request) -> dict[str, tuple[int, dict[str, str]]]:
    """Line and texts of each row by email; all that is wrong with single rows is noted."""
    by_email: dict[str, tuple[int, dict[str, str]]] = {}
    for line, row in enumerate(values):
        violations.shown_lines[line] = f"developers[{line}]"
        fields = _texts(row, line, violations)
        email = fields.get("email", "").lower()
        if not email:
            violations.row(line, "email: REQUIRED_VALUE_MISSING: every developer needs one")
        elif problem := email_problem(email):
            violations.row(line, f"email: {problem}")
        elif email in by_email:
            first = violations.shown_lines[by_email[email][0]]
            violations.row(line, f"email: DUPLICATE_EMAIL: {email} is also in {first}; keep one")
        else:
            by_email[email] = (line, fields)
    return by_email


def _texts(row: Mapping[str, Any], line: int, violations: _Request) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in row.items():
        column = field_of(name)
        if not normalized(column) or not is_plain(column) or text_problem(name):
            violations.row(line, f"INVALID_VALUE: {shown(name)} is no name of a field")
            continue
        if column in texts:
            violations.row(line, f"{column}: INVALID_VALUE: it is given twice")
        text = _text(value, column)
        if text is None:
            violations.row(line, f"{column}: INVALID_VALUE: a field's value is a text, a number, true, false or null")
        elif problem := value_problem(column, text):
            violations.row(line, f"{column}: {problem}")
        else:
            texts[column] = text.strip()
    return texts


def _text(value: Any, column: str) -> str | None:
    if value is None:
        return ""
    if column == "manager_email" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ";".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return None  # Python refuses to write longer ones out
    return str(value) if isinstance(value, str | int | float) else None


def _merged(before: Person | None, line: int, fields: Mapping[str, str], violations: _Request) -> Person:
    email = fields["email"]
    full_name = fields.get("full_name", before.full_name if before else "")
    if not full_name:
        violations.row(line, f"{REQUIRED_VALUES[1]}: REQUIRED_VALUE_MISSING: every developer needs one")
    managers = before.managers if before else ()
    if "manager_email" in fields:
        managers = managers_of(fields["manager_email"])
        for manager in managers:
            if problem := email_problem(manager):
                violations.row(line, f"manager_email: {problem} (several are separated by `;`)")
    attributes = {
        **(before.attributes if before else {}),
        **{name: text for name, text in fields.items() if name not in ("email", "full_name", "manager_email")},
    }
    attributes = {name: text for name, text in attributes.items() if text and name != "updated_at"}
    written = before.written if before else as_written(email)
    return Person(line, email.lower(), full_name, managers, attributes.get("team", ""), attributes, written)
