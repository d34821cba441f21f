"""Which rows of a fact may be open, found without computing the fact: of a large organization few things are open, and only what
lies in their repositories need be read for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ibis.expr.types import Table

from leadline.derive.expressions import attach
from leadline.engine import Rows, Within, compiled, schema_table
from leadline.facts.catalogue import Fact
from leadline.facts.deployment_contents import CARRIED
from leadline.facts.incidents import INCIDENT_REPOSITORIES, INCIDENTS
from leadline.facts.keys import wanted_keys
from leadline.facts.pull_requests import PR
from leadline.facts.waiting import WAITS
from leadline.materialize.model import Model

if TYPE_CHECKING:
    from leadline.materialize.session import Session


@dataclass(frozen=True)
class MayBeOpen:
    """The stored tables that are read, and the rows that may be open: the fact's key, and ``within``, a repository of each
    (several: several rows; null: none)."""

    needs: Sequence[Model]
    rows: Callable[[], Table]


def _pull_requests() -> Table:
    """Those that are open, and those merged after the last deployment of their repository, by any idea of what is production."""
    carried = CARRIED.table()
    last = carried.group_by("class", "repository").agg(last_at=carried.deployed_at.max())
    earliest = last.group_by("repository").agg(last_deployed_at=last.last_at.min())
    merged = attach(schema_table("pull_requests"), ["repository"], earliest)
    merged = merged.filter(merged.merged_at > merged.last_deployed_at).select(*PR)
    waiting = WAITS.table().select(*PR).union(merged, distinct=True)
    return waiting.mutate(within=waiting.repository)


def _incidents() -> Table:
    unresolved = INCIDENTS.table().filter(lambda incidents: incidents.happened_us.isnull())
    repositories = INCIDENT_REPOSITORIES.table().rename(of_key="owner_key", within="repository")
    found = unresolved.left_join(repositories, unresolved.owner_key == repositories.of_key)
    return found.select("incident_id", "within")


MAY_BE_OPEN: Mapping[str, MayBeOpen] = {
    "pull-requests": MayBeOpen((WAITS, CARRIED), _pull_requests),
    "incidents": MayBeOpen((INCIDENTS, INCIDENT_REPOSITORIES), _incidents),
}
"""For each fact that can be open."""


def bind_open(opened: Session, fact: Fact) -> Within:
    """Bind the keys of what may be open as those that are wanted; returns what need be read for it, or else whose merges."""
    declared = MAY_BE_OPEN[fact.name]
    opened.facts.bind(declared.needs)
    opened.facts.bind_raw()
    text = opened.facts.queries.text("open", [fact.name], lambda: compiled(declared.rows()))
    found = opened.engine.arrow(text).to_pydict()
    keys = dict.fromkeys(zip(*(found[name] for name in fact.key), strict=True))
    wanted_keys(fact).bind(opened.engine, keys)
    repositories = frozenset(repository for repository in found["within"] if repository is not None)
    return repositories if fact.by_team else Rows(fact.key, wanted_keys(fact).name, repositories)
