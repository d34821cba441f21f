"""What the address of a page says: which tree and team, which days, how long periods are, how durations are summarized. Every
link that a page makes starts from these, so any page can be sent to a colleague. What cannot be understood is told, and what
it would have said is as if it were not there: no link of the page says it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, lru_cache
from urllib.parse import quote_plus

from leadline.errors import Detail, InvalidRequest
from leadline.exports.requests import check_length, check_order
from leadline.metrics.relative_range import relative_range
from leadline.page.choices import AGGREGATIONS, DEFAULT_PERIOD, GRANULARITIES, OF_A_VIEW, PERIODS
from leadline.page.parameters import Parameter, understood
from leadline.page.visit import Visit
from leadline.people import Node, OrgTree
from leadline.people.access import VisibleTrees

_RANGE_NAMES = ("from", "to", "from and to")


@dataclass(frozen=True)
class View:
    """What to show. ``path`` and ``query`` are the address it was read from, as far as it was understood; ``period`` is None where
    its days were given; ``problems`` are sentences about what was not, ``typed`` is what the address says all the same, for the
    forms that it was typed in."""

    path: str
    query: Mapping[str, str]
    trees: tuple[str, ...]
    tree: OrgTree
    team: Node
    period: str | None
    start: date
    end: date
    granularity: str
    aggregation: str
    problems: tuple[str, ...] = ()
    mark: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)

    def checked(self, *parameters: Parameter) -> View:
        """This view without what its address says of ``parameters`` that they do not know; the ``problems`` tell it."""
        query, problems = understood(self.query, parameters)
        return replace(self, query=query, problems=(*self.problems, *problems))

    def without(self, problem: str, *names: str) -> View:
        """This view without what its address says as ``names``, of which the ``problem`` is told."""
        query = {other: said for other, said in self.query.items() if other not in names}
        return replace(self, query=query, problems=(*self.problems, problem))

    def only(self, name: str, words: Iterable[str], problems: Iterable[str]) -> View:
        """This view, whose address says just these of the words that it listed as ``name``, if there are ``problems`` with others;
        they are told."""
        if not (told := tuple(problems)):
            return self
        query = {other: said for other, said in self.query.items() if other != name}
        left = ",".join(words)
        return replace(self, query={**query, **({name: left} if left else {})}, problems=(*self.problems, *told))

    def chosen(self, parameter: Parameter) -> str:
        """What the address says of a parameter that was checked; its default where it says nothing."""
        return self.query.get(parameter.name, parameter.default)

    def understood(self) -> View:
        """This view, for whoever gets a file and reads no notice beside it. Raises ``InvalidRequest`` with the first of the
        ``problems``."""
        if self.problems:
            raise InvalidRequest(self.problems[0], details=[Detail("", problem) for problem in self.problems])
        return self

    @cached_property
    def children(self) -> Mapping[int | None, list[Node]]:
        """The teams directly below each, by its ref id; under None those that are below none that is shown."""
        below: dict[int | None, list[Node]] = {}
        for node in self.tree.nodes:
            below.setdefault(node.parent if node.parent in self.tree.by_ref else None, []).append(node)
        return below

    @property
    def tops(self) -> list[Node]:
        """The root; for somebody limited to teams, those of them that are below no other."""
        return self.children[None]

    @property
    def team_path(self) -> list[Node]:
        """From the root to the team."""
        return self.path_of(self.team)

    def path_of(self, team: Node) -> list[Node]:
        """From the root to ``team``, as far as it is shown."""
        above = [team]
        while (parent := self.tree.by_ref.get(above[0].parent or 0)) is not None:
            above.insert(0, parent)
        return above

    @property
    def period_name(self) -> str:
        """What the days are called."""
        return PERIODS.get(self.period or "", "") or (self.period or "Own days").replace("-", " ").capitalize()

    def person(self, email: str) -> str:
        """What somebody is called who is shown with the address ``email``."""
        return self._names.get(email.lower()) or email

    @cached_property
    def _names(self) -> Mapping[str, str]:
        # By the address that is shown: asking for that of somebody who has a pseudonym must not tell it.
        return {developer.order: developer.full_name for developer in self.tree.developers.values()}

    @property
    def bare(self) -> View:
        """The same view, of whose address nothing is left that one screen alone understands."""
        return replace(self, query={name: text for name, text in self.query.items() if name in OF_A_VIEW})

    def listed(self, name: str) -> tuple[str, ...]:
        """What the address says of ``name``, each once: repeated, or with commas between."""
        return tuple(dict.fromkeys(word for part in self.query.get(name, "").split(",") if (word := part.strip())))

    def link(self, path: str | None = None, **changes: object) -> str:
        """The address of this view elsewhere (``path``) or otherwise: a value of None is left out, ``from_`` is ``from``."""
        query: dict[str, object] = {**self.query, **{name.rstrip("_"): value for name, value in changes.items()}}
        said = [f"{_quoted(name)}={_quoted(str(value))}" for name, value in query.items() if value not in (None, "")]
        mark = f"#{self.mark}" if self.mark else ""
        return (path or self.path) + (f"?{'&'.join(said)}" if said else "") + mark

    def at(self, mark: str) -> View:
        """The same view, whose links lead to the part of their page that is called ``mark``."""
        return replace(self, mark=mark)

    def team_link(self, team: Node, path: str | None = None) -> str:
        """The same view of another team of the tree."""
        return self.link(path, tree=self.tree.name, team=team.ref_id, collectionId=None, cursor=None)


@lru_cache(4096)
def _quoted(text: str) -> str:
    """``text`` as it stands in an address. Links of a screen say the same texts hundreds of times."""
    return quote_plus(text, safe=",")


def view_of(visit: Visit, granularities: Mapping[str, str] = GRANULARITIES) -> View | None:
    """What the address of ``visit`` says, with one of ``granularities``; None while there is no org tree to see."""
    visible = visit.trees
    if not (shown := _shown(visible)):
        return None
    query = _query(visit)
    typed, problems = dict(query), list[str]()
    tree, team = _team(visible, shown, query, problems)
    period, start, end = _days(visit, tree.name, query, problems)
    return View(
        path=visit.request.url.path,
        query=query,
        trees=tuple(shown),
        tree=tree,
        team=team,
        period=period,
        start=start,
        end=end,
        granularity=_choice("granularity", query, granularities, "monthly", problems),
        aggregation=_choice("aggregation", query, AGGREGATIONS, "mean", problems),
        problems=tuple(problems),
        typed=typed,
    )


def team_of(visit: Visit, query: Mapping[str, str]) -> Node | None:
    """The team that an address with ``query`` is of, as ``visit`` sees it."""
    shown = _shown(visit.trees)
    return _team(visit.trees, shown, dict(query), [])[1] if shown else None


def _shown(visible: VisibleTrees) -> dict[str, OrgTree]:
    return {known.name: tree for known in visible.listed() if (tree := visible.tree(known.name)) is not None}


def _query(visit: Visit) -> dict[str, str]:
    """What the address says by name; what it says several times, as forms do, with commas between."""
    said = visit.request.query_params
    texts = {name: ",".join(filter(None, map(str.strip, said.getlist(name)))) for name in said}
    return {name: text for name, text in texts.items() if text}


def _team(
    visible: VisibleTrees, shown: Mapping[str, OrgTree], query: dict[str, str], problems: list[str]
) -> tuple[OrgTree, Node]:
    """The tree and team; links of the vendor's kind name a team as ``collectionId``. What is not understood is among the
    ``problems`` then, and no longer in ``query``; so it is with what else an address says."""
    team, name = query.get("team") or query.get("collectionId"), query.get("tree")
    try:
        if team is not None:
            return visible.find_team(team, name)
        if name is not None:
            visible.summary(name)
    except InvalidRequest as error:
        problems.append(error.message)
        _leave_out(query, "team", "collectionId", *(() if name in shown else ("tree",)))
    tree = shown.get(name or "", next(iter(shown.values())))
    return tree, tree.root


def _leave_out(query: dict[str, str], *names: str) -> None:
    for name in names:
        query.pop(name, None)


def _days(visit: Visit, tree: str, query: dict[str, str], problems: list[str]) -> tuple[str | None, date, date]:
    today = visit.now.astimezone(visit.project.profile(tree).zone).date()
    try:
        if "from" in query or "to" in query:
            start, end = day_said("from", query), day_said("to", query)
            check_order(start, end, _RANGE_NAMES)
            check_length(visit.project, start, end, tree, "The range")
            return None, start, end
        name = query.get("period", DEFAULT_PERIOD)
        start, end = relative_range(name).days(today)
        check_length(visit.project, start, end, tree, "The period")
    except (InvalidRequest, ValueError) as error:
        problems.append(str(error))
        _leave_out(query, "from", "to", "period")
        return DEFAULT_PERIOD, *relative_range(DEFAULT_PERIOD).days(today)
    return name, start, end


def day_said(name: str, query: Mapping[str, str]) -> date:
    """The day that an address with ``query`` says as ``name``. Raises ``InvalidRequest``."""
    text = query.get(name, "")
    try:
        return date.fromisoformat(text)
    except ValueError:
        said = f"{text[:20]!r} is no day" if text else "is missing"
        raise InvalidRequest(f"The day {name!r} {said}; write it as 2026-01-31") from None


def _choice(name: str, query: dict[str, str], choices: Mapping[str, str], default: str, problems: list[str]) -> str:
    chosen = query.get(name, default).lower()
    if chosen in choices:
        return chosen
    problems.append(f"There is no {name} {query.pop(name)[:40]!r}; there are {', '.join(choices)}")
    return default
