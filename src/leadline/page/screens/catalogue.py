"""The screen Metrics: what every number is, how it is read and what it needs. Every label's "?" leads here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from leadline.exports.kinds import KINDS
from leadline.metrics.catalogue import group_title
from leadline.metrics.metric import CatalogueEntry
from leadline.page.screen import Screen, new_router
from leadline.page.visit import LimitedReader

router = new_router()

READ = {"higher": "More is better.", "lower": "Less is better."}


@dataclass(frozen=True)
class Group:
    """Metrics of one kind of export that belong together."""

    kind: str
    title: str
    anchor: str
    entries: list[CatalogueEntry]


@router.get("/catalogue")
def catalogue(visit: LimitedReader, q: Annotated[str, Query()] = "") -> Response:
    """The catalogue; with ``q``, the metrics that have its words in name or definition."""
    words = q.lower().split()
    groups = [Group(group.kind, group.title, group.anchor, _with(words, group.entries)) for group in _groups()]
    shown = [group for group in groups if group.entries]
    return visit.html("catalogue.html", title="Metrics", groups=shown, q=q, read=READ)


def _groups() -> list[Group]:
    found: dict[tuple[str, str], Group] = {}
    for kind in KINDS.values():
        for entry in kind.catalogue():
            group = Group(kind.title, group_title(entry.group), f"{kind.name}-{entry.group}", [])
            found.setdefault((kind.name, entry.group), group).entries.append(entry)
    return list(found.values())


def _with(words: list[str], entries: list[CatalogueEntry]) -> list[CatalogueEntry]:
    texts = {
        entry.id: f"{entry.title} {entry.column} {' '.join(entry.aliases)} {entry.definition}".lower()
        for entry in entries
    }
    return [entry for entry in entries if all(word in texts[entry.id] for word in words)]


SCREEN = Screen("/catalogue", "Metrics", "Reference", "metrics", router)
