"""What webhooks mean, whatever the tool: rows with a policy how to merge them, because a delivery knows less than a poll and may
come late or twice. ``leadline.ingest.partial_rows`` brings them into the lake.

A kind that takes webhooks (``Kind.webhooks``) has a module ``webhooks`` beside its others, which is a ``WebhookModule``.
"""

from __future__ import annotations

import importlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Protocol, cast

from leadline.instants import instant_of
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.kinds import KINDS
from leadline.sources.kit.page import Row
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import Misshapen


@dataclass(frozen=True)
class MergePolicy:
    """How rows are merged with what the lake has under the same key.

    ``version_columns``: columns by which, in their order, it is decided which of two rows is newer (what is unknown is older
    than all; ``column=value`` is newer than any other value); a row that is not newer than the lake's is left out.
    ``unknown``: columns that the rows cannot tell; the lake's values stay. ``keep_first``: columns of which the lake's value
    stays, if it has one. ``deleted``: the rows are keys (with ``version_columns``) of what is no more; what is newer than
    they stays.

    ``observed_at``: when the tool said so. A row that the lake has not is only taken if this is news: later than the version
    of its pull request in the lake (``in_pull_request``), since what is not there was taken away before, or the next poll
    brings it; for others, if it came soon.
    """

    version_columns: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    keep_first: tuple[str, ...] = ()
    deleted: bool = False
    observed_at: datetime | None = None
    in_pull_request: bool = False

    def stored(self) -> str:
        """As a JSON text, by the names of ``_STORED``."""
        document = {_STORED[name]: value for name, value in vars(self).items() if value}
        if self.observed_at is not None:
            document[_STORED["observed_at"]] = self.observed_at.isoformat()
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def restored(cls, text: str) -> MergePolicy:
        """What ``stored`` gave."""
        document = json.loads(text)
        values = {name: document[stored] for name, stored in _STORED.items() if stored in document}
        for name in ("version_columns", "unknown", "keep_first"):
            values[name] = tuple(values.get(name, ()))
        if "observed_at" in values:
            values["observed_at"] = datetime.fromisoformat(values["observed_at"])
        return cls(**values)


_STORED = {
    "version_columns": "newer",
    "unknown": "unknown",
    "keep_first": "first",
    "deleted": "gone",
    "observed_at": "as_of",
    "in_pull_request": "in_pull_request",
}
"""A field's name in JSON. Policies wait in the inbox across upgrades, so these names stay."""


@dataclass(frozen=True)
class Change:
    """Rows of one table, and how they are merged."""

    table: str
    rows: Sequence[Row]
    policy: MergePolicy


@dataclass(frozen=True)
class WebhookEvent:
    """What a delivery says: the ``changes``, or why there are none (``nothing``). ``repository``: what it is about, and
    ``number``, the tool's number of it."""

    changes: tuple[Change, ...] = ()
    nothing: str = ""
    repository: str = ""
    number: str = ""


class Delivery(Protocol):
    """What a tool sent, as far as the name and the number of the repository that it is about. Both raise ``Misshapen``."""

    @property
    def repository(self) -> str:
        """The repository's name, with whose it is."""

    @property
    def number(self) -> int | str:
        """The tool's number of it."""


class Webhooks(ABC):
    """What a source of repositories knows of its webhooks. ``host`` names the server in the polls' cursors, ``prefix`` is what the
    ids of deployments and builds begin with."""

    def __init__(self, settings: SourceSettings, host: str, prefix: str = "") -> None:
        self.settings, self.host, self.prefix = settings, host, prefix
        self.rules = DeployRules.parsed(settings.options.get("deploys", ()))

    @abstractmethod
    def parse(self, event: str, payload: Mapping[str, Any]) -> WebhookEvent:
        """What a delivery says. Raises ``Misshapen``."""

    def event(self, changes: tuple[Change, ...], repository: str, number: int | str) -> WebhookEvent:
        """The event of ``changes``, which are about ``repository``."""
        return WebhookEvent(changes, repository=repository, number=str(number))

    def said(self, outcome: tuple[Change, ...] | str, delivery: Delivery) -> WebhookEvent:
        """What a ``delivery`` says: ``outcome`` has the changes, or says why there are none. One of which nothing is used may lack
        what names its repository."""
        if isinstance(outcome, str):
            return WebhookEvent(nothing=outcome)
        return self.event(outcome, delivery.repository, delivery.number)

    def covers(self, repository: str) -> bool:
        """Whether the source reads it: whether it fits one of the targets."""
        return any(fnmatchcase(repository.lower(), target.lower()) for target in self.settings.targets)

    def cursor(self, event: WebhookEvent) -> str:
        """Name of the poll's cursor that knows under ``repository`` what the repository is called now."""
        return f"{self.host}#{event.number}"


class WebhookModule(Protocol):
    """What a kind's module ``webhooks`` has. ``EVENT_HEADER``: the header that names the event; ``SIGNATURE_HEADERS``: headers of
    which a delivery has at least one; names in lower case."""

    EVENT_HEADER: str
    SIGNATURE_HEADERS: tuple[str, ...]

    def is_signed(self, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Whether a delivery comes from who knows the secret."""
        ...

    def connect(self, settings: SourceSettings) -> Webhooks:
        """What a source knows of its webhooks."""
        ...


def webhook_module(kind: str) -> WebhookModule:
    """The module of a kind that takes webhooks."""
    return cast("WebhookModule", importlib.import_module(f"{KINDS[kind].module.rpartition('.')[0]}.webhooks"))


def signature_headers() -> frozenset[str]:
    """Headers of which every delivery has at least one, whatever kind it is of."""
    modules = (webhook_module(kind.name) for kind in KINDS.values() if kind.webhooks)
    return frozenset(header for module in modules for header in module.SIGNATURE_HEADERS)


def change_of(row: Row, node: Mapping[str, Any], keys: Mapping[str, str]) -> tuple[str, ...]:
    """The columns of ``row`` that ``node`` cannot tell, since it lacks their keys (``keys``: by column)."""
    return tuple(column for column, key in keys.items() if column in row and key not in node)


def in_graphql(node: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The values of ``node`` under these names, as GraphQL spells them: ``createdAt`` for ``created_at``."""
    return {re.sub("_(.)", lambda match: match[1].upper(), name): node.get(name) for name in names}


def required(node: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object ``node[name]``. Raises ``Misshapen``."""
    if not isinstance(value := node.get(name), dict):
        raise Misshapen(f"{name} is no object but {str(value)[:40]!r}")
    return value


def full_name(payload: Mapping[str, Any]) -> str:
    """The name of a payload's ``repository``, with whose it is. Raises ``Misshapen``."""
    name = required(payload, "repository").get("full_name")
    if not isinstance(name, str) or name.strip("/").count("/") != 1:
        raise Misshapen("repository lacks full_name")
    return name


def instant(value: Any, name: str) -> datetime | None:
    """An instant as the tools write it. Raises ``Misshapen`` for what is none."""
    if value is None:
        return None
    try:
        return instant_of(value)
    except (TypeError, ValueError, OverflowError):
        raise Misshapen(f"{name} is no instant but {str(value)[:40]!r}") from None


def observed_at(*nodes: Mapping[str, Any]) -> datetime | None:
    """When something was said last of ``nodes``. Raises ``Misshapen``."""
    return latest(*(instant(node.get(name), name) for node in nodes for name in ("updated_at", "submitted_at")))


def latest(*instants: datetime | None) -> datetime | None:
    """The latest of those that are known."""
    return max((moment for moment in instants if moment is not None), default=None)
