"""What Explore shows: any columns of one kind of export, by what a row is, length of period, statistic and what else the kind lets
choose; and the same as parameters of the API and as the body of a create. The table is the answer to that very request. What can be
chosen follows from how each kind is declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from starlette.concurrency import run_in_threadpool

from leadline.exports.export_kind import ExportKind, Option
from leadline.exports.insights.request import PARAMETERS
from leadline.exports.kinds import KINDS
from leadline.metrics.metric import CatalogueEntry, Metric
from leadline.page import export_form
from leadline.page.boards import ask
from leadline.page.choices import GRANULARITIES, NAMES
from leadline.page.counted_in import COUNTED_IN
from leadline.page.offers import by_groups, chosen_metrics
from leadline.page.parameters import Parameter, order_by
from leadline.page.view import View
from leadline.page.visit import Visit

EXPLORED: Mapping[str, ExportKind] = {name: kind for name, kind in KINDS.items() if kind.insight}
"""The kinds whose rows are answered at once."""
KIND = Parameter("kind", tuple(EXPLORED), next(iter(EXPLORED)))
ROWS = Parameter("rows", ("all",))
MOST_METRICS = 8
LENGTHS = {"daily": "Days", **GRANULARITIES}
_LEVEL, _LENGTH, _STATISTIC = "level", "options.granularity", "options.aggregation"
_LEVELS = ("options.aggregationLevel", "options.metricLevel")


@dataclass(frozen=True)
class Chosen:
    """Something else that a kind lets choose: the ``parameter`` of the address, called as that of the API, its label, and the
    titles of its words."""

    parameter: Parameter
    label: str
    titles: Mapping[str, str]


@dataclass(frozen=True)
class Exploration:
    """``metrics`` of the team of ``view`` with all below it, a row for each of what ``level`` says and period. ``columns`` are all
    that the kind has."""

    view: View
    kind: ExportKind
    level: str
    metrics: Sequence[CatalogueEntry]
    columns: Sequence[CatalogueEntry]

    @property
    def groups(self) -> list[tuple[str, list[CatalogueEntry]]]:
        """What can be chosen."""
        return by_groups(at_level(self.columns, self.level))

    @cached_property
    def further(self) -> list[Chosen]:
        """What else can be chosen."""
        return further_of(self.kind)

    @property
    def has_statistics(self) -> bool:
        """Whether the statistic of durations can be chosen."""
        return option_of(self.kind, _STATISTIC) is not None

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of the insight, those that are not what its kind takes by itself."""
        days = (
            {"dateFrom": self.view.start.isoformat(), "dateTo": self.view.end.isoformat()}
            if self.view.period is None
            else {"period": self.view.period}
        )
        looks = {"granularity": self.view.granularity}
        if self.has_statistics:
            looks["aggregation"] = self.view.aggregation
        further = {one.parameter.name: said for one in self.further if (said := self.view.chosen(one.parameter))}
        columns = self.kind.brought_by([metric.column for metric in self.metrics])
        scope = {"teamId": str(self.view.team.ref_id), **days, level_parameter(self.kind): self.level}
        return {**scope, **looks, **further, **columns}

    @property
    def body(self) -> dict[str, Any]:
        """The same as the body of a create."""
        body: dict[str, Any] = {}
        for name, value in self.asked.items():
            *parts, member = PARAMETERS[name].split(".")
            place = body
            for part in parts:
                place = place.setdefault(part, {})
            place[member] = value
        return body

    @property
    def of_figures(self) -> View:
        """The view that links to the rows behind figures start from: these are counted in the same."""
        asked = self.asked
        counted = (one.saying(asked[one.asked_as]) for one in COUNTED_IN if one.asked_as in asked)
        bare = self.view.bare
        return replace(bare, query={**bare.query, **{name: word for said in counted for name, word in said.items()}})

    @property
    def sorted_by(self) -> Parameter:
        """The columns that rows can be sorted by."""
        columns = [_column(metric, self.view.aggregation) for metric in self.metrics]
        return order_by([*columns, *self.kind.describing(self.level)])

    @property
    def kept(self) -> tuple[str, ...]:
        """What of the address the files of charts are said, too."""
        return (KIND.name, *(one.parameter.name for one in self.further))

    def of_kind(self, name: str) -> str:
        """The address of the same about another kind, as far as that has it."""
        kind, gone = EXPLORED[name], {one.parameter.name: None for one in self.further}
        level = self.level if self.level in kind.leading else None
        length = self.view.query.get("granularity") if self.view.granularity in lengths_of(kind) else None
        return self.view.link(
            **{**gone, "kind": name, "metrics": None, "sort": None, _LEVEL: level, "granularity": length}
        )

    def at(self, level: str) -> str:
        """The address of the same at another level, with those of the metrics that it has."""
        there = [metric.id for metric in at_level(self.metrics, level)]
        metrics = ",".join(there) if self.view.query.get("metrics") else None
        return self.view.link(**{_LEVEL: level, "sort": None, "metrics": metrics})


def _column(entry: CatalogueEntry, aggregation: str) -> str:
    return entry.column_for(aggregation) if isinstance(entry, Metric) else entry.column


def at_level(entries: Sequence[CatalogueEntry], level: str) -> list[CatalogueEntry]:
    """Those of ``entries`` that rows of ``level`` have."""
    return [entry for entry in entries if level in entry.levels]


def option_of(kind: ExportKind, *fields: str) -> Option | None:
    """The option of a kind that says one of the ``fields`` of a request; None where it has none."""
    return next((option for option in kind.command.options if option.field in fields), None)


def level_parameter(kind: ExportKind) -> str:
    """The parameter that says what the option ``--level`` of a kind does."""
    option = option_of(kind, *_LEVELS)
    assert option is not None  # noqa: S101 -- every kind whose rows are answered at once has one
    return _parameter_of(option)


def _parameter_of(option: Option) -> str:
    return next(name for name, of_body in PARAMETERS.items() if of_body == option.field)


def lengths_of(kind: ExportKind) -> dict[str, str]:
    """The lengths of periods that a kind has, in words."""
    option = option_of(kind, _LENGTH)
    words = option.choices if option is not None else ()
    ordered = [*(word for word in LENGTHS if word in words), *(word for word in words if word not in LENGTHS)]
    return {word: LENGTHS.get(word, plural(word)) for word in ordered}


def plural(word: str) -> str:
    """What several of a level or length are called: `Teams`."""
    return f"{word.capitalize()}s"


def further_of(kind: ExportKind) -> list[Chosen]:
    """What a kind lets choose beside level, length of period and statistic."""
    options = [option for option in kind.command.options if option.choices]
    named = [export_form.Choice(option) for option in options if option.field not in (*_LEVELS, _LENGTH, _STATISTIC)]
    return [
        Chosen(
            Parameter(_parameter_of(choice.option), choice.option.choices, choice.option.default or ""),
            choice.label,
            dict(choice.choices),
        )
        for choice in named
    ]


async def columns_of(visit: Visit, view: View, kind: ExportKind) -> Sequence[CatalogueEntry]:
    """All columns that ``kind`` has under the settings of the tree of ``view``; where they follow from the data alone, those of its
    team and days."""
    if kind.told_of is None:
        profile = await run_in_threadpool(visit.project.profile, view.tree.name)
        return kind.columns_of(profile)
    body = await ask(visit, view, kind.name, (), granularity="total", depth=0)
    return kind.told_of([metric.column for metric in body.metrics])


def exploration_of(view: View, kind: ExportKind, columns: Sequence[CatalogueEntry]) -> Exploration:
    """What the address of ``view`` says of ``kind``, which has these ``columns``; what of it was not understood is among the
    problems of the view."""
    levels = Parameter(_LEVEL, tuple(kind.leading), next(iter(kind.leading)))
    view = view.checked(KIND, ROWS, NAMES, levels, *(one.parameter for one in further_of(kind)))
    level = view.chosen(levels)
    everywhere = [entry for other in EXPLORED.values() for entry in other.catalogue()]
    view, metrics = chosen_metrics(view, at_level(columns, level), kind.shown_first, MOST_METRICS, everywhere)
    found = Exploration(view, kind, level, metrics, columns)
    return replace(found, view=view.checked(found.sorted_by))


def kind_in(query: Mapping[str, str]) -> ExportKind:
    """The kind that an address with ``query`` is of."""
    return EXPLORED[KIND.meant_by(query.get(KIND.name, "")) or KIND.default]
