"""What is asked of facts: filters as users give them, and what they keep within the limits of whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Self

from leadline.errors import Detail, InvalidRequest
from leadline.facts.catalogue import FACTS, Fact
from leadline.people import addresses, trees
from leadline.people.access import Access, VisibleTrees
from leadline.people.pseudonyms import hidden_stretch, pseudonyms_of
from leadline.people.timeline import Timeline, asked_of, timeline

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.settings.profile import Profile


@dataclass(frozen=True)
class Filters:
    """What to keep of a fact (None: everything). ``start`` and ``end`` (inclusive, local dates) keep what happened then:
    pull requests by merge, work items by completion, deployments by finish, incidents by resolution, commits by author
    date. ``tree_name`` and ``team`` keep what counts for the scope, ``developer`` what is one person's, by email,
    ``open`` what is not done yet (see ``Fact.open``)."""

    start: date | None = None
    end: date | None = None
    tree_name: str | None = None
    team: str | None = None
    developer: str | None = None
    open: bool = False


@dataclass(frozen=True)
class Versions:
    """What facts are read at: the version of each table and of each org tree, the settings in force, and the day (None: after all
    days)."""

    tables: Mapping[str, int]
    trees: Mapping[str, int]
    profile: Profile
    today: date | None

    @classmethod
    def newest(cls, project: Project, tree_name: str | None) -> Self:
        """The newest there are, with the settings of a tree, or of the project."""
        profile = project.profile(tree_name)
        known = {listed.name: listed.version for listed in trees(project)}
        return cls(project.lake.snapshot().versions, known, profile, datetime.now(UTC).astimezone(profile.zone).date())


def checked(fact: str, filters: Filters) -> Fact:
    """The fact called ``fact``. Raises ``InvalidRequest`` if there is none or ``filters`` do not fit it."""
    if fact not in FACTS:
        raise InvalidRequest(f"There is no fact {fact!r}; facts are {', '.join(FACTS)}", code="unknown_fact")
    if filters.start is not None and filters.end is not None and filters.start > filters.end:
        raise InvalidRequest(
            f"The range begins on {filters.start}, which is after its last day, {filters.end}",
            code="invalid_range",
            details=[Detail("start", "on or before end")],
        )
    if filters.developer is not None and FACTS[fact].by_team:
        raise InvalidRequest(
            f"{fact.capitalize()} belong to teams, not to a developer; a team or an org tree would do",
            code="not_of_developers",
            details=[Detail("developer", "not with facts that belong to teams")],
        )
    if filters.open and FACTS[fact].open is None:
        facts = ", ".join(name for name, declared in FACTS.items() if declared.open)
        raise InvalidRequest(
            f"{fact.capitalize()} are never open; {facts} are",
            code="never_open",
            details=[Detail("open", f"only with {facts}")],
        )
    return FACTS[fact]


@dataclass(frozen=True)
class Kept:
    """What filters keep: a range of local dates, one person's by email, and what counts for a scope, the ref id of a node (None:
    everything). ``people`` is how people are shown by email; None if they are not. ``limited``: no other team may be named.
    ``by_keys`` keeps instead of all that what is asked for by its key. ``open``: only what is."""

    people: Mapping[str, str] | None
    names: bool
    limited: bool
    start: date | None = None
    end: date | None = None
    developer: str | None = None
    scope: int | None = None
    by_keys: bool = False
    open: bool = False


def stretches_of(visible: VisibleTrees, tree_name: str | None, versions: Versions) -> Timeline:
    """The trees that count (all, or one), over all days, with people named as they are shown."""
    names = versions.trees if tree_name is None else [visible.summary(tree_name).name]
    newest = {name: versions.trees[name] for name in names if name in versions.trees}
    stretches = timeline(visible.project, newest, asked_of(versions.profile["people.history"], versions.today))
    if visible.access.names:
        return stretches
    return [hidden_stretch(visible.project, stretch) for stretch in stretches]


def shown_people(visible: VisibleTrees, stretches: Timeline, known: Mapping[str, int]) -> Mapping[str, str] | None:
    """How everybody is shown, by email: as the list spells it, or by the pseudonym; None if no developers are."""
    if not visible.access.developers:
        return None
    if visible.access.names:
        return addresses(tree for stretch in reversed(stretches) for tree in stretch.trees)
    from leadline.people.arrow import everybody

    pseudonyms = pseudonyms_of(visible.project)
    return {email: pseudonyms.address(email) for email, _ in everybody(visible.project, known)}


def kept_by(visible: VisibleTrees, filters: Filters, stretches: Timeline, people: Mapping[str, str] | None) -> Kept:
    """What ``filters`` keep; ``people`` are the ``shown_people``. Raises ``InvalidRequest`` or ``Forbidden``."""
    scope = None
    if filters.team is not None:
        trees_of = [org_tree for stretch in reversed(stretches) for org_tree in stretch.trees]
        _, node = visible.find_team(filters.team, filters.tree_name, among=trees_of)
        scope = node.ref_id
    elif (only := visible.scope(filters.tree_name)) is not None:
        scope = only[1].ref_id
    elif filters.tree_name is not None and stretches:
        scope = stretches[-1].tree.root.ref_id
    access = visible.access
    developer = None if filters.developer is None else _email_of(filters.developer, people or {}, access)
    limited = access.teams is not None
    return Kept(people, access.names, limited, filters.start, filters.end, developer, scope, open=filters.open)


def _email_of(text: str, people: Mapping[str, str], access: Access) -> str:
    """The email that a filter means; where names are hidden, it says a pseudonym, and an email is nobody's."""
    asked = text.strip().lower()
    return asked if access.names else next((email for email, shown in people.items() if shown == asked), "")
