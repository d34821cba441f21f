"""Where a git repository is and what it is called: paths, URLs, and the ``org/repo`` name made of either. Pure but for one look
whether a path exists."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from leadline.errors import InvalidRequest, Unusable
from leadline.folder_names import LONGEST, folder_name
from leadline.sources.git.command import scrub

# Scheme, then at least one more character: `C:\repo` is a path.
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
# git's scp-like form: a colon before the first slash, and something after it.
_SCP = re.compile(r"(?:[^/\s:@]+@)?(?P<host>\[[^\]/]+\]|[^/\s:@\\]{2,}):(?!:)(?P<path>[^\s].*)")
# Transports of git whose address is a program, or an open file of this process.
_COMMANDS = ("ext", "fd")
_LONGEST_NAME = 400
_CLONE, _LINES = ".git", ".age"


@dataclass(frozen=True)
class Location:
    """A repository as the user named it: the path of a local one, or the URL (with its secrets) of a remote one."""

    target: Path | str = field(repr=False)

    @property
    def shown(self) -> str:
        """How messages may call it."""
        return scrub(self.target) if isinstance(self.target, str) else str(self.target)


def parse_location(text: str) -> Location:
    """The location ``text`` means: an existing path, else a URL or git's scp-like ``host:path``. Raises ``InvalidRequest`` if it is
    none of them."""
    path = Path(text).expanduser()
    if not text or "\0" in text or "\n" in text:
        raise InvalidRequest(
            "A repository is named by a path or a URL; the one given is empty or has a control character"
        )
    if _URL.match(text):
        if text.partition(":")[0].lower() in _COMMANDS:
            raise InvalidRequest(
                f"{scrub(text)}: such an address is a command to run; give https, http, ssh, git or file"
            )
        return Location(text)
    if path.exists():
        return Location(path.absolute())
    if not text.startswith("-") and _SCP.fullmatch(text):
        return Location(text)
    raise no_such_folder(text)


def no_such_folder(text: str) -> Unusable:
    """The refusal of a path where nothing is."""
    return Unusable(f"{text}: there is no such folder; give the path or the URL of a git repository")


def name_of_url(url: str) -> str:
    """``org/repo`` of a URL, scp-like address or path: its last two segments without ``.git``."""
    if _URL.match(url):
        path = unquote(_split(url)[3])
    elif scp := _SCP.fullmatch(url):
        path = scp.group("path")
    else:
        path = url
    return name_of_folder(path)


def address_of(url: str) -> str:
    """``host/path`` of a URL or scp-like address, without user, scheme and ``.git``: the repository's name among all hosts."""
    if _URL.match(url):
        _, _, host, path = _split(url)
        path = unquote(path)
    elif scp := _SCP.fullmatch(url):
        host, path = scp.group("host"), scp.group("path")
    else:
        host, path = "", url
    return "/".join(filter(None, (host.lower(), path.strip("/").removesuffix(".git"))))


def name_of_folder(path: Path | str) -> str:
    """``org/repo`` of a local repository without a remote: the last two segments of its folder without ``.git``."""
    # `_git` stands between project and repository in Azure DevOps' addresses.
    segments = [segment for segment in re.split(r"[/\\]", str(path)) if segment not in ("", ".", "_git")]
    if segments and segments[-1] == ".git":
        segments.pop()
    if segments:
        segments[-1] = segments[-1].removesuffix(".git")
    return "/".join(segments[-2:])


def checked_name(name: str) -> str:
    """``name`` if it can name a repository, trimmed. Raises ``InvalidRequest`` otherwise."""
    trimmed = name.strip().strip("/")
    if not trimmed or len(trimmed) > _LONGEST_NAME or any(ord(letter) < 32 for letter in trimmed):
        raise InvalidRequest(
            f"A repository cannot be called {name[:80]!r}; give --name org/repo (at most {_LONGEST_NAME} characters)"
        )
    return trimmed


def public_url(url: str | None) -> str | None:
    """``url`` fit to be stored: no password, no query; None if it is no URL (a path says nothing elsewhere). The user of an ssh
    address stays: it is part of the address, not a secret."""
    if url is None:
        return None
    if not _URL.match(url):
        return url if _SCP.fullmatch(url) else None
    scheme, userinfo, host, path = _split(url)
    if scheme.lower() == "file":
        return None
    user = userinfo.partition(":")[0]
    address = f"{user}@{host}" if user and "ssh" in scheme.lower() else host
    return f"{scheme}://{address}{path}"


def local_path(url: str) -> Path | None:
    """The folder of this machine that ``url`` leads to, as git reads it; None if it leads elsewhere."""
    if not _URL.match(url):
        return None if _SCP.fullmatch(url) and not Path(url).exists() else Path(url).absolute()
    scheme, _, rest = url.partition("://")
    if scheme.lower() != "file":
        return None
    path = unquote(rest)
    return Path(path if path.startswith("/") else f"//{path}")


def is_elsewhere(text: str) -> bool:
    """Whether ``text`` is an address of a server, and no folder of this machine, whether that is there or not."""
    if _URL.match(text):
        return not text.lower().startswith("file:")
    return bool(_SCP.fullmatch(text)) and not text.startswith("-") and not Path(text).exists()


def clone_folder(clones: Path, name: str) -> Path:
    """Where the clone of the repository called ``name`` is kept under ``clones``; distinct names get distinct folders."""
    longest = LONGEST - len(_CLONE)
    segments = [folder_name(segment, kept=" +@,=~.", longest=longest) for segment in name.split("/")]
    return clones.joinpath(*segments[:-1], segments[-1] + _CLONE)


def lines_folder(clones: Path, name: str) -> Path:
    """Where, beside the ``clones``, is kept what is known of the lines of the repository called ``name``."""
    clone = clone_folder(clones, name)
    return clone.with_name(clone.name.removesuffix(_CLONE) + _LINES)


def _split(url: str) -> tuple[str, str, str, str]:
    """Scheme, user and password, host and port, path (without query and fragment) of a URL, cut where git cuts it. ``urllib`` would
    refuse some passwords that git takes."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    userinfo, _, host = authority.rpartition("@")
    path = re.split(r"[?#]", slash + path, maxsplit=1)[0]
    return scheme, userinfo, re.split(r"[?#]", host, maxsplit=1)[0], path
