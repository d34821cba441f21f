"""Promotions: in some repositories what is deployed is a branch `release`, to which the lead brings main once a week by a pull
request that is squashed. It lists what was merged to main since the one before."""

from __future__ import annotations

from leadline.demo.stage import Stage

_MONDAYS = """
    CREATE TABLE promotion_days AS
    SELECT *, lag(created_at) OVER (PARTITION BY r ORDER BY created_at) AS after_at
    FROM (
        SELECT r * 1000 + row_number() OVER (PARTITION BY r ORDER BY monday) AS id, r, p,
            monday + INTERVAL 9 HOUR + to_minutes(r % 90) AS created_at
        FROM roots, UNNEST(generate_series(
            (date_trunc('week', start()) + INTERVAL 7 DAY)::TIMESTAMP, cut(), INTERVAL 7 DAY)) AS t(monday)
        WHERE r % 6 = 4
    )
    WHERE created_at + INTERVAL 1 HOUR < cut()
"""

_PROMOTED = """
    CREATE TABLE promoted AS
    SELECT days.id, days.r, m.id AS unit, m.tip, m.instant
    FROM promotion_days days
    JOIN main_line m ON m.r = days.r AND m.kind IN ('pull', 'direct') AND m.instant < days.created_at
        AND m.instant >= coalesce(days.after_at, start())
"""

# A week in which nothing was merged has none.
_PROMOTIONS = """
    CREATE TABLE promotions AS
    SELECT id, r, p, created_at, created_at + to_seconds(600 + pick('promoted', id, 0, 2400)) AS merged_at,
        sha_of('promotion', id, 0) AS tip, lag(sha_of('promotion', id, 0)) OVER (PARTITION BY r ORDER BY created_at) AS before
    FROM promotion_days SEMI JOIN promoted USING (id)
"""

_FILES = """
    CREATE TABLE promotion_files AS
    SELECT promoted.id, any_value(promoted.r) AS r, t.f,
        sum(t.additions)::BIGINT AS additions, sum(t.deletions)::BIGINT AS deletions
    FROM promoted JOIN unit_files t ON t.id = promoted.unit
    GROUP BY promoted.id, t.f
"""
_LINES = """
    CREATE TABLE promotion_lines AS
    SELECT id, sum(additions)::BIGINT AS additions, sum(deletions)::BIGINT AS deletions, count(*) AS files
    FROM promotion_files GROUP BY id
"""

_DEPLOYED_TIPS = """
    CREATE TABLE deployed_tips AS
    SELECT r, instant, tip FROM main_tips WHERE r NOT IN (SELECT r FROM promotions)
    UNION ALL
    SELECT r, merged_at, tip FROM promotions
"""


def build(stage: Stage) -> None:
    """Makes ``promotions`` with ``promoted``, ``promotion_files`` and ``promotion_lines``, and ``deployed_tips``: what is deployed
    of each repository from when on."""
    for statement in (_MONDAYS, _PROMOTED, _PROMOTIONS, _FILES, _LINES, _DEPLOYED_TIPS):
        stage.run(statement)


COMMITS = """
    SELECT p.r, p.tip, coalesce(p.before, sha_of('root', p.r, 0)), p.p, p.merged_at, p.merged_at,
        'Release ' || strftime(p.created_at, '%Y-%m-%d') || ' (#' || numbers.number || ')', lines.additions, lines.deletions
    FROM promotions p JOIN promotion_numbers numbers ON numbers.id = p.id JOIN promotion_lines lines ON lines.id = p.id
"""
"""As the parts of ``graph.COMMITS``."""
COMMIT_FILES = (
    "SELECT p.r, p.tip, t.f, t.additions, t.deletions, false FROM promotion_files t JOIN promotions p ON p.id = t.id"
)
"""As the parts of ``graph.COMMIT_FILES``."""

PULL_REQUESTS = """
    SELECT repos.repository, numbers.number, 'Release ' || strftime(p.created_at, '%Y-%m-%d'), NULL, person.login, 'merged', false,
        p.created_at, NULL, p.merged_at, p.merged_at, person.login, 'release', 'main', p.tip, lines.additions, lines.deletions,
        lines.files, ['release'], [], 'https://code.example.com/' || repos.repository || '/pull/' || numbers.number, 'github'
    FROM promotions p
    JOIN repos ON repos.r = p.r
    JOIN promotion_numbers numbers ON numbers.id = p.id
    JOIN promotion_lines lines ON lines.id = p.id
    JOIN people person ON person.p = p.p
"""
"""As the columns of ``review.PULL_REQUESTS``."""
PULL_REQUEST_FILES = """
    SELECT repos.repository, numbers.number, files.path, CASE WHEN NOT is_picture(t.f) THEN t.additions END,
        CASE WHEN NOT is_picture(t.f) THEN t.deletions END
    FROM promotion_files t
    JOIN repos ON repos.r = t.r
    JOIN promotion_numbers numbers ON numbers.id = t.id
    JOIN files ON files.r = t.r AND files.f = t.f
"""
PULL_REQUEST_COMMITS = """
    SELECT repos.repository, numbers.number, promoted.tip, person.login, promoted.instant, promoted.instant, 'github'
    FROM promoted
    JOIN repos ON repos.r = promoted.r
    JOIN promotion_numbers numbers ON numbers.id = promoted.id
    JOIN units ON units.id = promoted.unit
    JOIN people person ON person.p = units.p
"""
