"""A kind of export that the product does not have: pull requests by repository. All that it takes is in this file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from typing import Any

import ibis

from leadline.engine import compiled
from leadline.exports.export_kind import Command, ExportKind, Option, Rows
from leadline.exports.models import ExportRequest, FileOptions
from leadline.facts.pull_requests import PULL_REQUESTS
from leadline.metrics.metric import ExportColumn
from leadline.metrics.run import QueryInputs
from leadline.settings.profile import Profile


class RepositoryOptions(FileOptions):
    """How to write, and what to leave out."""

    minimum: str | None = None


class RepositoryExportRequest(ExportRequest):
    """Pull requests by repository."""

    options: RepositoryOptions | None = None


@dataclass(frozen=True)
class RepositoryRequest:
    tree: str
    team: int | None
    start: date
    end: date
    minimum: int
    format: str
    names: str
    of_people: bool = False

    def units_of(self, columns: Collection[str], _profile: Profile) -> dict[str, str]:
        return {name: "count" for name in columns if name == "PR_Merged"}

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "start": self.start.isoformat(), "end": self.end.isoformat()}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> RepositoryRequest:
        days = {name: date.fromisoformat(document[name]) for name in ("start", "end")}
        return cls(**{**document, **days})


def read(model: RepositoryExportRequest) -> Callable[..., RepositoryRequest]:
    return partial(RepositoryRequest, minimum=int((model.options and model.options.minimum) or 0))


def query(inputs: QueryInputs[RepositoryRequest]) -> str:
    inputs.session.facts.bind([PULL_REQUESTS])
    rows = PULL_REQUESTS.table()
    node = inputs.tree.root if inputs.request.team is None else inputs.tree.by_ref[inputs.request.team]
    people = [scoped.developer.email for scoped in inputs.tree.scope_developers(node)]
    of_people = rows.filter(rows.developer.isin(people))
    counted = of_people.group_by(Repository=of_people.repository).agg(PR_Merged=of_people.count())
    return compiled(counted.filter(counted.PR_Merged >= ibis.literal(inputs.request.minimum)).order_by("Repository"))


REPOSITORY_EXPORT = ExportKind(
    name="code-repositories",
    title="Repositories",
    about="A row per repository.",
    model=RepositoryExportRequest,
    read=read,
    subject=lambda _request: "repositories",
    rows=Rows(
        RepositoryRequest.of, lambda _project, _request: {"pull_requests"}, query, lambda _request: ("Repository",)
    ),
    leading={"repository": ("Repository",)},
    catalogue=lambda: [
        ExportColumn(
            "PR_Merged_In_Repository",
            "pull_requests",
            "count",
            "Merged pull requests of the repository.",
            ("pull_requests",),
            levels=("repository",),
        )
    ],
    command=Command(
        "Export the pull requests of repositories to a file.",
        (("leadline export code-repositories --start 2026-01-01 --end 2026-03-31 -o r.csv",),),
        (Option("--minimum", "options.minimum", "Fewest pull requests.", metavar="N"),),
    ),
)
