"""Work items around the pull requests: stories, bugs, tasks, epics, their status changes, and who mentions which key where.

A story is created and started before its first commit and done after its last merge.
"""

from __future__ import annotations

from leadline.demo import sprints
from leadline.demo.stage import Stage, later

# Most pull requests of a person belong to an item; some carry on with the item of the one before.
_LINKS = """
    CREATE TABLE links AS
    SELECT id, p, min(id) OVER (PARTITION BY p, nth) AS item
    FROM (
        SELECT id, p, w, sum((u('goes on', id, 0) >= 0.18)::BIGINT) OVER (PARTITION BY p ORDER BY w, id) AS nth
        FROM pulls WHERE NOT bot AND u('linked', id, 0) < 0.84
    )
"""

_PLANNED = """
    SELECT 'story' AS sort, links.item AS id, arg_min(pulls.team, pulls.id) AS team, any_value(pulls.p) AS p,
        arg_min(pulls.kind, pulls.id) AS kind,
        min(pulls.w) - 0.03 - least(3, any_value(expo('head start', links.item, 0, 0.5))) AS w_started,
        least(60, any_value(expo('waits', links.item, 0, 6))) AS waits, min(pulls.created_at) AS review_at,
        CASE WHEN bool_and(end_at < cut()) AND bool_or(merged(abandoned, end_at)) THEN max(end_at) END AS done_after
    FROM links JOIN pulls ON pulls.id = links.id
    GROUP BY links.item
    UNION ALL
    -- Work that leaves no pull request: support, meetings, operations.
    SELECT 'side', units.id, team, p, 'chore', w, least(60, expo('waits aside', units.id, 0, 4)), NULL, NULL
    FROM units WHERE NOT bot AND u('side', units.id, 0) < 0.2
    UNION ALL
    -- Wishes nobody has begun.
    SELECT 'backlog', units.id, team, p, 'feature', w, 0, NULL, NULL
    FROM units WHERE NOT bot AND u('backlog', units.id, 0) < 0.1
"""

# Nobody starts an item before joining; created may be earlier, by the lead.
_DATED = f"""
    SELECT t.sort, t.id, t.team, t.p, t.kind, t.review_at,
        moment(c1.midnight, c1.gap, pace.weekender, pace.day_from, pace.day_hours, t.w_created) AS created_at,
        CASE WHEN t.sort <> 'backlog' THEN
            moment(c2.midnight, c2.gap, pace.weekender, pace.day_from, pace.day_hours, t.w_started) END AS started_at,
        CASE WHEN t.sort = 'side' THEN
            moment(c2.midnight, c2.gap, pace.weekender, pace.day_from, pace.day_hours, t.w_started) ELSE done_after END
            AS done_after
    FROM (
        SELECT planned.* REPLACE (greatest(planned.w_started, coalesce(joined.idx, 0)) AS w_started),
            greatest(0, greatest(planned.w_started, coalesce(joined.idx, 0)) - 0.1 - waits) AS w_created
        FROM ({_PLANNED}) planned
        JOIN people person ON person.p = planned.p
        LEFT JOIN dates joined ON joined.pattern = person.pattern AND joined.day = person.joined_on + 1
    ) t
    JOIN pace ON pace.p = t.p
    JOIN calendar c1 ON c1.pattern = pace.pattern AND c1.idx = floor(t.w_created)::BIGINT
    JOIN calendar c2 ON c2.pattern = pace.pattern AND c2.idx = floor(t.w_started)::BIGINT
"""

# An epic per team and quarter, from its first whole week to its last.
_EPICS = """
    SELECT 'epic' AS sort, team * 1000 + row_number() OVER (PARTITION BY team ORDER BY quarter) AS id, team, lead AS p,
        'epic' AS kind, NULL::TIMESTAMP AS review_at, monday + INTERVAL 9 HOUR AS created_at,
        monday + INTERVAL 33 HOUR AS started_at, NULL::TIMESTAMP AS done_after, friday + INTERVAL 15 HOUR AS done_1,
        NULL::TIMESTAMP AS reopened_at, NULL::TIMESTAMP AS done_2
    FROM teams CROSS JOIN (
        SELECT quarter, (date_trunc('week', quarter + INTERVAL 6 DAY))::TIMESTAMP AS monday,
            (date_trunc('week', quarter + INTERVAL 3 MONTH - INTERVAL 5 DAY) + INTERVAL 4 DAY)::TIMESTAMP AS friday
        FROM UNNEST(generate_series(date_trunc('quarter', start())::TIMESTAMP, cut(), INTERVAL 3 MONTH)) AS q(quarter)
    )
"""


def _items() -> str:
    done_1 = "slowness * expo('done', t.id, ascii(t.sort), CASE t.sort WHEN 'side' THEN 1.5 ELSE 0.4 END)"
    sql = later(_DATED, who="t.p", after="t.done_after", delay=done_1, name="done_1")
    reopened = "CASE WHEN u('reopened', t.id, ascii(t.sort)) < 0.05 THEN t.done_1 END"
    sql = later(sql, who="t.p", after=reopened, delay="0.5 + expo('reopen', t.id, 0, 2)", name="reopened_at")
    sql = later(sql, who="t.p", after="t.reopened_at", delay="0.3 + expo('done 2', t.id, 0, 1)", name="done_2")
    return f"{sql} UNION ALL {_EPICS}"


# What has not happened by the cut is unknown. ``reassigned_at``: somebody tidies up after completion.
_ITEMS = f"""
    CREATE TABLE items AS
    SELECT t.* EXCLUDE (done_after), CASE WHEN reopened_at IS NULL THEN done_1 ELSE done_2 END AS completed_at,
        CASE WHEN sort = 'story' AND p <> teams.lead AND reopened_at IS NULL AND u('reassigned', id, 0) < 0.015
            AND done_1 + INTERVAL 20 HOUR < cut() THEN done_1 + INTERVAL 20 HOUR END AS reassigned_at,
        nullif(least(CASE WHEN sort = 'backlog' AND u('declined', id, 0) < 0.3
            THEN created_at + to_days(9 + pick('declined at', id, 0, 40)::INTEGER) END, cut()), cut()) AS declined_at,
        teams.lead, teams.project, teams.uses_issues
    FROM (
        SELECT * REPLACE (
            CASE WHEN started_at < cut() THEN started_at END AS started_at,
            CASE WHEN review_at < cut() THEN review_at END AS review_at,
            CASE WHEN done_1 < cut() THEN done_1 END AS done_1,
            CASE WHEN reopened_at < cut() THEN reopened_at END AS reopened_at,
            CASE WHEN done_2 < cut() THEN done_2 END AS done_2)
        FROM ({_items()}) WHERE created_at < cut()
    ) t
    JOIN teams USING (team)
"""

# A project of issues shares its numbers with the pull requests of the repository it is named like, as hosts do.
_NUMBERED = """
    CREATE TABLE numbered AS
    SELECT sort, id, row_number() OVER (PARTITION BY space ORDER BY created_at, sort, id) AS number
    FROM (
        SELECT 'pull' AS sort, id, repos.repository AS space, created_at FROM pulls JOIN repos USING (r)
        UNION ALL
        SELECT 'stack', id, repos.repository, created_at FROM stacks JOIN repos USING (r)
        UNION ALL
        SELECT 'promotion', id, repos.repository, created_at FROM promotions JOIN repos USING (r)
        UNION ALL
        SELECT sort, id, project, created_at FROM items
    )
"""
_NUMBERS = "CREATE TABLE numbers AS SELECT id, number FROM numbered WHERE sort = 'pull'"
_STACK_NUMBERS = "CREATE TABLE stack_numbers AS SELECT id, number FROM numbered WHERE sort = 'stack'"
_PROMOTION_NUMBERS = "CREATE TABLE promotion_numbers AS SELECT id, number FROM numbered WHERE sort = 'promotion'"
_ITEM_NUMBERS = """
    CREATE TABLE item_numbers AS
    SELECT items.sort, items.id, CASE WHEN uses_issues THEN '#' ELSE project || '-' END || number AS key
    FROM items JOIN numbered ON numbered.sort = items.sort AND numbered.id = items.id
"""

# Some fixes take back what was merged last before them, and say so.
_TAKEN_BACK = """
    CREATE TABLE taken_back AS
    SELECT fix.id, numbers.number
    FROM (SELECT id, r, created_at FROM pulls WHERE kind = 'bug' AND u('takes back', id, 0) < 0.06) fix
    ASOF JOIN (SELECT id AS merge, r, instant FROM main_line WHERE kind = 'pull') m ON m.r = fix.r AND m.instant <= fix.created_at
    JOIN numbers ON numbers.id = m.merge
"""

# Where the key of a unit's item is mentioned: branch, title, body or first commit message. Issues are not in branches.
_TEXTS = """
    CREATE TABLE texts AS
    SELECT id, CASE WHEN place = 'title' THEN key || ' ' ELSE '' END || headline AS title,
        CASE WHEN place = 'body' THEN 'Closes ' || key || '.' WHEN taken IS NOT NULL THEN 'Reverts #' || taken || '.'
             WHEN u('described', id, 0) < 0.5 THEN headline || '.' END AS body,
        CASE WHEN place = 'branch' THEN lower(key) || '-' || slug(id)
             WHEN agent THEN 'copilot/' || slug(id)
             WHEN bot THEN 'updates/' || noun('noun', id) ELSE kind || '/' || slug(id) END AS branch,
        CASE WHEN place = 'commit' THEN key || ': ' ELSE '' END || headline AS message
    FROM (
        SELECT units.id, units.bot, units.agent, units.kind, item_numbers.key, taken_back.number AS taken,
            CASE WHEN units.bot AND NOT units.agent
                 THEN 'Bump ' || noun('noun', units.id) || ' to 1.' || pick('version', units.id, 0, 40)
                 ELSE title(units.kind, units.id) END AS headline,
            CASE WHEN key IS NULL THEN 'nowhere'
                 WHEN starts_with(key, '#') THEN choice(['title', 'body', 'body', 'commit'], 'place', units.id, 1)
                 ELSE choice(['branch', 'branch', 'branch', 'title', 'title', 'body', 'commit'], 'place', units.id, 1)
                 END AS place
        FROM units
        LEFT JOIN links ON links.id = units.id
        LEFT JOIN taken_back ON taken_back.id = units.id
        LEFT JOIN item_numbers ON item_numbers.sort = 'story' AND item_numbers.id = links.item
    )
"""


def build(stage: Stage) -> None:
    """Makes ``links``, ``items``, ``texts``, and ``numbers`` of pull requests, with those of stacks, promotions and items."""
    numbers = (_NUMBERED, _NUMBERS, _STACK_NUMBERS, _PROMOTION_NUMBERS, _ITEM_NUMBERS)
    for statement in (_LINKS, _ITEMS, *numbers, _TAKEN_BACK, _TEXTS):
        stage.run(statement, as_written=statement is _ITEMS)


_POINTS = """CASE WHEN items.kind IN ('feature', 'chore', 'refactor')
            THEN choice([1, 2, 2, 3, 3, 5, 8], 'points', items.id, 0) END"""

WORK_ITEMS = f"""
    SELECT items.project, item_numbers.key,
        CASE WHEN items.kind = 'bug' AND NOT repos.told AND u('incident', items.id, 0) < 0.4 THEN 'Incident'
             WHEN items.kind = 'feature' THEN 'Story' WHEN items.kind = 'bug' THEN 'Bug' WHEN items.kind = 'epic' THEN 'Epic'
             ELSE 'Task' END AS type,
        CASE items.sort WHEN 'epic' THEN teams.name || ' ' || date_part('year', items.created_at) || ' Q'
                 || date_part('quarter', items.created_at)
             ELSE title(items.kind, items.id + ascii(items.sort)) END AS title,
        CASE WHEN coalesce(items.completed_at, items.declined_at) IS NOT NULL THEN 'Done'
             WHEN items.reopened_at IS NOT NULL THEN 'In Progress'
             WHEN items.review_at IS NOT NULL THEN 'In Review'
             WHEN items.started_at IS NOT NULL THEN 'In Progress' ELSE 'To Do' END AS status,
        CASE WHEN coalesce(items.completed_at, items.declined_at) IS NOT NULL THEN 'done'
             WHEN items.started_at IS NOT NULL THEN 'in_progress' ELSE 'todo' END
            AS status_category,
        choice(['Low', 'Medium', 'Medium', 'Medium', 'High', 'Highest'], 'priority', items.id, 0) AS priority,
        CASE WHEN items.reassigned_at IS NOT NULL THEN lead.tracker
             WHEN items.started_at IS NOT NULL THEN person.tracker END AS assignee,
        lead.tracker AS reporter,
        {_POINTS} AS story_points,
        items.created_at, items.started_at, coalesce(items.completed_at, items.declined_at) AS completed_at,
        epic_numbers.key AS parent_key,
        CASE WHEN items.kind = 'bug' THEN ['defect'] WHEN items.sort = 'side' THEN ['operations'] ELSE [] END AS labels,
        [repos.short] AS components,
        CASE WHEN items.completed_at IS NOT NULL AND items.sort = 'story' THEN [strftime(items.completed_at, '%Y.%m')] ELSE [] END
            AS fix_versions,
        CASE WHEN items.completed_at IS NOT NULL THEN 'Done' WHEN items.declined_at IS NOT NULL
             THEN choice(['Won''t Do', 'Won''t Do', 'Duplicate', 'Cannot Reproduce'], 'declined as', items.id, 0) END AS resolution,
        CASE WHEN item_numbers.key NOT LIKE '#%' AND u('moved', items.id, 0) < 0.02 THEN ['INBOX-' || items.id] ELSE [] END
            AS former_keys,
        coalesce(in_sprints.ids, []) AS sprints,
        CASE WHEN items.completed_at IS NOT NULL AND u('logged', items.id, 0) < 0.6
             THEN 900 * (2 + pick('time spent', items.id, 0, 60)) END AS time_spent_seconds,
        'https://tracker.example.com/' || replace(item_numbers.key, '#', items.project || '/') AS url, 'jira' AS source
    FROM items
    JOIN item_numbers ON item_numbers.sort = items.sort AND item_numbers.id = items.id
    JOIN teams ON teams.team = items.team
    JOIN repos ON repos.r = teams.repo
    JOIN people person ON person.p = items.p
    JOIN people lead ON lead.p = items.lead
    LEFT JOIN items epic ON items.sort = 'story' AND epic.sort = 'epic' AND epic.team = items.team
        AND date_trunc('quarter', epic.created_at) = date_trunc('quarter', items.created_at)
    LEFT JOIN item_numbers epic_numbers ON epic_numbers.sort = 'epic' AND epic_numbers.id = epic.id
    LEFT JOIN in_sprints ON in_sprints.sort = items.sort AND in_sprints.id = items.id
"""

_WAITED = "review_at > started_at + INTERVAL 1 MINUTE AND u('waited', id, 0) < 0.6"
_ESTIMATES = f"SELECT sort, id, p, started_at, done_1, {_POINTS} AS points FROM items WHERE started_at IS NOT NULL"

# Each part: sort, id, changed_at, field, from_value, to_value, from_category, to_category, who (people.p).
_CHANGE_PARTS = (
    "SELECT sort, id, greatest(created_at + INTERVAL 1 MINUTE, started_at - INTERVAL 2 MINUTE) AS changed_at, "
    "'assignee' AS field, NULL AS from_value, person.tracker AS to_value, NULL AS from_category, NULL AS to_category, "
    "lead AS who FROM items JOIN people person USING (p) WHERE started_at IS NOT NULL",
    "SELECT sort, id, started_at, 'status', 'To Do', 'In Progress', 'todo', 'in_progress', p FROM items "
    "WHERE started_at IS NOT NULL",
    "SELECT sort, id, started_at + to_seconds((0.6 * date_diff('second', started_at, review_at))::BIGINT), 'status', "
    f"'In Progress', 'Waiting for Review', 'in_progress', 'in_progress', p FROM items WHERE {_WAITED}",
    f"SELECT sort, id, review_at, 'status', CASE WHEN {_WAITED} THEN 'Waiting for Review' ELSE 'In Progress' END, "
    "'In Review', 'in_progress', 'in_progress', p FROM items WHERE review_at IS NOT NULL",
    "SELECT sort, id, done_1, 'status', CASE WHEN review_at IS NULL THEN 'In Progress' ELSE 'In Review' END, 'Done', "
    "'in_progress', 'done', p FROM items WHERE done_1 IS NOT NULL",
    "SELECT sort, id, reopened_at, 'status', 'Done', 'In Progress', 'done', 'in_progress', lead FROM items "
    "WHERE reopened_at IS NOT NULL",
    "SELECT sort, id, done_2, 'status', 'In Progress', 'Done', 'in_progress', 'done', p FROM items WHERE done_2 IS NOT NULL",
    "SELECT sort, id, declined_at, 'status', 'To Do', 'Done', 'todo', 'done', lead FROM items WHERE declined_at IS NOT NULL",
    "SELECT sort, id, created_at + INTERVAL 30 SECOND, 'priority', 'Medium', 'High', NULL, NULL, lead FROM items "
    "WHERE u('triaged', id, 0) < 0.35 AND created_at + INTERVAL 30 SECOND < cut()",
    "SELECT sort, id, reassigned_at, 'assignee', person.tracker, chief.tracker, NULL, NULL, items.lead FROM items "
    "JOIN people person ON person.p = items.p JOIN people chief ON chief.p = items.lead WHERE reassigned_at IS NOT NULL",
    *(part.replace("{estimates}", _ESTIMATES) for part in sprints.CHANGES),
)

WORK_ITEM_CHANGES = f"""
    SELECT items.project, item_numbers.key, parts.changed_at, parts.field, parts.from_value, parts.to_value,
        parts.from_category, parts.to_category, 0 AS sequence, person.tracker AS author, 'jira' AS source
    FROM ({" UNION ALL ".join(_CHANGE_PARTS)}) parts
    JOIN items ON items.sort = parts.sort AND items.id = parts.id
    JOIN item_numbers ON item_numbers.sort = parts.sort AND item_numbers.id = parts.id
    JOIN people person ON person.p = parts.who
"""

# What a project completed in a month is released at the beginning of the next one.
VERSIONS = """
    SELECT DISTINCT project, strftime(month, '%Y.%m') AS name,
        CASE WHEN released_at < cut() THEN released_at END AS released_at,
        'https://tracker.example.com/' || project || '/versions/' || name AS url
    FROM (
        SELECT project, month, month + INTERVAL 1 MONTH + INTERVAL 2 DAY + INTERVAL 12 HOUR AS released_at
        FROM (SELECT project, date_trunc('month', completed_at)::TIMESTAMP AS month FROM items WHERE sort = 'story')
        WHERE month IS NOT NULL
    )
"""
