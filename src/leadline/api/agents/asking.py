"""Who asks, and answers of several insights that fit together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from starlette.requests import Request

from leadline.access import Access
from leadline.api.agents.words import Words
from leadline.api.app_state import AppState
from leadline.api.caller import Caller
from leadline.errors import Forbidden, InvalidRequest
from leadline.exports.insights.models import InsightBody
from leadline.exports.validation import missing
from leadline.home import Project
from leadline.people.access import VisibleTrees

_ATTEMPTS = 3


@dataclass(frozen=True)
class Asker:
    """Somebody who asks about ``project`` and sees of it what ``access`` shows. What is computed is stopped when the client of
    ``request`` goes away; ``name`` is what exports are said to be created by;
    ``exported`` is called when one was."""

    request: Request
    state: AppState
    project: Project
    access: Access
    name: str
    exported: Callable[[], None] = lambda: None

    @classmethod
    def of(cls, request: Request, caller: Caller) -> Self:
        """The caller of ``request``."""
        return cls(request, caller.state, caller.project, caller.access, caller.key.id)

    @cached_property
    def trees(self) -> VisibleTrees:
        """The org trees as they are shown."""
        return VisibleTrees(self.project, self.access)

    def whole(self, field: str) -> dict[str, str]:
        """The scope of a request without a team: what a key is limited to, else the only org tree there is. Raises
        ``InvalidRequest`` where ``field`` must say one."""
        if self.access.teams is not None:
            return {}
        listed = self.trees.listed()
        if len(listed) != 1:
            raise missing(field)
        return {"orgTreeName": listed[0].name}

    async def insights(self, kind: str, *asked: Mapping[str, Any], words: Words | None = None) -> list[InsightBody]:
        """The answers to all that is ``asked`` of the kind of export called ``kind``, of the same versions unless data comes in all
        the while. Raises what ``Insights.get`` raises, in ``words`` if there are any."""
        bodies: list[InsightBody] = []
        for _ in range(_ATTEMPTS):
            try:
                answers = [
                    await self.state.insights.get(self.request, self.project, kind, one, self.access) for one in asked
                ]
            except (InvalidRequest, Forbidden) as error:
                raise (error if words is None else words.of(error)) from None
            bodies = [answer.body for answer in answers]
            if all(body.table_versions == bodies[0].table_versions for body in bodies):
                break
        return bodies
