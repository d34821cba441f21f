"""Sprints of two weeks, and which items are in them when: planned or added while one runs, taken out and put into the next one,
carried over at the close, estimated anew.

A sprint runs from a Monday at nine to the Friday of the week after. An item is in the sprint in which its work begins.
"""

from __future__ import annotations

from leadline.demo.stage import Stage

_DATES = """
    CREATE TABLE sprint_dates AS
    SELECT row_number() OVER (ORDER BY monday) AS nth, monday + INTERVAL 9 HOUR AS start_at,
        monday + INTERVAL 11 DAY + INTERVAL 16 HOUR AS end_at
    FROM UNNEST(generate_series(date_trunc('week', start())::TIMESTAMP, cut(), INTERVAL 14 DAY)) AS s(monday)
    WHERE monday + INTERVAL 9 HOUR < cut()
"""

# ``base``: the sprint that an item stays in, the next one if it is taken out at ``out_at``; ``added_at``: when it was put into its
# first, null for one that was created in it.
_PLANS = """
    CREATE TABLE sprint_plans AS
    SELECT *, CASE WHEN out_at IS NULL THEN nth ELSE nth + 1 END AS base
    FROM (
        SELECT items.sort, items.id, items.team, items.lead, dates.nth, dates.start_at,
            coalesce(items.done_1, cut()) AS open_until,
            CASE WHEN u('unplanned', items.id, 0) < 0.2
                 THEN greatest(items.created_at + INTERVAL 2 MINUTE, items.started_at - INTERVAL 3 MINUTE)
                 WHEN items.created_at < dates.start_at - to_minutes(60 + pick('planned', items.id, 0, 3000))
                 THEN dates.start_at - to_minutes(60 + pick('planned', items.id, 0, 3000)) END AS added_at,
            CASE WHEN u('taken out', items.id, 0) < 0.3 AND coalesce(items.done_1, cut()) > dates.end_at
                 AND dates.nth < (SELECT max(nth) FROM sprint_dates) AND items.started_at + INTERVAL 5 HOUR < dates.end_at
                 THEN greatest(items.started_at, dates.start_at) + INTERVAL 5 HOUR END AS out_at
        FROM items
        JOIN sprint_dates dates ON dates.nth = least((SELECT max(nth) FROM sprint_dates), greatest(1, 1
            + date_diff('hour', date_trunc('week', start())::TIMESTAMP, items.started_at + INTERVAL 56 HOUR) // 336))
        WHERE items.sort = 'story' AND items.started_at IS NOT NULL
    )
"""

_IDS = "[(team * 1000 + x)::VARCHAR FOR x IN generate_series(base, {last})]"

# At the close of each sprint what is not done goes on to the next one, three times at most.
_CARRIED = f"""
    CREATE TABLE carried AS
    SELECT plans.sort, plans.id, plans.lead, dates.end_at AS changed_at, dates.nth,
        array_to_string({_IDS.format(last="dates.nth")}, ';') AS ids,
        array_to_string({_IDS.format(last="dates.nth + 1")}, ';') AS ids_then
    FROM sprint_plans plans
    JOIN sprint_dates dates ON dates.nth BETWEEN plans.base AND plans.base + 2
    WHERE dates.end_at < plans.open_until AND dates.nth < (SELECT max(nth) FROM sprint_dates)
"""

_MEMBERS = f"""
    CREATE TABLE in_sprints AS
    SELECT sort, id, {_IDS.format(last="base + carries")} AS ids
    FROM (
        SELECT plans.sort, plans.id, plans.team, plans.base, count(carried.id) AS carries
        FROM sprint_plans plans LEFT JOIN carried ON carried.sort = plans.sort AND carried.id = plans.id
        GROUP BY ALL
    )
"""

# Columns as in ``work``'s parts of changes. The last estimate is the one that the item has.
CHANGES = (
    "SELECT sort, id, added_at, 'sprint', NULL, (team * 1000 + nth)::VARCHAR, NULL, NULL, lead FROM sprint_plans "
    "WHERE added_at IS NOT NULL",
    "SELECT sort, id, out_at, 'sprint', (team * 1000 + nth)::VARCHAR, NULL, NULL, NULL, lead FROM sprint_plans "
    "WHERE out_at IS NOT NULL",
    "SELECT plans.sort, plans.id, dates.start_at - INTERVAL 2 HOUR, 'sprint', NULL, (team * 1000 + base)::VARCHAR, NULL, NULL, "
    "lead FROM sprint_plans plans JOIN sprint_dates dates ON dates.nth = plans.base WHERE out_at IS NOT NULL",
    "SELECT sort, id, changed_at, 'sprint', ids, ids_then, NULL, NULL, lead FROM carried",
    "SELECT sort, id, started_at + INTERVAL 4 HOUR, 'story_points', choice(['1', '2', '3', '5', '8'], 'estimated', id, 0), "
    "points::VARCHAR, NULL, NULL, p FROM ({estimates}) WHERE u('estimated anew', id, 0) < 0.2 "
    "AND started_at + INTERVAL 4 HOUR < coalesce(done_1, cut()) AND choice(['1', '2', '3', '5', '8'], 'estimated', id, 0) "
    "<> points::VARCHAR",
)


def build(stage: Stage) -> None:
    """Makes ``sprint_dates``, ``in_sprints`` (the ids of each item's sprints) and what ``CHANGES`` reads."""
    for statement in (_DATES, _PLANS, _CARRIED, _MEMBERS):
        stage.run(statement)


# What was planned and what was done differ by up to half an hour.
SPRINTS = """
    SELECT teams.project || ' ' || teams.name AS board, (team * 1000 + nth)::VARCHAR AS sprint_id,
        teams.name || ' Sprint ' || nth AS name, CASE WHEN end_at < cut() THEN 'closed' ELSE 'active' END AS state,
        start_at, end_at, CASE WHEN end_at < cut() THEN end_at END AS completed_at,
        CASE WHEN start_at + to_minutes(pick('started late', team, nth, 30)) < cut()
             THEN start_at + to_minutes(pick('started late', team, nth, 30)) END AS activated_at,
        title('feature', team * 1000 + nth) AS goal
    FROM teams CROSS JOIN sprint_dates
"""
