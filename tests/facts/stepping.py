"""Every stored table there is, and the rows of all of them at the present state of a project."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import leadline.facts
from leadline.engine import Engine
from leadline.facts.policy import BUILD_POLICY
from leadline.facts.shown import NEEDS
from leadline.home import Project
from leadline.materialize.dependencies import Dependencies, declared, inferred
from leadline.materialize.model import Model
from leadline.materialize.session import query_cache
from leadline.materialize.steps import DuckSteps, Steps
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


def all_models() -> dict[str, Model]:
    """Every stored table that the modules of the facts declare, by name."""
    modules = pkgutil.walk_packages(leadline.facts.__path__, "leadline.facts.")
    declared = (value for module in modules for value in vars(importlib.import_module(module.name)).values())
    return {model.name: model for model in declared if isinstance(model, Model)}


def dependencies(step: Model, profile: Profile) -> Dependencies:
    """What a stored table reads: inferred or, of a computation, declared."""
    return declared(step, profile) if step.computation is not None else inferred(step, profile)[0]


def rows_of_steps(
    project: Project,
    folder: Path,
    models: Mapping[str, Model] | None = None,
    steps: Callable[[Engine], Steps] = DuckSteps,
) -> dict[str, list[str]]:
    """The rows of every stored table (or the ``models``), as sorted texts, with those of former states kept in ``folder``, computed
    by ``steps``."""
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
            people_rows=lambda: people(everybody(project, known)),
            profile=project.profile(),
            lock=project.lock,
            turn=project.turn,
            steps=steps(engine),
        )
        found = {}
        for name, step in (every_step() if models is None else models).items():
            store.bind([step])
            columns = ", ".join(f'"{column}"' for column in step.columns)
            rows: list[tuple[Any, ...]] = engine.execute(
                f'SELECT CAST(to_json(r) AS VARCHAR) FROM (SELECT {columns} FROM "{step.bound_name}") AS r ORDER BY 1'
            )
            found[name] = [text for (text,) in rows]
        return found
