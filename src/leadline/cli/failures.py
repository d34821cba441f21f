"""What a failed command says on stderr: ``error: …``, its findings indented, and what to do next; and its exit code."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import typer

from leadline.cli.option_words import UNMISTAKABLE
from leadline.cli.output import clean, complain
from leadline.errors import InvalidRequest, LeadlineError, Unusable, first_line
from leadline.field_words import reword

SHOWN_DETAILS = 20
FAILED, WRONG_USAGE = 1, 2
"""Exit codes: what was asked for failed; it cannot be asked for so."""

_LEAD_IN = re.compile(r"^(?:one|some) of ")
"""How a list of what would do begins, which a sentence may begin otherwise."""

DEBUG = "LEADLINE_DEBUG"
"""The environment variable that, being 1, also shows the traceback of an error that nobody foresaw."""

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


@dataclass(frozen=True)
class Failure:
    """Why a command failed: the error body of the API (``LeadlineError.body``), what to do next, and the exit code."""

    body: Mapping[str, Any]
    next_step: str | None = None
    exit_code: int = FAILED

    @property
    def document(self) -> dict[str, Any]:
        """As JSON for programs."""
        return {**self.body} if self.next_step is None else {**self.body, "next": self.next_step}


def explain(error: Exception, *, as_json: bool = False) -> int:
    """Say on stderr why the command failed, for programs as one line of JSON; returns the exit code."""
    if isinstance(error, typer.TyperException) and error.format_message().startswith("Usage:"):
        # A group called without a command: the message is its help.
        sys.stderr.write(error.format_message() + "\n")
        return error.exit_code
    failure = _of(error)
    if as_json:
        complain(json.dumps(failure.document, ensure_ascii=False))
    else:
        _tell(failure)
    return failure.exit_code


def _of(error: Exception) -> Failure:
    if isinstance(error, typer.TyperException):
        return _wrong_usage(error)
    if isinstance(error, LeadlineError):
        return _refusal(error)
    if isinstance(error, typer.Abort):
        return _failed("given up")
    if isinstance(error, OSError):
        return _failed(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    return _of_database(error) if _is_of_database(error) else _unforeseen(error)


def exit_code_of(error: LeadlineError) -> int:
    """The exit code of a command that ``error`` ends: whether another command line would do."""
    return WRONG_USAGE if isinstance(error, InvalidRequest) and not isinstance(error, Unusable) else FAILED


def _refusal(error: LeadlineError) -> Failure:
    """Of what could not be used, names are those of a file or a tool, and no fields of a request."""
    worded = error if isinstance(error, Unusable) else reword(error, UNMISTAKABLE)
    return Failure(worded.body(), NEXT_STEPS.get(error.code), exit_code_of(error))


def _failed(sentence: str, next_step: str | None = None) -> Failure:
    return Failure(LeadlineError(sentence).body(), next_step)


def _of_database(error: Exception) -> Failure:
    from leadline.db.outage import lost

    if not lost(error):
        return _failed(f"The metadata database cannot be used: {first_line(error)}")
    return _failed(
        "The connection to the metadata database ended before the command did; what was finished before stays",
        "try again once the database is back: what is done already is not done twice",
    )


def _unforeseen(error: Exception) -> Failure:
    text = " ".join(str(error).split())
    return _failed(
        f"unexpected {type(error).__name__}{': ' + text[:300] if text else ''}",
        None
        if os.environ.get(DEBUG) == "1"
        else f"this is a fault of leadline; {DEBUG}=1 in the environment shows where it happened",
    )


def _tell(failure: Failure, whose: str = "") -> None:
    sentence = failure.body.get("message", failure.body["error"])
    details = [
        detail for number, detail in enumerate(failure.body.get("details", ())) if _is_new(detail, sentence, number)
    ]
    complain(f"error: {whose}{clean(sentence)}")
    for detail in details[:SHOWN_DETAILS]:
        complain(f"  {clean(detail['field'])}: {clean(detail['message'])}")
    if len(details) > SHOWN_DETAILS:
        complain(f"  … and {len(details) - SHOWN_DETAILS} more")
    if failure.next_step is not None:
        complain(f"next: {failure.next_step}")


def _is_new(detail: Mapping[str, str], sentence: str, number: int) -> bool:
    """Whether a detail tells what the ``sentence`` does not: that is about the first one, and may name others, too."""
    field, message = detail["field"], _LEAD_IN.sub("", detail["message"])
    told = [message] if number == 0 else []
    return not any(text in sentence for text in (*told, f"{field}: {message}", f"{field} {message}"))


def _is_of_database(error: Exception) -> bool:
    """Whether the metadata database cannot be asked, as everything that speaks of it says; asked only if something did."""
    if "sqlalchemy.exc" not in sys.modules:
        return False
    from leadline.db.outage import DATABASE_AWAY, lost

    return isinstance(error, DATABASE_AWAY) or lost(error)


def refused(error: LeadlineError, *, source: str = "") -> None:
    """Say on stderr what was refused: the sentence, the first findings, and what to do next. ``source``: which one of several it
    is about."""
    _tell(_of(error), f"{clean(source)}: " if source else "")


def _wrong_usage(error: typer.TyperException) -> Failure:
    context = getattr(error, "ctx", None)
    return Failure(
        InvalidRequest(error.format_message().replace("Value error, ", "")).body(),
        None if context is None else f"`{context.command_path} --help` shows how it is used",
        error.exit_code,
    )
