"""The form that changes one setting: what was typed, what is wrong with it and what it would catch; and where it is set at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from starlette.datastructures import FormData

from leadline.administration import settings
from leadline.administration.catches import Catch, catch
from leadline.errors import LeadlineError
from leadline.home import Project
from leadline.page.goal_fields import GoalField, goal_fields, text_of
from leadline.page.shown_settings import Level, levels
from leadline.settings.profile import GOALS, SCOPES, SETTINGS, canonical, declared, split_key
from leadline.settings.setting import Setting

_LONG = 40
"""Characters from which on a text gets more lines than one."""


_MOST_PLACES = 100
"""Teams (services, repositories) that are told to have it set, too."""


@dataclass(frozen=True)
class SettingForm:
    """The form of the setting ``key`` at ``level``. ``typed`` is what its field has; ``known`` is what was set there when whoever
    types looked (None: nothing)."""

    key: str
    level: Level
    typed: str
    known: str | None

    @classmethod
    def of(cls, project: Project, key: str, level: Level) -> Self:
        """The form as it is first shown: with the text in force. Raises ``InvalidRequest`` for what is no setting or tree."""
        row = settings.one(project, key, level.tree)
        return cls(row.key, level, row.value, settings.own_texts(project, level.tree).get(row.key))

    @classmethod
    def sent(cls, form: FormData) -> Self:
        """The form as it was sent. Raises ``InvalidRequest`` for what is no setting."""
        said = {name: str(form.get(name, "")) for name in ("key", "of", "value", "known", "set")}
        known = said["known"].replace("\r\n", "\n") if said["set"] == "yes" else None
        return cls(canonical(said["key"]), Level(said["of"] or None), text_of(form) or said["value"], known)

    @property
    def text(self) -> str:
        """What was typed as it is stored: in one line."""
        return " ".join(line.strip() for line in self.typed.splitlines() if line.strip())

    @property
    def declared(self) -> Setting:
        """What is declared of the setting."""
        return declared(self.key)

    @property
    def options(self) -> tuple[str, ...]:
        """The words to choose from, if there are only these; what was typed is always among them."""
        options = self.declared.options
        return options if not options or self.typed.lower() in options else (*options, self.typed)

    @property
    def is_long(self) -> bool:
        """Whether the text may need several lines."""
        return len(self.declared.default) > _LONG or len(self.typed) > _LONG

    @cached_property
    def goals(self) -> list[GoalField]:
        """A field for each metric, if it is of goals."""
        return goal_fields(self.typed) if self.declared.key == GOALS else []

    @property
    def of_tree_alone(self) -> bool:
        """Whether it cannot be set at this level."""
        return self.level.tree is not None and self.declared.project_only

    @property
    def order(self) -> str:
        """Which value wins, of those set in several places."""
        if self.declared.project_only:
            return ""
        scope = next((scope for scope, rules in SCOPES.items() if self.key in rules), None)
        over_both = f"that of a single {scope} over both" if scope else "and both over the default"
        return f"A tree's own value wins over the project's, {over_both}."

    def inherited(self, places: Sequence[Place]) -> str:
        """What holds where nothing is set at this level, in a sentence."""
        of_project = self.level.tree is not None and places[0].text is not None
        holds = "what the project has" if of_project else "the default" if self.declared.default else ""
        return f"Nothing is set here, so {holds} holds." if holds else "Nothing is set."

    def check(self, project: Project) -> LeadlineError | None:
        """What saving it now would be refused with."""
        try:
            settings.check_change(project, {self.key: self.text}, tree=self.level.tree)
        except LeadlineError as error:  # also where another setting that is stored cannot be read
            return error
        return None

    def caught(self, project: Project) -> Catch | None:
        """What it would catch, if that can be told."""
        try:
            return catch(project, self.key, self.text)
        except LeadlineError:  # what is wrong is told beside the field; data that cannot be read, on their own screens
            return None

    def save(self, project: Project) -> None:
        """Set it. Raises ``InvalidRequest``, and ``Conflict`` if somebody changed it meanwhile."""
        settings.change(project, {self.key: self.text}, tree=self.level.tree, known={self.key: self.known})

    def reset(self, project: Project) -> None:
        """Take away what is set at this level. Raises as ``save``."""
        settings.change(project, {}, [self.key], tree=self.level.tree, known={self.key: self.known})

    def seen(self, project: Project) -> Self:
        """The same form, for somebody who knows what is set now."""
        return replace(self, known=settings.own_texts(project, self.level.tree).get(self.key))


@dataclass(frozen=True)
class Place:
    """Where a setting may be set: ``text`` is what is set there (None: nothing), ``address`` its form."""

    name: str
    text: str | None
    address: str = ""


def places(project: Project, key: str) -> list[Place]:
    """Where ``key`` may be set: the project, each org tree, and the single teams (services, repositories) that have it set by a
    rule of the same name."""
    own = {level: settings.own_texts(project, level.tree) for level in levels(project)}
    of_levels = [
        Place(level.name, texts.get(key), level.address("/settings/one", key=key)) for level, texts in own.items()
    ]
    of_teams = [
        Place(f"{name} in {level.tree}" if level.tree else name, text, level.address("/settings/one", key=name))
        for level, texts in own.items()
        for name, text in texts.items()
        if name not in SETTINGS and name != key and split_key(name)[2] == key
    ]
    return [*of_levels, *of_teams[:_MOST_PLACES]]
