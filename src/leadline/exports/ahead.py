"""Compiles beforehand what the first exports of a project wait for, which takes its time however few rows there are. The texts of
queries follow from settings and trees, so exports are made of a project as if it had no rows; the texts are kept for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from leadline.errors import LeadlineError
from leadline.exports.export_kind import ExportKind
from leadline.exports.kinds import KINDS
from leadline.exports.metric_rows import METRIC_ROWS
from leadline.exports.service import pin_newest
from leadline.home import Home, Project
from leadline.metrics.request import Control

if TYPE_CHECKING:
    from leadline.metrics.run import Runner

MOST_PROJECTS = 4
"""Of so many projects: others have mostly the same settings, and then the same texts."""
_NAME = "ahead"


class _WithoutRows(Project):
    """A project with its settings and trees, and no row; what is computed for it lies below ``place``."""

    def __init__(self, project: Project, place: Path) -> None:
        from leadline.lake import Lake

        super().__init__(project.home, project.id, project.organization, project.name)
        self._place = place
        self.lake = Lake(place / "lake")

    @property
    def computed(self) -> Path:
        return self._place / "facts"


def compile_ahead(home: Home, runner: Runner) -> Iterator[str]:
    """Compile, in steps that are named, what exports of all metrics need, unless that was done before."""
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import query_cache

    texts = query_cache(home, BUILD_POLICY)
    for project in home.projects()[:MOST_PROJECTS]:
        for tree in project.org_trees():
            in_force = sorted(project.profile(tree.name).texts.items())
            for kind, level in _shapes():
                state = [in_force, kind.name, level]
                if texts.kept(_NAME, state) is None:
                    try:
                        _compile(project, tree.name, kind, level, runner)
                    except LeadlineError:  # the export that needs it says so
                        return
                    texts.keep(_NAME, "-- compiled", state)
                    yield f"{kind.name} by {level} of {tree.name}"


def _shapes() -> list[tuple[ExportKind, str]]:
    return [(kind, level) for kind in KINDS.values() if kind.rows is METRIC_ROWS for level in kind.leading]


def _compile(project: Project, tree: str, kind: ExportKind, level: str, runner: Runner) -> None:
    body: dict[str, Any] = {
        "scope": {"orgTreeName": tree},
        "dateRange": {"period": "last-quarter"},
        "metricGroups": list(kind.groups),
        "options": {"granularity": "monthly", "metricLevel": level},
    }
    with TemporaryDirectory(dir=project.temp, prefix="ahead-") as folder:
        empty = _WithoutRows(project, Path(folder))
        request = kind.parse(empty, body).request
        runner.table(empty, request, pin_newest(empty, tree), Control(), kind.rows.query)
