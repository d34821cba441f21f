"""``leadline sync KIND`` and ``leadline sources add KIND``: commands made of the declaration of each kind of source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Declared, Json, example, optional, takes
from leadline.sources.kit.intervals import INTERVALS, USUAL
from leadline.sources.kit.kinds import KINDS, Kind

if TYPE_CHECKING:
    from leadline.sources.kit.settings import SourceSettings

Act = Callable[[typer.Context, "list[SourceSettings]", Mapping[str, Any]], None]
"""Gets the checked sources and the values of the command's further options."""

SYNC: dict[str, Declared] = {"json": (Json, False)}
ADD: dict[str, Declared] = {
    "name": optional(metavar="NAME", help="What to call it [default: by what it reads]; for one source only."),
    "every": (
        Annotated[
            str, typer.Option(metavar="SPAN", help=f"How often `leadline serve` runs it: {', '.join(INTERVALS)}.")
        ],
        USUAL,
    ),
}
"""Further options of the two commands."""


_TOKEN = {f"token_{place}": f"token-{place}" for place in ("env", "file", "keyring")}


def add_sync_commands(group: typer.Typer, act: Act, *, but: str) -> None:
    """``leadline sync KIND``, for every kind ``but`` the one that has a command of its own."""
    for kind in KINDS.values():
        if kind.name != but:
            about = f"{kind.about}\n\nOnly what is new is read; a run that was interrupted goes on where it was."
            _add(group, "sync", kind, about, act, SYNC)


def add_source_commands(group: typer.Typer, act: Act) -> None:
    """``leadline sources add KIND``, for every kind."""
    for kind in KINDS.values():
        webhooks = _places("webhook-secret", "webhooks' secret", kind.webhook_env) if kind.webhooks else {}
        about = f"Add a source of {kind.title}.\n\nNothing is read yet."
        _add(group, "sources add", kind, about, act, {**ADD, **webhooks})


def _add(group: typer.Typer, verb: str, kind: Kind, about: str, act: Act, further: Mapping[str, Declared]) -> None:
    def command(context: typer.Context, **values: Any) -> None:
        from leadline.sources.kit.settings import checked

        act(context, checked(settings_of(kind, values)), {name: values[name] for name in further})

    declared = {"context": (typer.Context, ...), **_parameters(kind), **further}
    epilog = example(*(line.format(verb) for line in kind.example))
    group.command(kind.name, help=about, epilog=epilog)(takes(command, declared))


def _parameters(kind: Kind) -> dict[str, Declared]:
    """What says what to read and how to get in."""
    targets = f"{kind.targets.rstrip('.')}; quote patterns." if kind.patterns else kind.targets
    argument = typer.Argument(metavar=kind.metavar, help=targets, show_default=False)
    parameters: dict[str, Declared] = {}
    if kind.target_needed:
        parameters["targets"] = (Annotated[list[str], argument], ...)
    elif kind.targets:
        parameters["targets"] = (Annotated[list[str] | None, argument], None)
    if kind.url:
        parameters["url"] = optional(metavar="URL", help=kind.url)
    for option in kind.options:
        shape = list[str] | None if option.many else str | None
        declared = typer.Option(f"--{option.name}", metavar=option.metavar, help=option.help)
        parameters[option_parameter(option.name)] = (Annotated[shape, declared], None)
    if kind.secret_env:
        parameters.update(_places("token", kind.secret, kind.secret_env))
    return parameters


def _places(option: str, what: str, variable: str) -> dict[str, Declared]:
    declared = (
        ("env", "NAME", f"Variable with the {what} [default: {variable}]."),
        ("file", "FILE", f"File with the {what}."),
        ("keyring", "[SERVICE/]NAME", f"Entry of the system's keyring with the {what}."),
    )
    prefix = option.replace("-", "_")
    return {
        f"{prefix}_{place}": optional(f"--{option}-{place}", metavar=metavar, help=text)
        for place, metavar, text in declared
    }


def option_parameter(name: str) -> str:
    """The parameter of a kind's own option."""
    return f"option_{name.replace('-', '_')}"


def settings_of(kind: Kind, values: Mapping[str, Any]) -> SourceSettings:
    """The settings that the values of a command's options make, by the names of its parameters; what is missing is not given.
    Raises ``InvalidRequest`` for a secret in two places."""
    from leadline.sources.kit.secrets import SecretPlace
    from leadline.sources.kit.settings import SourceSettings

    def place(option: str, variable: str) -> SecretPlace:
        prefix = option.replace("-", "_")
        chosen = {where: values.get(f"{prefix}_{where}") for where in ("env", "file", "keyring")}
        return SecretPlace.chosen(variable, option=option, **chosen)

    options = {option.name: _texts(values.get(option_parameter(option.name))) for option in kind.options}
    return SourceSettings(
        kind.name,
        targets=tuple(values.get("targets") or ()),
        url=values.get("url"),
        secret=place("token", kind.secret_env) if kind.secret_env else None,
        options={name: texts for name, texts in options.items() if texts},
        webhook_secret=place("webhook-secret", kind.webhook_env) if kind.webhooks else None,
    )


def add_words(kind: Kind, values: Mapping[str, Any]) -> list[str]:
    """The words of the ``sources add`` that takes the same ``values``."""
    options = {"url": "url", **{option_parameter(option.name): option.name for option in kind.options}, **_TOKEN}
    given = [
        word for name, flag in options.items() for text in _texts(values.get(name)) for word in (f"--{flag}", text)
    ]
    return ["sources", "add", kind.name, *values.get("targets", ()), *given]


def _texts(value: Sequence[str] | str | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())
