"""The fact `commits`: one row per commit, with its developer, its lines and whether it is credited (metrics, ground rules,
"Credited commits")."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table

from leadline.derive.account_names import comparable
from leadline.derive.expressions import attach, is_merge, local_day, reasons, repeated
from leadline.derive.local_time import all_offsets
from leadline.derive.paths import without
from leadline.engine import schema_table
from leadline.engine.functions import INSTANT, epoch_us
from leadline.facts.accounts import ACCOUNTS, with_developer
from leadline.facts.excluded_paths import named_by_setting
from leadline.materialize.model import LookUp, Model
from leadline.settings.profile import Profile

_ROW = ["repository", "sha"]
_ALIKE = ["repository", "person", "authored_at", "additions", "deletions"]
_SAME = [*_ALIKE, "paths"]


def commits_fact() -> Table:
    """Columns: repository, sha, author_email, developer, bot, authored_at, additions, deletions, credited, why.

    Lines are those of files that count. Reads the stored steps ``SQUASHES``, ``SHARED``, ``COPIES`` and ``LEFT_OUT``.
    """
    commits = _with_lines(schema_table("commits"))
    parts = ("repository", "sha", "author_email", "authored_at", "additions", "deletions", "source")
    base = with_developer(commits.select(*parts, merge=is_merge(commits.parents)), "author_email", "git")
    base = attach(base, ["sha"], _results_of_squashes())
    base = base.mutate(squash=base.squash.fill_null(False) & ~base.merge)
    base = attach(base, _ROW, SHARED.table(), COPIES.table(), LEFT_OUT.table())
    elsewhere = base.first_repository.notnull() & (base.first_repository != base.repository)
    of_squash = base.of_squash.fill_null(False)
    copy = base.copy_of.notnull()
    return base.select(
        "repository",
        "sha",
        "author_email",
        "developer",
        "bot",
        "authored_at",
        additions=without(base.additions, base.additions_left_out),
        deletions=without(base.deletions, base.deletions_left_out),
        credited=~(base.merge | elsewhere | base.squash | copy),
        why=reasons(
            (base.merge, "merge commit: not credited"),
            (base.squash, "result of a squash or rebase: its listed commits are credited"),
            (of_squash & ~base.squash, "copy of the result of a squash: not credited"),
            (copy & ~of_squash & ~base.squash, ibis.literal("copy of ") + base.copy_of + ": credited once"),
            (elsewhere, ibis.literal("credited in ") + base.first_repository),
            (base.authored_at.isnull(), "no author date: counts in no period"),
            (base.additions.isnull() & base.deletions.isnull() & ~base.merge, "no lines known"),
            (base.bot, "bot"),
            (base.developer.isnull() & ~base.bot, "author is no known developer"),
            *lines_left_out(
                base, (base.additions < base.additions_left_out) | (base.deletions < base.deletions_left_out)
            ),
        ),
    )


def lines_left_out(base: Table, cut: BooleanValue) -> Iterator[tuple[BooleanValue, StringValue | str]]:
    """The reasons, in words, of lines left out (additions_left_out, deletions_left_out, of them left_out_by_attributes), for
    ``reasons``. ``cut`` says whether there were fewer."""
    by_attributes = base.left_out_by_attributes
    ways = {
        "code.exclude": base.additions_left_out + base.deletions_left_out - by_attributes,
        ".gitattributes": by_attributes,
    }
    for name, lines in ways.items():
        yield (lines > 0).fill_null(False), lines.cast("string") + f" lines left out by {name}"
    yield cut.fill_null(False), "fewer lines told than left out: cut to 0"


def _left_out(profile: Profile) -> Table:
    """Lines of each commit in files that are left out."""
    files = schema_table("commit_files")
    files = files.mutate(named=named_by_setting(files, profile))
    files = files.filter(files.named | files.excluded.fill_null(False))
    additions, deletions = files.additions.fill_null(0), files.deletions.fill_null(0)
    return files.group_by(_ROW).agg(
        additions_left_out=additions.sum().cast("int64"),
        deletions_left_out=deletions.sum().cast("int64"),
        left_out_by_attributes=ibis.cases((files.named, 0), else_=additions + deletions).sum().cast("int64"),
    )


def _with_lines(commits: Table) -> Table:
    """``commits`` with all their lines, those of files that are left out too: a copy is one whatever counts of it."""
    unknown = commits.filter(commits.additions.isnull() | commits.deletions.isnull()).select(_ROW)
    sums = (
        schema_table("commit_files")
        .semi_join(unknown, _ROW)
        .group_by(_ROW)
        .agg(
            file_additions=lambda t: t.additions.sum().fill_null(0).cast("int64"),
            file_deletions=lambda t: t.deletions.sum().fill_null(0).cast("int64"),
        )
    )
    joined = attach(commits, _ROW, sums)
    return joined.mutate(
        additions=joined.additions.fill_null(joined.file_additions),
        deletions=joined.deletions.fill_null(joined.file_deletions),
    ).drop("file_additions", "file_deletions")


def _squashes() -> Table:
    """Merge commits (repository, number, sha) that are not among their pull request's listed commits although one of
    these is known."""
    pulls = schema_table("pull_requests")
    listed = schema_table("pull_request_commits").select("repository", "number", "sha")
    candidates = pulls.filter(pulls.merge_commit_sha.notnull()).select(
        "repository", "number", sha=pulls.merge_commit_sha
    )
    candidates = candidates.anti_join(listed, ["repository", "number", "sha"])
    of_candidates = listed.semi_join(candidates, ["repository", "number"])
    known_commits = of_candidates.semi_join(schema_table("commits").select(_ROW), _ROW)
    return candidates.semi_join(known_commits, ["repository", "number"])


def _shared() -> Table:
    """Commits in several repositories, with the first repository by name: that one is credited."""
    commits = schema_table("commits").select(_ROW)
    several = repeated(commits, [commits.sha])
    first = several.mutate(first_repository=several.repository.min().over(ibis.window(group_by=several.sha)))
    return first.filter((first.repository.count().over(ibis.window(group_by=first.sha))) > 1)


def _twins() -> Table:
    """Non-merge commits that share their repository and author date with another, with whose they are."""
    commits = schema_table("commits")
    dated = commits.filter(~is_merge(commits.parents) & commits.authored_at.notnull() & commits.author_email.notnull())
    twins = repeated(
        dated.select(*_ROW, "author_email", "source", "authored_at", "committed_at", "additions", "deletions"),
        [dated.repository, dated.authored_at],
    )
    twins = with_developer(_with_lines(twins), "author_email", "git")
    twins = twins.mutate(person=twins.developer.fill_null(comparable(twins.author_email)))
    twins = attach(attach(twins, _ROW, _paths_of(twins)), ["sha"], _results_of_squashes())
    # One whose files are not known is alike whatever there is.
    first = twins.paths.min().over(ibis.window(group_by=_ALIKE))
    return twins.select(
        *_ROW,
        *("authored_at", "committed_at", "additions", "deletions", "person"),
        paths=twins.paths.coalesce(first).fill_null(""),
        squash=twins.squash.fill_null(False),
    )


def _results_of_squashes() -> Table:
    """The shas that are the result of a squash, each once."""
    return SQUASHES.table().select("sha").distinct().mutate(squash=ibis.literal(True))


def _paths_of(commits: Table) -> Table:
    """The paths that each of ``commits`` touched, in order, as one text; nothing where no file is known."""
    files = schema_table("commit_files").semi_join(commits.select(_ROW), _ROW)
    return files.group_by(_ROW).agg(paths=files.path.collect(order_by=files.path).join("\n"))


def _copies() -> Table:
    """Commits that go uncredited because another one of the same repository, author, author date, lines and files is credited
    (``copy_of``), or because all of these are copies of the result of a squash (``of_squash``).

    A listed commit of the squashed pull request itself is credited: a rebased merge commit is the copy of it, not the
    other way round.
    """
    twins = attach(SAME_DATED_COMMITS.table(), _ROW, SHARED.table(), _listed())
    twins = twins.mutate(
        listed=twins.listed.fill_null(False),
        # A commit credited in another repository stands for its copies here too.
        foreign=(twins.first_repository != twins.repository).fill_null(False),
    )
    group = ibis.window(group_by=_SAME)
    ordered = ibis.window(
        group_by=_SAME,
        order_by=[
            twins.foreign.desc(),
            twins.listed.desc(),
            twins.squash.asc(),
            twins.committed_at.asc(nulls_first=False),
            twins.sha.asc(),
        ],
    )
    compared = twins.select(
        *_ROW,
        copy_of=twins.sha.first().over(ordered),
        of_squash=twins.squash.any().over(group) & ~twins.listed.any().over(group),
    )
    return compared.filter((compared.copy_of != compared.sha) | compared.of_squash)


def _listed() -> Table:
    """Commits listed in a pull request whose squash or rebase result is a copy of them."""
    twins = SAME_DATED_COMMITS.table()
    results = twins.filter(twins.squash).select(*_SAME, squash_sha="sha")
    results = (
        SQUASHES.table()
        .select("repository", "number", squash_sha="sha")
        .inner_join(results, ["repository", "squash_sha"])
    )
    listed = schema_table("pull_request_commits").select("repository", "number", "sha")
    pairs = listed.inner_join(results, ["repository", "number"])
    lines = twins.select(*_ROW, **{f"its_{name}": name for name in _SAME[1:]})
    pairs = pairs.inner_join(lines, _ROW)
    same = [pairs[name].identical_to(pairs[f"its_{name}"]) for name in _SAME[1:]]
    return pairs.filter(same).select(_ROW).distinct().mutate(listed=ibis.literal(True))


def _counted() -> Table:
    fact = commits_fact()
    counted = fact.filter(fact.credited & fact.developer.notnull() & fact.authored_at.notnull())
    return counted.select(*_ROW, "developer", "additions", "deletions", happened_us=epoch_us(counted.authored_at))


_BY_SHA = LookUp("commits", "sha")

SQUASHES = Model(
    "squashes",
    {"repository": "string", "number": "int64", "sha": "string"},
    expression=lambda _profile: _squashes(),
    by_repository=True,
    looked_up=_BY_SHA,
)
SHARED = Model(
    "shared_commits",
    {"repository": "string", "sha": "string", "first_repository": "string"},
    expression=lambda _profile: _shared(),
    looked_up=_BY_SHA,
)
SAME_DATED_COMMITS = Model(
    "commit_twins",
    {
        "repository": "string",
        "sha": "string",
        "authored_at": INSTANT,
        "committed_at": INSTANT,
        "additions": "int64",
        "deletions": "int64",
        "person": "string",
        "paths": "string",
        "squash": "boolean",
    },
    expression=lambda _profile: _twins(),
    by_repository=True,
)
COPIES = Model(
    "commit_copies",
    {"repository": "string", "sha": "string", "copy_of": "string", "of_squash": "boolean"},
    expression=lambda _profile: _copies(),
    by_repository=True,
)
LEFT_OUT = Model(
    "lines_left_out",
    {
        "repository": "string",
        "sha": "string",
        "additions_left_out": "int64",
        "deletions_left_out": "int64",
        "left_out_by_attributes": "int64",
    },
    expression=_left_out,
    by_repository=True,
)
STEPS = (ACCOUNTS, SQUASHES, SHARED, COPIES, LEFT_OUT)
"""What ``commits_fact`` reads."""

COMMITS = Model(
    "commits",
    {
        "repository": "string",
        "sha": "string",
        "developer": "string",
        "happened_us": "int64",
        "additions": "int64",
        "deletions": "int64",
    },
    expression=lambda _profile: _counted(),
    by_repository=True,
)
"""Credited commits of known developers: what metrics count."""


def _days(profile: Profile) -> Table:
    commits = COMMITS.table()
    commits = commits.mutate(day=local_day(commits.happened_us, all_offsets(profile.zone)))
    of_day = commits.group_by("repository", "developer", "day")
    return of_day.agg(happened_us=commits.happened_us.min(), commits=commits.count()).drop("day")


COMMIT_DAYS = Model(
    "commit_days",
    {"repository": "string", "developer": "string", "happened_us": "int64", "commits": "int64"},
    expression=_days,
    by_repository=True,
)
"""The first of ``COMMITS`` of each developer in each repository on each local day, and how many there are: half as many as
commits, for what asks only whether there was one on a day."""
