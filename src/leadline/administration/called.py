"""What somebody is called in a project: every address, account and name that is theirs, by whatever says so today."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from leadline.db import trees as tree_rows
from leadline.engine import Engine, sql_text
from leadline.facts.account_activity import accounts
from leadline.ingest.delivery import MEMORY_LIMIT
from leadline.people.forgotten import Called, comparable, is_pseudonym
from leadline.people.serialization import people_in

if TYPE_CHECKING:
    from leadline.home import Project

_TABLES = ("developers", "identities", "tool_accounts", "commits")


def called(project: Project, email: str, pseudonym: str | None) -> Called:
    """What the person of ``email`` is called, who has ``pseudonym`` already or not; nothing but the email where nobody knows it.
    Raises ``StoreError`` if the data cannot be read."""
    own = {comparable(email), *([pseudonym] if pseudonym else [])}
    found = _counting_for(project, own)
    addresses = {comparable(email)} | {name for _, name in found if "@" in name}
    names, others = _names_in_trees(project, own)
    snapshot = project.lake.newest(_TABLES)
    with Engine.of(project.home, most_memory=MEMORY_LIMIT) as engine:
        engine.bind_snapshot(snapshot, _TABLES)
        found |= set(_pairs(engine, "identities", "source, account", f"lower(email) IN ({_texts(own)})"))
        found |= set(_pairs(engine, "tool_accounts", "source, account", f"lower(email) IN ({_texts(own)})"))
        for source, account in list(found):
            where = f"lower(source) = {sql_text(source)} AND lower(account) = {sql_text(account)}"
            for address, name in _pairs(engine, "tool_accounts", "email, name", where):
                addresses |= {comparable(address)} if address else set()
                names |= {name} if name else set()
        known = f"IN ({_texts(addresses)})"
        names |= {name for name, _ in _pairs(engine, "developers", "full_name, email", f"lower(email) {known}")}
        others |= {name for name, _ in _pairs(engine, "developers", "full_name, email", f"NOT lower(email) {known}")}
        names |= {
            name for name, _ in _pairs(engine, "commits", "author_name, author_email", f"lower(author_email) {known}")
        }
    return Called(
        frozenset(address for address in addresses if not is_pseudonym(address)),
        frozenset((source, account) for source, account in found if not is_pseudonym(account)),
        # A name that somebody else has, too, is left where people write it: it may mean them.
        frozenset(names - others - {""}),
    )


def is_known(called: Called) -> bool:
    """Whether anything in the project is called so, beside what was asked for."""
    return bool(called.accounts or called.names or len(called.addresses) > 1)


def _counting_for(project: Project, own: set[str]) -> set[tuple[str, str]]:
    return {
        (account.source, account.account)
        for account in accounts(project)
        if account.developer is not None and comparable(account.developer) in own
    }


def _names_in_trees(project: Project, own: set[str]) -> tuple[set[str], set[str]]:
    """Full names of whoever is ``own`` in any version of any tree, and those of everybody else."""
    names: set[str] = set()
    others: set[str] = set()
    for known in tree_rows.listed(project.db, project.id):
        for row in tree_rows.with_content(project.db, known.id):
            document = tree_rows.document(project.db, known.id, row.version)
            for email, full_name in people_in(document) if document is not None else ():
                (names if comparable(email) in own and not is_pseudonym(email) else others).add(full_name)
    return names, others


def _pairs(engine: Engine, table: str, columns: str, where: str) -> Iterator[tuple[str, str]]:
    rows = engine.execute(f"SELECT DISTINCT {columns} FROM {table} WHERE {where}")
    return ((first or "", second or "") for first, second in rows)


def _texts(texts: set[str]) -> str:
    return ", ".join(map(sql_text, sorted(texts)))
