"""Names of fields in refusals are those of whoever asked; what somebody said stays as it was said."""

from __future__ import annotations

import pytest

from leadline.errors import Detail, InvalidRequest
from leadline.field_words import reword, reworded

WORDS = {
    "dateRange": "--start to --end",
    "dateRange.start": "--start",
    "teamId": "--team",
    "target": "--target",
    "options.format": "--format",
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dateRange.start: it is no day", "--start: it is no day"),
        ("dateRange has 9 days; at most 3", "--start to --end has 9 days; at most 3"),
        ("options.format[0] must be a string", "--format[0] must be a string"),
        ('Invalid teamId: there is no team "teamId"', 'Invalid --team: there is no team "teamId"'),
        ("Invalid teamId: 'teamId' is another's teamId", "Invalid --team: 'teamId' is another's --team"),
        ("a team's teamId, and a tool's", "a team's --team, and a tool's"),
        ("target must be a day", "--target must be a day"),
        ("Unsupported target: 3", "Unsupported --target: 3"),
        ("The goal is a target", "The goal is a target"),
        ("target.csv is a folder", "target.csv is a folder"),
        ("teamId.csv and teamIdentifier stay", "teamId.csv and teamIdentifier stay"),
        ("body.teamId is another field", "body.teamId is another field"),
    ],
)
def test_fields_are_called_by_the_words_of_who_asked(text: str, shown: str) -> None:
    assert reworded(text, WORDS) == shown


def test_without_words_nothing_changes() -> None:
    assert reworded("dateRange.start is target", {}) == "dateRange.start is target"


def test_a_refusal_stays_what_it_is() -> None:
    refused = InvalidRequest("teamId is required", code="missing", details=[Detail("teamId[0]", "no teamId")])
    worded = reword(refused, WORDS)
    assert worded is refused
    assert (str(worded), worded.code, worded.details) == (
        "--team is required",
        "missing",
        (Detail("--team[0]", "no --team"),),
    )
