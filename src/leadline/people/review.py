"""Reads an uploaded developers file as it would be put in force: what is wrong with it, and what would change. Nothing is
written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadline.errors import InvalidInput
from leadline.people.csv_file import Person, peek, read_people
from leadline.people.draft import Draft
from leadline.people.error_types import Finding, finding_of
from leadline.people.hierarchy import draft_of
from leadline.people.records import records
from leadline.people.tree import OrgTree
from leadline.people.violations import Violations

SAMPLES = 5
"""Rows that a preview shows, and records of each kind of error."""


@dataclass(frozen=True)
class Changes:
    """Emails, in order, against the tree in force."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True)
class Review:
    """What a file says under a mapping. ``draft`` and ``changes`` are None if it has ``findings``; ``people`` are those
    rows that could be read."""

    titles: tuple[str, ...]
    samples: tuple[Mapping[str, str], ...]
    people: tuple[Person, ...]
    findings: tuple[Finding, ...]
    error: InvalidInput | None
    draft: Draft | None
    changes: Changes | None


def reviewed(data: bytes, filename: str, mapping: Mapping[str, str], tree_name: str, before: OrgTree | None) -> Review:
    """The review of a file. Raises ``InvalidInput`` if not even its columns can be read."""
    titles, rows = peek(data, Violations(filename), SAMPLES)
    samples = tuple({title: cell for title, cell in zip(titles, cells, strict=False) if title} for cells in rows)
    violations = Violations(filename)
    people: list[Person] = []
    try:
        people = read_people(data, violations, mapping)
        draft = draft_of(people, tree_name, violations)
    except InvalidInput as error:
        findings = tuple(finding_of(detail) for detail in error.details)
        return Review(tuple(titles), samples, tuple(people), findings, error, None, None)
    return Review(tuple(titles), samples, tuple(people), (), None, draft, _changes(people, before))


def _changes(people: Sequence[Person], before: OrgTree | None) -> Changes:
    had = {
        record.developer.email: (record.developer.full_name, record.managers, dict(record.developer.attributes))
        for record in (() if before is None else records(before))
    }
    new = {person.email: (person.full_name, person.managers, dict(person.attributes)) for person in people}
    return Changes(
        tuple(sorted(email for email in new if email not in had)),
        tuple(sorted(email for email in new if email in had and new[email] != had[email])),
        tuple(sorted(email for email in had if email not in new)),
    )
