"""What a failed command says on stderr: ``error: …``, its findings indented, and what to do next; and its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import typer

from leadline.cli.output import clean, note
from leadline.errors import Detail, LeadlineError, first_line

SHOWN_DETAILS = 20

NEXT_STEPS = {
    "invalid_org_tree_name": "`leadline org show` lists the trees",
    "invalid_team_id": "`leadline org show` lists the teams with their ids and keys",
    "unknown_metric": "`leadline metrics` lists them",
    "unknown_metric_group": "`leadline metrics` lists them",
    "unknown_project": "`leadline keys create --name NAME --role admin --project P --organization O` makes a project",
    "unknown_setting": "`leadline settings` lists them",
    "invalid_setting": "`leadline settings` lists them with their meaning",
}
"""What to do next, by the stable code of the error."""


def explain(error: Exception) -> int:
    """Say on stderr why the command failed; returns the exit code."""
    if isinstance(error, typer.TyperException):
        return _wrong_usage(error)
    if isinstance(error, typer.Abort):
        note("error: given up")
    elif isinstance(error, LeadlineError):
        refused(error)
    elif isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        note(f"error: {error.strerror or error}{where}")
    elif _is_of_database(error):
        from leadline.db.outage import lost

        if lost(error):
            note(
                "error: The connection to the metadata database ended before the command did; what was finished before stays"
            )
            note("next: try again once the database is back: what is done already is not done twice")
        else:
            note(f"error: The metadata database cannot be used: {clean(first_line(error))}")
    else:
        text = " ".join(str(error).split())
        note(f"error: unexpected {type(error).__name__}{': ' + clean(text)[:300] if text else ''}")
        if os.environ.get("LEADLINE_DEBUG") != "1":
            note("This is a fault of leadline; LEADLINE_DEBUG=1 in the environment shows where it happened.")
    return 1


def _is_of_database(error: Exception) -> bool:
    """Whether the metadata database cannot be asked, as everything that speaks of it says; asked only if something did."""
    if "sqlalchemy.exc" not in sys.modules:
        return False
    from leadline.db.outage import DATABASE_AWAY, lost

    return isinstance(error, DATABASE_AWAY) or lost(error)


def with_options(error: LeadlineError, options: Mapping[str, str]) -> LeadlineError:
    """The same refusal with its details naming command line options instead of the fields of an API body."""
    error.details = tuple(Detail(options.get(detail.field, detail.field), detail.message) for detail in error.details)
    return error


def refused(error: LeadlineError) -> None:
    """Say on stderr what was refused: the sentence, the first findings, and what to do next."""
    note(f"error: {clean(error.message)}")
    for detail in error.details[:SHOWN_DETAILS]:
        note(f"  {clean(detail.field)}: {clean(detail.message)}")
    if len(error.details) > SHOWN_DETAILS:
        note(f"  … and {len(error.details) - SHOWN_DETAILS} more")
    if error.code in NEXT_STEPS:
        note(f"next: {NEXT_STEPS[error.code]}")


def _wrong_usage(error: typer.TyperException) -> int:
    message = error.format_message()
    if message.startswith("Usage:"):  # a group called without a command: the message is its help
        sys.stderr.write(message + "\n")
        return error.exit_code
    note(f"error: {message.replace('Value error, ', '')}")
    context = getattr(error, "ctx", None)
    if context is not None:
        note(f"next: `{context.command_path} --help` shows how it is used")
    return error.exit_code
