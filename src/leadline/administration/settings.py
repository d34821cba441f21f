"""The settings of a project or of one of its org trees: what is in force and who set it, and changes, all of them or none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from leadline.db import settings as stored
from leadline.errors import Forbidden
from leadline.home import Project
from leadline.settings.checks import check as checked
from leadline.settings.profile import GOALS, canonical, declared


@dataclass(frozen=True)
class InForce:
    """A setting in force for a project or one of its org trees, as text. ``value`` is empty for a rule of a team, service or
    repository that is not set; ``default`` holds where nothing is set; ``set_by`` is `project`, `tree`, or empty for nobody."""

    key: str
    value: str
    default: str
    set_by: str
    meaning: str


def listed(project: Project, tree: str | None = None) -> list[InForce]:
    """Every setting in force for the project, or for ``tree``: those declared in their order, then those set for single teams,
    services and repositories. Raises ``InvalidRequest`` if there is no such tree."""
    check_tree(project, tree)
    return [_shown(*row) for row in stored.in_force(project.db, project.id, tree)]


def one(project: Project, key: str, tree: str | None = None) -> InForce:
    """One setting in force. Raises ``InvalidRequest`` for what is no setting, and if there is no such tree."""
    name = canonical(key)
    unset = InForce(name, "", "", "", declared(name).doc)
    return next((row for row in listed(project, tree) if row.key == name), unset)


def own_texts(project: Project, tree: str | None = None) -> dict[str, str]:
    """What is set for the project itself, or for ``tree`` itself, by key."""
    return stored.stored(project.db, project.id, tree or stored.PROJECT)


def change(
    project: Project,
    values: Mapping[str, str],
    removed: Collection[str] = (),
    *,
    tree: str | None = None,
    known: Mapping[str, str | None] | None = None,
    on_machine: bool = False,
) -> None:
    """Set ``values`` for the project, or for ``tree``, and take away what is set as ``removed``: all of it, or nothing. ``known``
    is what was set there when somebody looked (None: nothing), by key. ``on_machine``: whoever asks is at work on the server's own
    machine. Raises ``InvalidRequest`` for what cannot be, ``Forbidden`` for what is set on the machine alone, and ``Conflict`` if
    ``known`` is so no longer."""
    check_tree(project, tree)
    if not on_machine:
        _check_reach([*values, *removed])
    _check_goals(values)
    stored.change(project.db, project.id, values, removed, tree or stored.PROJECT, known=known)


def check_change(
    project: Project, values: Mapping[str, str], removed: Collection[str] = (), *, tree: str | None = None
) -> None:
    """Raise what ``change`` would now, for who is not on the machine, and change nothing."""
    check_tree(project, tree)
    _check_reach([*values, *removed])
    _check_goals(values)
    stored.check_change(project.db, project.id, values, removed, tree or stored.PROJECT)


def check_tree(project: Project, tree: str | None) -> None:
    """Raise ``InvalidRequest`` for what is no org tree of the project; None stands for the project itself."""
    if tree is not None:
        from leadline.people import lookup

        lookup.summary(project, tree)


def _check_reach(keys: Collection[str]) -> None:
    for key in keys:
        if declared(key).on_machine:
            raise Forbidden(
                f"{key} says what the server may reach; it is set on its machine: leadline settings {key} VALUE",
                code="set_on_machine",
            )


def _check_goals(values: Mapping[str, str]) -> None:
    """Refuse goals of what can have none: which metrics there are is not known where settings are declared."""
    for key, text in values.items():
        if key == GOALS or key.endswith(f".{GOALS}"):
            from leadline.metrics.goals import check_goals  # loads the catalogue of metrics

            check_goals(key, declared(key).parse(checked(key, text)))


def _shown(key: str, text: str, set_by: str) -> InForce:
    setting = declared(key)
    return InForce(key, text, setting.default, set_by, setting.doc)
