"""``leadline status``: what is in the home, and with ``--check`` whether all of it is sound.

An open project comes in; one document goes out, printed as JSON or as short tables. Only members whose names say disk,
bytes, size or time change while nothing is written.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, example, opened
from leadline.cli.output import Column, bytes_text, clean, count, emit_json, instant, note, paragraph, say, table

if TYPE_CHECKING:
    from leadline.home import Project

TOP_UNMATCHED = 10
SHOWN_SKIPPED = 3


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("status", epilog=example("leadline status", "leadline status --check --json"))(status)


def status(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Verify the integrity of all that is stored.")] = False,
    json: Json = False,
) -> None:
    """Show what is in the home, or check that it is sound.

    Rows per table, newest event per source, org trees, unmatched accounts, exports, repositories and disk.
    """
    from leadline.diagnostics.integrity import findings

    with opened(context) as project:
        found = findings(project.home) if check else None
        document = describe(project, sound=not found)
    if found is not None:
        document["check"] = {"good": not found, "findings": found}
    if json:
        emit_json(document)
    else:
        _show(document)
    if found:
        note(f"error: the check found {len(found)} fault{'s' if len(found) > 1 else ''}")
        raise typer.Exit(1)


def describe(project: Project, *, sound: bool = True) -> dict[str, Any]:
    """The status document of a project. A damaged lake (not ``sound``) is described as far as it can be read."""
    from leadline.errors import StoreError

    document: dict[str, Any] = {
        "home": str(project.home.path),
        "database": "sqlite" if project.db.is_sqlite else "postgresql",
        "organization": project.organization,
        "project": project.name,
    }
    document["inbox"] = _inbox(project, deliver=sound)
    for name, part in (
        ("tables", _tables),
        ("orgTrees", _trees),
        ("unmatched", _unmatched),
        ("exports", _exports),
        ("oddities", _oddities),
    ):
        try:
            document[name] = part(project)
        except StoreError as error:
            if sound:
                raise
            document[name] = {"error": error.message}
    document["sources"] = _sources(project)
    document["repositories"] = _repositories(project)
    document["disk"] = _disk(project)
    return document


def _tables(project: Project) -> list[dict[str, Any]]:
    from leadline.diagnostics.tables import table_states

    return [
        {
            "table": state.table,
            "rows": state.rows,
            "version": state.version,
            "newestEvent": instant(state.newest_event) or None,
            "sources": [
                {"source": each.source, "rows": each.rows, "newestEvent": instant(each.newest_event) or None}
                for each in state.sources
            ],
        }
        for state in table_states(project.lake, temp_dir=project.temp)
    ]


def _inbox(project: Project, *, deliver: bool) -> dict[str, Any]:
    """Pushed rows: those that still wait, which they only do if they cannot be delivered now, and those kept aside."""
    from leadline.db import inbox
    from leadline.errors import StoreError
    from leadline.ingest.pushed import deliver_pushed

    document: dict[str, Any] = {}
    try:
        if deliver:
            deliver_pushed(project)
    except StoreError as error:
        document["error"] = error.message
    db = project.db
    document["waiting"] = [
        {"table": each.table, "rows": each.rows, "oldest": instant(each.oldest)}
        for each in inbox.waiting(db, project.id)
    ]
    document["refused"] = [
        {"table": each.table, "rows": each.rows, "oldest": instant(each.oldest), "reason": each.reason}
        for each in inbox.refused(db, project.id)
    ]
    return document


def _trees(project: Project) -> list[dict[str, Any]]:
    from leadline.people import tree, trees

    documents = []
    for summary in trees(project):
        found = tree(project, summary.name)
        documents.append(
            {
                "orgTreeName": found.name,
                "version": found.version,
                "teams": len(found.nodes),
                "developers": len(found.people(found.root)),
            }
        )
    return documents


def _exports(project: Project) -> dict[str, Any]:
    from leadline.db import jobs

    newest, _ = jobs.listed(
        project.db,
        project.id,
        "productivity",
        jobs.ListFilter(status=jobs.COMPLETED, limit=1, sort_by="completedAt"),
    )
    return {
        "states": jobs.counts(project.db, project.id),
        "newestCompleted": [
            {
                "exportId": export.id,
                "completedAt": instant(export.completed_at),
                "dataAsOf": instant(export.data_as_of) or None,
                "rows": export.row_count,
                "tables": (export.pinned or {}).get("tables"),
                "trees": (export.pinned or {}).get("trees"),
                "definitions": (export.pinned or {}).get("definitions"),
            }
            for export in newest
        ],
    }


def _oddities(project: Project) -> list[str]:
    from leadline.diagnostics.data_quality import oddities

    return oddities(project)


def _repositories(project: Project) -> list[dict[str, Any]]:
    from leadline.db import cursors

    return [
        {"source": source, "repository": name, "syncedAt": instant(updated_at)}
        for source, name, updated_at in cursors.listed(project.db, project.id)
        if source == "git"  # others tell of the demo, and of the lists that a source reads
    ]


def _sources(project: Project) -> list[dict[str, Any]]:
    """The tools pulled from, with their last run. A run that was killed is `interrupted`, until the next."""
    from leadline.db import sources
    from leadline.sync.schedule import next_run, under_way
    from leadline.sync.source import run_lock

    now = datetime.now(UTC)
    documents = []
    for row in sources.listed(project.db, project.id):
        outcome = row.outcome or {}
        state = str(outcome.get("state", "never run"))
        if under_way(row):
            with project.lock_if_free(run_lock(row.name)) as free:
                state = "interrupted" if free else "running"
        lag = None if row.succeeded_at is None else max(0, int((now - row.succeeded_at).total_seconds()))
        documents.append(
            {
                "name": row.name,
                "kind": row.kind,
                "configured": row.configured,
                "state": state,
                "startedAt": instant(row.started_at) or None,
                "succeededAt": instant(row.succeeded_at) or None,
                "lagTimeSeconds": lag,
                "nextRunAt": instant(next_run(row)) or None,
                "rows": {
                    name: counts["added"] + counts["updated"] for name, counts in outcome.get("tables", {}).items()
                },
                "skippedCount": outcome.get("skippedCount", 0),
                "skipped": outcome.get("skipped", []),
                "failedCount": outcome.get("failedCount", 0),
                "failed": outcome.get("failed", []),
                "error": outcome.get("error", {}).get("error"),
            }
        )
    return documents


def _disk(project: Project) -> list[dict[str, Any]]:
    """Bytes by part of the home; parts of the project are named by their folder."""
    home = project.home.path
    parts = {"database": [home / "leadline.db", home / "leadline.db-wal", home / "leadline.db-shm"]}
    if project.folder.is_dir():
        parts.update({entry.name: [entry] for entry in sorted(project.folder.iterdir())})
    parts["unfinished work"] = [project.temp]
    return [{"part": part, "bytes": sum(map(_size, paths))} for part, paths in parts.items()]


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; those that vanish meanwhile count nothing."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        with os.scandir(path) as entries:
            return sum(
                _size(Path(entry.path))
                if entry.is_dir(follow_symlinks=False)
                else entry.stat(follow_symlinks=False).st_size
                for entry in entries
            )
    except FileNotFoundError:
        return 0


def _show(document: dict[str, Any]) -> None:
    say(f"Home {clean(document['home'])}, project {document['organization']}/{document['project']}")
    _show_tables(document["tables"])
    _show_inbox(document["inbox"])
    _show_people(document["orgTrees"], document["unmatched"])
    _show_exports(document["exports"])
    _show_sources(document["sources"])
    if document["repositories"]:
        _heading("Repositories")
        table(
            ["source", "name", "synced"],
            [[each["source"], each["repository"], each["syncedAt"]] for each in document["repositories"]],
        )
    if document["oddities"]:
        _heading("Oddities")
        for line in [document["oddities"]["error"]] if "error" in document["oddities"] else document["oddities"]:
            paragraph(clean(line))
    _heading("Disk")
    table(
        ["part", Column("size", number=True)], [[each["part"], bytes_text(each["bytes"])] for each in document["disk"]]
    )
    if "check" in document:
        _heading("Check")
        for line in document["check"]["findings"] or ["All is sound."]:
            say(clean(line))


def _show_sources(found: list[dict[str, Any]]) -> None:
    """Nothing, unless a tool was pulled from."""
    if not found:
        return
    _heading("Sources")
    table(
        [
            "name",
            "last run",
            "last success",
            "lag",
            "next run",
            Column("rows", number=True),
            Column("left out", number=True),
        ],
        [
            [
                *(each["name"], each["state"], each["succeededAt"] or "", _lag(each["lagTimeSeconds"])),
                *(each["nextRunAt"] or "", count(sum(each["rows"].values())), count(each["skippedCount"])),
            ]
            for each in found
        ],
    )
    for each in found:
        if each["error"]:
            say(f"{clean(each['name'])}: {clean(each['error'])}")
        for skipped in each["skipped"][:SHOWN_SKIPPED]:
            became = "could not read" if skipped in each["failed"] else "left out"
            say(f"{clean(each['name'])}: {became} {clean(skipped['what'])}: {clean(skipped['why'])}")


def _lag(seconds: int | None) -> str:
    """A span of time for people: 4 min, 3 h, 2 d."""
    if seconds is None:
        return ""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _heading(text: str) -> None:
    say()
    say(f"{text}:")


def _show_tables(tables: Any) -> None:
    _heading("Tables")
    if isinstance(tables, dict):
        say(clean(tables["error"]))
        return
    rows = []
    for state in (state for state in tables if state["rows"]):
        many = len(state["sources"]) > 1
        rows.append([state["table"], "" if many else _source(state), count(state["rows"]), state["newestEvent"] or ""])
        rows += [
            ["", each["source"] or "(none)", count(each["rows"]), each["newestEvent"] or ""]
            for each in state["sources"]
            if many
        ]
    if rows:
        table(["table", "source", Column("rows", number=True), "newest event"], rows)
    else:
        say(
            "Nothing yet; `leadline import FOLDER` or `leadline sync git PATH` brings data, `leadline demo` an example."
        )


def _source(state: dict[str, Any]) -> str:
    return str(state["sources"][0]["source"]) if state["sources"] else ""


def _show_inbox(inbox: dict[str, Any]) -> None:
    """Nothing, unless pushed rows wait or were kept aside."""
    if inbox["waiting"] or inbox["refused"]:
        _heading("Pushed rows not in the tables")
        table(
            ["table", "state", Column("rows", number=True), "oldest", "reason"],
            [
                [each["table"], state, count(each["rows"]), each["oldest"], clean(each.get("reason") or "")]
                for state in ("waiting", "refused")
                for each in inbox[state]
            ],
        )
    if "error" in inbox:
        say(clean(inbox["error"]))


def _show_people(trees: Any, unmatched: Any) -> None:
    _heading("Org trees")
    if isinstance(trees, list) and trees:
        table(
            ["tree", Column("version", number=True), Column("teams", number=True), Column("developers", number=True)],
            [[each["orgTreeName"], each["version"], count(each["teams"]), count(each["developers"])] for each in trees],
        )
    else:
        say("None yet; `leadline org load FILE --name TREE` makes one.")
    if not isinstance(unmatched, dict) or "error" in unmatched:
        return
    _heading("Unmatched accounts")
    say(f"{count(unmatched['accounts'])}; `leadline identities --unmatched` lists them all")
    if unmatched["top"]:
        table(
            ["source", "account", Column("events", number=True)],
            [[each["source"], each["account"], count(each["total"])] for each in unmatched["top"]],
        )


def _show_exports(exports: Any) -> None:
    _heading("Exports")
    if "error" in exports:
        say(clean(exports["error"]))
        return
    say(", ".join(f"{count(number)} {state}" for state, number in exports["states"].items()))
    for newest in exports["newestCompleted"]:
        versions = ", ".join(f"{name} {version}" for name, version in (newest["tables"] or {}).items())
        say(f"Newest completed: {newest['exportId']} at {newest['completedAt']}, {count(newest['rows'] or 0)} rows")
        say(f"Definitions {newest['definitions']}; table versions:")
        paragraph(versions, indent=2)


def _unmatched(project: Project) -> dict[str, Any]:
    from leadline.facts.account_activity import accounts

    lost = [each for each in accounts(project) if each.unmatched]
    return {
        "accounts": len(lost),
        "top": [
            {"domain": each.domain, "source": each.source, "account": each.account, "total": each.total}
            for each in lost[:TOP_UNMATCHED]
        ],
    }
