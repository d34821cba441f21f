"""The form that adds a source, made of the declaration of its kind: its fields by the names of the members of a request, and what a
filled form asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from leadline.administration.remote_sources import SECRETS, NewSource, SecretNamed
from leadline.errors import LeadlineError
from leadline.page.words import capitalize_first
from leadline.sources.kit.intervals import INTERVALS, USUAL
from leadline.sources.kit.kinds import Kind

_SPANS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class FormField:
    """A field of a form: several lines if it is ``many``."""

    name: str
    label: str
    help: str
    placeholder: str = ""
    many: bool = False
    required: bool = False


@dataclass(frozen=True)
class SourceForm:
    """The form of ``kind``, with what was ``typed``. ``folder`` is the project's; ``shared``: the server's variables are those of
    several projects. ``error`` is why what was typed was refused."""

    kind: Kind
    typed: Mapping[str, str]
    folder: Path
    shared: bool
    error: LeadlineError | None = None

    @property
    def fields(self) -> list[FormField]:
        """What says what to read, and where."""
        kind = self.kind
        lines = " One a line." + (" * stands for anything." if kind.patterns else "")
        targets = FormField("targets", "What to read", kind.targets + lines, kind.metavar, True, kind.target_needed)
        url = FormField("url", "Address", kind.url, "https://…", required=kind.url_needed)
        options = [
            FormField(f"options.{one.name}", _label(one.name), one.help + _one_a_line(one.many), one.metavar, one.many)
            for one in kind.options
        ]
        return [*([targets] if kind.targets else []), *([url] if kind.url else []), *options]

    @property
    def secrets(self) -> list[FormField]:
        """What says where secrets lie."""
        kind = self.kind
        token = self._places("token", kind.secret, kind.secret_env) if kind.secret_env else ()
        webhooks = self._places("webhookSecret", "webhooks' secret", kind.webhook_env) if kind.webhooks else ()
        return [*token, *webhooks]

    def _places(self, member: str, what: str, variable: str) -> Iterator[FormField]:
        label, file = capitalize_first(what), f"a file in {self.folder / SECRETS} that has it, by its name."
        if not self.shared:
            about = f"The server's variable that has it: {variable}, or one whose name begins with {variable}_."
            yield FormField(f"{member}.env", f"{label}: variable", about, variable)
        yield FormField(f"{member}.file", f"{label}: file", capitalize_first(file) if self.shared else f"Or {file}")

    @property
    def naming(self) -> FormField:
        """What to call it."""
        return FormField("name", "Name", "What to call it, if not by what it reads; for one source alone.")

    @property
    def intervals(self) -> list[tuple[str, str]]:
        """How often it may be run, in words."""
        return [(text, interval_words(text)) for text in INTERVALS]

    def value(self, name: str, default: str = "") -> str:
        """What a field has."""
        return self.typed.get(name, default)

    def fault(self, name: str) -> str:
        """What is wrong with a field."""
        details = () if self.error is None else self.error.details
        return next((capitalize_first(self._said(one.message)) for one in details if one.field == name), "")

    @property
    def refusal(self) -> str:
        """Why it was refused, with the fields as the form calls them."""
        return "" if self.error is None else self._said(self.error.message)

    def _said(self, text: str) -> str:
        labels = {field.name: field.label for field in (*self.fields, *self.secrets)}
        names = sorted(labels, key=len, reverse=True)
        return re.sub(
            "|".join(rf"\b{re.escape(name)}\b" for name in names), lambda found: f"“{labels[found[0]]}”", text
        )

    @property
    def asked(self) -> NewSource:
        """What the filled form asks for."""
        options = {option.name: _lines(self.value(f"options.{option.name}")) for option in self.kind.options}
        return NewSource(
            self.kind.name,
            targets=_lines(self.value("targets")),
            url=self.value("url").strip(),
            options={name: lines for name, lines in options.items() if lines},
            token=self._secret("token"),
            webhook_secret=self._secret("webhookSecret"),
            name=self.value("name").strip(),
            every=self.value("every", USUAL),
        )

    def _secret(self, member: str) -> SecretNamed:
        return SecretNamed(self.value(f"{member}.env").strip(), self.value(f"{member}.file").strip())


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _label(name: str) -> str:
    return capitalize_first(name.replace("-", " "))


def _one_a_line(many: bool) -> str:
    return " One a line." if many else ""


def interval_words(text: str) -> str:
    """`15m` is every 15 minutes."""
    if text == "off":
        return "Only when asked"
    number, unit = text[:-1], _SPANS.get(text[-1], "seconds")
    return f"Every {unit.removesuffix('s')}" if number == "1" else f"Every {number} {unit}"
