"""User and password of an address, handed to git beside it: git gives the whole address to the programs it starts, and what stands
in a command line is visible to every user of the machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

_HTTP = re.compile(r"(https?)://([^/?#]*)@([^/?#@]*)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_USER, _PASSWORD = "GIT_ADDRESS_USER", "GIT_ADDRESS_PASSWORD"
# A helper that git asks for who we are: it has nothing to keep, and says it only when asked.
_HELPER = f'!f() {{ test "$1" = get && printf \'username=%s\\npassword=%s\\n\' "${_USER}" "${_PASSWORD}"; }}; f'


@dataclass(frozen=True)
class Handed:
    """An address as git gets it: the ``url`` without secrets, and the settings and ``variables`` that have them, for its server
    alone."""

    url: str
    configuration: tuple[tuple[str, str], ...] = ()
    variables: dict[str, str] = field(default_factory=dict)


def handed(url: str, own: str) -> Handed:
    """``url`` without user and password, which are those of the address ``own`` if it has none itself. They go to the server only
    whose they are, as git asks for them by address. Addresses but those of HTTP stay as they are: ssh takes no passwords."""
    bare = _HTTP.sub(r"\1://\3", url, count=1) if _HTTP.match(url) else url
    found = _HTTP.match(url) or _HTTP.match(own)
    if found is None:
        return Handed(bare)
    scheme, userinfo, host = found.groups()
    user, has_password, password = (unquote(part, errors="surrogateescape") for part in userinfo.partition(":"))
    if _CONTROL.search(user + password):  # git takes none either
        return Handed(bare)
    place = f"credential.{scheme.lower()}://{host}"
    if not has_password:
        return Handed(bare, ((f"{place}.username", user),))
    configuration = (("credential.helper", ""), (f"{place}.helper", _HELPER))
    # Nobody by name is no answer to git; servers that take a token as a password take any name.
    return Handed(bare, configuration, {_USER: user or "git", _PASSWORD: password})
