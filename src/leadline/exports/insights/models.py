"""The bodies of insights: what was asked for, what the columns mean, and the rows."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from leadline.json_body import Body, Instant

Cell = float | int | str | None
"""A value as exports write it in JSON Lines; null where there is none."""


class InsightTeam(Body):
    """A team."""

    ref_id: str = Field(description="Of a developer the ref id of the team that the row is under.")
    name: str
    path: str = Field(description="The names from the root of the tree down to it.")


class InsightDeveloper(Body):
    """A developer."""

    email: str
    name: str


class InsightRange(Body):
    """Days, both included."""

    start_date: date
    end_date: date


class AskedBody(InsightRange):
    """What was asked for, with every default filled in."""

    org_tree_name: str
    team: InsightTeam | None = Field(description="Null for the whole tree.")
    level: str
    granularity: str
    aggregation: str
    previous: InsightRange | None = Field(default=None, description="The range compared with; absent if there is none.")
    sort: str | None = Field(default=None, description="The column; `-` before it for downwards.")
    limit: int | None = None
    computation_mode: str | None = Field(default=None, description="Of sprints: `STORY_POINTS` or `TICKETS`.")
    effort_unit: str | None = Field(default=None, description="Of business alignment: what shares are of.")
    tools: list[str] | None = Field(
        default=None, description="The AI tools whose use alone is counted; absent for all."
    )


class InsightMetric(Body):
    """One column of the answer."""

    id: str
    column: str
    title: str = Field(description="What people call it.")
    group: str
    unit: str
    definition: str
    of: str | None = Field(default=None, description="What `n` counts, in the plural: `merged pull requests`.")
    better: str | None = Field(description="Whether `higher` or `lower` values are better; null where neither is.")


class InsightValues(Body):
    """Values by column."""

    values: dict[str, Cell]
    n: dict[str, int] | None = Field(default=None, description="Of how many things each value is.")


class PreviousValues(InsightValues, InsightRange):
    """The values of the period before."""


class InsightRow(InsightValues):
    """One row: of a developer or team and a period, or of what its ``key`` says."""

    developer: InsightDeveloper | None = None
    team: InsightTeam | None = None
    period: str | None = Field(default=None, description="The period's name: `Jan 2026`.")
    start_date: date | None = None
    end_date: date | None = None
    key: dict[str, bool | Cell] | None = Field(
        default=None,
        description="What else a row is about, by column: of a service, of another kind, or `AI` and `Small` of one that is split.",
    )
    previous: PreviousValues | None = Field(
        default=None, description="The same in the range before; null where the developer or team was not there."
    )


class InsightBody(Body):
    """The rows of an export, answered at once."""

    data_as_of: Instant = Field(description="When the versions that it is made of were pinned.")
    kind: str
    request: AskedBody
    table_versions: dict[str, int] = Field(description="The version of each table that it is made of.")
    definitions: str = Field(description="The version of the metric definitions.")
    metrics: list[InsightMetric]
    rows: list[InsightRow]
    total: int = Field(description="Rows there are; more than there are here where `limit` is smaller.")
    warnings: list[str] | None = Field(
        default=None, description="What is to be said of the request; absent if nothing is."
    )


class CellRow(Body):
    """One thing that a value is of."""

    row: dict[str, Any] = Field(description="Its row of the fact, by column.")
    value: Cell = Field(
        description="What it has of what is summed, averaged or divided; of days that are counted, the day."
    )
    over: Cell = Field(default=None, description="What it has of what is divided by; absent where that is no measure.")


class CellBody(Body):
    """One value, and the rows behind it."""

    data_as_of: Instant = Field(description="When the versions that it is made of were pinned.")
    table_versions: dict[str, int] = Field(description="The version of each table that it is made of.")
    value: Cell
    n: int = Field(description="Of how many things it is.")
    metric: InsightMetric
    aggregation: str = Field(
        description="`sum`, `count`, `ratio`, `mean`, `median`, `p90`, `p95`, `rating` or `overall`; of sprints also `per_sprint` "
        "(the sum over the number of sprints) and `deviation` (of the sums of sprints)."
    )
    facts: str | None = Field(description="The fact that has the rows; null where a value is not made of rows of one.")
    untraced: str | None = Field(default=None, description="Why there are no rows; absent where there may be.")
    count: int = Field(description="Rows behind the value, on all pages.")
    rows: list[CellRow] = Field(description="By instant, then by key; at most 200.")
    next: str | None = Field(description="The cursor of the next page; null on the last one.")
