"""What each setting that names things looks at: the rows of a table, the name that each has there, and whether the setting's value
names it. Values are judged by the expressions that numbers are made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import ibis
from ibis.expr.types import ArrayValue, BooleanValue, StringValue, Table, Value

from leadline.derive.bots import is_agent_name, is_bot_name
from leadline.derive.expressions import fits
from leadline.derive.filter_sets import OF_ITEMS, holds, one, several
from leadline.derive.paths import named_by
from leadline.engine.tables import schema_table
from leadline.settings.categories import JOIN, OF_CATEGORY, OF_TEAM
from leadline.settings.event_sources import INCIDENT_FILTERS
from leadline.settings.profile import SETTINGS, split_key
from leadline.settings.rules import Filter


@dataclass(frozen=True)
class Subject:
    """What a setting looks at: ``nouns`` is what several things are called, ``so`` what follows for those that are named. ``rows``
    makes, of a typed value, a table of the things (``name``, ``caught``), which is read from ``tables``."""

    nouns: str
    so: str
    tables: tuple[str, ...]
    rows: Callable[[Any], Table]


def subject_of(key: str) -> Subject | None:
    """What the setting ``key`` looks at; None if it names nothing."""
    if key in SETTINGS:
        return _SUBJECTS.get(key)
    scope, name, rule = split_key(key)
    if scope == "team":
        return _TEAM_SUBJECTS.get(rule) or _SUBJECTS.get(rule)
    if scope in (OF_CATEGORY, OF_TEAM):
        return None if rule == JOIN else _of_items(rule)
    of_scope = partial(_files, **{scope: name.lower()})
    tables = (*_FILES, *(["deployments"] if scope == "service" else []))
    so = "are left out of lines" if scope == "repository" else "are what the service is built of"
    return Subject(
        "files of the repository" if scope == "repository" else "files of its repositories", so, tables, of_scope
    )


# -- pull requests and releases ----------------------------------------------------------------------------------------


def _merged() -> Table:
    pulls = schema_table("pull_requests")
    return pulls.filter(pulls.merged_at.notnull())


def _by_branch(globs: Sequence[str]) -> Table:
    pulls = _merged()
    return pulls.select(name=pulls.base_branch, caught=pulls.base_branch.isnull() | fits(pulls.base_branch, globs))


def _into(globs: Sequence[str]) -> Table:
    pulls = _merged()
    pulls = pulls.filter(pulls.base_branch.notnull())
    return pulls.select(name=pulls.base_branch, caught=fits(pulls.base_branch, globs))


def _labelled(labels: Sequence[str]) -> Table:
    pulls = _merged()
    named = pulls.labels.filter(lambda label: label.strip().lower().isin(labels))
    return pulls.select(name=named.join(", "), caught=named.length() > 0)


def _tagged(globs: Sequence[str]) -> Table:
    releases = schema_table("releases")
    return releases.select(name=releases.tag, caught=fits(releases.tag, globs))


# -- files -------------------------------------------------------------------------------------------------------------

_FILES = ("pull_request_files", "commit_files")


def _files(globs: Sequence[str], repository: str = "", service: str = "") -> Table:
    """Every file that was ever touched, once; those of a repository, or of the repositories that a service is deployed from."""
    parts = [schema_table(name).select("repository", "path") for name in _FILES]
    files = ibis.union(*parts, distinct=True)
    if repository:
        files = files.filter(files.repository.lower() == repository)
    if service:
        deployed = schema_table("deployments")
        deployed = deployed.select("repository", of_service=deployed.service.split(";").unnest())
        deployed = deployed.filter(deployed.of_service.strip().lower() == service)
        files = files.semi_join(deployed, "repository")
    return files.select(name=files.path, caught=named_by(files.path, globs))


# -- accounts ----------------------------------------------------------------------------------------------------------

_ACCOUNTS = {"commits": "author_email", "pull_requests": "author", "reviews": "author", "comments": "author"}


def _accounts(is_named: Callable[[StringValue, Sequence[str]], BooleanValue], names: Sequence[str]) -> Table:
    """Every account of code, once."""
    parts = [schema_table(table)[[column]].rename(account=column) for table, column in _ACCOUNTS.items()]
    accounts = ibis.union(*(part.select(name=part.account.strip().lower()) for part in parts), distinct=True)
    accounts = accounts.filter(accounts.name.fill_null("") != "")
    return accounts.mutate(caught=is_named(accounts.name, names))


# -- work items and deployments ----------------------------------------------------------------------------------------


def _items(column: str, names: Sequence[str]) -> Table:
    items = schema_table("work_items")
    text = items[column].strip()
    return items.select(name=text, caught=text.lower().isin(names))


def _types(types: Mapping[str, str]) -> Table:
    return _items("type", list(types))


def _filtered(table: str, values: Callable[[Table], ArrayValue], filters: Sequence[Filter]) -> Table:
    """The rows of a table of which a list of ``values`` is looked at by filters that must all hold."""
    rows = schema_table(table)
    of_row = values(rows)
    caught = ibis.and_(*(holds(of_filter, of_row) for of_filter in filters))
    return rows.select(name=of_row.join(", "), caught=caught)


def _services(rows: Table) -> Value:
    return rows.service.split(";").map(lambda service: service.strip())


_OF_DEPLOYMENTS: Mapping[str, Callable[[Table], Any]] = {
    "repository": one("repository"),
    "service": _services,
    "pipeline": one("pipeline"),
    "environment": one("environment"),
    "tag": several("tags"),
    "label": several("tags"),
}


def _of_items(rule: str) -> Subject:
    return Subject("work items", "fit", ("work_items",), partial(_filtered, "work_items", OF_ITEMS[rule]))


_SUBJECTS: Mapping[str, Subject] = {
    "bots": Subject(
        "accounts",
        "are bots, those known by name among them",
        tuple(_ACCOUNTS),
        partial(_accounts, is_bot_name),
    ),
    "ai.agents": Subject(
        "accounts",
        "are AI agents, those known by name among them",
        tuple(_ACCOUNTS),
        partial(_accounts, is_agent_name),
    ),
    "pull_requests.base_branches": Subject("merged pull requests", "count", ("pull_requests",), _by_branch),
    "pull_requests.exclude_labels": Subject("merged pull requests", "are left out", ("pull_requests",), _labelled),
    "code.exclude": Subject("files", "are left out of lines", _FILES, _files),
    "work_items.exclude_types": Subject("work items", "are left out", ("work_items",), partial(_items, "type")),
    "work_items.not_done_resolutions": Subject(
        "work items", "are no completed work", ("work_items",), partial(_items, "resolution")
    ),
    "deployments.branches": Subject("merged pull requests", "go into these branches", ("pull_requests",), _into),
    "deployments.labels": Subject("merged pull requests", "have such a label", ("pull_requests",), _labelled),
    "releases.tags": Subject("releases", "have such a tag", ("releases",), _tagged),
}
_TEAM_SUBJECTS: Mapping[str, Subject] = {
    **{
        rule: Subject("deployments", "fit", ("deployments",), partial(_filtered, "deployments", values))
        for rule, values in _OF_DEPLOYMENTS.items()
    },
    **{f"incident.{rule}": _of_items(rule) for rule in INCIDENT_FILTERS},
    "work_type": Subject("work items", "have a type that is named; others are other", ("work_items",), _types),
}
