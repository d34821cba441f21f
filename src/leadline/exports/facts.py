"""The kind of export for facts: all rows behind the numbers of a team, a row per thing, as `leadline facts` writes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from leadline.exports.export_kind import Command, ExportKind, Option, Rows
from leadline.exports.models import ExportRequest, FileOptions
from leadline.facts.catalogue import FACTS
from leadline.field_types import one_of
from leadline.home import Project
from leadline.metrics.request import SHOWN, among
from leadline.schema import TABLES

if TYPE_CHECKING:
    from leadline.metrics.run import QueryInputs
    from leadline.settings.profile import Profile

NAMES = tuple(FACTS)


class FactsExportRequest(ExportRequest):
    """All rows of a fact that count for the scope and happened in the range."""

    fact: Annotated[str, one_of("fact", NAMES)] = Field(description="Which fact.", examples=["deployments"])
    options: FileOptions | None = None


@dataclass(frozen=True)
class FactsFileRequest:
    """A normalized request for the rows of ``fact``. ``team`` is a ref id within ``tree``, None for the whole tree; both dates are
    inclusive."""

    tree: str
    team: int | None
    start: date
    end: date
    fact: str
    format: str
    names: str = SHOWN

    @property
    def of_people(self) -> bool:
        """Whether rows are somebody's, or name people."""
        return FACTS[self.fact].names_people

    def units_of(self, columns: Collection[str], _profile: Profile) -> dict[str, str]:
        """As the fact's columns are declared."""
        return among(columns, FACTS[self.fact].units)

    def document(self) -> dict[str, Any]:
        """As a JSON object; ``of`` reads it back."""
        return {**asdict(self), "start": self.start.isoformat(), "end": self.end.isoformat()}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> FactsFileRequest:
        """The request that ``document`` was made of."""
        days = {name: date.fromisoformat(document[name]) for name in ("start", "end")}
        return cls(**{**document, **days})


def _read(model: FactsExportRequest) -> Callable[..., FactsFileRequest]:
    return partial(FactsFileRequest, fact=model.fact)


def _tables(_project: Project, _request: FactsFileRequest) -> Collection[str]:
    return TABLES


def _query(inputs: QueryInputs[FactsFileRequest]) -> str:
    from leadline.facts.query import Filters, Versions, scope_sql

    request, pins = inputs.request, inputs.pins
    versions = Versions(pins.tables, pins.trees, inputs.profile, pins.today)
    filters = Filters(request.start, request.end, request.tree, None if request.team is None else str(request.team))
    named = request.names == SHOWN
    return scope_sql(
        inputs.project, inputs.session, FACTS[request.fact], filters, versions, request.format, named=named
    )


FACTS_EXPORT = ExportKind(
    name="facts",
    title="Facts",
    about="""Rows are pull requests, work items, deployments, incidents, commits or items of sprints: all that count for the scope
and happened in the range, by the instant that says their period, in the order and with the columns of `leadline facts`
([what they mean](../guide/facts.md)). Other teams than those of the scope are not named. `GET /v2/facts/{kind}` has the same rows
page by page.""",
    model=FactsExportRequest,
    read=_read,
    subject=lambda request: request.fact,
    rows=Rows(FactsFileRequest.of, _tables, _query, lambda request: FACTS[request.fact].key),
    leading={name: fact.columns for name, fact in FACTS.items()},
    catalogue=lambda: (),
    command=Command(
        "Export the rows behind a team's numbers to a file.",
        (
            (
                "leadline export facts --fact deployments --org-tree Engineering \\",
                "  --period last-quarter -o deployments.csv",
            ),
        ),
        (Option("--fact", "fact", f"Which fact: {', '.join(NAMES)}.", NAMES, NAMES[0], metavar="FACT"),),
    ),
    insight=False,
    instead_of_people=("fact", "deployments or incidents"),
)
