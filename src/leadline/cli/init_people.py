"""The people of ``leadline init``: an HR list that is loaded at once, or the teams of a tool, which its first sync brings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.cli.asking import ask
from leadline.cli.context import Chosen
from leadline.cli.failures import refused
from leadline.cli.org import show_loaded, write_teams
from leadline.cli.output import say
from leadline.errors import InvalidRequest, LeadlineError

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.sources.kit.settings import SourceSettings

TEAMS = "teams"
USUAL_TREE = "Engineering"


@dataclass(frozen=True)
class People:
    """Where people come from, as far as it is known: a ``file``, a tool's ``teams``, or neither; and the tree that they become."""

    file: Path | None = None
    teams: bool = False
    tree: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is said where they come from."""
        return self.file is not None or self.teams

    @property
    def tree_name(self) -> str:
        """What the tree is called."""
        return self.tree or USUAL_TREE


def set_up(project: Project, chosen: Chosen, given: People, teams_of: str | None, *, asking: bool) -> People:
    """Load the list that ``given`` names, or that is asked for; what is to be done once the sources are read is returned.
    ``teams_of`` is the source whose teams there will be. Whoever is asked is asked again after a refusal."""
    known = given
    while True:
        try:
            if asking and not known.is_known:
                known = _asked(known, teams_of)
            if known.teams and teams_of is None:
                raise InvalidRequest("No source here tells of teams, as GitHub does; give a list of people instead")
            if known.file is not None:
                _load(project, chosen, known.file, known.tree_name)
            return known
        except LeadlineError as error:
            if not asking:
                raise
            refused(error)
            known = replace(given, file=None, teams=False)


def load_teams(project: Project, chosen: Chosen, source: str, tree: str) -> None:
    """Make the org tree of the teams that ``source`` (``github:example``) has brought. Raises ``NotFound`` if it brought none."""
    from leadline.people import load_org

    tool, _, organization = source.partition(":")
    project.temp.mkdir(parents=True, exist_ok=True)
    path = project.temp / "teams.json"
    say(f"$ {chosen.command('org', 'from-teams', source, '-o', 'teams.json')}")
    try:
        write_teams(project, tool, organization, path)
        say(f"$ {chosen.command('org', 'load', 'teams.json', '--name', tree)}")
        show_loaded(Path("teams.json"), load_org(project, path, tree, now=datetime.now(UTC)))
    finally:
        path.unlink(missing_ok=True)


def source_with_teams(sources: list[SourceSettings]) -> str | None:
    """Whose teams the first source tells of that tells of any, as ``leadline org from-teams`` takes it: without its host."""
    names = (one.name.partition("@")[0] for one in sources if one.declared.teams)
    return next((name for name in names if ":" in name), None)


def _asked(known: People, teams_of: str | None) -> People:
    or_teams = f", or `{TEAMS}` for those of {teams_of}" if teams_of else ""
    answer = ask(f"List of people (a CSV file{or_teams}; Enter: later)", "")
    if not answer:
        return known
    teams = answer == TEAMS and teams_of is not None
    tree = known.tree or ask("Name of the org tree", USUAL_TREE)
    return People(None if teams else Path(answer).expanduser(), teams, tree)


def _load(project: Project, chosen: Chosen, file: Path, tree: str) -> None:
    from leadline.people import load_org

    loaded = load_org(project, file, tree, now=datetime.now(UTC))
    say(f"$ {chosen.command('org', 'load', str(file), '--name', tree)}")
    show_loaded(file, loaded)
