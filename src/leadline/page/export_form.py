"""The form that asks for an export: what each kind offers, as its command does, and the body of a create that a form says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadline.exports.answers import OPTIONS
from leadline.exports.export_kind import ExportKind, Option
from leadline.exports.models import COMPRESSIONS
from leadline.metrics.metric import CatalogueEntry
from leadline.metrics.request import FORMATS
from leadline.page.choices import PERIODS
from leadline.page.offers import by_groups, team_choices
from leadline.page.view import View
from leadline.page.words import capitalize_first

OWN_DAYS = "own"
PERIOD_CHOICES = {**PERIODS, OWN_DAYS: "The days below"}
METRICS = "metrics"
_FILE = (
    Option("--format", "options.format", "File format.", FORMATS, FORMATS[0]),
    Option("--compression", "options.compression", "Compression.", COMPRESSIONS, COMPRESSIONS[0]),
)
_WORDS = {
    "jsonl": "JSON Lines",
    "csv": "CSV",
    "parquet": "Parquet",
    "p90": "90th percentile",
    "p95": "95th percentile",
    "ai": "AI",
    "fte": "Days of people",
    "issue_resolved_at": "When it was resolved",
    "version_release_date": "When it was released",
    "wall": "All of it",
    "weekdays": "Mondays to Fridays",
}


_LABELS = {
    "level": "A row for each",
    "granularity": "Length of a period",
    "mode": "Counted in",
    "effort unit": "Shares of",
    "ends": "Time ends",
    "calendar": "Time that counts",
}
"""What options are called that are not called by their flags."""


@dataclass(frozen=True)
class Choice:
    """One of the options of a kind that has choices: the path in the body is the field's name."""

    option: Option

    @property
    def label(self) -> str:
        """What it is called."""
        words = self.option.flag.removeprefix("--").replace("-", " ")
        return _LABELS.get(words, capitalize_first(words))

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Each with its words; one that is not needed can be left out."""
        words = {choice: capitalize_first(re.sub("[-_]", " ", choice)) for choice in self.option.choices}
        unasked = [] if self.option.default else [("", "No")]
        return [*unasked, *((choice, _WORDS.get(choice, text)) for choice, text in words.items())]

    def said_in(self, options: Mapping[str, Any]) -> str:
        """The choice that ``options`` of a request say, in any letter case; '' where they say none."""
        said = str(options.get(self.option.field.removeprefix("options.")) or "").lower()
        return next((choice for choice in self.option.choices if choice.lower() == said), "")


@dataclass(frozen=True)
class ExportForm:
    """The form of ``kind`` for the tree of ``view``; ``typed`` is what somebody typed or had asked for before."""

    kind: ExportKind
    view: View
    typed: Mapping[str, str]
    chosen: frozenset[str] = frozenset()

    @property
    def choices(self) -> list[Choice]:
        """The options with choices."""
        return choices_of(self.kind)

    def value(self, name: str, default: object = "") -> str:
        """What a field has."""
        return self.typed.get(name) or str(default or "")

    @property
    def groups(self) -> list[tuple[str, list[CatalogueEntry]]]:
        """The catalogue by groups."""
        return by_groups(self.kind.catalogue())

    @property
    def teams(self) -> list[tuple[str, str]]:
        """The teams to choose from."""
        return team_choices(self.view)

    @property
    def words(self) -> dict[str, str]:
        """The label of each field of a create's body, for refusals."""
        return {
            **dict.fromkeys(("scope", "scope.teamId", "scope.orgTreeName", "teamId", "orgTreeName"), "Team"),
            "dateRange": "Days",
            "dateRange.period": "Days",
            "dateRange.start": "From",
            "dateRange.end": "To",
            "metrics": "Metrics",
            "metricGroups": "Metrics",
            **{choice.option.field: choice.label for choice in self.choices},
        }

    @property
    def periods(self) -> list[tuple[str, str]]:
        """The ranges to choose from."""
        return list(PERIOD_CHOICES.items())


def choices_of(kind: ExportKind) -> list[Choice]:
    """The options with choices of ``kind``: its own, then those of files."""
    return [Choice(option) for option in (*kind.command.options, *_FILE) if option.choices]


def body_of(form: ExportForm, *, whole_trees: bool) -> dict[str, Any]:
    """The body of the create that ``form`` says; ``whole_trees``: the root stands for its tree."""
    view, typed = form.view, form.typed
    team = typed.get("team", "")
    whole = whole_trees and team in ("", str(view.tree.root.ref_id))
    body: dict[str, Any] = {"scope": {"orgTreeName": view.tree.name} if whole else {"teamId": team}}
    period = typed.get("period", "")
    own = {"start": typed.get("start", ""), "end": typed.get("end", "")}
    body["dateRange"] = own if period == OWN_DAYS else {"period": period}
    for choice in form.choices:
        *parts, member = choice.option.field.split(".")
        if value := form.value(choice.option.field, choice.option.default):
            place = body
            for part in parts:
                place = place.setdefault(part, {})
            place[member] = value
    # Without any chosen one a kind that demands some gets all.
    if metrics := sorted(form.chosen) or [entry.column for entry in _at_level(form)]:
        body[METRICS] = metrics
    return body


def _at_level(form: ExportForm) -> list[CatalogueEntry]:
    level = form.typed.get("options.aggregationLevel") or next(iter(form.kind.leading))
    return [entry for entry in form.kind.catalogue() if level in entry.levels]


def fields_of(request: Mapping[str, Any], kind: ExportKind) -> list[tuple[str, str]]:
    """The fields of a form that asks for what a normalized ``request`` asked for."""
    said = {
        "team": request.get("team"),
        "period": OWN_DAYS,
        "start": request.get("start"),
        "end": request.get("end"),
        "fact": request.get("fact"),
    }
    options = {word: request.get(name) for name, word in OPTIONS.items()}
    said |= {choice.option.field: choice.said_in(options) for choice in choices_of(kind) if choice.said_in(options)}
    columns = {entry.id: entry.column for entry in kind.catalogue()}
    chosen = [columns[metric] for metric in request.get("metrics", ()) if metric in columns]
    metrics = [] if len(chosen) == len(columns) else [(METRICS, column) for column in chosen]
    return [("tree", str(request.get("tree") or "")), *((n, str(v)) for n, v in said.items() if v), *metrics]
