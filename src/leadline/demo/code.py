"""Units of work: what somebody starts on some day, and which lines of which files each of its commits touches.

Code tables hold numbers, never text, so that the large joins stay small: ``id`` is the unit (a pull request to be, or a direct
push), ``i`` its commit, ``k`` its file.
"""

from __future__ import annotations

from leadline.demo import names
from leadline.demo.repositories import BINARY_EVERY
from leadline.demo.stage import Stage

_PACE = """
    CREATE TABLE pace AS SELECT p, pattern, utc_offset, day_from, day_hours, weekender, slowness FROM people
"""

# Each working day offers everybody two chances to start something, except on leave. Nobody starts within the first
# three days, or so late that the work would be finished after leaving.
_STARTS = """
    CREATE TABLE starts AS
    SELECT row_number() OVER (ORDER BY person.p, c.idx, draw) AS id, person.p,
        CASE WHEN c.day < person.moved_on THEN person.former_team ELSE person.team END AS team, person.bot, person.agent,
        person.size, person.slowness, person.repo AS own_repo, c.idx + 0.9 * u('start at', person.p, c.idx * 2 + draw) AS w
    FROM people person
    JOIN calendar c ON c.pattern = person.pattern
        AND c.day >= greatest(start()::DATE, person.joined_on + 3)
        AND c.day < least(cut()::DATE, coalesce(person.left_on - 25, cut()::DATE))
    CROSS JOIN (VALUES (0), (1)) draws(draw)
    WHERE u('start', person.p, c.idx * 2 + draw) < person.rate / 2 * c.busy
        AND (person.bot OR (u('week off', person.p, c.idx // 5) > 0.07 AND u('fortnight off', person.p, c.idx // 10) > 0.04))
"""

# One person's habits shift the size; the kind of work shifts it too. ``span_days`` is the working time from the first commit
# to the pull request. Files of a unit lie ``stride`` apart from a base that is mostly a hot spot.
_UNITS = """
    CREATE TABLE units AS
    SELECT s.id, s.p, s.team, s.bot, s.agent, s.w, s.own_repo IS NULL AND u('direct', s.id, 0) < 0.07 AS direct, kind, repos.r,
        CASE WHEN s.bot OR (s.own_repo IS NULL AND u('direct', s.id, 0) < 0.07) THEN 1
             ELSE 1 + floor(5.99 * pow(u('commits', s.id, 0), 1.2))::BIGINT END AS n,
        lines,
        least(repos.files // 8, 12, 1 + floor(sqrt(lines) / 1.9 * (0.5 + u('width', s.id, 0)))::BIGINT) AS width,
        floor(repos.files * pow(u('base', s.id, 0), 2.4))::BIGINT AS base,
        1 + pick('stride', s.id, 0, 6) AS stride,
        s.slowness * expo('span', s.id, 0, 0.5) + 0.0004 * lines AS span_days,
        repos.policy
    FROM (
        SELECT *, CASE WHEN bot AND NOT agent THEN 'chore'
                       ELSE choice(['feature', 'feature', 'feature', 'feature', 'feature', 'bug', 'bug', 'chore', 'refactor',
                                    'docs'], 'kind', id, 0) END AS kind
        FROM starts
    ) s
    CROSS JOIN LATERAL (
        SELECT least(6000, greatest(1, floor(exp(
            CASE s.kind WHEN 'feature' THEN 4.6 WHEN 'bug' THEN 3.4 WHEN 'refactor' THEN 4.5 ELSE 3.0 END
            - CASE WHEN s.bot THEN 0.7 ELSE 0 END + s.size + 1.2 * normal('lines', s.id, 0)))))::BIGINT AS lines
    ) l
    JOIN teams ON teams.team = s.team
    JOIN repos ON repos.r = coalesce(
        s.own_repo, CASE WHEN u('repository', s.id, 0) < 0.82 THEN teams.repo ELSE teams.second_repo END)
"""

# A merge of the main line into the branch ("update branch"): never first or last, and only where merging keeps it.
_UPDATES = """
    CREATE MACRO updates(id, i, n, policy) AS n >= 4 AND i = 3 AND policy <> 'rebase' AND u('update', id, 0) < 0.2
"""

_TOUCHES = """
    CREATE TABLE touches AS
    SELECT id, i::TINYINT AS i, k::TINYINT AS k, f::SMALLINT AS f,
        CASE WHEN is_picture(f) THEN 0 ELSE floor(weight * (1 - share))::INTEGER + (i = 1 AND j = 0)::INTEGER END AS additions,
        CASE WHEN is_picture(f) THEN 0 ELSE floor(weight * share)::INTEGER END AS deletions
    FROM (
        SELECT u.id, i, j, (i * 5 + j) % width AS k, (base + (i * 5 + j) % width * stride) % repos.files AS f,
            lines / (n * least(width, 4)) * expo('weight', u.id * 8 + i, j, 1) AS weight,
            u('share', u.id * 8 + i, j)
                * CASE kind WHEN 'refactor' THEN 0.95 WHEN 'bug' THEN 0.7 WHEN 'feature' THEN 0.45 ELSE 0.6 END AS share
        FROM units u
        JOIN repos USING (r),
        UNNEST(range(1, n + 1)) AS commits(i),
        UNNEST(range(least(width, 1 + pick('breadth', u.id * 8 + i, 0, 7)))) AS parts(j)
        WHERE NOT updates(u.id, i, n, u.policy)
    )
"""

# Some let a program write: a lock file, or what it generates, beside the files that people write.
_WRITTEN = """
    INSERT INTO touches
    SELECT units.id, 1, 99, repos.files, 60 + pick('written lines', units.id, 0, 900), pick('dropped lines', units.id, 0, 400)
    FROM units JOIN repos USING (r)
    WHERE units.kind IN ('feature', 'chore') AND NOT is_picture(repos.files) AND u('written', units.id, 0) < 0.05
"""

_UNIT_FILES = """
    CREATE TABLE unit_files AS
    SELECT id, k, any_value(f) AS f, sum(additions)::INTEGER AS additions, sum(deletions)::INTEGER AS deletions
    FROM touches GROUP BY id, k
"""

_UNIT_LINES = """
    CREATE TABLE unit_lines AS
    SELECT id, sum(additions)::BIGINT AS additions, sum(deletions)::BIGINT AS deletions, count(*) AS files
    FROM unit_files GROUP BY id
"""


def build(stage: Stage) -> None:
    """Makes ``pace``, ``units``, ``touches``, ``unit_files`` and ``unit_lines``, and the text macros."""
    for statement in (*_macros(), _PACE, _STARTS, _UNITS, _UPDATES, _TOUCHES, _WRITTEN, _UNIT_FILES, _UNIT_LINES):
        stage.run(statement)


def _macros() -> tuple[str, ...]:
    """SQL macros: which files are ``is_picture``, and what people write: the ``title`` of a unit and the ``slug`` of its branch."""
    verbs = " ".join(f"WHEN '{kind}' THEN {list(words)!r}" for kind, words in names.VERBS.items())
    words = repr(list(names.WORDS))
    folders = repr(list(names.FOLDERS))
    return (
        f"CREATE MACRO is_picture(f) AS f % {BINARY_EVERY} = {BINARY_EVERY - 1}",
        f"CREATE MACRO noun(what, id) AS choice({words}, what, id, 0)",
        f"CREATE MACRO title(kind, id) AS choice(CASE kind {verbs} END, 'verb', id, 0) || ' ' || noun('noun', id) || ' ' "
        f"|| noun('noun 2', id) || ' in ' || choice({folders}, 'place', id, 0)",
        "CREATE MACRO slug(id) AS noun('noun', id) || '_' || noun('noun 2', id)",
    )
