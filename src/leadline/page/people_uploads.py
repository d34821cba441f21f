"""Lists of developers on the page: a CSV is uploaded, looked at (which column is what, what is wrong, what it would change), and
put in force from a day."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from leadline.api.people.uploads import MAX_UPLOAD, plain_name
from leadline.errors import Detail, InvalidInput, InvalidRequest, LeadlineError
from leadline.page.forms import Form, typed
from leadline.page.screen import new_router
from leadline.page.visit import Admin, Visit
from leadline.page.words import capitalize_first
from leadline.people import BEGINNING, OrgTree, trees, versions
from leadline.people.difference import Difference, difference
from leadline.people.error_types import Finding
from leadline.people.fields import EXAMPLES, field_of
from leadline.people.history import FROM_BEGINNING, day_of, today
from leadline.people.store import LoadedTree, dry_run
from leadline.people.titles import FIELDS
from leadline.people.versions import Seen, Version

router = new_router()

SCREEN_PATH = "/people"
LEAVE_OUT = ""
SAMPLES = 3
"""Cells of a column that are shown."""
MOST_NAMED = 300
"""People or teams of a kind of change that are named."""
MOST_WRONG = 1000
"""Violations of a kind that are told one by one."""

KINDS = {
    "REQUIRED_FIELD_MISSING": "A column is missing",
    "REQUIRED_VALUE_MISSING": "A value is missing",
    "DUPLICATE_EMAIL": "The same person twice",
    "CIRCULAR_REFERENCE": "People who are, in the end, their own managers",
    "MANAGER_EMAIL_MISSING_IN_DEVELOPER_EMAILS": "Managers who are not in the list",
    "INVALID_CSV": "The file cannot be read as it is",
    "BLANK_CSV_COLUMN_NAME": "A column without a name",
    "INVALID_EMAIL": "No email address",
    "INVALID_TEXT": "A text that cannot be kept",
    "INVALID_VALUE": "A value that cannot be",
    "VALUE_TOO_LONG": "A value that is too long",
    "NO_TEAM": "There is no team",
    "TOO_DEEP": "Too many levels",
}
"""Each kind of violation in words."""


@dataclass(frozen=True)
class Column:
    """A column of the file: the field that it is ('' if it is left out), and its first cells. ``number`` is its place, from 0."""

    number: int
    title: str
    field: str
    samples: tuple[str, ...]

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What it may be."""
        own = [] if field_of(self.title) in FIELDS else [(self.title, f"A field of its own: {self.title}")]
        known = [(name, capitalize_first(name.replace("_", " "))) for name in FIELDS]
        further = [] if self.field in ("", self.title, *FIELDS) else [(self.field, self.field)]
        return [(LEAVE_OUT, "Leave it out"), *known, *own, *further]


@dataclass(frozen=True)
class Violations:
    """All violations of one kind, in the order of the file."""

    kind: str
    findings: tuple[Finding, ...]

    @property
    def title(self) -> str:
        """The kind in words."""
        return KINDS.get(self.kind, capitalize_first(self.kind.replace("_", " ").lower()))


@dataclass(frozen=True)
class Draft:
    """An upload as it is shown. ``error`` is why what was asked for was refused; ``today`` is the day in the tree's time zone,
    ``seen`` the tree's newest version, against which the list is looked at."""

    version: Version
    today: date
    seen: int | None
    loaded: LoadedTree | None
    since: str = ""
    day: str = ""
    error: LeadlineError | None = None
    asked: Mapping[str, str] = field(default_factory=dict)
    """The fields of columns as they were chosen, where that cannot be."""

    @property
    def address(self) -> str:
        """Its page."""
        return f"{SCREEN_PATH}/lists/{self.version.upload.id}"

    @property
    def is_draft(self) -> bool:
        """Whether it waits to be put in force."""
        return self.version.upload.tree_version is None

    @property
    def state(self) -> tuple[str, str]:
        """Its state in words, and the kind of badge."""
        if self.is_draft:
            return "waits to be put in force", "info"
        return ("in force", "good") if self.version.active else ("not in force today", "")

    @property
    def start(self) -> str:
        """Since when it is in force."""
        start = self.version.start
        return "" if start is None else "the beginning" if start == BEGINNING else str(start)

    @property
    def columns(self) -> list[Column]:
        """The columns in the order of the file."""
        mappings, review = {**self.version.upload.mappings, **self.asked}, self.version.review
        samples = () if review is None else review.samples
        return [
            Column(number, title, mapped, tuple(row.get(title, "") for row in samples[:SAMPLES]))
            for number, (title, mapped) in enumerate(mappings.items())
        ]

    @property
    def violations(self) -> list[Violations]:
        """All that is wrong, by kind, the first of the file first."""
        kinds: dict[str, list[Finding]] = {}
        for finding in () if self.version.review is None else self.version.review.findings:
            kinds.setdefault(finding.error_type, []).append(finding)
        return [Violations(kind, tuple(findings)) for kind, findings in kinds.items()]

    @property
    def rows_wrong(self) -> int:
        """How many violations there are."""
        return sum(len(one.findings) for one in self.violations)

    @property
    def rows(self) -> int:
        """Rows that could be read."""
        return 0 if self.version.review is None else len(self.version.review.people)

    def who(self, finding: Finding) -> str:
        """Whose row a finding is about."""
        return self._people.get(finding.line or 0, "")

    @cached_property
    def _people(self) -> dict[int, str]:
        review = self.version.review
        people = () if review is None else review.people
        return {person.line: person.full_name or person.email for person in people}

    @cached_property
    def difference(self) -> Difference | None:
        """What putting it in force changes; None where that cannot be."""
        return None if self.loaded is None else difference(self.loaded.previous, self.loaded.tree)


# -- routes ------------------------------------------------------------------------------------------------------------


@router.get(f"{SCREEN_PATH}/upload")
def upload_form(visit: Admin) -> Response:
    """The form for a file."""
    return _upload_form(visit, str(visit.request.query_params.get("tree", "")))


@router.post(f"{SCREEN_PATH}/upload")
def upload(visit: Admin, form: Form) -> Response:
    """Keep the file as a draft, and show it; or say why it cannot be read."""
    name = str(form.get("tree", "")).strip()
    try:
        data, filename = _file(form)
        kept = versions.upload(
            visit.project,
            data,
            filename,
            tree_name=name or None,
            upload_id=f"ver_{secrets.token_hex(10)}",
            created_by=visit.key.id,
            now=visit.now,
        )
    except (InvalidInput, InvalidRequest) as error:
        return _upload_form(visit, name, error)
    return RedirectResponse(f"{SCREEN_PATH}/lists/{kept.upload.id}", 303)


def _file(form: FormData) -> tuple[bytes, str]:
    part = form.get("file")
    if not isinstance(part, UploadFile) or not part.filename:
        raise InvalidRequest("No file was chosen", details=[Detail("file", "choose a CSV of developers")])
    data = part.file.read(MAX_UPLOAD + 1)
    if len(data) > MAX_UPLOAD:
        raise InvalidRequest(
            f"{plain_name(part.filename)} is larger than {MAX_UPLOAD >> 20} MiB, the most that is taken"
        )
    return data, plain_name(part.filename)


def _upload_form(visit: Visit, name: str, error: LeadlineError | None = None) -> Response:
    names = [known.name for known in trees(visit.project)]
    context: dict[str, Any] = {"names": names, "name": name or (names[0] if names else ""), "error": error}
    context["fields"] = [(one, EXAMPLES[one]) for one in FIELDS]
    status = 200 if error is None else error.http_status
    return visit.html("people_upload.html", status=status, title="Upload a list", **context)


@router.get(f"{SCREEN_PATH}/lists/{{list_id}}")
def one_list(visit: Admin, list_id: str) -> Response:
    """A list as it is now."""
    return _shown(visit, versions.version(visit.project, list_id))


@router.post(f"{SCREEN_PATH}/lists/{{list_id}}")
def act(visit: Admin, list_id: str, form: Form) -> Response:
    """Look at the list with other fields for its columns, or put it in force."""
    current = versions.version(visit.project, list_id)
    said = dict(typed(form))
    fields = _fields(current, said)
    try:
        if said.get("do") == "activate":
            return _put_in_force(visit, current, fields, said)
        return _shown(visit, versions.preview(visit.project, list_id, fields), said)
    except (InvalidRequest, InvalidInput) as error:
        return _refused(visit, current, fields, said, error)


def _fields(current: Version, said: Mapping[str, str]) -> dict[str, str]:
    """The field of each column by its title, of those that the form names."""
    titles = enumerate(current.upload.mappings)
    return {title: said[f"column.{number}"] for number, title in titles if f"column.{number}" in said}


def _put_in_force(visit: Visit, current: Version, fields: Mapping[str, str], said: Mapping[str, str]) -> Response:
    since = _since(said)
    seen = said.get("seen", "")
    versions.map_fields(
        visit.project,
        current.upload.id,
        fields,
        now=visit.now,
        save=True,
        since=since,
        seen=Seen(int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else None),
    )
    return RedirectResponse(f"{SCREEN_PATH}/lists/{current.upload.id}", 303)


def _since(said: Mapping[str, str]) -> date | None:
    """The day from which it is to be in force; None: today. Raises ``InvalidRequest``."""
    match said.get("since"):
        case "beginning":
            return day_of(FROM_BEGINNING, "day")
        case "day":
            return day_of(said.get("day", ""), "day")
        case _:
            return None


def _refused(
    visit: Visit, current: Version, fields: Mapping[str, str], said: Mapping[str, str], error: LeadlineError
) -> Response:
    """The list as it was chosen, with what is wrong; where the columns cannot be so, with the fields that were there before."""
    try:
        shown = versions.preview(visit.project, current.upload.id, fields)
    except InvalidRequest:
        return _shown(visit, current, said, error, fields)
    return _shown(visit, shown, said, error)


def _shown(
    visit: Visit,
    version: Version,
    said: Mapping[str, str] | None = None,
    error: LeadlineError | None = None,
    asked: Mapping[str, str] | None = None,
) -> Response:
    project, upload, review = visit.project, version.upload, version.review
    drafted = review.draft if review is not None and upload.tree_version is None else None
    loaded = None if drafted is None else dry_run(project, upload.tree, drafted, visit.now)
    words = said or {}
    draft = Draft(
        version,
        today(project, upload.tree, visit.now),
        versions.newest_version(project, upload.tree),
        loaded,
        words.get("since", ""),
        words.get("day", ""),
        error,
        asked or {},
    )
    status = 200 if error is None else error.http_status
    return visit.html(
        "people_list.html",
        status=status,
        title=upload.filename,
        draft=draft,
        most=MOST_NAMED,
        most_wrong=MOST_WRONG,
        heads=_heads(loaded),
    )


def _heads(loaded: LoadedTree | None) -> Sequence[tuple[str, int, int]]:
    """Teams and developers, now and then."""
    if loaded is None:
        return ()

    def sizes(tree: OrgTree | None) -> tuple[int, int]:
        return (0, 0) if tree is None else (len(tree.nodes), len(tree.developers))

    (teams, people), (new_teams, new_people) = sizes(loaded.previous), sizes(loaded.tree)
    return (("Teams", teams, new_teams), ("Developers", people, new_people))
