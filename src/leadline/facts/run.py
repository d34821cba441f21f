"""Writes a fact to a file: the rows behind the numbers, one per commit or pull request.

A project, the fact's name and filters come in; a CSV, JSON lines or Parquet file with the documented columns goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.errors import Detail, InvalidRequest
from leadline.facts.files import FORMULA_STARTS, form_of
from leadline.facts.files import write as write_file
from leadline.people import OrgTree, find_team, tree, trees

if TYPE_CHECKING:
    import ibis
    from ibis.expr.types import Table, Value

    from leadline.facts.stored import Stored
    from leadline.home import Project
    from leadline.settings.profile import Profile

_TEAMS = "teams"


@dataclass(frozen=True)
class Fact:
    """One fact as it is shown: ``happened`` is the instant of its period, ``key`` its natural order."""

    name: str
    columns: tuple[str, ...]
    happened: str
    key: tuple[str, ...]
    needs: Callable[[], Sequence[Stored]]
    expression: Callable[[Profile], Table]


def _commits(_profile: Profile) -> Table:
    from leadline.facts.commits import commits_fact

    return commits_fact()


def _pull_requests(profile: Profile) -> Table:
    import ibis

    from leadline.derive.expressions import INSTANT, seconds
    from leadline.facts.pull_requests import pull_requests_fact

    fact = pull_requests_fact(profile)
    durations = {
        f"{name}_seconds": seconds(fact[f"{name}_us"]) for name in ("cycle", "first_comment", "coding", "review")
    }
    # Known once builds and deployments are attributed.
    later = {
        **{name: ibis.null("float64") for name in ("build_seconds", "deploy_seconds", "lead_seconds")},
        **{name: ibis.null(INSTANT) for name in ("build_finished_at", "deployed_at")},
        "deployment_id": ibis.null("string"),
    }
    return fact.mutate(**durations, **later, work_items=fact.links)


def _pull_request_steps() -> Sequence[Stored]:
    from leadline.facts.pull_requests import STEPS

    return STEPS


def _commit_steps() -> Sequence[Stored]:
    from leadline.facts.commits import STEPS

    return STEPS


FACTS: Mapping[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact(
            "pull-requests",
            (
                "repository",
                "number",
                "author",
                "developer",
                "team",
                "created_at",
                "ready_at",
                "first_commit_at",
                "first_comment_at",
                "approved_at",
                "merged_at",
                "merge_commit_sha",
                "build_finished_at",
                "deployed_at",
                "deployment_id",
                "additions",
                "deletions",
                "size",
                "comments",
                "work_items",
                "refactored",
                "refactored_recent",
                "cycle_seconds",
                "first_comment_seconds",
                "coding_seconds",
                "review_seconds",
                "build_seconds",
                "deploy_seconds",
                "lead_seconds",
                "why",
            ),
            "merged_at",
            ("repository", "number"),
            _pull_request_steps,
            _pull_requests,
        ),
        Fact(
            "commits",
            (
                "repository",
                "sha",
                "author_email",
                "developer",
                "team",
                "authored_at",
                "additions",
                "deletions",
                "credited",
                "why",
            ),
            "authored_at",
            ("repository", "sha"),
            _commit_steps,
            _commits,
        ),
    )
}


def write(
    project: Project,
    fact: str,
    path: Path,
    *,
    start: date | None = None,
    end: date | None = None,
    tree_name: str | None = None,
    team: str | None = None,
    developer: str | None = None,
) -> int:
    """Write ``fact`` to ``path`` (its ending says the format) and return the number of rows.

    ``start`` and ``end`` (inclusive, local dates) keep what happened then: pull requests by merge, commits by author date;
    ``tree_name`` and ``team`` keep the scope's developers, ``developer`` one of them by email. Raises ``InvalidRequest``.
    """
    if fact not in FACTS:
        raise InvalidRequest(f"There is no fact {fact!r}; facts are {', '.join(FACTS)}", code="unknown_fact")
    if start is not None and end is not None and start > end:
        raise InvalidRequest(
            "--start is after --end", code="invalid_range", details=[Detail("start", "on or before end")]
        )
    form = form_of(path)
    from leadline.facts.session import session

    known = _trees(project, tree_name)
    kept = _people_kept(project, tree_name, team, developer)
    profile = project.profile(tree_name)
    versions = project.lake.snapshot().versions
    with session(project, versions, {each.name: each.version for each in _trees(project, None)}, profile) as opened:
        opened.facts.bind(FACTS[fact].needs())
        opened.facts.bind_raw()
        opened.engine.bind_arrow(_TEAMS, _teams(known))
        query = _shown(FACTS[fact], profile, start, end, kept, form)
        return write_file(opened.engine, query, path, form, lambda: None)


def _trees(project: Project, name: str | None) -> list[OrgTree]:
    db = project.home.db
    names = [name] if name is not None else [each.name for each in trees(db, project.id)]
    return [tree(db, project.id, each) for each in names]


def _people_kept(project: Project, tree_name: str | None, team: str | None, developer: str | None) -> list[str] | None:
    """The emails a scope keeps; None: everybody's rows, and nobody's."""
    if team is not None:
        org_tree, node = find_team(project.home.db, project.id, team, tree_name)
        kept = list(org_tree.people(node))
    elif tree_name is not None:
        org_tree = tree(project.home.db, project.id, tree_name)
        kept = list(org_tree.people(org_tree.root))
    else:
        return None if developer is None else [developer.strip().lower()]
    return kept if developer is None else [email for email in kept if email == developer.strip().lower()]


def _teams(known: Sequence[OrgTree]) -> object:
    import pyarrow as pa

    paths: dict[str, str] = {}
    for org_tree in known:
        for person in org_tree.developers.values():
            if person.team is not None:
                paths.setdefault(person.email, org_tree.by_ref[person.team].path)
    return pa.table(
        {"of_developer": pa.array(list(paths), pa.string()), "team": pa.array(list(paths.values()), pa.string())}
    )


def _shown(
    fact: Fact, profile: Profile, start: date | None, end: date | None, kept: list[str] | None, form: str
) -> ibis.Table:
    import ibis

    from leadline.derive.expressions import epoch_us
    from leadline.derive.local_time import bounds_us

    rows = fact.expression(profile)
    teams = ibis.table({"of_developer": "string", "team": "string"}, name=_TEAMS)
    rows = rows.left_join(teams, rows.developer == teams.of_developer)
    happened = epoch_us(rows[fact.happened])
    if start is not None or end is not None:
        low, high = bounds_us(start or date(1970, 1, 1), end or date(2262, 1, 1), profile.zone)
        rows = rows.filter((happened >= low) & (happened < high))
    if kept is not None:
        rows = rows.filter(rows.developer.isin(kept) if kept else ibis.literal(False))
    rows = rows.order_by(list(fact.key))
    return rows.select(**{name: _as_text(rows[name], form) for name in fact.columns})


def _as_text(value: Value, form: str) -> Value:
    """Instants as RFC 3339 with their fraction, lists by ``;`` in CSV; CSV text that a spreadsheet would run neutralized."""
    import ibis

    kind = value.type()
    if kind.is_timestamp() and form != "parquet":
        whole = value.strftime("%Y-%m-%dT%H:%M:%S")
        fraction = value.strftime(".%f")
        return whole + ibis.cases((fraction == ".000000", ""), else_=fraction) + "Z"
    if form != "csv":
        return value
    if kind.is_array():
        value = value.join(";")
    elif not kind.is_string():
        return value
    return ibis.cases((value.substr(0, 1).isin(FORMULA_STARTS), ibis.literal("'") + value), else_=value)
