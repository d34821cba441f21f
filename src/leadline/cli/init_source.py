"""The source of ``leadline init``: asked for as far as its options do not say it, tried, and added once it works."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.cli.asking import ask, ask_one_of, ask_secret, ask_words
from leadline.cli.context import Chosen
from leadline.cli.failures import refused
from leadline.cli.kinds import add_words, option_parameter, settings_of
from leadline.cli.output import clean, note, say
from leadline.cli.sources import seen_by, show_seen
from leadline.errors import Conflict, LeadlineError
from leadline.sources.kit.intervals import USUAL
from leadline.sources.kit.kinds import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadline.home import Project
    from leadline.sources.kit.settings import SourceSettings

PLACES = ("token_env", "token_file", "token_keyring")
_FIRST = "github"


@dataclass(frozen=True)
class Answers:
    """What is known of a source: its kind, the values of the options of its ``sources add``, and the secret, if somebody typed
    it."""

    kind: Kind | None
    values: Mapping[str, Any] = field(default_factory=dict)
    secret: str = field(default="", repr=False)

    @property
    def missing(self) -> list[str]:
        """The options that would say what is not known and has no default."""
        if self.kind is None:
            return ["--source KIND", "--target NAME"]
        lacks = {
            f"--target {self.kind.metavar}": self.kind.target_needed and not self.values["targets"],
            "--url URL": self.kind.url_needed and not self.values["url"],
            f"--token-file FILE (or the variable {self.kind.secret_env})": self.kind.secret_needed
            and not _has_secret(self.kind, self.values),
        }
        return [option for option, is_missing in lacks.items() if is_missing]


def set_up(project: Project, chosen: Chosen, given: Answers, *, asking: bool) -> list[SourceSettings]:
    """Try the sources that ``given`` makes with what is asked beside, and add those that are new: all or none. Whoever is asked is
    asked again after a refusal; otherwise it is raised."""
    known, again = given, False
    while True:
        try:
            known = _asked(known, again) if asking else known
            return _added(project, chosen, known)
        except LeadlineError as error:
            if not asking:
                raise
            refused(error)
            note("Once more, then; Enter takes what stands in brackets, Ctrl-C ends.")
            known, again = replace(known, secret=""), True


def _asked(known: Answers, again: bool) -> Answers:
    """``known`` with answers to what it lacks, or to everything ``again``, with what it has as defaults."""
    kind = known.kind
    if kind is None or again:
        kind = KINDS[ask_one_of(f"Tool ({', '.join(KINDS)})", KINDS, _FIRST if kind is None else kind.name)]
    values = dict(known.values)
    if kind.targets and (again or not values["targets"]):
        about = f"{kind.targets.rstrip('.')}; blanks between, in quotes what has some"
        before = shlex.join(values["targets"])
        values["targets"] = ask_words(f"{kind.metavar} ({about})", _default(before, kind.target_needed))
    if kind.url and (again or values["url"] is None):
        values["url"] = ask(f"URL ({kind.url.rstrip('.')})", _default(values["url"] or "", kind.url_needed)) or None
    for option in (option for option in kind.options if option.asked):
        name = option_parameter(option.name)
        if again or not values.get(name):
            text = ask(f"{option.name} ({option.help.rstrip('.')})", next(iter(values.get(name) or ()), ""))
            values[name] = [text] if text else None
    return Answers(kind, values, _asked_secret(kind, values, again))


def _asked_secret(kind: Kind, values: dict[str, Any], again: bool) -> str:
    """What is typed as the secret; '' where it lies somewhere already. ``again``, what lies there may be no good."""
    if not kind.secret_env:
        return ""
    lies = next((values[place] for place in PLACES if values[place]), "")
    usual = kind.secret_env if os.environ.get(kind.secret_env, "").strip() else ""
    if (lies or usual) and not again:
        if not lies:
            note(f"The {kind.secret} is in the variable {usual}.")
        return ""
    needed = kind.secret_needed and not (lies or usual)
    or_enter = "" if needed else f"; Enter: {f'as before, from {lies or usual}' if lies or usual else 'none'}"
    if typed := ask_secret(f"{kind.secret.capitalize()} (is not shown{or_enter})", needed=needed):
        values.update(dict.fromkeys(PLACES))
    return typed


def _default(text: str, needed: bool) -> str | None:
    return text or (None if needed else "")


def _has_secret(kind: Kind, values: Mapping[str, Any]) -> bool:
    return any(values[place] for place in PLACES) or bool(os.environ.get(kind.secret_env, "").strip())


def _added(project: Project, chosen: Chosen, answers: Answers) -> list[SourceSettings]:
    from leadline.sources.kit.settings import checked
    from leadline.sync.configured import add
    from leadline.sync.source_names import own_names

    kind, values = answers.kind, answers.values
    assert kind is not None  # noqa: S101 - who cannot be asked was refused before
    with _kept(project, kind, answers) as place:
        values = {**values, **place}
        made = own_names(project, checked(settings_of(kind, values)))
        new = _new(project, made)
        reports = [seen_by(project, settings) for settings in made]
        add(project, new, name=None, every=USUAL, now=datetime.now(UTC))
    if new:
        say(f"$ {chosen.command(*add_words(kind, values))}")
    for settings, report in zip(made, reports, strict=True):
        say(f"$ {chosen.command('sources', 'test', settings.name)}")
        show_seen(settings.name, report)
    return made


@contextmanager
def _kept(project: Project, kind: Kind, answers: Answers) -> Iterator[dict[str, str]]:
    """The option that says where the typed secret is kept, if one was typed; it is thrown away if the block fails."""
    from leadline.administration.kept_secrets import keep_secret

    if not answers.secret:
        yield {}
        return
    place = str(keep_secret(project, "-".join((kind.name, *answers.values["targets"][:1])), answers.secret).file)
    try:
        yield {"token_file": place}
    except BaseException:
        Path(place).unlink(missing_ok=True)
        raise
    note(f"The {kind.secret} is kept in {clean(place)}, which you alone may read.")


def _new(project: Project, made: Sequence[SourceSettings]) -> list[SourceSettings]:
    """Those that are not there yet. Raises ``Conflict`` for one that is, with other settings."""
    from leadline.sync.configured import configured

    there = {one.settings.name: one.settings for one in configured(project)}
    for settings in made:
        known = there.get(settings.name)
        if known is not None and replace(settings, every=known.every).stored() != known.stored():
            raise Conflict(
                f"The source {settings.name} is there with other settings; `leadline sources remove {settings.name}` takes it "
                "away (what it brought stays), then these can be added"
            )
    return [settings for settings in made if settings.name not in there]
