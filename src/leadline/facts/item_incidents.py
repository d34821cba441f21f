"""Work items that are incidents (further exports, H): by their type, `Incident`, or by the rules of teams, as a stored table.

An item is resolved when it was completed; its repositories are those of the pull requests linked to it, and it has a service
where these deploy one alone. One that turned out not to be completed work (a duplicate, not a bug) is no incident.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach
from leadline.engine import schema_table
from leadline.engine.functions import INSTANT
from leadline.facts.pull_requests import LINKS
from leadline.facts.runs import runs
from leadline.facts.work_items import ITEMS
from leadline.materialize.model import Model
from leadline.settings.event_sources import INCIDENTS, WORK_ITEMS, IncidentSource, incident_sources
from leadline.settings.profile import Profile
from leadline.settings.rules import Filter, parse_filters

DEFAULT_TYPE = "incident"
"""The type of an incident where no rule says otherwise: the whole name, in any letter case."""


def _item_incidents(profile: Profile) -> Table:
    items = attach(ITEMS.table(), ITEM, _described())
    items = items.filter(~items.not_done)
    numbers = [
        ibis.cases((_is_incident(items, source), ibis.array([ibis.literal(number, "int64")])), else_=_NONE)
        for number, source in enumerate(incident_sources(profile))
        if source.source != INCIDENTS
    ]
    classes = _NONE
    for number in numbers:
        classes = classes.concat(number)
    found = items.mutate(classes=classes).filter(lambda t: t.classes.length() > 0)
    links = LINKS.table()
    linked = links.group_by(ITEM).agg(repositories=links.repository.collect(order_by=links.repository, distinct=True))
    found = attach(found, ITEM, linked, _services())
    return found.select(
        *ITEM,
        incident_id=ibis.literal("item:") + found.project + "/" + found.key,
        service=found.service,
        repositories=found.repositories.fill_null(ibis.literal([], "array<string>")),
        created_at=found.created_at,
        resolved_at=found.done_at,
        classes=found.classes,
        title=found.title,
        url=found.url,
    )


_NONE = ibis.literal([], "array<int64>")


def _described() -> Table:
    """What rules look at beside an item's type, and what people see of it."""
    return schema_table("work_items").select(*ITEM, "priority", "labels", "title", "url")


def _is_incident(items: Table, source: IncidentSource) -> BooleanValue:
    filters = {name: parse_filters(text) for name, text in source.filters}
    kind = items.type.fill_null("").strip().lower()
    fits = [kind == DEFAULT_TYPE] if "type" not in filters else []
    fits += [
        _labelled(items, one) if name == "label" else _holds(items[name].strip().lower(), one)
        for name, sets in filters.items()
        for one in sets
    ]
    return ibis.and_(*fits)


def _labelled(items: Table, condition: Filter) -> BooleanValue:
    positive = Filter(condition.operator.removeprefix("not "), condition.values)
    labels = items.labels.fill_null(ibis.literal([], "array<string>"))
    hit = labels.filter(lambda label: _holds(label.strip().lower(), positive)).length() > 0
    return ~hit if condition.operator.startswith("not ") else hit


def _holds(text: StringValue, condition: Filter) -> BooleanValue:
    """``settings.rules.Filter.holds`` for a column of lower-case texts."""
    wanted = [value.lower() for value in condition.values]
    test = condition.operator.removeprefix("not ")
    text = text.fill_null("")
    tests = {
        "equals": lambda value: text == value,
        "contains": text.contains,
        "starts with": text.startswith,
        "ends with": text.endswith,
    }
    hit = ibis.or_(*(tests[test](value) for value in wanted))
    return ~hit if condition.operator.startswith("not ") else hit


def _services() -> Table:
    """Per item the service that the repositories of its pull requests deploy, if it is one alone."""
    deployed = runs().filter(lambda t: t.repository.notnull() & (t.service != "")).select("repository", "service")
    linked = LINKS.table().select(*ITEM, "repository").distinct()
    services = linked.inner_join(deployed.distinct(), "repository")
    counted = services.group_by(ITEM).agg(service=services.service.min(), several=services.service.nunique())
    return counted.filter(counted.several == 1).drop("several")


def incident_events(profile: Profile) -> Table:
    """All incidents, those of an incident tool and work items: incident_id, service ('' none), repositories (its own),
    deployment_id, created_at, resolved_at, title, url, project (of a work item), source (`incidents` or `work_items`) and
    ``counted_in``, the places in ``incident_sources`` of those who call it an incident; without those that nobody does."""
    sources = incident_sources(profile)
    incidents, items = schema_table("incidents"), ITEM_INCIDENTS.table()
    nobody: list[str] = []
    of_tool = incidents.select(
        "incident_id",
        "deployment_id",
        "created_at",
        "resolved_at",
        "title",
        "url",
        service=incidents.service.fill_null("").strip(),
        repositories=ibis.cases(
            (incidents.repository.notnull(), ibis.array([incidents.repository])),
            else_=ibis.literal(nobody, "array<string>"),
        ),
        project=ibis.null("string"),
        source=ibis.literal(INCIDENTS),
        counted_in=ibis.literal(
            [number for number, source in enumerate(sources) if source.source != WORK_ITEMS], "array<int64>"
        ),
    )
    parts = (
        [of_tool] if any(source.source != WORK_ITEMS for source in sources) else [of_tool.filter(ibis.literal(False))]
    )
    if any(source.source != INCIDENTS for source in sources):
        of_items = items.select(
            "incident_id",
            "created_at",
            "resolved_at",
            "title",
            "url",
            "repositories",
            "project",
            deployment_id=ibis.null("string"),
            service=items.service.fill_null(""),
            source=ibis.literal(WORK_ITEMS),
            counted_in="classes",
        )
        parts.append(of_items.select(*of_tool.columns))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


ITEM_INCIDENTS = Model(
    "item_incidents",
    {
        "project": "string",
        "key": "string",
        "incident_id": "string",
        "service": "string",
        "repositories": "array<string>",
        "created_at": INSTANT,
        "resolved_at": INSTANT,
        "classes": "array<int64>",
        "title": "string",
        "url": "string",
    },
    expression=_item_incidents,
)
"""Work items that are incidents by one of ``settings.event_sources.incident_sources``; ``classes`` are their places there."""
