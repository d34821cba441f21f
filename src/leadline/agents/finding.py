"""Tools that find what other tools are asked for: teams and metrics."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from starlette.concurrency import run_in_threadpool

from leadline.agents.metric_names import TOLD, metrics_of
from leadline.agents.tool import Arguments, Tool, ToolAnswer, UpTo100
from leadline.api.agents.asking import Asker
from leadline.api.people.team_models import ListedTeamBody
from leadline.field_types import Name, one_of
from leadline.json_body import Body, Instant
from leadline.metrics.metric import CatalogueEntry, Metric, MetricColumn
from leadline.metrics.request import AGGREGATIONS

MEAN = AGGREGATIONS[0]


class FindTeam(Arguments):
    """Which teams."""

    name: Name | None = Field(
        None,
        description="Words that its name, path, key or ref id has, in any letter case; none: all teams.",
        examples=["checkout"],
    )
    limit: UpTo100 = Field(20, description="Teams to answer at most.")


class FoundTeams(ToolAnswer):
    """Teams, the higher ones first."""

    entries: ClassVar[str] = "teams"

    teams: list[ListedTeamBody]
    total: int = Field(description="Teams that were found.")
    data_as_of: Instant


async def _find_team(asker: Asker, wanted: FindTeam) -> FoundTeams:
    teams = await run_in_threadpool(_teams, asker)
    words = (wanted.name or "").casefold().split()
    found = [team for team in teams if all(word in _text(team) for word in words)]
    found.sort(key=lambda team: ((wanted.name or "").casefold() != team.name.casefold(), team.hierarchy.count("/")))
    return FoundTeams(teams=found[: wanted.limit], total=len(found), data_as_of=asker.state.now())


def _teams(asker: Asker) -> list[ListedTeamBody]:
    trees = [tree for known in asker.trees.listed() if (tree := asker.trees.tree(known.name)) is not None]
    return [team for tree in trees for team in ListedTeamBody.all_of(tree)]


def _text(team: ListedTeamBody) -> str:
    return f"{team.hierarchy} {team.key or ''} {team.ref_id}".casefold()


FIND_TEAM = Tool(
    "find_team",
    "Find a team",
    "Finds teams by words of their names. The refId of a team is the teamId that other tools take.",
    FindTeam,
    FoundTeams,
    _find_team,
)


class ListMetrics(Arguments):
    """Which metrics."""

    kind: Annotated[str, one_of("kind", tuple(TOLD))] | None = Field(
        None,
        description="`productivity` (of developers and teams), `efficiency` (DORA, of teams), `flow`, `sprint` or `ba` (business "
        "alignment); none: all.",
    )
    search: Name | None = Field(
        None,
        description="Words that its column, title, group or definition has, in any letter case.",
        examples=["cycle time"],
    )


class ListedMetric(Body):
    """A metric that there is."""

    metric: str = Field(description="Its column, by which other tools take it.")
    kind: str
    title: str
    group: str
    unit: str
    definition: str
    levels: list[str] = Field(description="Of whom it is: `developer`, `team`, `service`, `sprint`.")
    better: str | None = Field(description="Whether `higher` or `lower` values are better; null where neither is.")

    @classmethod
    def of(cls, kind: str, metric: CatalogueEntry) -> ListedMetric:
        """A metric of the catalogue of a kind."""
        return cls(
            metric=metric.column,
            kind=kind,
            title=MetricColumn(metric).title(MEAN) if isinstance(metric, Metric) else metric.title,
            group=metric.group,
            unit=metric.unit,
            definition=metric.definition,
            levels=list(metric.levels),
            better=metric.better or None,
        )


class ListedMetrics(ToolAnswer):
    """Metrics, in the order of the catalogue."""

    entries: ClassVar[str] = "metrics"

    metrics: list[ListedMetric]
    total: int = Field(description="Metrics that were found.")


async def _list_metrics(asker: Asker, wanted: ListMetrics) -> ListedMetrics:
    return await run_in_threadpool(_listed, asker, wanted)


def _listed(asker: Asker, wanted: ListMetrics) -> ListedMetrics:
    words = (wanted.search or "").casefold().replace("_", " ").split()
    kinds = [wanted.kind] if wanted.kind else list(TOLD)
    listed = [ListedMetric.of(kind, metric) for kind in kinds for metric in metrics_of(asker, kind)]
    found = [metric for metric in listed if all(word in _described(metric) for word in words)]
    return ListedMetrics(metrics=found, total=len(found))


def _described(metric: ListedMetric) -> str:
    return f"{metric.metric} {metric.title} {metric.group} {metric.definition}".replace("_", " ").casefold()


LIST_METRICS = Tool(
    "list_metrics",
    "List metrics",
    "Lists the metrics that there are, with unit and definition. Search for a few words; the whole list is long.",
    ListMetrics,
    ListedMetrics,
    _list_metrics,
)
