"""``leadline report --pdf``: what the screens Delivery and Productivity show of a team, as a file for a mail."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from leadline.atomic_file import make_durable
from leadline.cli.date_range import AskedDays, note_days_without_data
from leadline.cli.export import only_tree
from leadline.cli.files import Output
from leadline.cli.option_words import BOTH_DAYS
from leadline.cli.progress import cancellable
from leadline.errors import InvalidRequest

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.page.view import View
    from leadline.people import Node, OrgTree

MOST_WEEKS = 18
"""Weeks that charts have one by one; longer ranges have months."""


def target_of(name: str, *, json: bool) -> Output:
    """Where the file goes. Raises ``typer.BadParameter`` for an ending that is another."""
    target = Output.of(name, json=json, option="--pdf")
    target.ending(("pdf",), "--pdf")
    return target


def write_pdf(project: Project, target: Output, team: str | None, asked: AskedDays, aggregation: str) -> int:
    """Write the report of ``team`` (None: the only org tree) to ``target``; returns how many pages it has. Raises
    ``InvalidRequest``, or ``NoChartLibrary``."""
    from leadline.charts.answers import Answers
    from leadline.charts.document import bound_pages
    from leadline.charts.render import Renderer, check_installed
    from leadline.metrics.run import Runner
    from leadline.page.paper import sections_of
    from leadline.page.paper_pages import pages_of

    check_installed()
    view = _view(project, *_team(project, team), asked, aggregation)
    with target.writing(project.temp) as path, Runner(project.home) as runner, Renderer() as renderer:
        sections = sections_of(Answers(project, runner, datetime.now(UTC), cancellable), view)
        pages = [renderer.page(page) for page in pages_of(sections, renderer)]
        path.write_bytes(bound_pages(pages, f"{view.team.name}, {view.start} to {view.end}"))
        make_durable(path)
    note_days_without_data(project, view.start, view.end, view.tree.name)
    return len(pages)


def _team(project: Project, team: str | None) -> tuple[OrgTree, Node]:
    from leadline.people import lookup, trees

    if team is not None:
        return lookup.find_team(project, team)
    names = [known.name for known in trees(project)]
    if len(names) > 1:
        raise InvalidRequest(f"A report as PDF is of one team; name it with --team, of the trees {', '.join(names)}")
    tree = lookup.tree(project, only_tree(project))
    return tree, tree.root


def _view(project: Project, tree: OrgTree, team: Node, asked: AskedDays, aggregation: str) -> View:
    from leadline.exports.requests import check_length, check_order
    from leadline.page.view import View

    start, end = asked.days(project, tree.name)
    if start is None or end is None:
        raise AssertionError("a report has both of its days")
    both = asked.words.get("dateRange", BOTH_DAYS)
    check_order(start, end, ("--start", "--end", both))
    check_length(project, start, end, tree.name, both)
    granularity = _granularity(start, end)
    return View("/delivery", {}, (tree.name,), tree, team, None, start, end, granularity, aggregation)


def _granularity(start: date, end: date) -> str:
    return "weekly" if (end - start).days < 7 * MOST_WEEKS else "monthly"
