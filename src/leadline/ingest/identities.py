"""Maps one account to a developer by hand: the way in for what no file or tool says.

A source, an account and an email come in; one row of ``identities`` goes out, as if it had been imported.
"""

from __future__ import annotations

import difflib
from datetime import datetime
from pathlib import Path

from leadline.db import Database
from leadline.engine import Engine
from leadline.errors import Detail, InvalidRequest
from leadline.ingest.delivery import LockFactory, Receipt, ingest
from leadline.lake import Lake
from leadline.people import tree, trees
from leadline.schema import table_named


def known_emails(db: Database, project_id: int, lake: Lake, *, temp_dir: Path) -> set[str]:
    """Emails (lower case) of every developer of the project: of its org trees and of the lake's ``developers``."""
    known = {email for each in trees(db, project_id) for email in tree(db, project_id, each.name).developers}
    snapshot = lake.snapshot()
    if snapshot.files("developers"):
        with Engine(temp_dir=temp_dir) as engine:
            engine.bind_snapshot(snapshot, ["developers"])
            known.update(email for (email,) in engine.execute("SELECT lower(email) FROM developers"))
    return known


def set_identity(
    db: Database,
    project_id: int,
    lake: Lake,
    *,
    lock: LockFactory,
    temp_dir: Path,
    source: str,
    account: str,
    email: str,
    now: datetime,
) -> Receipt:
    """Say that ``account`` of ``source`` (`git`, `github`, `jira`, …) is the developer ``email``; the latest word holds.

    All three are compared in any letter case. Raises ``InvalidRequest`` if one is empty, or if nobody of the project's
    org trees and developers has the email (``unknown_developer``, with the nearest ones).
    """
    row = {"source": source.strip().lower(), "account": account.strip().lower(), "email": email.strip().lower()}
    if empty := [name for name, text in row.items() if not text]:
        raise InvalidRequest(
            f"An identity needs a source, an account and an email; {', '.join(empty)} is empty",
            code="invalid_identity",
            details=[Detail(name, "must not be empty") for name in empty],
        )
    known = known_emails(db, project_id, lake, temp_dir=temp_dir)
    if row["email"] not in known:
        near = difflib.get_close_matches(row["email"], known, n=3)
        would_do = f"near: {', '.join(near)}" if near else "load an org tree or import developers first"
        raise InvalidRequest(
            f"{email} is no developer's email; {would_do}",
            code="unknown_developer",
            details=[Detail("email", would_do)],
        )
    import pyarrow as pa

    table = table_named("identities")
    values = {**row, "updated_at": now}
    schema = table.arrow_schema
    batch = pa.RecordBatch.from_arrays(
        [pa.array([values.get(field.name)], field.type) for field in schema], schema=schema
    )
    return ingest(lake, table, [batch], lock=lock, temp_dir=temp_dir)
