"""The accounts of a project with their developer, the reason and what each did: what ``identities`` and ``status`` show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadline.engine import Backend
    from leadline.home import Project
    from leadline.people.suggestions import Suggestions


COUNTS = ("commits", "pull_requests", "reviews", "comments", "work_items", "total")


@dataclass(frozen=True)
class Account:
    """One account of a domain (``code``, ``work`` or ``git``) and source ('' where rows name none); counts of what it did.
    ``developer`` is the email as the list spells it, None for one that counts for nobody. ``name`` is what its tool says;
    ``suggestion`` the email of the developer who an unmatched one might be: for a person to judge, nothing counts by it."""

    domain: str
    source: str
    account: str
    developer: str | None
    reason: str
    bot: bool
    commits: int
    pull_requests: int
    reviews: int
    comments: int
    work_items: int
    total: int
    name: str | None = None
    suggestion: str | None = None

    @property
    def unmatched(self) -> bool:
        """Whether a person's activity is lost."""
        return self.developer is None and not self.bot


def accounts(project: Project) -> list[Account]:
    """Every account seen in the project's newest data, those with the most activity that counts for nobody first.

    Raises ``StoreError`` if the data cannot be read.
    """
    from leadline.people import addresses, tree, trees

    versions = project.lake.snapshot().versions
    if not versions:
        return []
    from leadline.derive.accounts import activity
    from leadline.facts.accounts import ACCOUNTS
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import session

    tree_versions = {summary.name: summary.version for summary in trees(project)}
    shown = addresses(tree(project, name) for name in tree_versions)
    with session(project, versions, tree_versions, project.profile(), BUILD_POLICY) as opened:
        opened.facts.bind([ACCOUNTS])
        opened.facts.bind_raw()
        # Sums come back as decimals, which JSON does not know.
        rows: list[dict[str, Any]] = opened.engine.arrow(activity(ACCOUNTS.table())).to_pylist()
        suggestions = _suggestions(opened.engine)
    counted = (Account(**{**row, **{name: int(row[name]) for name in COUNTS}}) for row in rows)
    return [_shown(_with_name(account, suggestions), shown) for account in counted]


def _shown(account: Account, shown: Mapping[str, str]) -> Account:
    """``account`` with emails as they are ``shown``."""
    developer, suggestion = (
        None if email is None else shown.get(email, email) for email in (account.developer, account.suggestion)
    )
    return replace(account, developer=developer, suggestion=suggestion)


def _suggestions(engine: Backend) -> Suggestions:
    from leadline.derive.accounts import people_table
    from leadline.engine import schema_table
    from leadline.people.suggestions import Suggestions

    accounts = schema_table("tool_accounts")
    named = accounts.filter(accounts.name.strip() != "").select("source", "account", "email", "name")
    listed = people_table().union(schema_table("developers").select("email", "full_name"), distinct=True)
    return Suggestions(*(list(zip(*engine.arrow(rows).to_pydict().values(), strict=True)) for rows in (named, listed)))


def _with_name(account: Account, suggestions: Suggestions) -> Account:
    named = (account.source, account.account)
    suggestion = suggestions.developer(*named) if account.unmatched else None
    return replace(account, name=suggestions.name(*named), suggestion=suggestion)
