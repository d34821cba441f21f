"""Forges: tools that hold repositories, with what is made in them. What all of them need, so that another one is little more
than its API.

A forge is a folder of ``leadline.sources`` and one line in ``kinds``. In the folder are, none knowing what is named after it:

- ``queries``: the texts and sizes of what is asked;
- ``rows``: what an answer means; pure (``leadline.sources.kit.records``);
- ``streams``: a ``ListStream`` for every list of a repository, read by ``walk`` (``leadline.sources.kit.lists``), and a ``Forge``
  that lists the repositories and makes their streams;
- ``connection``: ``checked`` and ``connect`` (``leadline.sources.kit.settings``);
- ``webhooks``: what the forge's webhooks say (``leadline.sources.kit.webhooks``), if it has any.

The large ones have further modules: ``api``, ``overview``, ``source`` with the ``Forge``, and one for each list that is read in
its own way.

A repository is known by a ``key`` that stays when it is renamed (``github.com#17``). Its name is kept under this key, and
the cursors of its lists under ``{key}:stream {list}``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Generic, TypeVar

from leadline.errors import NotFound, Unusable
from leadline.sources.kit.client import Client, Refused
from leadline.sources.kit.cursor import Cursor, Cursors
from leadline.sources.kit.lists import ListCursor, Step
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, Row, RunContext, Skipped
from leadline.sources.kit.records import Node, Rows, complete_pull_requests, merged, rows_of
from leadline.sources.kit.streams import Stream, StreamReader, left_out
from leadline.sources.kit.text import Misshapen

STREAM = ":stream "
"""Between a repository's key and the name of a list, in a cursor's name."""


@dataclass(frozen=True, eq=False)
class Repository(ABC):
    """A repository as a forge's overview shows it. ``key``: what it is known by, whatever it is called; ``name``: what it is
    called now, with its owner."""

    node: Node
    key: str
    name: str

    @abstractmethod
    def row(self) -> Row:
        """Its row of ``repositories``. Raises ``Misshapen``."""


R = TypeVar("R", bound=Repository)
C = TypeVar("C", bound=Cursor)


@dataclass(frozen=True)
class NameCursor(Cursor):
    """What a repository was called when it was read last, which webhooks look up, too, and before (``former``)."""

    repository: str = ""
    former: tuple[str, ...] = ()

    def renamed(self, name: str, taken: Set[str]) -> NameCursor:
        """The cursor of the repository that is called ``name`` now. ``taken``: names (lower case) that some repository has now."""
        of_lower = {old.lower(): old for old in (*self.former, self.repository) if old}
        return NameCursor(name, tuple(old for lower, old in of_lower.items() if lower not in taken))


class RepositoryStream(Stream[C]):
    """One list of a repository, which is called ``list_name`` in cursors' names and where it is left out."""

    list_name: ClassVar[str]

    def __init__(self, repository: Repository) -> None:
        super().__init__(
            repository.name, f"{self.list_name} of {repository.name}", cursor_name(repository, self.list_name)
        )


L = TypeVar("L", bound=ListCursor)


class ListStream(RepositoryStream[L]):
    """A list of a repository whose records become rows one by one. ``record``: what one is called where it is left out, with the
    ``{number}`` of it and the ``{subject}``; ``make``: its rows, by the repository's name; ``lists_of``: see
    ``complete_pull_requests``."""

    record: ClassVar[str]
    make: Callable[[str, Node], Rows]
    lists_of: ClassVar[Mapping[str, Sequence[str]]] = {}

    @abstractmethod
    def steps(self, cursor: L) -> Iterator[Step[Node]]:
        """The list, from ``cursor`` on."""

    def rows(self, node: Node) -> Rows:
        """A record's rows. Raises ``Misshapen``."""
        return self.make(self.subject, node)

    @abstractmethod
    def number(self, node: Node) -> object:
        """What tells a record from others of its kind."""

    def moved(self, cursor: L, step: Step[Node], _made: Sequence[tuple[Node, Rows]]) -> L:
        """``cursor``, moved on behind a page."""
        return step.moved(cursor)

    def complete(self, made: Sequence[tuple[Node, Rows]]) -> dict[str, list[Row]]:
        """Parents of which all is on a page: see ``Page``."""
        return complete_pull_requests(made, self.lists_of)

    def beside(self) -> tuple[Rows, list[Skipped]]:
        """What else came with a page, and what could not be read of it."""
        return {}, []

    def read(self, cursor: L) -> Generator[Page, None, L]:
        """The pages of the list; returns the cursor of the last."""
        for step in self.steps(cursor):
            further, lacking = self.beside()
            made, skipped = rows_of(step.nodes, self.rows, self._called)
            cursor = self.moved(cursor, step, made)
            yield self.page(
                merged([further, *(rows for _, rows in made)]),
                cursor,
                records=len(step.nodes),
                complete_parents=self.complete(made),
                skipped=list(dict.fromkeys([*lacking, *skipped])),
            )
        return cursor

    def _called(self, node: Node) -> str:
        return self.record.format(number=self.number(node), subject=self.subject)


def cursor_name(repository: Repository, name: str) -> str:
    """The name of the cursor of one list of a repository."""
    return f"{repository.key}{STREAM}{name}"


@dataclass(frozen=True)
class Overview(Generic[R]):
    """What a forge shows of an owner at once: its repositories, and what the token may not see of them."""

    repositories: Sequence[R]
    hidden: Sequence[Skipped]


Shown = TypeVar("Shown", bound=Overview[Any])


class Forge(ABC, Generic[Shown]):
    """A source of repositories: one ``owner`` (organization, group or user) at one ``host``, and patterns of the names wanted.

    ``prefix`` makes the forge's numbers differ from those of other tools and servers. ``noun``, ``nouns``: what the forge calls a
    repository. ``replaces_other_hosts``: a repository here takes the place of one of
    the same name at another host, from where it was moved.
    """

    kind: ClassVar[str]
    noun: ClassVar[str] = "repository"
    nouns: ClassVar[str] = "repositories"
    replaces_other_hosts: ClassVar[bool] = False

    def __init__(
        self, client: Client, host: str, owner: str, patterns: Sequence[str], *, is_cloud: bool = False
    ) -> None:
        self.client, self.host, self.owner, self.patterns = client, host, owner, patterns
        self.prefix = self.kind if is_cloud else host

    # -- what a forge tells of itself ------------------------------------------------------------------------------------

    @abstractmethod
    def overview(self, cursors: Cursors) -> Shown:
        """The owner's repositories. Raises ``LeadlineError``, such as ``NotFound`` for an owner that nobody knows."""

    @abstractmethod
    def streams(self, overview: Shown, cursors: Cursors, context: RunContext) -> Iterable[Stream[Any]]:
        """What is read of the repositories wanted, in this order."""

    def probes(self, _repository: Any) -> Mapping[str, Callable[[], object]]:
        """Calls that show whether a list of a repository may be seen, by the list's name."""
        return {}

    def before_renaming(self, _name: str, _key: str, _cursors: Cursors) -> Iterator[Page]:
        """What must be taken away of a repository before the name that it had goes."""
        return iter(())

    def when_all_was_read(self, _overview: Shown) -> Iterator[Page]:
        """Pages that are only true once every stream was read that was due."""
        return iter(())

    # -- a source --------------------------------------------------------------------------------------------------------

    @property
    def lock(self) -> str:
        """One run at a time reads an owner."""
        return f"source:{self.kind}:{self.host}:{self.owner.lower()}"

    def call_stats(self) -> CallStats:
        """What the reading has cost so far."""
        return self.client.call_stats()

    def check(self) -> ConnectionReport:
        """What the token may see, without reading anything else. Raises ``LeadlineError`` as ``pages`` does."""
        overview = self._wanted(Cursors({}))
        first, hidden = overview.repositories[0], list(overview.hidden)
        for name, probe in self.probes(first).items():
            try:
                probe()
            except (Refused, NotFound) as error:
                hidden.append(left_out(f"{name} of {first.name}", error))
        names = tuple(repository.name for repository in overview.repositories)
        return ConnectionReport(self.host, self.owner, self.nouns, names, tuple(hidden))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """Everything new, repository by repository. Raises ``LeadlineError`` when the forge cannot be read any further."""
        reader = StreamReader(context.cursors, self.client)
        overview = self._wanted(reader.cursors)
        for page in self._described(overview, reader.cursors):
            yield reader.noted(page)
        yield from reader.pages(self.streams(overview, reader.cursors, context))
        if not reader.failed:
            yield from self.when_all_was_read(overview)

    def _wanted(self, cursors: Cursors) -> Shown:
        """The repositories whose names fit, by name. Raises ``Unusable`` if none fits."""
        overview = self.overview(cursors)
        shown = overview.repositories
        wanted = [repository for repository in shown if self._fits(repository.name.lower())]
        if not wanted:
            names = ", ".join(repository.name for repository in shown[:5])
            raise Unusable(
                f"No {self.noun} of {self.owner} is called {' or '.join(self.patterns)}"
                + (f"; there are {names}{' …' if len(shown) > 5 else ''}" if shown else "; the token sees none at all")
            )
        return replace(overview, repositories=sorted(wanted, key=lambda repository: str(repository.name)))

    def _fits(self, name: str) -> bool:
        owner = self.owner.lower()
        below = name.removeprefix(f"{owner}/") if name.startswith(f"{owner}/") else name.partition("/")[2]
        return name == owner or any(fnmatchcase(below, pattern.lower()) for pattern in self.patterns)

    def _described(self, overview: Shown, cursors: Cursors) -> Iterator[Page]:
        """The rows of ``repositories``, and the names that repositories gave up."""
        repositories = overview.repositories
        renames = Renames.since(cursors, repositories, "" if self.replaces_other_hosts else f"{self.host}#")
        for key, name in renames.read_anew.items():
            yield from self.before_renaming(name, key, cursors)
        rows, skipped = [], list(overview.hidden)
        for repository in repositories:
            try:
                row = repository.row()
            except Misshapen as error:
                skipped.append(Skipped(repository.name, error.message))
                continue
            if (former := renames.former.get(repository.key)) is not None:
                row["former_names"] = list(former)
            rows.append(row)
        yield Page(
            self.owner,
            {"repositories": rows},
            renamed_away=renames.left,
            cursors=renames.cursors,
            skipped=tuple(skipped),
        )


@dataclass(frozen=True)
class Renames:
    """What follows from repositories that are called something else than when they were read last.

    ``left``: names that were given up, also such that another repository bears now: its rows are mixed with those of the
    one before. ``read_anew``: keys of all repositories that had such a name or have it, with the name they had ('' if that is
    not known). ``former``: by key, the former names of the repositories of which they must be told: what is in the lake
    under these, of tools that do not know of the renaming, is theirs, unless another repository has the name now. ``cursors``: the
    names as they are now, and what is forgotten of those that are read anew.
    """

    left: tuple[str, ...]
    read_anew: Mapping[str, str]
    former: Mapping[str, tuple[str, ...]]
    cursors: Mapping[str, Cursor | None]

    @classmethod
    def since(cls, cursors: Cursors, repositories: Sequence[Repository], prefix: str) -> Renames:
        """The renames since ``cursors`` were stored, of repositories whose keys begin with ``prefix``."""
        now = {repository.key: repository.name for repository in repositories}
        known = {
            key: cursors.get(key, NameCursor)
            for key in cursors
            if key.startswith(prefix) and "repository" in cursors.raw(key) and STREAM not in key
        }
        before = {key: cursor.repository for key, cursor in known.items()}
        left = {before[key] for key, name in now.items() if before.get(key, name) != name}
        names = set(now.values())
        left |= {name for key, name in before.items() if key not in now and name in names}
        stale = [key for key, name in before.items() if name in left]
        stale += [key for key, name in now.items() if name in left and key not in stale]
        moved: dict[str, Cursor | None] = {name: None for name in cursors if name.partition(STREAM)[0] in stale}
        taken = {name.lower() for name in names}
        named = {key: known.get(key, NameCursor()).renamed(name, taken) for key, name in now.items()}
        # The row of a repository whose name was given up is gone, and what it said.
        former = {
            key: cursor.former
            for key, cursor in named.items()
            if cursor.former != known.get(key, NameCursor()).former or (cursor.former and key in stale)
        }
        moved |= {key: cursor for key, cursor in named.items() if key in moved or known.get(key) != cursor}
        return cls(tuple(sorted(left)), {key: before.get(key, "") for key in stale}, former, moved)
