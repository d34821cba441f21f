"""What is answered about developers and the versions of their lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field

from leadline.api.answers import RowErrorBody
from leadline.json_body import Body, Instant
from leadline.people.changes import Changed
from leadline.people.csv_file import REQUIRED_COLUMNS, Person
from leadline.people.error_types import Finding
from leadline.people.fields import EXAMPLES, field_doc
from leadline.people.history import BEGINNING, FROM_BEGINNING
from leadline.people.leavers import leavers
from leadline.people.records import Record
from leadline.people.review import SAMPLES, Changes
from leadline.people.titles import FIELDS, normalized
from leadline.people.versions import Version

SHOWN = 100
"""Rows of each kind of error, and emails of each kind of change, that an answer names; the rest is only counted."""


class TeamOfBody(Body):
    """A team that a developer belongs to."""

    ref_id: int
    name: str
    hierarchy: str


class DeveloperBody(Body):
    """One developer."""

    email: str
    full_name: str
    manager_email: str | None = Field(description="The first manager; null for none.")
    manager_emails: list[str] = Field(description="All managers, in listed order.")
    teams: list[TeamOfBody] = Field(description="The primary team first.")
    attributes: dict[str, str] = Field(description="All other fields that have a value.")

    @classmethod
    def of(cls, record: Record) -> Self:
        """A record."""
        return cls(
            email=record.developer.address,
            full_name=record.developer.full_name,
            manager_email=record.shown_managers[0] if record.managers else None,
            manager_emails=list(record.shown_managers),
            teams=[TeamOfBody(ref_id=node.ref_id, name=node.name, hierarchy=node.path) for node in record.teams],
            attributes=dict(record.developer.attributes),
        )


class DevelopersBody(Body):
    """One page of developers."""

    developers: list[DeveloperBody]
    page: int = Field(description="Counted from 0.")
    limit: int
    total: int = Field(description="Developers on all pages.")
    org_tree_name: str | None = Field(description="Null while there is no org tree.")
    org_tree_version: int | None


class FieldMappingBody(Body):
    """Which field a column of the file is."""

    csv_header: str
    field: str | None = Field(description="A field of the schema, or a further one; null: the column is left out.")
    required: bool


class RowOfErrorBody(Body):
    """One violation."""

    where: str = Field(description="File and line.")
    message: str = Field(description="What is wrong, and what would do.")


class DevelopersErrorBody(Body):
    """All violations of one kind."""

    error_type: str
    field_name: str | None
    error_developer_count: int = Field(description="How many rows have it.")
    sample_error_developers: list[dict[str, str]] = Field(description="Some of these developers.")
    rows: list[RowOfErrorBody] = Field(description="Where: the first 100.")


class ChangesBody(Body):
    """What putting a version in force would change, in developers."""

    added: int
    changed: int
    removed: int
    added_emails: list[str] = Field(description="The first 100.")
    changed_emails: list[str] = Field(description="The first 100.")
    removed_emails: list[str] = Field(description="The first 100.")

    @classmethod
    def of(cls, changes: Changes) -> Self:
        """Changes, counted and named."""
        return cls(
            added=len(changes.added),
            changed=len(changes.changed),
            removed=len(changes.removed),
            added_emails=list(changes.added[:SHOWN]),
            changed_emails=list(changes.changed[:SHOWN]),
            removed_emails=list(changes.removed[:SHOWN]),
        )


class VersionBody(Body):
    """An uploaded list of developers: what it says, what is wrong with it, whether it is in force."""

    version_id: str
    upload_id: str = Field(description="The same, under its older name.")
    org_tree_name: str
    active: bool = Field(description="Whether the developers of today are those of this version.")
    status: Literal["draft", "active", "replaced"] = Field(
        description="A version that is in force on other days alone is `replaced`, too."
    )
    since: str | None = Field(
        default=None,
        alias="from",
        description="The local day from which it is in force, or `beginning`; absent where it never is.",
    )
    file_name: str
    created_at: Instant
    activated_at: Instant | None = Field(default=None, description="Absent for a draft.")
    field_mappings: list[FieldMappingBody]
    rows: int | None = Field(
        default=None, description="Rows that could be read; absent when the file is kept no longer."
    )
    sample_rows: list[dict[str, str]] = Field(default=[], description="The first rows, by column.")
    errors: list[DevelopersErrorBody] = Field(default=[], description="All that keeps it from being put in force.")
    changes: ChangesBody | None = Field(
        default=None, description="Against the developers in force; absent for a file with errors."
    )
    warnings: list[str] | None = Field(
        default=None,
        description="What was taken otherwise than it may be meant, as people who are said to have left; absent if nothing was.",
    )

    @classmethod
    def of(cls, version: Version) -> Self:
        """A version as reviewed."""
        upload, review = version.upload, version.review
        draft = upload.tree_version is None
        body = cls(
            version_id=upload.id,
            upload_id=upload.id,
            org_tree_name=upload.tree,
            active=version.active,
            status="active" if version.active else "draft" if draft else "replaced",
            file_name=upload.filename,
            created_at=upload.created_at,
            field_mappings=mappings_of(upload.mappings),
            sample_rows=[] if review is None else [dict(row) for row in review.samples],
            errors=[] if review is None else errors_of(review.findings, review.people),
        )
        if version.start is not None:
            body.since = FROM_BEGINNING if version.start == BEGINNING else str(version.start)
        if upload.activated_at is not None:
            body.activated_at = upload.activated_at
        if review is not None:
            body.rows = len(review.people)
            if said := str(leavers(review.people)):
                body.warnings = [said]
            if review.changes is not None and draft:
                body.changes = ChangesBody.of(review.changes)
        return body


def mappings_of(mappings: Mapping[str, str]) -> list[FieldMappingBody]:
    """The mapping in the order of the file's columns."""
    return [
        FieldMappingBody(csv_header=title, field=field or None, required=normalized(field) in REQUIRED_COLUMNS)
        for title, field in mappings.items()
    ]


def errors_of(findings: Sequence[Finding], people: Sequence[Person]) -> list[DevelopersErrorBody]:
    """Findings by kind, in the order of their first one."""
    by_line = {person.line: person for person in people}
    kinds: dict[tuple[str, str | None], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.error_type, finding.field), []).append(finding)
    return [
        DevelopersErrorBody(
            error_type=kind,
            field_name=field,
            error_developer_count=len({finding.line for finding in of_kind if finding.line in by_line}),
            sample_error_developers=[
                _sample(by_line[line])
                for line in list(dict.fromkeys(finding.line for finding in of_kind if finding.line in by_line))[
                    :SAMPLES
                ]
                if line is not None
            ],
            rows=[RowOfErrorBody(where=finding.where, message=finding.message) for finding in of_kind[:SHOWN]],
        )
        for (kind, field), of_kind in kinds.items()
    ]


def _sample(person: Person) -> dict[str, str]:
    return {
        "email": person.written or person.email,
        "full_name": person.full_name,
        "manager_email": ";".join(person.managers),
        **person.attributes,
    }


FieldType = Literal["NAME", "EMAIL", "MANAGER_EMAIL", "TEXT"]


class SchemaFieldBody(Body):
    """One field of a developer."""

    name: str
    type: FieldType
    required: bool = Field(description="Whether every developer needs a value.")
    column_required: bool = Field(description="Whether a file needs a column for it.")
    description: str
    example: str | None = None
    csv_header: str | None = Field(default=None, description="The column of the list put in force last that is it.")


_TYPES: Mapping[str, FieldType] = {"full_name": "NAME", "email": "EMAIL", "manager_email": "MANAGER_EMAIL"}


class SchemaBody(Body):
    """The fields of a developer: the declared ones, then the further ones that the developers in force have."""

    fields: list[SchemaFieldBody]

    @classmethod
    def of(cls, names: Sequence[str], headers: Mapping[str, str]) -> Self:
        """The schema of fields; ``headers`` are columns' titles by field."""
        return cls(fields=[_schema_field(name, headers.get(name)) for name in names])


def _schema_field(name: str, header: str | None) -> SchemaFieldBody:
    declared = name in FIELDS
    body = SchemaFieldBody(
        name=name,
        type=_TYPES.get(name, "TEXT"),
        required=name in ("email", "full_name"),
        column_required=name in REQUIRED_COLUMNS,
        description=field_doc(name) if declared else "A further field of the list.",
    )
    if declared:
        body.example = EXAMPLES[name]
    if header is not None:
        body.csv_header = header
    return body


class ChangedBody(Body):
    """What a change of developers did, counted."""

    status: Literal["success"]
    added: int
    updated: int
    unchanged: int
    removed: int
    org_tree_name: str
    org_tree_version: int

    @classmethod
    def of(cls, changed: Changed) -> Self:
        """A change."""
        return cls(
            status="success",
            added=len(changed.added),
            updated=len(changed.updated),
            unchanged=len(changed.unchanged),
            removed=len(changed.removed),
            org_tree_name=changed.tree.name,
            org_tree_version=changed.tree.version,
        )


class CloudIdsBody(Body):
    """What became of accounts given to developers."""

    status: Literal["success", "partial"]
    message: str
    accepted: int = Field(description="Accounts taken.")
    rejected: int = Field(description="Accounts refused; the others were taken all the same.")
    errors: list[RowErrorBody] = Field(description="Why: the first 1,000.")
