"""What a tool is, and how long its answer may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import Field

from leadline.api.agents.asking import Asker
from leadline.api.agents.words import whole_number
from leadline.errors import Detail, InvalidRequest
from leadline.exports.models import RequestPart
from leadline.exports.validation import unknown_fields, validated
from leadline.field_types import Day, Name, TeamId, TreeName, one_of
from leadline.json_body import Body
from leadline.metrics.relative_range import EXAMPLES
from leadline.metrics.request import AGGREGATIONS

MOST_BYTES = 32_000
"""Bytes of an answer as JSON."""
LEFT_OUT = Field(default=0, description="How many entries were left out, for an answer of at most 32 kB.")


class Arguments(RequestPart):
    """What a tool takes. Members are called as the API calls its parameters."""

    @classmethod
    def schema_of(cls) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        return {**cls.model_json_schema(), "additionalProperties": False}


class Days(Arguments):
    """When."""

    date_from: Day | None = Field(None, description="First day (yyyy-MM-dd); with dateTo.", examples=["2026-01-01"])
    date_to: Day | None = Field(None, description="Last day (yyyy-MM-dd), inclusive.", examples=["2026-03-31"])
    period: Name | None = Field(
        None, description="Instead of the two days: a range by its distance from today.", examples=list(EXAMPLES)
    )


class Scope(Days):
    """Of whom, and when."""

    team_id: TeamId | None = Field(
        None, description="A team by its ref id or key (see find_team), with all teams below it."
    )
    org_tree_name: TreeName | None = Field(None, description="A whole org tree by its name; not together with teamId.")

    def asked(self) -> dict[str, Any]:
        """The parameters of an insight that say the same."""
        said = {
            "teamId": self.team_id,
            "orgTreeName": self.org_tree_name,
            "dateFrom": self.date_from and self.date_from.isoformat(),
            "dateTo": self.date_to and self.date_to.isoformat(),
            "period": self.period,
        }
        return {name: value for name, value in said.items() if value is not None}


Aggregation = Annotated[str, one_of("aggregation", AGGREGATIONS)]
"""How durations are summarized."""


UpTo100 = Annotated[int, whole_number(1, 100)]
UpTo200 = Annotated[int, whole_number(1, 200)]
"""How many entries to answer at most."""
Offset = Annotated[int, whole_number(0, 1_000_000)]
"""After how many entries an answer begins."""


class ToolAnswer(Body):
    """What a tool answers. ``entries`` is the member that is cut where the answer would be too long."""

    entries: ClassVar[str] = ""

    left_out: int = LEFT_OUT

    @property
    def json_bytes(self) -> bytes:
        """The answer as JSON."""
        return self.model_dump_json(exclude_unset=True).encode()

    def cut(self, count: int) -> ToolAnswer:
        """The answer with the first ``count`` entries, which says how many are left out."""
        everything = getattr(self, self.entries)
        return self.model_copy(
            update={self.entries: everything[:count], "left_out": self.left_out + len(everything) - count}
        )

    def fitting(self) -> ToolAnswer:
        """The answer with as many entries as fit."""
        if len(self.json_bytes) <= MOST_BYTES or not self.entries:
            return self
        fits, too_many = 0, len(getattr(self, self.entries))
        while too_many - fits > 1:
            half = (fits + too_many) // 2
            if len(self.cut(half).json_bytes) <= MOST_BYTES:
                fits = half
            else:
                too_many = half
        return self.cut(fits)


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


@dataclass(frozen=True)
class Tool(Generic[ArgumentsT]):
    """A tool: ``run`` answers what ``takes`` says to somebody. ``reads``: it changes nothing; what does may be repeated."""

    name: str
    title: str
    about: str
    takes: type[ArgumentsT]
    answers: type[ToolAnswer]
    run: Callable[[Asker, ArgumentsT], Awaitable[ToolAnswer]]
    reads: bool = True

    async def answer(self, asker: Asker, arguments: Mapping[str, Any]) -> ToolAnswer:
        """The answer to ``arguments``. Raises ``LeadlineError``, of which those about arguments name them all."""
        if unknown := unknown_fields(self.takes, arguments):
            details = [Detail(*sentence.split(": ", 1)) for sentence in unknown]
            raise InvalidRequest(unknown[0].replace(", ignored", ""), code="unknown_argument", details=details)
        return (await self.run(asker, validated(self.takes, arguments))).fitting()
