"""Reads which names the lake's rows have for repositories and services, so that each is one, however it is written.

Files of the lake never change: the names in each are looked up once and kept beside the facts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.atomic_file import whole_file
from leadline.derive import names
from leadline.engine import parquet_relation, sql_text
from leadline.engine.spellings import Spellings
from leadline.engine.sql_text import quoted
from leadline.schema import TABLES

if TYPE_CHECKING:
    from leadline.engine import Backend
    from leadline.lake import Snapshot

REPOSITORY, SERVICE, PROJECT = "repository", "service", "project"
_READ: Mapping[str, tuple[str, ...]] = {
    name: columns
    for name, table in TABLES.items()
    if (columns := tuple(column for column in (REPOSITORY, SERVICE) if column in table.column))
}
_PROJECTS = ("work_items", "work_item_changes")
"""Tables whose project may be a repository: where its issues are, which go with it when it is renamed."""
_FORMAT = 2
_KEPT_STATES = 8

_Seen = Mapping[str, Mapping[str, Collection[str]]]
"""By table and column the texts that its rows have."""


def spellings(
    engine: Backend, snapshot: Callable[[], Snapshot], versions: Mapping[str, int], folder: Path
) -> Spellings:
    """What is read instead of what rows have, at ``versions`` of the lake's tables, which ``snapshot`` opens. ``folder``
    keeps what was found."""
    state = json.dumps([_FORMAT, sorted(versions.items())])
    path = folder / f"state-{hashlib.sha256(state.encode()).hexdigest()[:20]}.json"
    if (kept := _kept(path)) is not None:
        all_names = {name: tuple(of) for name, of in kept["names"].items()}
        return Spellings(kept["replaced"], all_names, frozenset(kept["apart"]))
    reading = _Reading(engine, snapshot(), folder)
    computed = reading.spellings()
    _keep(path, {"replaced": computed.replaced, "names": computed.names, "apart": sorted(computed.apart)})
    for old in sorted(folder.glob("state-*.json"), key=_age)[:-_KEPT_STATES]:
        old.unlink(missing_ok=True)
    return computed


class _Reading:
    """One look at a state of the lake."""

    def __init__(self, engine: Backend, snapshot: Snapshot, folder: Path) -> None:
        self._engine = engine
        self._snapshot = snapshot
        self._folder = folder
        self._seen: _Seen = {table: self._of_table(table, columns) for table, columns in _READ.items()}

    def spellings(self) -> Spellings:
        """What is read instead."""
        former = self._former()
        shown = names.repositories(self._texts(REPOSITORY), former, self._first_seen(REPOSITORY))
        replaced = {
            table: {REPOSITORY: _other(seen.get(REPOSITORY, ()), shown), SERVICE: self._services(seen)}
            for table, seen in self._seen.items()
        }
        moved = {name: now for name, now in shown.items() if now != name and "/" in name}
        replaced.update({table: {PROJECT: moved} for table in (_PROJECTS if moved else ())})
        kept = {table: {column: texts for column, texts in of.items() if texts} for table, of in replaced.items()}
        found = Spellings({table: of for table, of in kept.items() if of}, _all_names(shown))
        return replace(found, apart=frozenset(table for table in found.replaced if self._stays_apart(found, table)))

    def _stays_apart(self, found: Spellings, table: str) -> bool:
        files = self._snapshot.files(table)
        relation = parquet_relation(files, TABLES[table].arrow_schema) if files else ""
        return not files or not self._engine.arrow(found.repeated_keys(table, f"SELECT * FROM {relation}")).num_rows

    def _services(self, seen: Mapping[str, Collection[str]]) -> dict[str, str]:
        shown = self._services_shown
        cells = {cell: names.services(cell) for cell in seen.get(SERVICE, ())}
        return {cell: ";".join(shown[n] for n in of) for cell, of in cells.items() if any(shown[n] != n for n in of)}

    @property
    def _services_shown(self) -> Mapping[str, str]:
        written = {name for cell in self._texts(SERVICE) for name in names.services(cell)}
        return names.one_spelling(written, (), self._first_seen(SERVICE))

    def _texts(self, column: str) -> set[str]:
        return {text for seen in self._seen.values() for text in seen.get(column, ())}

    def _former(self) -> dict[str, list[str]]:
        files = self._snapshot.files("repositories")
        if not files:
            return {}
        relation = parquet_relation(files, TABLES["repositories"].arrow_schema)
        rows = self._engine.arrow(f"SELECT repository, former_names FROM {relation}").to_pylist()
        return {row["repository"]: row["former_names"] or [] for row in rows}

    # -- the texts of a column -----------------------------------------------------------------------------------------

    def _of_table(self, table: str, columns: tuple[str, ...]) -> dict[str, set[str]]:
        files = {Path(path).name: path for path in self._snapshot.files(table)}
        if not files:
            return {}
        path = self._folder / f"{table}.json"
        kept = _kept(path) or {}
        known = {name: kept[name] for name in files if name in kept and kept[name].keys() == set(columns)}
        if fresh := [files[name] for name in files if name not in known]:
            known.update(self._of_files(table, columns, fresh))
            _keep(path, known)
        return {column: {text for of in known.values() for text in of[column]} for column in columns}

    def _of_files(self, table: str, columns: Iterable[str], files: list[str]) -> dict[str, dict[str, list[str]]]:
        relation = parquet_relation(files, TABLES[table].arrow_schema)
        of_file: dict[str, dict[str, list[str]]] = {Path(path).name: {name: [] for name in columns} for path in files}
        for column in columns:
            name = quoted(column)
            rows = self._engine.arrow(
                f"SELECT DISTINCT file_index, {name} FROM {relation} WHERE {name} <> '' ORDER BY ALL"
            )
            for at, text in zip(*rows.to_pydict().values(), strict=True):
                of_file[Path(files[at]).name][column].append(text)
        return of_file

    def _first_seen(self, column: str) -> names.FirstSeen:
        """When the rows that have a name first happened."""

        def first_seen(several: Collection[str]) -> dict[str, str]:
            first: dict[str, str] = {}
            wanted = set(several)
            for table, seen in self._seen.items():
                cells = [cell for cell in seen.get(column, ()) if wanted.intersection(_names_in(cell, column))]
                event = TABLES[table].event_time
                if not cells or event is None:
                    continue
                relation = parquet_relation(self._snapshot.files(table), TABLES[table].arrow_schema)
                texts = ", ".join(map(sql_text, sorted(cells)))
                query = (
                    f"SELECT {quoted(column)} AS cell, strftime(min({event}), '%Y-%m-%dT%H:%M:%S.%f') AS first "
                    f"FROM {relation} WHERE {quoted(column)} IN ({texts}) AND {event} IS NOT NULL GROUP BY 1"
                )
                for row in self._engine.arrow(query).to_pylist():
                    for name in _names_in(row["cell"], column):
                        first[name] = min(row["first"], first.get(name, row["first"]))
            return first

        return first_seen


def _names_in(cell: str, column: str) -> list[str]:
    return names.services(cell) if column == SERVICE else [cell]


def _other(written: Iterable[str], shown: Mapping[str, str]) -> dict[str, str]:
    return {name: shown[name] for name in written if shown[name] != name}


def _all_names(shown: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    several: dict[str, list[str]] = {}
    for name, now in sorted(shown.items()):
        if name.lower() != now.lower():  # what looks at names does so in any letter case
            several.setdefault(now, [now]).append(name)
    return {now: tuple(all_names) for now, all_names in several.items()}


# -- kept files --------------------------------------------------------------------------------------------------------


def _kept(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _keep(path: Path, document: Mapping[str, Any]) -> None:
    with suppress(OSError):  # found anew next time
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, durable=False) as partial:
            partial.write_text(json.dumps(document), encoding="utf-8")


def _age(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
