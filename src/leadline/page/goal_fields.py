"""Goals as a form has them: a field for each metric that can have one, in place of the one text of the setting."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import FormData

from leadline.metrics.goals import columns, with_goals
from leadline.metrics.metric import Metric

_FIELD = "goal."


@dataclass(frozen=True)
class GoalField:
    """The goal of a column as it is typed."""

    column: str
    metric: Metric
    typed: str = ""

    @property
    def name(self) -> str:
        """What the form calls the field."""
        return _FIELD + self.column

    @property
    def side(self) -> str:
        """Whether a value should be at least or at most the goal."""
        return "at least" if self.metric.better == "higher" else "at most"

    @property
    def unit(self) -> str:
        """What the goal is in."""
        return "a day" if self.metric.unit == "deployments/unit" else self.metric.unit


def goal_fields(text: str) -> list[GoalField]:
    """A field for each metric, and for each other column that ``text`` names; none if ``text`` names what has no field."""
    typed: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        name, sign, goal = (word.strip() for word in part.partition("="))
        if not sign or name.upper() not in columns() or name.upper() in typed:
            return []
        typed[name.upper()] = goal
    shown = {metric.column.upper() for metric in with_goals()} | typed.keys()
    return [
        GoalField(known.column, known.metric, typed.get(upper, ""))
        for upper, known in columns().items()
        if upper in shown
    ]


def text_of(form: FormData) -> str | None:
    """The text of the setting that the fields of ``form`` say; None if it has no such fields."""
    fields = {
        name.removeprefix(_FIELD): str(text).strip() for name, text in form.multi_items() if name.startswith(_FIELD)
    }
    return "; ".join(f"{column} = {text}" for column, text in fields.items() if text) if fields else None
