"""Settings of single services, repositories and categories that name none there is: they change nothing, and are probably
misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from leadline.derive import names
from leadline.engine.tables import schema_table
from leadline.settings.categories import CATEGORIES, OF_CATEGORY, OF_TEAM, in_team, stored_form
from leadline.settings.profile import SCOPES, Profile

if TYPE_CHECKING:
    from leadline.materialize.session import Session

_TABLES = {"repository": ("repositories", "commits", "pull_requests"), "service": ("deployments",)}
"""What may be named, and the tables that say which there are."""
_ABSENT = {"repository": "no repository is called so", "service": "no deployment is of such a service"}


def unmatched_names(opened: Session, profiles: Sequence[Profile]) -> Iterator[str]:
    """A sentence for each setting ``<service, repository or business>.<name>.…`` of any profile whose name is not there, in any
    letter case, with the nearest one that is. Of a repository all its names will do. The tables are bound."""
    for scope in _TABLES:
        keys = {
            f"{scope}.{name}.{rule}": name for rule in SCOPES[scope] for of in profiles for name in of.own(scope, rule)
        }
        known = _known(opened, scope) if keys else {}
        for key, name in sorted(keys.items()):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                yield f"{key}: {_ABSENT[scope]}" + (f"; it may be {known[near[0]]}" if near else "")
    yield from sorted({sentence for profile in profiles for sentence in _uncategorized(profile)})


def _uncategorized(profile: Profile) -> Iterator[str]:
    """A sentence for each rule of a category that there is not."""
    known = {stored_form(category): category for category in profile[CATEGORIES]}
    for scope in (OF_CATEGORY, OF_TEAM):
        for rule in SCOPES[scope]:
            for name in profile.own_texts(scope, rule):
                category = in_team(name)[1] if scope == OF_TEAM else name
                if category not in known:
                    near = difflib.get_close_matches(category, known, n=1)
                    hint = f"; it may be {known[near[0]]}" if near else ""
                    yield f"{scope.partition('.')[0]}.{name}.{rule}: no category is called so{hint}"


def _known(opened: Session, scope: str) -> Mapping[str, str]:
    """The names that there are, by the same in lower case."""
    texts: set[str] = set()
    for table in _TABLES[scope]:
        texts.update(filter(None, opened.engine.arrow(schema_table(table).select(scope).distinct())[scope].to_pylist()))
    all_names = names.services if scope == "service" else opened.facts.spellings.all_names
    return {name.lower(): name for text in sorted(texts) for name in all_names(text) if name}
