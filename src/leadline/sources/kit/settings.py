"""From a source's settings to a connector that is ready to read, with the secret taken from where the settings say.

``SourceSettings`` can be stored: they say where the secret is, not what it is. ``connected`` makes a connector of them for as
long as a ``with`` block runs. A kind's module (``kinds``) has two functions:

- ``checked(settings) -> list[SourceSettings]``: the settings of one or more sources, each with its ``name``, made of what a
  user gave. Raises ``InvalidRequest`` for targets, addresses and options that cannot be.
- ``connect(settings, secret, client, folders) -> Source``: the connector. ``secret`` is None where none is needed and there is
  none; ``client(tool=…, headers=…, …)`` makes a ``leadline.sources.kit.client.Client`` that is closed with the block;
  ``folders`` are where it may keep files.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from leadline.errors import InvalidRequest, Unusable
from leadline.sources.kit.kinds import KINDS, Kind
from leadline.sources.kit.secrets import SecretPlace

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client
    from leadline.sources.kit.page import Source

EVERY = 3600
"""Seconds between a source's runs in ``leadline serve``, unless its settings say otherwise."""


@dataclass(frozen=True)
class SourceSettings:
    """What to read, from where, and where the secrets are. ``every``: seconds between runs, 0 for only when asked.

    ``options``: texts by the names that the kind declares; those not given are absent. ``in_full``: the same source, of
    ``checked``, under the name that says all of what it reads, for where another one is called ``name``.
    """

    kind: str
    name: str = ""
    targets: tuple[str, ...] = ()
    url: str | None = None
    secret: SecretPlace | None = None
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    webhook_secret: SecretPlace | None = None
    every: int = EVERY
    in_full: SourceSettings | None = field(default=None, compare=False, repr=False)

    def option(self, name: str) -> str | None:
        """The value of an option that is given once."""
        return next(iter(self.options.get(name, ())), None)

    @property
    def declared(self) -> Kind:
        """Its kind."""
        return KINDS[self.kind]

    @property
    def secret_place(self) -> SecretPlace:
        """Where the secret is: as given, else the kind's variable."""
        return self.secret or SecretPlace(env=self.declared.secret_env)

    def stored(self) -> dict[str, Any]:
        """As JSON can hold it, without kind and name."""
        document: dict[str, Any] = {"targets": list(self.targets), "every": self.every}
        if self.url is not None:
            document["url"] = self.url
        if self.options:
            document["options"] = {name: list(values) for name, values in self.options.items()}
        for name in ("secret", "webhook_secret"):
            place: SecretPlace | None = getattr(self, name)
            if place is not None:
                document[name] = place.stored()
        return document

    @classmethod
    def restored(cls, kind: str, name: str, stored: Mapping[str, Any]) -> SourceSettings:
        """What ``stored`` gave. Raises ``Unusable`` for a kind that this version does not know."""
        if kind not in KINDS:
            raise Unusable(f"The source {name!r} is of the kind {kind!r}, which this version of leadline cannot read")
        places: dict[str, Any] = {
            name: SecretPlace(**stored[name]) for name in ("secret", "webhook_secret") if name in stored
        }
        options = {name: tuple(values) for name, values in stored.get("options", {}).items()}
        return cls(
            kind, name, tuple(stored["targets"]), stored.get("url"), options=options, every=stored["every"], **places
        )


@dataclass(frozen=True)
class Folders:
    """Where a connector may keep files: in ``temp`` while it is read, in ``clones`` git repositories from run to run."""

    temp: Path
    clones: Path


class _Module(Protocol):
    def checked(self, settings: SourceSettings) -> list[SourceSettings]: ...

    def connect(
        self, settings: SourceSettings, secret: str | None, client: Callable[..., Client], folders: Folders
    ) -> Source: ...


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One or more sources made of what was given, each with its name. Raises ``InvalidRequest`` for what cannot be."""
    kind = settings.declared
    if kind.url_needed and not settings.url:
        raise InvalidRequest(f"{kind.title} needs --url: {kind.url}")
    if kind.target_needed and not settings.targets:
        raise InvalidRequest(f"Name at least one: {kind.metavar}")
    if settings.targets and not kind.targets:
        raise InvalidRequest(
            f"{kind.title} has nothing to name: the {kind.secret} says what is read; leave the targets out"
        )
    return _module(kind).checked(settings)


@contextmanager
def connected(
    settings: SourceSettings,
    folders: Folders,
    *,
    environ: Mapping[str, str] = os.environ,
    waiting: Callable[[float, str], None] | None = None,
    **client: Any,
) -> Iterator[Source]:
    """The connector, until the block ends. ``waiting`` is told of every wait; ``client`` goes to the HTTP client.

    Raises ``Unusable`` if there is no usable secret.
    """
    from leadline.sources.kit.client import Client

    kind = settings.declared
    secret = settings.secret_place.read(environ) if kind.secret_env else None
    if secret is None and kind.secret_needed:
        raise Unusable(
            f"No {kind.secret} in {settings.secret_place.text}; put one there. Another place is named, when a source is read "
            "once or added, by --token-env, --token-file or --token-keyring"
        )
    with ExitStack() as stack:

        def made(**options: Any) -> Client:
            return stack.enter_context(Client(**{"waiting": waiting, **client, **options}))

        yield _module(kind).connect(settings, secret, made, folders)


def _module(kind: Kind) -> _Module:
    return cast("_Module", importlib.import_module(kind.module))


def named(
    settings: SourceSettings,
    name: str,
    targets: Iterable[str] | None = None,
    *,
    in_full: str = "",
    **in_full_options: str,
) -> SourceSettings:
    """``settings`` under ``name``, for ``targets`` only: for the kinds' modules. ``in_full``: the name that tells all of its
    targets, if ``name`` does not, under which it has the ``in_full_options``, too."""
    own = replace(settings, name=name, targets=settings.targets if targets is None else tuple(targets))
    options = {**own.options, **{option: (text,) for option, text in in_full_options.items()}}
    return replace(own, in_full=replace(own, name=in_full or name, options=options))


def with_targets(settings: SourceSettings, name: str, targets: Iterable[str]) -> SourceSettings:
    """``settings`` under ``name``, which tells none of the ``targets``."""
    things = dict.fromkeys(targets)
    return named(settings, name, things, in_full=f"{name}:{'+'.join(sorted(things)) or '*'}")


def of_owner(settings: SourceSettings, owner: str, at: str, targets: Iterable[str]) -> SourceSettings:
    """What a forge has of ``owner``, whose ``targets`` begin with it; ``at``: the server, as it is written behind."""
    below = dict.fromkeys(targets)
    whole = "+".join(sorted(f"{target}/*" if target.lower() == owner else target for target in below))
    return named(settings, f"{settings.kind}:{owner}{at}", below, in_full=f"{settings.kind}:{whole}{at}")
