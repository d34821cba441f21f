"""Categories of work: how their names are read and written, and the settings that say which there are and what belongs to each."""

from __future__ import annotations

import re

from leadline.settings.setting import Filters, Setting, one_of, written

CATEGORIES, HIERARCHY, JOIN = "business.categories", "business.hierarchy", "join"
UNCATEGORIZED, UNLINKED = "Uncategorized", "Unlinked"
"""What is in no category, and effort on nothing that is known: no category can be called so."""
HIERARCHIES = ("none", "children", "descendants", "leaves", "epic")
PROPERTIES = ("project", "type", "label", "component", "priority", "fix_version", "key", "parent", "title")
"""What rules of a category may look at."""
MOST_SETS = 3
"""Properties that the rules of one category may look at."""
_DEFAULT = "Security & Compliance; New Capability; KTLO; Quality Improvements"


def column_form(category: str) -> str:
    """A category's name as columns have it: *Security & Compliance* is `Security_and_Compliance`."""
    return re.sub(r"[\W_]+", "_", category.replace("&", "and"))


def stored_form(category: str) -> str:
    """The same as keys of settings have it: in lower case."""
    return column_form(category).lower()


def parse_categories(text: str) -> tuple[str, ...]:
    """``KTLO; New Capability`` → the names, in their order. Raises ``ValueError`` for names whose columns would be one."""
    names = tuple(filter(None, (" ".join(part.split()) for part in text.split(";"))))
    seen = {UNCATEGORIZED.lower(): UNCATEGORIZED, UNLINKED.lower(): UNLINKED}
    for name in names:
        column = column_form(name)
        if not column.strip("_"):
            raise ValueError(
                f"names of categories, separated by `;`, each with a letter or a digit, which {name!r} has not"
            )
        if (other := seen.get(stored_form(name))) is not None:
            raise ValueError(f"names whose columns differ: those of {other!r} and {name!r} are both {column}")
        seen[stored_form(name)] = name
    if not names:
        raise ValueError("at least one category, such as `KTLO; New Capability`")
    return names


CATEGORY_SETTINGS = (
    Setting(
        CATEGORIES,
        _DEFAULT,
        written(parse_categories),
        "Categories of work, separated by `;`, the first that matches a work item first. What matches none is Uncategorized.",
    ),
    Setting(
        HIERARCHY,
        "none",
        one_of(*HIERARCHIES),
        "What an item without a match takes: nothing, the category of its parent (`children`), that of the nearest item above it "
        "that matches (`descendants`, `leaves`; of the latter, items that have children count nothing), or everything below an "
        "item of type Epic takes the Epic's (`epic`).",
    ),
)
CATEGORY_RULES: dict[str, Setting] = {
    **{
        name: Setting(
            name, "", Filters, f"Filters over the {name} of a work item of the category: `equals a, b; not contains c`."
        )
        for name in PROPERTIES
    },
    JOIN: Setting(
        JOIN, "all", one_of("all", "any"), "Whether an item must fit the filters over all properties, or over any."
    ),
}
"""What can be set for a category, by rule."""
OF_CATEGORY, OF_TEAM = "business", "team.business"
"""Scopes of settings: a category for all teams, and one for a team and those below it."""
_BETWEEN = ".business."


def in_team(name: str) -> tuple[str, str]:
    """The team and the category of the name `<team>.business.<category>`."""
    team, _, category = name.rpartition(_BETWEEN)
    return team, category


def is_in_team(name: str) -> bool:
    """Whether it is such a name."""
    return all(in_team(name))


def stored_name(scope: str, name: str) -> str:
    """The name in a setting of a category as it is stored: the category is as its columns, in lower case."""
    if scope == OF_CATEGORY:
        return stored_form(name)
    team, category = in_team(name)
    return f"{team}{_BETWEEN}{stored_form(category)}"
