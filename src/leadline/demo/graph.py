"""The commit graph: branches, one main line per repository, and the commits that merging made.

How a pull request reaches main is its repository's policy: a merge commit with two parents, a squash with one, or copies of its
commits.
"""

from __future__ import annotations

from leadline.demo import promotions
from leadline.demo.stage import Stage, later

# The commits before opening are spread over the working time until then; the one after a review is its answer.
_BRANCH_COMMITS = """
    CREATE TABLE branch_commits AS
    SELECT id, i, n, r, p, sha_of('branch', id, i) AS sha, is_update, instant FROM (
        SELECT t.*, CASE WHEN t.reworked AND i = n THEN fixed_at
            ELSE moment(c.midnight, c.gap, pace.weekender, pace.day_from, pace.day_hours, t.at_w) END AS instant
        FROM (
            SELECT pulls.*, commits.i, updates(pulls.id, commits.i, pulls.n, pulls.policy) AS is_update,
                pulls.w + CASE WHEN commits.i = 1 THEN 0 ELSE units.span_days * (commits.i - 1 + 0.4 * u('at', pulls.id, commits.i))
                    / greatest(1, pulls.n - pulls.reworked::BIGINT) END AS at_w
            FROM pulls JOIN units USING (id), UNNEST(range(1, pulls.n + 1)) AS commits(i)
        ) t
        JOIN pace ON pace.p = t.p
        JOIN calendar c ON c.pattern = pace.pattern AND c.idx = floor(t.at_w)::BIGINT
    )
    WHERE instant < cut()
"""

# In some repositories the second commit of a branch came to it as a pull request of its own, squashed: a stack.
_STACKS = """
    CREATE TABLE stacks AS
    SELECT pulls.id, pulls.r, pulls.p, b.sha AS tip, b.instant AS merged_at, b.instant - INTERVAL 20 MINUTE AS created_at,
        b.instant - INTERVAL 25 MINUTE AS written_at
    FROM pulls JOIN branch_commits b ON b.id = pulls.id AND b.i = 2
    WHERE NOT bot AND pulls.policy = 'squash' AND pulls.n >= 3 AND pulls.r % 4 = 3 AND u('stacked', pulls.id, 0) < 0.3
"""

_REVERTS = f"""
    CREATE TABLE reverts AS SELECT * FROM ({
    later(
        "SELECT id, r, merger, kind, end_at FROM pulls WHERE merged(abandoned, end_at) AND u('reverted', id, 0) < 0.012",
        who="t.merger",
        after="t.end_at",
        delay="0.1 + expo('reverted after', t.id, 0, 0.6)",
        name="instant",
    )
}) WHERE instant < cut()
"""

_DIRECTS = """
    CREATE TABLE directs AS
    SELECT units.id, units.r, units.p, units.kind,
        moment(c.midnight, c.gap, pace.weekender, pace.day_from, pace.day_hours, units.w) AS instant
    FROM units
    JOIN pace ON pace.p = units.p
    JOIN calendar c ON c.pattern = pace.pattern AND c.idx = floor(units.w)::BIGINT
    WHERE direct AND instant < cut()
"""

# Repositories began, with all their files, some months before the demo, by a lead who was already there.
_ROOTS = """
    CREATE TABLE roots AS
    SELECT repos.r, min(teams.lead) AS p, start() - to_days((95 + repos.r % 20)::INTEGER) + INTERVAL 10 HOUR AS instant
    FROM repos
    JOIN teams ON teams.repo = repos.r OR teams.team = repos.r % (SELECT count(*) FROM teams)
    GROUP BY repos.r
"""

_MAIN_LINE = """
    CREATE TABLE main_line AS
    SELECT *, lag(tip) OVER in_order AS before, row_number() OVER in_order AS position
    FROM (
        SELECT 'pull' AS kind, id, r, end_at AS instant,
            CASE policy WHEN 'rebase' THEN sha_of('rebase', id, n) ELSE sha_of(policy, id, 0) END AS tip
        FROM pulls WHERE merged(abandoned, end_at)
        UNION ALL SELECT 'direct', id, r, instant, sha_of('branch', id, 1) FROM directs
        UNION ALL SELECT 'revert', id, r, instant, sha_of('revert', id, 0) FROM reverts
        UNION ALL SELECT 'root', r, r, instant, sha_of('root', r, 0) FROM roots
    )
    WINDOW in_order AS (PARTITION BY r ORDER BY instant, kind, id)
"""

_MAIN_TIPS = """
    CREATE TABLE main_tips AS SELECT r, instant, arg_max(tip, position) AS tip FROM main_line GROUP BY r, instant
"""

# Where a branch leaves main, and what an update merges into it.
_BRANCH_POINTS = """
    CREATE TABLE branch_points AS
    SELECT b.id, b.i, main_tips.tip
    FROM (SELECT id, i, r, instant FROM branch_commits WHERE i = 1 OR is_update) b
    ASOF JOIN main_tips ON main_tips.r = b.r AND main_tips.instant <= b.instant
"""

_COMMIT_LINES = """
    CREATE TABLE commit_lines AS
    SELECT id, i, sum(additions)::BIGINT AS additions, sum(deletions)::BIGINT AS deletions FROM touches GROUP BY id, i
"""


_SUBJECT = """
    CREATE MACRO subject(id, i) AS choice(['Address review', 'Add tests', 'Handle edge case', 'Fix build', 'Clean up', 'Continue',
        'Tidy names'], 'subject', id * 8 + i, 0) || ': ' || noun('noun', id)
"""


def build(stage: Stage) -> None:
    """Makes ``branch_commits``, ``stacks``, ``directs``, ``reverts``, ``roots``, ``main_line``, ``main_tips`` and
    ``commit_lines``."""
    stage.run(_BRANCH_COMMITS, as_written=True)
    for statement in (
        _STACKS,
        _REVERTS,
        _DIRECTS,
        _ROOTS,
        _MAIN_LINE,
        _MAIN_TIPS,
        _BRANCH_POINTS,
        _COMMIT_LINES,
        _SUBJECT,
    ):
        stage.run(statement)


# Every part: r, sha, parents, author (people.p), authored_at, committed_at, message, additions, deletions.
_BRANCH_PART = """
    SELECT b.r, b.sha, CASE WHEN b.i = 1 THEN points.tip ELSE sha_of('branch', b.id, b.i - 1) END
            || CASE WHEN b.is_update THEN ' ' || points.tip ELSE '' END AS parents,
        b.p, b.instant AS authored_at, b.instant AS committed_at,
        CASE WHEN b.is_update THEN 'Merge branch ''main'' into ' || texts.branch
             WHEN b.i = 1 THEN texts.message ELSE subject(b.id, b.i) END AS message,
        coalesce(lines.additions, 0) AS additions, coalesce(lines.deletions, 0) AS deletions
    FROM branch_commits b
    JOIN texts ON texts.id = b.id
    LEFT JOIN branch_points points ON points.id = b.id AND points.i = b.i
    LEFT JOIN commit_lines lines ON lines.id = b.id AND lines.i = b.i
"""

_MERGE_PART = """
    SELECT m.r, m.tip, m.before || ' ' || sha_of('branch', m.id, pulls.n), pulls.merger, m.instant, m.instant,
        'Merge pull request #' || numbers.number || ' from ' || texts.branch || chr(10) || chr(10) || texts.title, 0, 0
    FROM main_line m JOIN pulls ON pulls.id = m.id JOIN numbers ON numbers.id = m.id JOIN texts ON texts.id = m.id
    WHERE m.kind = 'pull' AND pulls.policy = 'merge'
"""

_SQUASH_PART = """
    SELECT m.r, m.tip, m.before, pulls.p, m.instant, m.instant,
        texts.title || ' (#' || numbers.number || ')' || coalesce(chr(10) || chr(10) || texts.body, ''),
        lines.additions, lines.deletions
    FROM main_line m JOIN pulls ON pulls.id = m.id JOIN numbers ON numbers.id = m.id JOIN texts ON texts.id = m.id
    JOIN unit_lines lines ON lines.id = m.id
    WHERE m.kind = 'pull' AND pulls.policy = 'squash'
"""

_REBASE_PART = """
    SELECT m.r, sha_of('rebase', b.id, b.i), CASE WHEN b.i = 1 THEN m.before ELSE sha_of('rebase', b.id, b.i - 1) END, b.p,
        b.instant, m.instant, CASE WHEN b.i = 1 THEN texts.message ELSE subject(b.id, b.i) END,
        lines.additions, lines.deletions
    FROM main_line m JOIN pulls ON pulls.id = m.id JOIN branch_commits b ON b.id = m.id JOIN texts ON texts.id = m.id
    JOIN commit_lines lines ON lines.id = b.id AND lines.i = b.i
    WHERE m.kind = 'pull' AND pulls.policy = 'rebase'
"""

_DIRECT_PART = """
    SELECT m.r, m.tip, m.before, directs.p, m.instant, m.instant, texts.message, lines.additions, lines.deletions
    FROM main_line m JOIN directs ON directs.id = m.id JOIN texts ON texts.id = m.id
    JOIN unit_lines lines ON lines.id = m.id
    WHERE m.kind = 'direct'
"""

_REVERT_PART = """
    SELECT m.r, m.tip, m.before, reverts.merger, m.instant, m.instant,
        'Revert "' || title(reverts.kind, reverts.id) || '"' || chr(10) || chr(10) || 'This reverts commit ' || merge.tip || '.',
        lines.deletions, lines.additions
    FROM main_line m JOIN reverts ON reverts.id = m.id JOIN main_line merge ON merge.kind = 'pull' AND merge.id = m.id
    JOIN unit_lines lines ON lines.id = m.id
    WHERE m.kind = 'revert'
"""

_ROOT_PART = """
    SELECT m.r, m.tip, NULL, roots.p, m.instant, m.instant, 'Start of the repository',
        40 * count_if(NOT is_picture(files.f)), 0
    FROM main_line m JOIN roots ON roots.r = m.r JOIN files ON files.r = m.r
    WHERE m.kind = 'root'
    GROUP BY ALL
"""

# Cherry-picks on release branches keep author and author date (``delivery`` says which there are).
_HOTFIX_PART = """
    SELECT h.r, h.sha, h.parent, pulls.p, pulls.end_at, h.instant,
        texts.title || chr(10) || chr(10) || '(cherry picked from commit ' || h.picked || ')', lines.additions, lines.deletions
    FROM hotfixes h JOIN pulls ON pulls.id = h.id JOIN texts ON texts.id = h.id JOIN unit_lines lines ON lines.id = h.id
"""

_STACK_PART = """
    SELECT s.r, sha_of('stack', s.id, 0), sha_of('branch', s.id, 1), s.p, s.written_at, s.written_at, subject(s.id, 2),
        lines.additions, lines.deletions
    FROM stacks s JOIN commit_lines lines ON lines.id = s.id AND lines.i = 2
"""

_PARTS = (
    _BRANCH_PART,
    _STACK_PART,
    _MERGE_PART,
    _SQUASH_PART,
    _REBASE_PART,
    _DIRECT_PART,
    _REVERT_PART,
    _ROOT_PART,
    _HOTFIX_PART,
    promotions.COMMITS,
)

COMMITS = f"""
    SELECT repos.repository, parts.sha, parts.parents, person.full_name AS author_name, person.git_email AS author_email,
        parts.authored_at, CASE WHEN parts.authored_at = parts.committed_at THEN person.git_email
            ELSE 'merging@code.example.com' END AS committer_email,
        parts.committed_at, parts.message, parts.additions, parts.deletions, 'git' AS source
    FROM ({" UNION ALL ".join(_PARTS)}) parts
    JOIN repos ON repos.r = parts.r
    JOIN people person ON person.p = parts.p
"""

# Every part: r, sha, f, additions, deletions, renamed.
_FILE_PARTS = (
    "SELECT b.r, b.sha, t.f, t.additions, t.deletions, u('renamed', t.id * 8 + t.i, t.k) < 0.004 AS renamed "
    "FROM touches t JOIN branch_commits b ON b.id = t.id AND b.i = t.i",
    "SELECT m.r, sha_of('rebase', t.id, t.i), t.f, t.additions, t.deletions, "
    "u('renamed', t.id * 8 + t.i, t.k) < 0.004 FROM touches t JOIN main_line m ON m.kind = 'pull' AND m.id = t.id "
    "JOIN pulls p ON p.id = t.id WHERE p.policy = 'rebase'",
    "SELECT m.r, m.tip, t.f, t.additions, t.deletions, false FROM unit_files t "
    "JOIN main_line m ON m.kind = 'pull' AND m.id = t.id JOIN pulls p ON p.id = t.id WHERE p.policy = 'squash'",
    "SELECT m.r, m.tip, t.f, t.additions, t.deletions, false FROM unit_files t "
    "JOIN main_line m ON m.kind = 'direct' AND m.id = t.id",
    "SELECT m.r, m.tip, t.f, t.deletions, t.additions, false FROM unit_files t "
    "JOIN main_line m ON m.kind = 'revert' AND m.id = t.id",
    "SELECT m.r, m.tip, files.f, 40, 0, false FROM main_line m JOIN files ON files.r = m.r WHERE m.kind = 'root'",
    "SELECT s.r, sha_of('stack', s.id, 0), t.f, t.additions, t.deletions, false FROM touches t "
    "JOIN stacks s ON s.id = t.id AND t.i = 2",
    "SELECT h.r, h.sha, t.f, t.additions, t.deletions, false FROM unit_files t JOIN hotfixes h ON h.id = t.id",
    promotions.COMMIT_FILES,
)

COMMIT_FILES = f"""
    SELECT repos.repository, parts.sha, files.path, CASE WHEN renamed THEN 'old/' || files.path END AS old_path,
        CASE WHEN NOT is_picture(parts.f) THEN parts.additions END AS additions,
        CASE WHEN NOT is_picture(parts.f) THEN parts.deletions END AS deletions, files.marked AS excluded
    FROM ({" UNION ALL ".join(_FILE_PARTS)}) parts
    JOIN repos ON repos.r = parts.r
    JOIN files ON files.r = parts.r AND files.f = parts.f
"""

PULL_REQUEST_COMMITS = f"""
    SELECT repos.repository, numbers.number, b.sha, person.login AS author, b.instant AS authored_at,
        b.instant AS committed_at, 'github' AS source
    FROM branch_commits b
    JOIN repos ON repos.r = b.r
    JOIN numbers ON numbers.id = b.id
    JOIN people person ON person.p = b.p
    UNION ALL
    SELECT repos.repository, numbers.number, sha_of('stack', s.id, 0), person.login, s.written_at, s.written_at, 'github'
    FROM stacks s
    JOIN repos ON repos.r = s.r
    JOIN stack_numbers numbers ON numbers.id = s.id
    JOIN people person ON person.p = s.p
    UNION ALL {promotions.PULL_REQUEST_COMMITS}
"""
