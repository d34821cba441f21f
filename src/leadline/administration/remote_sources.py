"""A new source as somebody asks for it who is not at the server's machine: by the kinds' own declarations, and within bounds that a
command on the machine does not have. No folder of the machine is read, and a secret lies where whoever runs the server put it for
just that: in the variable of the tool, unless several projects share the server's variables, or in a file of the project's folder
``secrets``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from leadline.db import keys, sources
from leadline.errors import Detail, InvalidRequest
from leadline.home import Project
from leadline.sources.git.location import is_elsewhere
from leadline.sources.kit.intervals import USUAL
from leadline.sources.kit.kinds import KINDS, Kind
from leadline.sources.kit.secrets import SecretPlace
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.configured import add

SECRETS = "secrets"
"""The folder of a project whose files are secrets of its sources."""

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_FLAG = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


@dataclass(frozen=True)
class SecretNamed:
    """Where a secret lies: in the variable ``env``, or in the ``file`` of the project's ``SECRETS``; neither: in the usual one."""

    env: str = ""
    file: str = ""


@dataclass(frozen=True)
class NewSource:
    """A source that is asked for; ``options`` are texts by the names that the kind declares."""

    kind: str
    targets: Sequence[str] = ()
    url: str = ""
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    token: SecretNamed = SecretNamed()
    webhook_secret: SecretNamed = SecretNamed()
    name: str = ""
    every: str = USUAL


def add_remotely(project: Project, asked: NewSource, now: datetime) -> list[SourceSettings]:
    """Add what is ``asked`` for: several sources, where its targets are of several accounts. Raises ``InvalidRequest``, whose
    detail names the member, for what cannot be, ``Conflict`` for a name that is taken."""
    kind = _kind(asked)
    _check_options(kind, asked)
    if kind.name == "git":
        _check_repositories(project, asked.targets)
    try:
        made = checked(_settings(project, kind, asked))
        return add(project, made, name=asked.name or None, every=asked.every, now=now)
    except InvalidRequest as error:
        raise _of_members(error, kind) from None


def shares_its_server(project: Project) -> bool:
    """Whether the server's variables and git's credentials may be those of another project, too: of one that somebody uses."""
    others = (one for one in project.home.projects() if one.id != project.id)
    return any(sources.listed(one.db, one.id) or keys.listed(one.db, one.id) for one in others)


def _kind(asked: NewSource) -> Kind:
    if asked.kind not in KINDS:
        raise _refused("kind", f"There is no kind of source {asked.kind[:40]!r}", f"one of {', '.join(KINDS)}")
    return KINDS[asked.kind]


def _check_options(kind: Kind, asked: NewSource) -> None:
    known = {option.name: option for option in kind.options}
    for name, texts in asked.options.items():
        if name not in known:
            would_do = f"one of {', '.join(known)}" if known else "none"
            raise _refused("options", f"{kind.title} has no option {name[:40]!r}", would_do)
        if len(texts) > 1 and not known[name].many:
            raise _refused(f"options.{name}", f"{name} is given once", "one text")


def _check_repositories(project: Project, targets: Sequence[str]) -> None:
    """What git asks for is the machine's to tell: its credential helpers and ssh keys are those of all projects."""
    near = next((text for text in targets if not is_elsewhere(text)), None)
    if near is not None:
        raise _refused(
            "targets",
            f"{near[:80]!r} is no address of a server; a folder of the machine is added there, by `leadline sources add git`",
            "an address as https://git.example.com/org/repo.git",
        )
    if shares_its_server(project):
        raise _refused(
            "kind",
            "This server has several projects, which share git's passwords and keys",
            "another kind; `leadline sources add git` on the machine adds repositories",
        )


def _settings(project: Project, kind: Kind, asked: NewSource) -> SourceSettings:
    place = _places(project)
    return SourceSettings(
        kind.name,
        targets=tuple(asked.targets),
        url=asked.url or None,
        secret=place("token", asked.token, kind.secret_env) if kind.secret_env else None,
        options={name: tuple(texts) for name, texts in asked.options.items() if texts},
        webhook_secret=place("webhookSecret", asked.webhook_secret, kind.webhook_env) if kind.webhooks else None,
    )


def _places(project: Project) -> Callable[[str, SecretNamed, str], SecretPlace | None]:
    """What finds the place of a secret of ``project``."""
    shared = shares_its_server(project)

    def place(member: str, named: SecretNamed, variable: str) -> SecretPlace | None:
        if named.env and named.file:
            raise _refused(member, "A secret lies in one place", "a variable or a file")
        if named.file:
            return SecretPlace(file=str(_file(project, member, named.file)))
        if not shared:
            return SecretPlace(env=_variable(member, named.env or variable, variable))
        if named.env or member == "token":
            raise _refused(
                f"{member}.file",
                "This server has several projects, which share its variables, so a secret lies in a file",
                f"the name of a file in {project.folder / SECRETS}",
            )
        return None

    return place


def _file(project: Project, member: str, name: str) -> Path:
    if not _FILE.fullmatch(name):
        would_do = f"the name of a file in the project's folder {SECRETS}"
        raise _refused(f"{member}.file", f"{name[:80]!r} is no name of such a file", would_do)
    return project.folder / SECRETS / name


def _variable(member: str, name: str, usual: str) -> str:
    if name != usual and not (name.startswith(f"{usual}_") and re.fullmatch(r"[A-Z0-9_]{1,100}", name)):
        would_do = f"{usual}, or a name that begins with {usual}_"
        raise _refused(f"{member}.env", f"{name[:80]!r} is no variable for this secret", would_do)
    return name


def _of_members(error: InvalidRequest, kind: Kind) -> InvalidRequest:
    """``error``, which speaks of a command's options, as it is said of members."""
    message = in_members(error.message, kind)
    if error.details:
        return InvalidRequest(message, details=error.details)
    flags = [_member(flag, kind) for flag in _FLAG.findall(error.message)]
    return InvalidRequest(message, code=error.code, details=[Detail(flags[0] if flags else "targets", message)])


def in_members(text: str, kind: Kind | None) -> str:
    """What is said of a source's connection or run, which may speak of a command's options, as it is said of members."""
    return _FLAG.sub(lambda flag: _member(flag[1], kind), text)


def _member(flag: str, kind: Kind | None) -> str:
    """What the option ``--flag`` of the command is among the members."""
    if kind is not None and flag in {option.name for option in kind.options}:
        return f"options.{flag}"
    return {"token-env": "token.env", "token-file": "token.file", "token-keyring": "a keyring"}.get(flag, flag)


def _refused(member: str, sentence: str, would_do: str) -> InvalidRequest:
    return InvalidRequest(f"{sentence}; it must be {would_do}", details=[Detail(member, would_do)])
