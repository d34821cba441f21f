"""Every stored table there is, and the rows of all of them at the present state of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leadline.engine import Engine
from leadline.facts.policy import BUILD_POLICY
from leadline.facts.shown import NEEDS
from leadline.home import Project
from leadline.materialize.dependencies import Dependencies, declared, inferred
from leadline.materialize.model import Model
from leadline.materialize.session import query_cache
from leadline.materialize.store import MaterializationStore
from leadline.metrics.all_measures import FACT_MEASURES
from leadline.people import trees
from leadline.people.arrow import everybody, everybody_digest, people
from leadline.settings.profile import Profile


def every_step() -> dict[str, Model]:
    """All stored tables that facts and metrics are made of, by name."""
    found: dict[str, Model] = {}
    left = [step for steps in NEEDS.values() for step in steps]
    left += [step for measures in FACT_MEASURES for step in measures.FACT.stored_tables]
    while left:
        step = left.pop()
        if step.name not in found:
            found[step.name] = step
            left += dependencies(step, Profile.of()).depends_on
    return found


def dependencies(step: Model, profile: Profile) -> Dependencies:
    """What a stored table reads: inferred or, of a computation, declared."""
    return declared(step, profile) if step.computation is not None else inferred(step, profile)[0]


def rows_of_steps(project: Project, folder: Path) -> dict[str, list[str]]:
    """The rows of every stored table, as sorted texts, with those of former states kept in ``folder``."""
    versions = project.lake.snapshot().versions
    known = {each.name: each.version for each in trees(project)}
    with Engine(temp_dir=project.temp) as engine:
        store = MaterializationStore(
            folder,
            engine,
            queries=query_cache(project.home, BUILD_POLICY),
            policy=BUILD_POLICY,
            snapshot=project.lake.snapshot,
            versions=versions,
            people=everybody_digest(project, known),
            bind_people=lambda: engine.bind_arrow("people", people(everybody(project, known))),
            profile=project.profile(),
            lock=project.lock,
            turn=project.turn,
        )
        found = {}
        for name, step in every_step().items():
            store.bind([step])
            columns = ", ".join(f'"{column}"' for column in step.columns)
            rows: list[tuple[Any, ...]] = engine.execute(
                f'SELECT CAST(to_json(r) AS VARCHAR) FROM (SELECT {columns} FROM "{step.bound_name}") AS r ORDER BY 1'
            )
            found[name] = [text for (text,) in rows]
        return found
