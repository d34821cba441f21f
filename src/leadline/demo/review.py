"""Pull requests from opening to the end: reviewers, their verdicts and delays, the merge or the closing, and comments.

Instants may lie after the cut: what would happen then has not happened. Every delay is in the working time of whoever is
waited for.
"""

from __future__ import annotations

from leadline.demo import promotions
from leadline.demo.stage import Stage, later

# Where the unit's own instants lie: drafts are opened half-way, others when the first commits are done.
_OPENED = """
    SELECT units.id, units.p, units.team, units.bot, units.r, units.n, units.kind, units.policy, units.draft, units.w,
        moment(c1.midnight, c1.gap, pace.weekender, pace.day_from, pace.day_hours, units.w) AS first_at,
        moment(c2.midnight, c2.gap, pace.weekender, pace.day_from, pace.day_hours, units.w_created) AS created_at,
        moment(c3.midnight, c3.gap, pace.weekender, pace.day_from, pace.day_hours, units.w_ready) AS ready_at
    FROM (
        SELECT *, w + span_days + 0.05 AS w_ready, w + span_days * CASE WHEN draft THEN 0.5 ELSE 1 END + 0.03 AS w_created
        FROM (SELECT *, NOT bot AND u('draft', id, 0) < 0.12 AS draft FROM units WHERE NOT direct)
    ) units
    JOIN pace ON pace.p = units.p
    JOIN calendar c1 ON c1.pattern = pace.pattern AND c1.idx = floor(units.w)::BIGINT
    JOIN calendar c2 ON c2.pattern = pace.pattern AND c2.idx = floor(units.w_created)::BIGINT
    JOIN calendar c3 ON c3.pattern = pace.pattern AND c3.idx = floor(units.w_ready)::BIGINT
"""

# Reviewers are two different team mates who are present at the time; for one who is not, the lead; nobody reviews himself.
_REVIEWED_BY = """
    SELECT t.* EXCLUDE (mate_1, mate_2, lead), who_1 AS rev_1,
        CASE WHEN wanted = 2 AND who_2 <> coalesce(who_1, -1) THEN who_2 END AS rev_2
    FROM (
        SELECT t.*, CASE WHEN wanted > 0 THEN nullif(CASE WHEN is_present(a, ready_at) THEN a.p ELSE lead END, t.p) END AS who_1,
            nullif(CASE WHEN is_present(b, ready_at) THEN b.p ELSE lead END, t.p) AS who_2
        FROM (
            SELECT o.*, teams.lead,
                CASE WHEN o.bot THEN 1 WHEN u('reviewers', o.id, 0) < 0.08 THEN 0 WHEN u('reviewers', o.id, 0) < 0.6 THEN 1
                     ELSE 2 END AS wanted,
                (seat + step_1) % teams.members AS mate_1,
                (seat + 1 + (step_1 + pick('mate 2', o.id, 0, teams.members - 2)) % (teams.members - 1))
                    % teams.members AS mate_2
            FROM ({opened}) o
            JOIN people person ON person.p = o.p
            JOIN teams ON teams.team = o.team
            CROSS JOIN LATERAL (SELECT 1 + pick('mate 1', o.id, 0, teams.members - 1) AS step_1,
                CASE WHEN person.team = o.team THEN person.pos ELSE person.former_pos END AS seat) s
        ) t
        LEFT JOIN mates a ON a.team = t.team AND a.pos = t.mate_1
        LEFT JOIN mates b ON b.team = t.team AND b.pos = t.mate_2
    ) t
"""

_MATES = """
    CREATE TABLE mates AS
    SELECT team, pos, p, greatest(joined_on, moved_on) AS joined_on, left_on FROM people WHERE pos >= 0
    UNION ALL
    SELECT former_team, former_pos, p, joined_on, moved_on FROM people WHERE former_team <> team
"""
_PRESENT = """
    CREATE MACRO is_present(mate, instant) AS
        mate.p IS NOT NULL AND instant::DATE > mate.joined_on AND instant::DATE < coalesce(mate.left_on - 5, DATE '2200-01-01')
"""

# Asked for changes, the author adds the last commit and the first reviewer looks again.
_VERDICTS = """
    SELECT *, rev_1 IS NOT NULL AND n >= 2 AND u('verdict', id, 0) < 0.4 AS reworked FROM ({source}) t
"""


def _pulls() -> str:
    sql = _VERDICTS.format(source=_REVIEWED_BY.format(opened=_OPENED))
    sql = later(sql, who="t.rev_1", after="t.ready_at", delay="slowness * expo('review 1', t.id, 0, 0.45)", name="at_1")
    sql = later(sql, who="t.rev_2", after="t.ready_at", delay="slowness * expo('review 2', t.id, 0, 0.65)", name="at_2")
    fixed_after = "CASE WHEN t.reworked THEN t.at_1 END"
    sql = later(sql, who="t.p", after=fixed_after, delay="slowness * expo('fix', t.id, 0, 0.25)", name="fixed_at")
    sql = later(sql, who="t.rev_1", after="t.fixed_at", delay="slowness * expo('again', t.id, 0, 0.2)", name="again_at")
    sql = f"""
        SELECT *, greatest(ready_at, coalesce(at_1, ready_at), coalesce(at_2, ready_at), coalesce(again_at, ready_at))
                AS settled_at,
            u('outcome', id, 0) < CASE WHEN bot THEN 0.2 ELSE 0.06 END AS abandoned,
            CASE WHEN bot OR (rev_1 IS NOT NULL AND u('merger', id, 0) < 0.25) THEN coalesce(rev_1, p) ELSE p END AS merger
        FROM ({sql})
    """
    delay = "slowness * expo('end', t.id, 0, CASE WHEN t.abandoned THEN 4 WHEN t.bot THEN 1.5 ELSE 0.25 END)"
    return later(sql, who="t.merger", after="t.settled_at", delay=delay, name="end_at")


_KEPT = (
    "id, p, team, bot, r, n, kind, policy, draft, w, created_at, ready_at, rev_1, rev_2, reworked, at_1, at_2, fixed_at, "
    "again_at, abandoned, merger, end_at"
)


def build(stage: Stage) -> None:
    """Makes ``pulls``: pull requests opened before the cut."""
    stage.run(_MATES)
    stage.run(_PRESENT)
    stage.run(f"CREATE TABLE pulls AS SELECT {_KEPT} FROM ({_pulls()}) WHERE created_at < cut()", as_written=True)
    stage.run("CREATE MACRO merged(abandoned, end_at) AS NOT abandoned AND end_at < cut()")


PULL_REQUESTS = f"""
    SELECT repos.repository, numbers.number, texts.title, texts.body, person.login AS author,
        CASE WHEN merged(abandoned, end_at) THEN 'merged' WHEN end_at < cut() THEN 'closed' ELSE 'open' END AS state,
        pulls.draft AND ready_at >= cut() AS draft, created_at,
        CASE WHEN pulls.draft AND ready_at < cut() THEN ready_at END AS ready_at,
        CASE WHEN merged(abandoned, end_at) THEN end_at END AS merged_at,
        CASE WHEN end_at < cut() THEN end_at END AS closed_at,
        CASE WHEN merged(abandoned, end_at) THEN merger.login END AS merged_by,
        'main' AS base_branch, texts.branch AS head_branch, main_line.tip AS merge_commit_sha,
        lines.additions, lines.deletions, lines.files AS changed_files,
        CASE WHEN u('label', pulls.id, 0) < 0.15 THEN [pulls.kind, 'needs docs'] ELSE [pulls.kind] END AS labels,
        CASE WHEN person.agent AND pulls.rev_1 IS NOT NULL THEN [asker.login]
             WHEN u('assigned', pulls.id, 0) < 0.5 THEN [person.login] ELSE [] END AS assignees,
        'https://code.example.com/' || repos.repository || '/pull/' || numbers.number AS url, 'github' AS source
    FROM pulls
    JOIN repos ON repos.r = pulls.r
    JOIN numbers ON numbers.id = pulls.id
    JOIN texts ON texts.id = pulls.id
    JOIN people person ON person.p = pulls.p
    LEFT JOIN people merger ON merger.p = pulls.merger
    LEFT JOIN people asker ON asker.p = pulls.rev_1
    LEFT JOIN main_line ON main_line.kind = 'pull' AND main_line.id = pulls.id
    JOIN unit_lines lines ON lines.id = pulls.id
    UNION ALL
    SELECT repos.repository, numbers.number, subject(stacks.id, 2), NULL, person.login, 'merged', false, stacks.created_at, NULL,
        stacks.merged_at, stacks.merged_at, person.login, texts.branch, texts.branch || '-next', stacks.tip, lines.additions,
        lines.deletions, (SELECT count(*) FROM touches WHERE touches.id = stacks.id AND touches.i = 2), [], [],
        'https://code.example.com/' || repos.repository || '/pull/' || numbers.number, 'github'
    FROM stacks
    JOIN repos ON repos.r = stacks.r
    JOIN stack_numbers numbers ON numbers.id = stacks.id
    JOIN texts ON texts.id = stacks.id
    JOIN people person ON person.p = stacks.p
    JOIN commit_lines lines ON lines.id = stacks.id AND lines.i = 2
    UNION ALL {promotions.PULL_REQUESTS}
"""

PULL_REQUEST_FILES = f"""
    SELECT repos.repository, numbers.number, files.path,
        CASE WHEN NOT is_picture(t.f) THEN t.additions END AS additions,
        CASE WHEN NOT is_picture(t.f) THEN t.deletions END AS deletions
    FROM unit_files t
    JOIN pulls ON pulls.id = t.id
    JOIN repos ON repos.r = pulls.r
    JOIN numbers ON numbers.id = pulls.id
    JOIN files ON files.r = pulls.r AND files.f = t.f
    UNION ALL
    SELECT repos.repository, numbers.number, files.path, CASE WHEN NOT is_picture(t.f) THEN t.additions END,
        CASE WHEN NOT is_picture(t.f) THEN t.deletions END
    FROM touches t
    JOIN stacks ON stacks.id = t.id AND t.i = 2
    JOIN repos ON repos.r = stacks.r
    JOIN stack_numbers numbers ON numbers.id = stacks.id
    JOIN files ON files.r = stacks.r AND files.f = t.f
    UNION ALL {promotions.PULL_REQUEST_FILES}
"""

_ALL_REVIEWS = """
    SELECT id, r, 1 AS j, rev_1 AS who, at_1 AS instant,
        CASE WHEN NOT reworked THEN 'approved' WHEN u('soft', id, 0) < 0.3 THEN 'commented' ELSE 'changes_requested' END AS state
    FROM pulls WHERE rev_1 IS NOT NULL
    UNION ALL
    SELECT id, r, 2, rev_2, at_2, CASE WHEN u('second', id, 0) < 0.8 THEN 'approved' ELSE 'commented' END
    FROM pulls WHERE rev_2 IS NOT NULL
    UNION ALL
    SELECT id, r, 3, rev_1, again_at, CASE WHEN u('dismissed', id, 0) < 0.02 THEN 'dismissed' ELSE 'approved' END
    FROM pulls WHERE again_at IS NOT NULL
"""

REVIEWS = f"""
    SELECT repos.repository, numbers.number, (reviews.id * 4 + j)::VARCHAR AS review_id, person.login AS author, state,
        instant AS submitted_at, 'github' AS source
    FROM ({_ALL_REVIEWS}) reviews
    JOIN repos ON repos.r = reviews.r
    JOIN numbers ON numbers.id = reviews.id
    JOIN people person ON person.p = reviews.who
    WHERE instant < cut()
"""

# Reviewers write shortly before they submit, authors answer later that day, bots report at once, and a few comments come
# after the merge. A deleted account leaves a comment without an author.
_ALL_COMMENTS = f"""
    SELECT id, r, j * 16 + c AS j, who, 'review' AS kind, greatest(instant - to_seconds(40 + c * 130), opened) AS instant
    FROM (SELECT reviews.*, pulls.ready_at + INTERVAL 1 MINUTE AS opened
          FROM ({_ALL_REVIEWS}) reviews JOIN pulls USING (id)),
        UNNEST(range(floor(expo('remarks', id, j, CASE state WHEN 'approved' THEN 1.5 ELSE 3.4 END))::BIGINT % 9)) AS r(c)
    UNION ALL
    SELECT id, r, 100, p, 'discussion', at_1 + to_seconds(600 + pick('answer at', id, 0, 9000)) FROM pulls
    WHERE at_1 IS NOT NULL AND u('answer', id, 0) < 0.4
    UNION ALL
    SELECT id, r, 101, NULL, 'discussion', created_at + to_seconds(120 + pick('report at', id, 0, 900)) FROM pulls
    WHERE u('report', id, 0) < 0.35
    UNION ALL
    SELECT id, r, 102, rev_1, 'discussion', end_at + to_seconds(1800 + pick('late at', id, 0, 9000)) FROM pulls
    WHERE rev_1 IS NOT NULL AND u('late', id, 0) < 0.03
"""

COMMENTS = f"""
    SELECT repos.repository, numbers.number, (comments.id * 128 + j)::VARCHAR AS comment_id,
        CASE WHEN comments.who IS NOT NULL AND u('ghost', comments.id, j) < 0.004 THEN NULL
             WHEN comments.who IS NOT NULL THEN CASE WHEN u('case', comments.id, j) < 0.05 THEN upper(person.login)
                                                     ELSE person.login END
             ELSE choice(['github-actions[bot]', 'codecov', 'build-robot'], 'reporter', comments.id, 0) END AS author,
        comments.kind, instant AS created_at, 'github' AS source
    FROM ({_ALL_COMMENTS}) comments
    JOIN repos ON repos.r = comments.r
    JOIN numbers ON numbers.id = comments.id
    LEFT JOIN people person ON person.p = comments.who
    WHERE instant < cut()
"""
