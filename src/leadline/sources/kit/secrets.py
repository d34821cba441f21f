"""Where a secret is, and how it is read from there: a variable, a file, or the system's keyring. It is never kept itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leadline.errors import InvalidRequest, Unusable

KEYRING_SERVICE = "leadline"
"""The service under which the keyring has leadline's secrets, unless the place names another (SERVICE/NAME)."""
_BYTES = 100_000


@dataclass(frozen=True)
class SecretPlace:
    """One of: the variable ``env``, the file ``file`` (absolute), the keyring's entry ``keyring`` (NAME or SERVICE/NAME)."""

    env: str | None = None
    file: str | None = None
    keyring: str | None = None

    @classmethod
    def chosen(
        cls,
        default_env: str,
        *,
        env: str | None = None,
        file: str | None = None,
        keyring: str | None = None,
        option: str,
    ) -> SecretPlace:
        """The one place given, else the variable ``default_env``. ``option`` is the options' common part, for errors.

        Raises ``InvalidRequest`` if several are given.
        """
        if sum(map(bool, (env, file, keyring))) > 1:
            raise InvalidRequest(
                f"--{option}-env, --{option}-file and --{option}-keyring all say where the {option} is; give one"
            )
        if file:
            return cls(file=str(Path(file).expanduser().absolute()))
        return cls(keyring=keyring) if keyring else cls(env=env or default_env)

    def stored(self) -> dict[str, str]:
        """The arguments to make it anew, as JSON can hold them."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @property
    def text(self) -> str:
        """The place, for people."""
        if self.file:
            return f"the file {self.file}"
        return f"the keyring's {self.keyring}" if self.keyring else f"the variable {self.env}"

    @property
    def short(self) -> str:
        """The place, for a table."""
        return f"${self.env}" if self.env else self.file or f"keyring {self.keyring}"

    def read(self, environ: Mapping[str, str] = os.environ) -> str | None:
        """The secret without surrounding white space; None if there is none.

        Raises ``Unusable`` if the file or the keyring cannot be read.
        """
        if self.file:
            text = _file(self.file)
        elif self.keyring:
            text = _keyring(self.keyring)
        else:
            text = environ.get(self.env or "", "")
        return text.strip() or None


def one_line(secret: str, place: SecretPlace) -> str:
    """``secret``, which goes into a header. Raises ``Unusable`` if it could not, without showing it."""
    if not all("\x21" <= letter <= "\x7e" for letter in secret):
        raise Unusable(f"What is in {place.text} is no token: it has spaces or letters that no token has")
    return secret


def _file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise Unusable(f"No secret: the file {path} cannot be read: {error.strerror}") from error


def _keyring(name: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise Unusable(
            "The system's keyring cannot be read without the package keyring: pip install 'leadline[keyring]'"
        ) from error
    service, slash, entry = name.rpartition("/")
    service = service if slash else KEYRING_SERVICE
    try:
        password = keyring.get_password(service, entry)
    except KeyringError as error:
        raise Unusable(f"No secret: the keyring refuses {service}/{entry}: {error}") from error
    if password is None:
        raise Unusable(
            f"No secret: the keyring has no {service}/{entry}; `keyring set {service} {entry}` puts one there"
        )
    return password
