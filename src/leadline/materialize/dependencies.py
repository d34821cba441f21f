"""What stored tables follow from, inferred while their expressions are built.

An expression is given a profile that notes which settings and team rules it is asked for, and is then walked for the tables
it reads. Building takes longer than finding a table that is there, so the answer, a ``Lineage``, is kept: it holds for every
profile that gives the same answers to what was asked, since an expression follows from these and from the code alone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from leadline.materialize.compiled import BUILDING, CompiledQueryCache
from leadline.materialize.model import Model, noting_tables, only_model, tables_in
from leadline.schema import TABLES
from leadline.settings.profile import SCOPES, SETTINGS, Profile

if TYPE_CHECKING:
    from ibis.expr.types import Table

PEOPLE = "people"
"""The name under which the developers of the org trees are bound."""
_MOST_LINEAGES = 8
"""Kept for each table: what differently set up trees make of it."""
_RULES, _OWN = "rules ", "own "
"""How a question for team rules begins, and one for what is set for services, repositories or categories; any other is a setting's
key."""

Answers = Mapping[str, str]
"""What was asked of a profile, with the texts that it answered."""


class AskedProfile(Profile):
    """A profile that notes in ``answers`` what it is asked, and refuses what is not in ``allowed`` (None: nothing)."""

    def __init__(self, profile: Profile, allowed: frozenset[str] | None = None) -> None:
        super().__init__(profile.values, profile.texts, profile.team_rules)
        object.__setattr__(self, "profile", profile)
        object.__setattr__(self, "allowed", allowed)
        object.__setattr__(self, "answers", {})

    if TYPE_CHECKING:
        profile: Profile
        allowed: frozenset[str] | None
        answers: dict[str, str]

    def _note(self, *questions: str) -> None:
        for question in questions:
            if self.allowed is not None and question not in self.allowed:
                raise AssertionError(f"{question} is read and not declared")
            self.answers[question] = answer(self.profile, question)

    def __getattribute__(self, name: str) -> Any:
        if name in ("values", "texts", "team_rules"):  # whoever takes all of them has asked for all
            if name != "team_rules":
                scoped = [own_question(scope, rule) for scope in SCOPES if scope != "team" for rule in SCOPES[scope]]
                self._note(*SETTINGS, *(scoped if name == "texts" else ()))
            self._note(*map(rules_question, SCOPES["team"]))
        return super().__getattribute__(name)

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return self.profile[key]

    def rule_texts(self, *names: str) -> dict[str, str]:
        """As of any profile."""
        self._note(*map(rules_question, names))
        return self.profile.rule_texts(*names)

    def variants(self, rule: str) -> tuple[str | None, ...]:
        """As of any profile."""
        self._note(rules_question(rule))
        return self.profile.variants(rule)

    def own(self, scope: str, rule: str) -> dict[str, Any]:
        """As of any profile."""
        self._note(own_question(scope, rule))
        return self.profile.own(scope, rule)

    def own_texts(self, scope: str, rule: str) -> dict[str, str]:
        """As of any profile."""
        self._note(own_question(scope, rule))
        return self.profile.own_texts(scope, rule)

    @property
    def zone(self) -> ZoneInfo:
        """As of any profile."""
        return ZoneInfo(self["timezone"])


def rules_question(name: str) -> str:
    """The question for the team rules called ``name``, of any team."""
    return _RULES + name


def own_question(scope: str, rule: str) -> str:
    """The question for what is set as ``rule`` for services or repositories."""
    return f"{_OWN}{scope} {rule}"


def answer(profile: Profile, question: str) -> str:
    """What ``profile`` answers to a question: a setting's text, or all of one name as JSON."""
    if question.startswith(_RULES):
        return json.dumps(profile.rule_texts(question.removeprefix(_RULES)), sort_keys=True)
    if question.startswith(_OWN):
        return json.dumps(profile.own_texts(*question.removeprefix(_OWN).split(" ")), sort_keys=True)
    return profile.texts[question]


# -- one table ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dependencies:
    """What a stored table follows from: answers of the profile, tables of the lake, stored tables, and the people."""

    answers: Answers
    sources: tuple[str, ...]
    depends_on: tuple[Model, ...]
    people: bool = False


def inferred(model: Model, profile: Profile) -> tuple[Dependencies, Table]:
    """What the expression of ``model`` reads, and the expression. Raises ``AssertionError`` for a table that nobody binds."""
    if model.expression is None:
        raise AssertionError(f"{model.name} has no expression")
    asked = AskedProfile(profile)
    with noting_tables() as noted:
        expression = model.expression(asked)
    stored = {read.bound_name: read for read in noted}
    names = tables_in(expression)
    if strange := sorted(names - stored.keys() - TABLES.keys() - {PEOPLE}):
        raise AssertionError(f"{model.name} reads {', '.join(strange)}, which nobody binds")
    return (
        Dependencies(
            dict(sorted(asked.answers.items())),
            tuple(sorted(names & TABLES.keys())),
            tuple(stored[name] for name in sorted(names & stored.keys())),
            PEOPLE in names,
        ),
        expression,
    )


def declared(model: Model, profile: Profile) -> Dependencies:
    """What a computation says that it reads."""
    computation = model.computation
    if computation is None:
        raise AssertionError(f"{model.name} has neither an expression nor a computation")
    questions = sorted([*computation.settings, *map(rules_question, computation.rules)])
    answers = {question: answer(profile, question) for question in questions}
    return Dependencies(answers, computation.sources, computation.depends_on)


# -- the whole line ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lineage:
    """What a stored table follows from, by names, and in turn what the stored tables among it follow from."""

    name: str
    answers: Answers
    sources: tuple[str, ...]
    people: bool
    depends_on: tuple[Lineage, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Lineage:
        """The lineage that ``asdict`` made ``document`` of."""
        return cls(
            document["name"],
            document["answers"],
            tuple(document["sources"]),
            document["people"],
            tuple(map(cls.of, document["depends_on"])),
        )

    def holds(self, profile: Profile) -> bool:
        """Whether it is what the table follows from under ``profile``, too."""
        asked = all(answer(profile, question) == text for question, text in self.answers.items())
        return asked and all(lineage.holds(profile) for lineage in self.depends_on)

    def all_sources(self) -> frozenset[str]:
        """The lake's tables in the whole line."""
        return frozenset(self.sources).union(*(lineage.all_sources() for lineage in self.depends_on))


class Lineages:
    """Finds what stored tables follow from under ``profile``; kept in the process and beside the texts of ``queries``."""

    def __init__(self, queries: CompiledQueryCache, profile: Profile) -> None:
        self._queries = queries
        self._profile = profile
        self._found: dict[Model, Lineage] = {}
        self._expressions: dict[Model, Table] = {}

    def lineage(self, model: Model) -> Lineage:
        """What ``model`` follows from."""
        if (lineage := self._found.get(model)) is None:
            lineage = self._found[model] = self._kept(model) or self._derived(model)
        return lineage

    def dependencies(self, model: Model) -> Dependencies:
        """What ``model`` itself reads, with the stored tables."""
        if model.computation is not None:
            return declared(model, self._profile)
        with _GUARD:
            built = list(_DEPENDENCIES.get(model, ()))
        for dependencies in built:
            if all(answer(self._profile, question) == text for question, text in dependencies.answers.items()):
                return dependencies
        if (named := self._by_name(model)) is not None:
            return named
        with BUILDING:
            dependencies, self._expressions[model] = inferred(model, self._profile)
        _remember(_DEPENDENCIES, model, dependencies)
        return dependencies

    def expression(self, model: Model) -> Table:
        """The expression of ``model``, to be compiled; call it with ``BUILDING`` held."""
        built = self._expressions.pop(model, None)
        return inferred(model, self._profile)[1] if built is None else built

    def _by_name(self, model: Model) -> Dependencies | None:
        """What a kept lineage says that ``model`` reads, where its names are beyond doubt: building takes longer."""
        lineage = self._found.get(model)
        if lineage is None:
            return None
        models = [only_model(above.name) for above in lineage.depends_on]
        unique = tuple(above for above in models if above is not None)
        if len(unique) < len(models):
            return None
        return Dependencies(lineage.answers, lineage.sources, unique, lineage.people)

    def _kept(self, model: Model) -> Lineage | None:
        with _GUARD:
            remembered = list(_LINEAGES.get(model, ()))
        if (lineage := self._holding(remembered)) is None and (lineage := self._holding(self._read(model))) is not None:
            _remember(_LINEAGES, model, lineage)
        return lineage

    def _holding(self, lineages: Iterable[Lineage]) -> Lineage | None:
        return next((lineage for lineage in lineages if lineage.holds(self._profile)), None)

    def _read(self, model: Model) -> list[Lineage]:
        text = self._queries.kept(_file(model))
        return [] if text is None else [Lineage.of(document) for document in json.loads(text)]

    def _derived(self, model: Model) -> Lineage:
        dependencies = self.dependencies(model)
        lineage = Lineage(
            model.name,
            dependencies.answers,
            dependencies.sources,
            dependencies.people,
            tuple(map(self.lineage, dependencies.depends_on)),
        )
        others = [kept for kept in self._read(model) if kept != lineage]
        documents = [asdict(kept) for kept in (lineage, *others)[:_MOST_LINEAGES]]
        self._queries.keep(_file(model), json.dumps(documents))
        _remember(_LINEAGES, model, lineage)
        return lineage


def _file(model: Model) -> str:
    return f"{model.name}-lineage"


_GUARD = threading.Lock()
_DEPENDENCIES: WeakKeyDictionary[Model, list[Dependencies]] = WeakKeyDictionary()
_LINEAGES: WeakKeyDictionary[Model, list[Lineage]] = WeakKeyDictionary()


def _remember(memory: WeakKeyDictionary[Model, list[Any]], model: Model, value: object) -> None:
    with _GUARD:
        memory[model] = [value, *memory.get(model, ())][:_MOST_LINEAGES]
