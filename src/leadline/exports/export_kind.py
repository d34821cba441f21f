"""What a kind of export is: everything that the product says and does of it, in one declaration.

The routes, the command, status and check, cleaning, the OpenAPI document and the reference pages are made from these
declarations, which ``kinds`` lists. What a kind does not say is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from leadline.exports.answers import CreatedBody, ExportBody, ListBody
from leadline.exports.options import Option
from leadline.exports.requests import Parsed
from leadline.home import Project
from leadline.metrics.catalogue import groups_in
from leadline.metrics.metric import CatalogueEntry
from leadline.metrics.request import RowsRequest

if TYPE_CHECKING:
    from leadline.metrics.run import QueryInputs


@dataclass(frozen=True)
class Command:
    """What ``leadline export <kind>`` says of itself, and the options that the kind has beside those of all."""

    help: str
    examples: tuple[tuple[str, ...], ...]
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class Rows:
    """How the rows of a kind are produced: ``request_of`` reads a stored request back, ``tables`` names the lake's tables
    that a run of it reads, ``query`` binds what is needed and gives the SQL text of the rows."""

    request_of: Callable[[Mapping[str, Any]], RowsRequest]
    tables: Callable[[Any], Collection[str]]
    query: Callable[[QueryInputs[Any]], str]


@dataclass(frozen=True)
class ExportKind:
    """One kind of export.

    ``name`` stands in paths, in the stored rows and on the command line; ``title`` and ``about`` open its part of the
    reference. ``model`` is the request's body as declared, ``parse`` reads it. ``leading`` are the columns that say what
    a row is, by level. ``catalogue`` lists the columns that can be asked for. ``one_scope``: a team or a tree, not both;
    ``needs_columns``: a request must name a group or a metric.
    ``created`` is the message of a new export; the bodies are those of the answers to create, poll and list.
    """

    name: str
    title: str
    about: str
    model: type[BaseModel]
    parse: Callable[[Project, Mapping[str, Any]], Parsed]
    rows: Rows
    leading: Mapping[str, tuple[str, ...]]
    catalogue: Callable[[], Sequence[CatalogueEntry]]
    command: Command
    one_scope: bool = False
    needs_columns: bool = False
    created: str = "Export created successfully"
    created_body: type[CreatedBody] = CreatedBody
    export_body: type[ExportBody] = ExportBody
    list_body: type[ListBody] = ListBody

    @property
    def path(self) -> str:
        """Where the kind's exports are."""
        return f"/v2/insights/{self.name}/exports"

    @property
    def catalogue_path(self) -> str:
        """Where the kind's catalogue is."""
        return f"/v2/insights/{self.name}/metrics"

    @property
    def levels(self) -> tuple[str, ...]:
        """What a row can be."""
        return tuple(self.leading)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of the catalogue."""
        return groups_in(self.catalogue())
