"""Maps accounts to developers by hand, where no file or tool says whose they are: as rows of ``identities``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from leadline.engine import Engine
from leadline.errors import Detail, InvalidRequest
from leadline.home import Project
from leadline.ingest.delivery import Receipt, ingest
from leadline.people import tree, trees
from leadline.schema import table_named


def known_emails(project: Project) -> set[str]:
    """Emails (lower case) of every developer of the project: of its org trees and of the lake's ``developers``."""
    emails = {email for summary in trees(project) for email in tree(project, summary.name).developers}
    snapshot = project.lake.newest(["developers"])
    if snapshot.files("developers"):
        with Engine.of(project.home) as engine:
            engine.bind_snapshot(snapshot, ["developers"])
            emails.update(email for (email,) in engine.execute("SELECT lower(email) FROM developers"))
    return emails


def set_identity(project: Project, *, source: str, account: str, email: str, now: datetime) -> Receipt:
    """Say that ``account`` of ``source`` (`git`, `github`, `jira`, …) is the developer ``email``; the latest word holds. All three
    are compared in any letter case. Raises ``InvalidRequest`` if one is empty, or if nobody of the project's org trees and
    developers has the email (``unknown_developer``, with the nearest ones)."""
    refused = set_identities(project, rows=[AccountMapping(source, account, email)], now=now)
    if refused.refusals:
        raise refused.refusals[0].error
    assert refused.receipt is not None  # noqa: S101 -- a row that is not refused is delivered
    return refused.receipt


@dataclass(frozen=True)
class AccountMapping:
    """An account of a source and the email of the developer it belongs to; compared in any letter case."""

    source: str
    account: str
    email: str

    @property
    def row(self) -> dict[str, str]:
        """As a row of ``identities``."""
        return {name: text.strip().lower() for name, text in vars(self).items()}


@dataclass(frozen=True)
class RefusedMapping:
    """A mapping that was not taken: its position among those given, and why."""

    position: int
    error: InvalidRequest


@dataclass(frozen=True)
class SetIdentities:
    """What became of mappings: the receipt of those taken (None: none was), and those refused."""

    receipt: Receipt | None
    taken: int
    refusals: tuple[RefusedMapping, ...]


def set_identities(project: Project, *, rows: Sequence[AccountMapping], now: datetime) -> SetIdentities:
    """Say whose accounts these are, in one commit; the latest word holds. Rows refused do not keep the others out. A row is refused
    if something in it is empty (``invalid_identity``), if nobody has the email (``unknown_developer``, with the nearest ones), or
    if another row gives the account to somebody else (``conflicting_identity``)."""
    emails = known_emails(project)
    owners: dict[tuple[str, str], set[str]] = {}
    for mapping in rows:
        owners.setdefault((mapping.row["source"], mapping.row["account"]), set()).add(mapping.row["email"])
    refusals, taken = [], []
    for at, mapping in enumerate(rows):
        if (problem := _problem(mapping, emails, owners)) is not None:
            refusals.append(RefusedMapping(at, problem))
        else:
            taken.append(mapping.row)
    receipt = _deliver(project, taken, now=now) if taken else None
    return SetIdentities(receipt, len(taken), tuple(refusals))


def _problem(
    mapping: AccountMapping, emails: set[str], owners: dict[tuple[str, str], set[str]]
) -> InvalidRequest | None:
    row = mapping.row
    if empty := [name for name, text in row.items() if not text]:
        return InvalidRequest(
            f"An identity needs a source, an account and an email; {', '.join(empty)} must not be empty",
            code="invalid_identity",
            details=[Detail(name, "must not be empty") for name in empty],
        )
    if row["email"] not in emails:
        near = difflib.get_close_matches(row["email"], emails, n=3)
        would_do = f"near: {', '.join(near)}" if near else "load an org tree or import developers first"
        return InvalidRequest(
            f"{mapping.email} is no developer's email; {would_do}",
            code="unknown_developer",
            details=[Detail("email", would_do)],
        )
    if len(owners[row["source"], row["account"]]) > 1:
        return InvalidRequest(
            f"{mapping.account} of {mapping.source} is given to several developers; keep one",
            code="conflicting_identity",
            details=[Detail("account", "one developer's only")],
        )
    return None


def _deliver(project: Project, rows: Sequence[dict[str, str]], *, now: datetime) -> Receipt:
    import pyarrow as pa

    table = table_named("identities")
    schema = table.arrow_schema
    values = [{**row, "updated_at": now} for row in rows]
    batch = pa.RecordBatch.from_arrays(
        [pa.array([row.get(field.name) for row in values], field.type) for field in schema], schema=schema
    )
    return ingest(project, table, [batch])
