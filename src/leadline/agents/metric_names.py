"""The metrics that tools tell, by name: those of every kind of export whose rows are answered at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadline.api.agents.asking import Asker
from leadline.exports.export_kind import ExportKind
from leadline.exports.insights.request import TOTAL
from leadline.exports.kinds import KINDS
from leadline.metrics.catalogue import catalogue_of, named
from leadline.metrics.metric import INSIGHTS, PRODUCTIVITY, TEAM, CatalogueEntry, Metric, MetricColumn, Ratio, Sum
from leadline.metrics.request import AGGREGATIONS
from leadline.metrics.sprint_columns import Share, SprintColumn

TOLD: Mapping[str, ExportKind] = {name: kind for name, kind in KINDS.items() if kind.insight and kind.catalogue()}
"""The kinds whose metrics are told."""
_PERCENT = 100


def metrics_of(asker: Asker, kind: str) -> list[CatalogueEntry]:
    """The metrics of a kind: of one whose columns follow from settings those of all org trees that are shown."""
    if kind in INSIGHTS:
        return list(catalogue_of(kind))
    profiles = [asker.project.profile(tree.name) for tree in asker.trees.listed()]
    entries = (entry for profile in profiles for entry in TOLD[kind].columns_of(profile))
    return list({entry.id: entry for entry in entries}.values())


@dataclass(frozen=True)
class Asked:
    """A metric of a ``kind`` as it is asked for: ``name`` may say a statistic, others follow ``aggregation``; ``more`` are further
    parameters of its insight."""

    kind: str
    entry: CatalogueEntry
    name: str
    aggregation: str
    more: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, asker: Asker, name: str, aggregation: str | None, more: Mapping[str, str]) -> Asked:
        """The metric called ``name``. Raises ``InvalidRequest`` with the nearest names."""
        every = [(kind, entry) for kind in TOLD for entry in metrics_of(asker, kind)]
        entry = named(name, [entry for _, entry in every])
        kind = next(kind for kind, known in every if known is entry)
        return cls(kind, entry, name, aggregation or AGGREGATIONS[0], more)

    @property
    def column(self) -> str:
        """What its column is called."""
        if not isinstance(self.entry, Metric):
            return self.entry.column
        return MetricColumn.named(self.entry, self.name, self.aggregation).name(self.aggregation)

    @property
    def of_teams(self) -> bool:
        """Whether teams have it."""
        return TEAM in self.entry.levels

    @property
    def adds_up(self) -> bool:
        """Whether a sum is that of its rows alone."""
        formula = self.entry.formula(TEAM) if isinstance(self.entry, Metric) else None
        return formula is None or (isinstance(formula, Sum) and formula.less is None)

    @property
    def factor(self) -> int | None:
        """What a ratio is multiplied by; None where that is no number of its own."""
        if isinstance(self.entry, SprintColumn):
            return self.entry.formula.factor if isinstance(self.entry.formula, Share) else None
        if not isinstance(self.entry, Metric):
            return _PERCENT
        formula = self.entry.formula(TEAM)
        return formula.factor if isinstance(formula, Ratio) and isinstance(formula.factor, int) else None

    def parameters(self, scope: Mapping[str, Any], level: str = TEAM) -> dict[str, Any]:
        """The parameters of the insight of the metric alone."""
        levels = {"level": level} if self.kind == PRODUCTIVITY or level != TEAM else {}
        statistic = {"aggregation": self.aggregation} if isinstance(self.entry, Metric) else {}
        return {**scope, **levels, "metrics": [self.name], **statistic, **self.more}

    def whole(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        """Those of its one value of a team, or of an org tree, over all days."""
        return {**self.parameters(scope), "granularity": TOTAL, "depth": 0}
