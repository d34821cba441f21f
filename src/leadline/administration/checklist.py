"""The check list: what each number needs, how much of it is there, and what to do next, for the page and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leadline.charts.words import NOTHING, counted, day_text, number, percent
from leadline.diagnostics.completeness import Completeness, Share
from leadline.exports.kinds import KINDS
from leadline.metrics.catalogue import group_title

GOOD, WEAK, MISSING = "good", "warn", "bad"
_GOOD_PERCENT = 95.0

_SOURCES = "/docs/guide/sources", "leadline sources add github ORG"
_PEOPLE = "/docs/guide/people", "leadline org load FILE --name TREE"
_IDENTITIES = "/docs/guide/identities", "leadline identities --unmatched"
"""Where is told how it is done, and the command that does it or begins it."""

NEEDED = {
    "commits": "Commits",
    "pull_requests": "Pull requests",
    "reviews": "Reviews",
    "work_items": "Work items",
    "builds": "Builds",
    "deployments": "Deployments",
    "incidents": "Incidents",
}
"""The tables that the matrix has as columns: those that a tool brings or does not."""


@dataclass(frozen=True)
class Check:
    """A line of the list: its ``state``, what was found as a figure with its ``unit``, why it matters, and how to go on: the
    ``action``, the ``address`` of the documentation that tells of it, and the ``command`` that does it (empty where it takes more
    than one)."""

    title: str
    state: str
    figure: str
    unit: str
    about: str
    action: str
    address: str
    command: str = ""
    share: Share | None = None


@dataclass(frozen=True)
class Need:
    """A group of metrics and the tables that it is made of."""

    insight: str
    group: str
    metrics: tuple[str, ...]
    tables: frozenset[str]


def checks(state: Completeness) -> list[Check]:
    """The list, in the order in which things are set up."""
    return [
        _data(state),
        _trees(state),
        _of_somebody(state, "commits", "Commits are somebody's"),
        _of_somebody(state, "pull_requests", "Pull requests are somebody's"),
        _deployments(state),
        _incidents(state),
        _links(state),
    ]


def needs() -> list[Need]:
    """Every group of metrics with what it is computed from, as the catalogue says."""
    groups: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = {}
    for kind in KINDS.values():
        for entry in kind.catalogue():
            groups.setdefault((kind.title, entry.group), []).append((entry.title, entry.sources))
    return [
        Need(
            insight,
            group_title(group),
            tuple(title for title, _ in entries),
            frozenset(table for _, tables in entries for table in tables),
        )
        for (insight, group), entries in groups.items()
    ]


def _data(state: Completeness) -> Check:
    events = sum(state.rows.values())
    if not events:
        about = "Nothing is there yet. Read git, GitHub, GitLab, Bitbucket, Jira and others, or import files."
        return Check("Data", MISSING, "0", "rows", about, "Connect a source", *_SOURCES)
    newest = f"The newest event is of {NOTHING if state.newest is None else day_text(state.newest)}"
    about = f"{newest}; {counted(state.sources, 'source is', 'sources are')} read by the server."
    return Check("Data", GOOD, number(events), "rows", about, "Sources", *_SOURCES)


def _trees(state: Completeness) -> Check:
    about = "Who is in which team: every number is of a team or a developer."
    if not state.trees:
        return Check("Org tree", MISSING, "0", "trees", about, "Load developers", *_PEOPLE)
    return Check("Org tree", GOOD, number(len(state.trees)), ", ".join(state.trees), about, "People", *_PEOPLE)


def _of_somebody(state: Completeness, activity: str, title: str) -> Check:
    share = state.of_somebody(activity)
    about = "What is nobody's counts in no team. Map the accounts that do most of it first."
    return _share(title, share, activity.replace("_", " "), about, "Map accounts", *_IDENTITIES)


def _deployments(state: Completeness) -> Check:
    about = "Repositories at work of which something was deployed to production: deployment frequency, failure rate, lead time."
    unit = "repositories"
    return _share("Deployments are known", state.deployed, unit, about, "Tell deployments", "/docs/guide/dora")


def _incidents(state: Completeness) -> Check:
    about = "Time to restore is of incidents: from PagerDuty, from a tracker's items, or pushed."
    found = GOOD if state.incidents else MISSING
    return Check(
        "Incidents are known", found, number(state.incidents), "resolved", about, "Tell incidents", "/docs/guide/dora"
    )


def _links(state: Completeness) -> Check:
    about = "Merged pull requests that name a work item: lead time begins there, and work is told by its type."
    return _share(
        "Pull requests are linked", state.linked, "merged", about, "How links are found", "/docs/guide/choices"
    )


def _share(title: str, share: Share, of: str, about: str, action: str, address: str, command: str = "") -> Check:
    found = MISSING if not share.part else GOOD if (share.percent or 0) >= _GOOD_PERCENT else WEAK
    unit = f"{number(share.part)} of {number(share.whole)} {of}"
    return Check(title, found, percent(share.percent), unit, about, action, address, command, share)


def is_complete(lines: Sequence[Check]) -> bool:
    """Whether nothing is left to do."""
    return all(line.state == GOOD for line in lines)
