"""Takes away the rows that a source brought: those that say its tool, of the repositories or projects that it reads.

The source is run no more from the beginning on, and forgotten at the end: who ended it in the middle does it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from leadline.db import cursors, sources
from leadline.db.sources import SourceRow
from leadline.engine import Engine, parquet_relation, sql_text
from leadline.engine.sql_text import sql_list
from leadline.errors import Conflict
from leadline.home import Project
from leadline.ingest.delivery import MEMORY_LIMIT, change_table
from leadline.ingest.pushed import deliver_pushed
from leadline.ingest.removal import remove_matching
from leadline.schema import TABLES, Table
from leadline.sources.git.log import SOURCE as GIT
from leadline.sources.kit.forge import STREAM
from leadline.sources.kit.kinds import KINDS
from leadline.sources.kit.targets import lies_in
from leadline.sync.timing import run_lock

_PARENTS = {"pull_request_files": "pull_requests", "commit_files": "commits"}
"""Of rows that do not say their tool, the table of the rows that do."""
_OF_PEOPLE = ("tool_accounts", "tool_teams", "ai_usage")
"""Tables of a whole tool, whatever is read of it."""
_TOOL_COLUMNS = {"ai_usage": "tool"}
"""The column that says the tool, where it is not `source`: the accounts of one may be those of another."""
_BY_IDS = {"builds": "build_id", "incidents": "incident_id"}
"""Of rows that do not say their tool either, the column that begins with it, or with the server."""
_KEPT = ("identities",)
"""Rows that name a tool and are nobody's but the user's."""


Reads = Callable[[str], bool]
"""Whether a source reads the repository or project called so."""


@dataclass(frozen=True)
class _Scope:
    """What a source of ``kind`` reads and none of the ``others``, which are of the same kind."""

    kind: str
    prefixes: Sequence[str]
    own: Reads
    others: Sequence[Reads]

    @property
    def alone(self) -> bool:
        """Whether all that the kind brought is this source's."""
        return not self.others

    def covers(self, name: str) -> bool:
        """Whether the repository or project called so is this source's."""
        return self.alone or (self.own(name) and not any(reads(name) for reads in self.others))


def count_rows(project: Project, name: str) -> dict[str, int]:
    """How many rows of each table ``remove_with_rows`` would take away. Raises as it does."""
    scope = _scope_of(project, sources.any_named(project.db, project.id, name))
    counts: dict[str, int] = {}
    with _matching(project, scope) as (engine, conditions):
        for table, matches in conditions.items():
            files = project.lake.newest([table]).files(table)
            relation = parquet_relation(files, TABLES[table].arrow_schema) if files else None
            rows = engine.execute(f"SELECT count(*) FROM {relation} AS stored WHERE {matches}") if relation else [(0,)]
            counts[table] = int(rows[0][0])
    return {table: rows for table, rows in counts.items() if rows}


def remove_with_rows(
    project: Project, name: str, report: Callable[[float, float], None] = lambda _done, _all: None
) -> dict[str, int]:
    """Forget a source, take away the rows that it brought, and forget how far it was read; how many rows of each table went. A run
    of it that is at work is waited for. Raises ``NotFound``, and ``Conflict`` where nobody can tell its rows from those of another
    source of its kind; nothing has changed then."""
    row = sources.any_named(project.db, project.id, name)
    scope = _scope_of(project, row)
    with project.lock(run_lock(name)):
        sources.take_out(project.db, project.id, name)
        deliver_pushed(project)
        removed: dict[str, int] = {}
        with _matching(project, scope) as (engine, conditions):
            for done, (table, matches) in enumerate(conditions.items()):
                report(done, len(conditions))
                removed[table] = _removed(project, TABLES[table], engine, matches)
        cursors.remove(project.db, project.id, row.kind, _cursors(project, scope))
        sources.remove(project.db, project.id, name)
    return {table: rows for table, rows in removed.items() if rows}


def _removed(project: Project, table: Table, engine: Engine, matches: str) -> int:
    return change_table(project, table, lambda writer: remove_matching(writer, engine, matches))


def _scope_of(project: Project, row: SourceRow) -> _Scope:
    own = _reads(project, row)
    same_kind = (one for one in sources.listed(project.db, project.id) if one.kind == row.kind and one.name != row.name)
    # What was read once from the same place brought the same rows.
    others = [one for one in same_kind if one.configured or _targets(one) != _targets(row)]
    theirs = [reads for one in others if (reads := _reads(project, one)) is not None]
    if others and (own is None or len(theirs) < len(others)):
        names = ", ".join(one.name for one in others)
        raise Conflict(
            f"Rows say that they are from {row.kind}, not from which source of it, and {names} brought such rows, too; remove "
            f"{row.name} alone, and its rows stay",
            code="rows_not_told_apart",
        )
    server = urlsplit(str(row.settings.get("url") or "")).netloc
    return _Scope(row.kind, [f"{row.kind}:", *([server] if server else [])], own or (lambda _name: True), theirs)


def _targets(row: SourceRow) -> list[str]:
    return [str(target).lower() for target in row.settings.get("targets", [])]


def _reads(project: Project, row: SourceRow) -> Reads | None:
    """What a source reads, as far as its rows can tell; None: anything."""
    targets = _targets(row)
    if row.kind == GIT:
        known = cursors.of_source(project.db, project.id, GIT)
        names = {name.lower() for name, value in known.items() if str(value.get("location")).lower() in targets}
        return lambda name: name.lower() in names
    kind = KINDS.get(row.kind)
    names_things = kind is not None and (kind.patterns or kind.metavar == "PROJECT")
    if kind is not None and not kind.owner_in_names:
        targets = [target.partition("/")[2] for target in targets]
        names_things = all(target.strip("*/") for target in targets)
    return (lambda name: lies_in(name, targets)) if targets and names_things else None


@contextmanager
def _matching(project: Project, scope: _Scope) -> Iterator[tuple[Engine, Mapping[str, str]]]:
    """An engine, and for each table that has any rows of the scope the condition that finds them: details come first."""
    with Engine.of(project.home, most_memory=MEMORY_LIMIT) as engine:
        snapshot = project.lake.newest(TABLES)
        engine.bind_snapshot(snapshot, TABLES)
        engine.execute("CREATE TABLE of_scope (name VARCHAR)")
        own = {
            name: _thing_of(table) for name, table in TABLES.items() if "source" in table.column and name not in _KEPT
        }
        for name, thing in own.items():
            if thing is not None:
                names = [row[0] for row in engine.execute(_names(name, thing, scope)) if scope.covers(row[0])]
                for some in names:
                    engine.execute(f"INSERT INTO of_scope VALUES ({sql_text(some)})")
        conditions = {}
        for detail, parent in _PARENTS.items():
            key = sql_list(TABLES[parent].key)
            of_parent = f"SELECT {key} FROM {parent} WHERE {_is_own(scope, own[parent])}"
            conditions[detail] = f"({key}) IN ({of_parent})"
        for name, column in _BY_IDS.items():
            if scope.alone or name != "incidents":
                conditions[name] = _is_numbered(scope, name, column)
        for name, thing in own.items():
            if scope.alone or name not in _OF_PEOPLE:
                conditions[name] = _is_own(scope, thing, _TOOL_COLUMNS.get(name, "source"))
        yield engine, conditions


def _thing_of(table: Table) -> str | None:
    """The column that says of which repository or project a row is."""
    return next((name for name in ("repository", "project") if name in table.column), None)


def _names(table: str, thing: str, scope: _Scope) -> str:
    return f"SELECT DISTINCT lower({thing}) FROM {table} WHERE lower(source) = {sql_text(scope.kind)}"


def _is_own(scope: _Scope, thing: str | None, tool: str = "source") -> str:
    of_tool = f"coalesce(lower({tool}), '') = {sql_text(scope.kind)}"
    return (
        of_tool if thing is None or scope.alone else f"{of_tool} AND coalesce(lower({thing}) IN (FROM of_scope), false)"
    )


def _is_numbered(scope: _Scope, table: str, column: str) -> str:
    """Whether a row of a table whose ids begin with the tool is of the scope."""
    begins = " OR ".join(f"starts_with(lower({column}), {sql_text(prefix.lower())})" for prefix in scope.prefixes)
    within = "true" if scope.alone else f"coalesce(lower({_thing_of(TABLES[table])}) IN (FROM of_scope), false)"
    return f"({begins}) AND {within}"


def _cursors(project: Project, scope: _Scope) -> list[str]:
    known = cursors.of_source(project.db, project.id, scope.kind)
    if scope.alone:
        return list(known)
    keys = {name for name, value in known.items() if (thing := _read(value)) and scope.covers(thing)}
    return [name for name in known if name in keys or name.partition(STREAM)[0] in keys or scope.covers(name)]


def _read(cursor: Mapping[str, Any]) -> str:
    """What a cursor is of, where it says so."""
    return str(cursor.get("repository") or cursor.get("key") or "")
