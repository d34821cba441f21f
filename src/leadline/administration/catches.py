"""What the text of a setting catches in the data that are there: the branches, labels, files, accounts, environments … that it
names, with how many things each is of. It is for people who change a setting, to see what they do; numbers are made elsewhere, by
the same expressions."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadline.exports.insights.kept import Kept
from leadline.home import Project
from leadline.settings.checks import check
from leadline.settings.profile import declared

if TYPE_CHECKING:
    from leadline.administration.catch_subjects import Subject
    from leadline.lake import Snapshot

SECONDS = 5.0
"""How long counting may take; what takes longer is not told."""
NAMED = 6
"""Names that are told, those with the most things first."""


_WEIGHT = 2_000
"""Bytes that one takes, about."""


@dataclass(frozen=True)
class Catch:
    """``caught`` of ``total`` things are what a text names; ``nouns`` is what several are called, ``so`` what follows for those
    caught. ``names`` are the first ``NAMED`` of ``different`` names, each with how many things it is of."""

    nouns: str
    so: str
    caught: int
    total: int
    different: int
    names: tuple[tuple[str, int], ...]


_kept: Kept[Catch] = Kept(1 << 20)


def catch(project: Project, key: str, text: str) -> Catch | None:
    """What ``text`` would catch as the setting ``key``; None if it names nothing, where there are no data, or if counting takes too
    long. Raises ``InvalidRequest`` for what ``key`` cannot be, ``StoreError`` if the data cannot be read."""
    from leadline.administration.catch_subjects import subject_of

    check(key, text)
    subject = subject_of(key)
    value = declared(key).parse(text)
    snapshot = project.lake.snapshot()
    if subject is None or not value or not snapshot.versions:
        return None
    state = {table: snapshot.versions.get(table) for table in subject.tables}
    digest = repr((str(project.folder), state, key, text))
    if (known := _kept.get(digest)) is None and (known := _counted(project, snapshot, subject, value)) is not None:
        _kept.put(digest, known, _WEIGHT + len(digest))
    return known


def _counted(project: Project, snapshot: Snapshot, subject: Subject, value: object) -> Catch | None:
    from leadline.engine import Engine
    from leadline.engine.duck import Interrupted

    rows = subject.rows(value)
    rows = rows.mutate(name=rows.name.fill_null(""), caught=rows.caught.fill_null(False))
    counted = rows.group_by("name", "caught").agg(things=rows.count())
    with Engine.of(project.home) as engine:
        timer = threading.Timer(SECONDS, engine.interrupt)
        timer.start()
        try:
            engine.bind_snapshot(snapshot, subject.tables)
            found = engine.arrow(counted).to_pylist()
        except Interrupted:
            return None
        finally:
            timer.cancel()
    caught = sorted((-row["things"], row["name"]) for row in found if row["caught"])
    return Catch(
        subject.nouns,
        subject.so,
        caught=-sum(things for things, _ in caught),
        total=sum(row["things"] for row in found),
        different=len(caught),
        names=tuple((name, -things) for things, name in caught[:NAMED]),
    )
