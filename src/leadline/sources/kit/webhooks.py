"""What webhooks mean, whatever the tool: rows on terms, because a delivery knows less than a poll and may come late or twice.

Nothing comes in; the shapes go out that the tools' modules (``github.webhooks``, ``gitlab.webhooks``) make of an event, and
that ``leadline.ingest.partial_rows`` brings into the lake.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from leadline.sources.kit.page import Row
from leadline.sources.kit.text import Misshapen


@dataclass(frozen=True)
class MergePolicy:
    """On what terms rows are taken beside what the lake has under the same key.

    ``newer``: columns by which, in their order, it is told which of two rows is newer (what is unknown is older than all;
    ``column=value`` is newer than any other value); a row that is not newer than the lake's is left out. ``unknown``:
    columns that the rows cannot tell; the lake's values stay. ``first``: columns of which the lake's value stays, if it has
    one. ``gone``: the rows are keys (with the columns of ``newer``) of what is no more; what is newer than they stays.

    ``as_of``: when the tool said so. A row that the lake has not is only taken if this is news: later than the version of
    its pull request in the lake (``in_pull_request``), since what is not there was taken away before, or the next poll brings
    it; for others, if it came soon.
    """

    newer: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    gone: bool = False
    as_of: datetime | None = None
    in_pull_request: bool = False

    def stored(self) -> str:
        """As a text."""
        found: dict[str, Any] = {name: value for name, value in vars(self).items() if value}
        if self.as_of is not None:
            found["as_of"] = self.as_of.isoformat()
        return json.dumps(found, separators=(",", ":"))

    @classmethod
    def restored(cls, text: str) -> MergePolicy:
        """What ``stored`` gave."""
        found = json.loads(text)
        for name in ("newer", "unknown", "first"):
            found[name] = tuple(found.get(name, ()))
        if "as_of" in found:
            found["as_of"] = datetime.fromisoformat(found["as_of"])
        return cls(**found)


@dataclass(frozen=True)
class Change:
    """Rows of one table, on terms."""

    table: str
    rows: Sequence[Row]
    terms: MergePolicy


@dataclass(frozen=True)
class WebhookEvent:
    """What a delivery says: the ``changes``, or why there are none (``nothing``). ``repository``: what it is about, and
    ``number``, the tool's number of it."""

    changes: tuple[Change, ...] = ()
    nothing: str = ""
    repository: str = ""
    number: str = ""


class Webhooks(Protocol):
    """What a source knows of its webhooks."""

    def covers(self, repository: str) -> bool:
        """Whether the source reads it."""
        ...

    def heard(self, event: str, payload: Mapping[str, Any]) -> WebhookEvent:
        """What a delivery says. Raises ``Misshapen``."""
        ...

    def cursor(self, heard: WebhookEvent) -> str:
        """Name of the poll's cursor that knows under ``repository`` what the repository is called now."""
        ...


def change_of(row: Row, node: Mapping[str, Any], keys: Mapping[str, str]) -> tuple[str, ...]:
    """The columns of ``row`` that ``node`` cannot tell, since it lacks their keys (``keys``: by column)."""
    return tuple(column for column, key in keys.items() if column in row and key not in node)


def required(node: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object ``node[name]``. Raises ``Misshapen``."""
    if not isinstance(value := node.get(name), dict):
        raise Misshapen(f"{name} is no object but {str(value)[:40]!r}")
    return value


def instant(value: Any, name: str) -> datetime | None:
    """An instant as the tools write it. Raises ``Misshapen`` for what is none."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value.removesuffix(" UTC").replace(" +", "+").replace(" -", "-"))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (AttributeError, ValueError, OverflowError):
        raise Misshapen(f"{name} is no instant but {str(value)[:40]!r}") from None


def latest(*instants: datetime | None) -> datetime | None:
    """The latest of those that are known."""
    return max((each for each in instants if each is not None), default=None)
