"""The forecast on a screen: what its form asks, and the answer, which is the API's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from leadline.api.exports.forecast import forecast_for
from leadline.errors import Conflict, InvalidRequest, LeadlineError
from leadline.exports.forecast import ForecastBody
from leadline.page.figures import heights
from leadline.page.parameters import Parameter
from leadline.page.view import View
from leadline.page.visit import Visit

WHEN, HOW_MANY = "when", "how-many"
QUESTIONS = {WHEN: "When are so many completed?", HOW_MANY: "How many by a day?"}
"""What the address says as ``ask``, and what people see."""
ASK = Parameter("ask", tuple(QUESTIONS))


@dataclass(frozen=True)
class ShownForecast:
    """What was typed, and the ``answer``; ``refused`` says why there is none. Before anything is asked there is neither."""

    question: str
    remaining: str
    target: str
    weeks: str
    answer: ForecastBody | None = None
    refused: LeadlineError | None = None

    @cached_property
    def heights(self) -> Sequence[float | None]:
        """The weeks that were drawn from, to be drawn."""
        return heights([0.0, *(week.completed for week in self.answer.history)])[1:] if self.answer else []

    @property
    def asked(self) -> Mapping[str, Any]:
        """The question as the API is asked it; nothing if there is none yet."""
        field, text = ("remaining", self.remaining) if self.question == WHEN else ("target", self.target)
        if not text:
            return {}
        history = {"history": {"weeks": _number(self.weeks)}} if self.weeks else {}
        return {field: _number(text), **history}


async def forecast_of(visit: Visit, view: View) -> ShownForecast:
    """What the address of ``view`` asks, answered. Raises ``ReportTimeout``."""
    shown = _typed(view.query)
    if not shown.asked:
        return shown
    body = {"scope": {"teamId": str(view.team.ref_id)}, **shown.asked}
    try:
        return replace(shown, answer=await forecast_for(visit.request, visit, body))
    except (InvalidRequest, Conflict) as error:
        return replace(shown, refused=error)


def _typed(query: Mapping[str, str]) -> ShownForecast:
    question = query.get("ask", "")
    if question not in QUESTIONS:
        question = HOW_MANY if "target" in query and "remaining" not in query else WHEN
    return ShownForecast(question, query.get("remaining", ""), query.get("target", ""), query.get("weeks", ""))


def _number(text: str) -> int | str:
    """What a form sends as text, as the number that it is; what is none is left for the API to refuse."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
