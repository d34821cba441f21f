"""The option that stands for each field of the API's requests, so that a refusal says what to mend on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from leadline.errors import InvalidRequest, LeadlineError, Unusable
from leadline.field_words import is_plain, reword

BOTH_DAYS = "--start to --end"

OPTIONS: Mapping[str, str] = {
    "scope": "--org-tree, --team",
    "scope.orgTreeName": "--org-tree",
    "scope.teamId": "--team",
    "orgTreeName": "--org-tree",
    "teamId": "--team",
    "teamRefId": "--team",
    "dateRange": BOTH_DAYS,
    "dateRange.start": "--start",
    "dateRange.end": "--end",
    "dateRange.period": "--period",
    "dateFrom": "--start",
    "dateTo": "--end",
    "dateFrom to dateTo": BOTH_DAYS,
    "dateStart": "--start",
    "dateEnd": "--end",
    "dateStart to dateEnd": BOTH_DAYS,
    "period": "--period",
    "metricGroups": "--group",
    "metrics": "--metric",
    "granularity": "--granularity",
    "aggregation": "--aggregation",
    "options.format": "--format",
    "format": "--format",
    "options.since": "--since",
    "since": "--since",
    "exportId": "id",
    "efficiency.metrics": "--efficiency",
    "productivity.metrics": "--productivity",
    "productivityContributors": "--contributors",
    "productivityContributors.metrics": "--contributors",
    "developer": "--developer",
    "open": "--open",
    "remaining": "--remaining",
    "target": "--target",
    "history.weeks": "--weeks",
    "runs": "--runs",
    "name": "--name",
    "role": "--role",
    "expiresDays": "--expires-days",
    "events": "--event",
    "every": "--every",
}
"""By the field, as checks name it. What a kind of export has beside these, its declaration says."""

UNMISTAKABLE: Mapping[str, str] = {field: option for field, option in OPTIONS.items() if not is_plain(field)}
"""Those that no sentence has for anything else, such as the name of a file."""


@contextmanager
def of_file() -> Iterator[None]:
    """What is refused in the block is the content of a file: another command line would not mend it, and its names are as they are
    written there."""
    try:
        yield
    except InvalidRequest as error:
        raise Unusable(error.message, details=error.details, code=error.code) from error


@contextmanager
def in_option_words(words: Mapping[str, str]) -> Iterator[None]:
    """What is refused in the block is said in ``words``, and in those of ``OPTIONS``."""
    try:
        yield
    except LeadlineError as error:
        reword(error, {**OPTIONS, **words})
        raise
