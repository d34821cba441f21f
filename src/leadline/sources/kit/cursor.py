"""Cursors: how far a stream has been read, each a dataclass of its own with a version, stored as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from leadline.errors import StoreError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Stored = dict[str, Any]
"""A cursor as it is stored: anything JSON can hold."""


@dataclass(frozen=True)
class Part:
    """What a cursor may hold beside plain values: a dataclass of its own, stored as an object."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


@dataclass(frozen=True)
class Cursor(Part):
    """How far one stream has been read. All fields have defaults, which mean that nothing was read yet.

    A subclass raises ``VERSION`` when a field is renamed or means something else, and overrides ``upgraded``. What is stored
    without a version is version 1: the plain objects of the releases before 0.2.
    """

    VERSION: ClassVar[int] = 1

    def stored(self) -> Stored:
        """As JSON can hold it: what differs from the defaults, and the version if it is not the first."""
        document: Stored = _adapter(type(self)).dump_python(self, mode="json", exclude_defaults=True)
        return document if self.VERSION == 1 else {"version": self.VERSION, **document}

    @classmethod
    def restored(cls, stored: Mapping[str, Any] | None) -> Self:
        """What ``stored`` gave, of this version or an earlier one; None gives a cursor of which nothing was read.

        Raises ``StoreError`` for what cannot be such a cursor.
        """
        if stored is None:
            return cls()
        document = dict(stored)
        version = document.pop("version", 1)
        if version != cls.VERSION:
            if not isinstance(version, int) or version > cls.VERSION:
                raise StoreError(f"A cursor of version {version} was stored by a newer leadline: {cls.__name__}")
            document = cls.upgraded(document, version)
        try:
            restored: Self = _adapter(cls).validate_python(document)
        except ValueError as error:
            raise StoreError(f"A stored cursor cannot be read as {cls.__name__}: {error}") from error
        return restored

    @classmethod
    def upgraded(cls, stored: Stored, version: int) -> Stored:
        """What an earlier ``version`` stored, with the names and meanings of this one."""
        raise StoreError(f"A cursor of version {version} cannot be read as {cls.__name__}: {sorted(stored)}")


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(of: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return _ADAPTERS.get(of) or _ADAPTERS.setdefault(of, TypeAdapter(of))


C = TypeVar("C", bound=Cursor)


class Cursors:
    """The cursors of a run by name, as they will be stored once the pages handed out so far are in the lake."""

    def __init__(self, stored: Mapping[str, Stored]) -> None:
        self._stored = dict(stored)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __contains__(self, name: object) -> bool:
        return name in self._stored

    def get(self, name: str, of: type[C]) -> C:
        """The cursor ``name``; one of which nothing was read if there is none. Raises ``StoreError``."""
        return of.restored(self._stored.get(name))

    def raw(self, name: str) -> Stored:
        """The cursor ``name`` as it is stored; empty if there is none."""
        return self._stored.get(name, {})

    def note(self, cursors: Mapping[str, Cursor | None]) -> None:
        """Remember ``cursors`` as if they were stored; None takes one away."""
        for name, state in stored(cursors).items():
            if state is None:
                self._stored.pop(name, None)
            else:
                self._stored[name] = state


def stored(cursors: Mapping[str, Cursor | None]) -> dict[str, Stored | None]:
    """The cursors of a page as JSON can hold them, by name; None takes one away."""
    return {name: None if cursor is None else cursor.stored() for name, cursor in cursors.items()}
