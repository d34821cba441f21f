"""What a kind of export is: everything that the product says and does of it, in one declaration that ``kinds`` lists."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from leadline.access import UNLIMITED, Access
from leadline.exports import requests
from leadline.exports.answers import CreatedBody, ExportBody, ListBody
from leadline.exports.asking import Asking
from leadline.exports.files import display_name, slug
from leadline.exports.models import ExportRequest, FileOptions
from leadline.exports.since import resolved
from leadline.exports.validation import together, unknown_fields, validated, words_of
from leadline.home import Project
from leadline.metrics.catalogue import groups_in
from leadline.metrics.metric import CatalogueEntry
from leadline.metrics.request import HIDDEN, SHOWN, Earlier, RowsRequest, Since
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    from leadline.metrics.run import QueryInputs


@dataclass(frozen=True)
class Option:
    """An option of the command: its value goes into the request's body at ``field`` (a path with dots). ``choices`` are
    taken in any letter case. ``many`` can be repeated and takes several values separated by commas."""

    flag: str
    field: str
    help: str
    choices: tuple[str, ...] = ()
    default: str | None = None
    metavar: str | None = None
    many: bool = False


@dataclass(frozen=True)
class Command:
    """What ``leadline export <kind>`` says of itself, and the options that the kind has beside those of all. ``name`` is what it is
    called, if that is not the name of the kind."""

    help: str
    examples: tuple[tuple[str, ...], ...]
    options: tuple[Option, ...] = ()
    name: str | None = None


@dataclass(frozen=True)
class Rows:
    """How the rows of a kind are produced: ``request_of`` reads a stored request back, ``tables`` names the lake's tables
    that a run of it reads, ``query`` binds what is needed and gives the SQL text of the rows, ``key`` names the columns by
    which a row is found again on other versions: those of what it is of, not of how that is called. ``sized`` gives the same rows,
    with a column (``metrics.bindings.size_name``) for each that says of how many things its values are, and lets its second
    argument refuse their number before they are computed."""

    request_of: Callable[[Mapping[str, Any]], RowsRequest]
    tables: Callable[[Project, Any], Collection[str]]
    query: Callable[[QueryInputs[Any]], str]
    key: Callable[[Any], tuple[str, ...]]
    sized: Callable[[QueryInputs[Any], Callable[[int], None]], str] | None = None


@dataclass(frozen=True, eq=False)
class ExportKind:
    """One kind of export. Each is itself alone, whatever others have.

    ``name`` stands in paths, in the stored rows and on the command line; ``title`` and ``about`` open its part of the
    reference. ``model`` is the request's body as declared, an ``ExportRequest`` with ``options``. ``read`` makes the
    normalized request of it, still to be called with what all requests say (``tree``, ``team``, ``start``, ``end``,
    ``format``, ``names``), ``check`` may refuse it before, ``settle`` the normalized one, and ``notes`` are warnings about it. The
    file is called ``subject`` and by its range.

    ``leading`` are the columns that say what a row is, by level. ``catalogue`` lists the columns that can be asked for; without
    any there is no choice. ``one_scope``: a team or a tree, not both; ``needs_columns``: a request must name a group or a
    metric. ``columns`` gives the columns that a request has under the settings (of no request: all), where that does not follow
    from the catalogue alone. ``told_of`` tells the columns of rows by their names, where these follow from the data alone.
    ``brought_by`` gives the parameters of an insight that bring columns. ``described`` has the columns that say what a row is,
    by their names in files, where insights call them otherwise. ``shown_first`` are ids or groups of those that are shown where
    nobody chose any. ``insight``: the rows are answered at once, too. ``instead_of_people`` is the field that asks for rows of
    single people, and what would do for who may not see these. ``created`` is the message of a new export, ``reused`` that of
    one that was there; the bodies are those of the answers to create, poll and list, and ``complete`` fills in what they tell
    beside the rows of exports. ``named_scope``: the file is named by its team or tree, too. ``also_called`` are further names
    under which exports that are there are found, the first of them in the addresses of files.
    """

    name: str
    title: str
    about: str
    model: type[ExportRequest]
    read: Callable[[Any], Callable[..., RowsRequest]]
    subject: Callable[[Any], str]
    rows: Rows
    leading: Mapping[str, tuple[str, ...]]
    catalogue: Callable[[], Sequence[CatalogueEntry]]
    command: Command
    check: Callable[[Project, Any], None] | None = None
    settle: Callable[[Project, Any], None] = lambda _project, _request: None
    notes: Callable[[Any, Any], Sequence[str]] = lambda _model, _request: ()
    columns: Callable[[Profile, Any], Sequence[CatalogueEntry]] | None = None
    told_of: Callable[[Sequence[str]], Sequence[CatalogueEntry]] | None = None
    brought_by: Callable[[Sequence[str]], Mapping[str, Sequence[str]]] = lambda columns: {"metrics": columns}
    described: Mapping[str, str] = field(default_factory=dict)
    shown_first: tuple[str, ...] = ()
    insight: bool = True
    instead_of_people: tuple[str, str] = ("options.aggregationLevel", "team")
    named_scope: bool = False
    also_called: tuple[str, ...] = ()
    complete: Callable[[Asking, Any], None] | None = None
    one_scope: bool = False
    needs_columns: bool = False
    created: str = "Export created successfully"
    created_body: type[CreatedBody] = CreatedBody
    reused: str = "Using existing export with identical parameters"
    reused_body: type[CreatedBody] = CreatedBody
    export_body: type[ExportBody] = ExportBody
    list_body: type[ListBody] = ListBody

    def parse(self, project: Project, body: Mapping[str, Any], access: Access = UNLIMITED) -> requests.Parsed:
        """The request of ``body``, within ``access``. Raises ``InvalidRequest``, ``Forbidden`` for what ``access`` does not show,
        or what ``check`` raises."""
        from leadline.people.access import VisibleTrees

        model: Any = validated(self.model, body)
        if self.check is not None:
            self.check(project, model)
        *_, (tree, team), request, _ = together(
            lambda: requests.check_one_scope(model.scope) if self.one_scope else None,
            lambda: requests.check_some(model) if self.needs_columns else None,
            lambda: requests.resolved_scope(VisibleTrees(project, access), model.scope, model.date_range),
            lambda: self.read(model),
            lambda: requests.check_range(model.date_range),
        )
        start, end = requests.resolved_range(project, model.date_range, tree)
        options = model.options or FileOptions.model_validate({})
        form = options.format or "csv"
        names = SHOWN if access.names else HIDDEN
        normalized = request(tree=tree, team=team and team.ref_id, start=start, end=end, format=form, names=names)
        self.settle(project, normalized)
        if normalized.of_people:
            access.check_developers(*self.instead_of_people)
        since = None if options.since is None else resolved(project, self.name, options.since, tree, access)
        compression, notes = requests.compression_of(form, options.compression)
        warnings = (*unknown_fields(self.model, body), *self.notes(model, normalized), *notes)
        scope = f"-{slug(team.name if team else tree)}" if self.named_scope else ""
        changes = "" if since is None else "-changes"
        filename = display_name(self.subject(normalized) + scope + changes, start, end, form)
        words = words_of(self.model, body)
        return requests.Parsed(normalized, compression, team and team.key, warnings, filename, words, since)

    def earlier(self, request: RowsRequest, since: Since | None) -> Earlier | None:
        """What a run of ``request`` compares its rows with."""
        return None if since is None else Earlier(since.pins, self.rows.key(request))

    def describing(self, level: str) -> tuple[str, ...]:
        """The columns that say what a row of ``level`` is, as insights call them."""
        if not self.described:
            return self.leading[level]
        of_others = {name for names in self.leading.values() for name in names} - {*self.leading[level]}
        return tuple(told for name, told in self.described.items() if name not in of_others)

    def columns_in(
        self, names: Sequence[str], profile: Profile, request: RowsRequest | None = None
    ) -> Sequence[CatalogueEntry]:
        """Those of the columns of rows, called ``names``, that are no description of the row, as they are told."""
        entries = self.columns_of(profile, request) if self.told_of is None else self.told_of(names)
        return [entry for entry in entries if entry.column in names]

    def columns_of(self, profile: Profile, request: RowsRequest | None = None) -> Sequence[CatalogueEntry]:
        """The columns of a ``request`` under the settings ``profile``, as they are told; of no request: all that there are."""
        return self.catalogue() if self.columns is None else self.columns(profile, request)

    @property
    def command_name(self) -> str:
        """What its command is called."""
        return self.command.name or self.name

    @property
    def path(self) -> str:
        """Where the kind's exports are."""
        return f"/v2/insights/{self.name}/exports"

    @property
    def paths(self) -> tuple[str, ...]:
        """Where exports that are there are found."""
        return (self.path, *(f"/v2/insights/{name}/exports" for name in self.also_called))

    @property
    def file_path(self) -> str:
        """Below what the files of exports are said to be."""
        return self.paths[1] if self.also_called else self.path

    @property
    def catalogue_path(self) -> str:
        """Where the kind's catalogue is."""
        return f"/v2/insights/{self.name}/metrics"

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of the catalogue."""
        return groups_in(self.catalogue())
