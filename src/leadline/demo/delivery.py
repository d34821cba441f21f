"""Delivery: deployments of each service, their failures and rollbacks, hotfixes, incidents, builds and releases.

A run deploys what main (or the release branch, where there is one) was when it started; a rollback goes back to what was deployed
before.
"""

from __future__ import annotations

from leadline.demo.stage import Stage

# How a repository is delivered: how often its runs fail, how eagerly they are made, how long restoring takes (logarithm of
# minutes). Neighbours differ, so that small organizations have calm teams and troubled ones.
_HABITS = """
    CREATE TABLE habits AS
    SELECT r, ([0.7, 1.4, 1.0, 0.4, 3.0, 1.0])[1 + (r + pick('risk', 0, 0, 6)) % 6] AS risk,
        ([1.0, 1.0, 1.0, 0.25])[1 + (r + pick('eager', 0, 0, 4)) % 4] AS eager,
        ([3.6, 2.6, 5.0, 3.4, 7.4])[1 + (r + pick('restoring', 0, 0, 5)) % 5] AS restoring
    FROM repos
"""

# When each service deploys: staging every morning, production by its cadence, in its repository's own hour. Hardly anything
# between the years. Runs of a service lie hours apart.
_SLOTS = """
    CREATE TABLE slots AS
    SELECT s, r, environment, cadence, c.midnight + to_seconds(
        (3600 * hour)::BIGINT + pick('slot at', s * 10 + nth, c.idx, 2400)) AS instant, s * 10 + nth AS lane, c.idx AS day
    FROM services
    JOIN habits USING (r)
    JOIN calendar c ON c.pattern = services.r % 4 * 5
    JOIN (VALUES ('staging', 8.5, 0, ['twice_daily', 'daily', 'weekly']),
                 ('production', 11.0, 1, ['twice_daily', 'daily']),
                 ('production', 16.0, 2, ['twice_daily']),
                 ('production', 13.0, 3, ['weekly'])) plan(environment, hour, nth, cadences)
        ON list_contains(plan.cadences, services.cadence)
    WHERE instant >= start() AND instant < cut() AND (nth <> 3 OR isodow(c.day) = 2)
        AND u('slot', s * 10 + nth, c.idx) < (0.3 + 0.65 * c.busy) * if(environment = 'production', eager, 1)
"""

# A run is skipped when main has not moved since the last one of its service there, but for a few repetitions.
_RUNS = """
    CREATE TABLE runs AS
    SELECT *, lead(instant) OVER (PARTITION BY s, environment ORDER BY instant) AS next_at,
        CASE WHEN u('run', lane, day) < 0.05 * risk THEN 'failure' WHEN u('run', lane, day) < 0.05 * risk + 0.01 THEN 'cancelled'
            ELSE 'success' END AS status,
        instant + to_seconds(150 + pick('run time', lane, day, 900)) AS finished_at,
        sha_of('deployment', lane, day)[:16] AS code
    FROM (
        SELECT slots.*, tips.tip, tips.instant AS tip_at,
            lag(tips.tip) OVER (PARTITION BY s, environment ORDER BY slots.instant) AS tip_before
        FROM slots
        ASOF JOIN deployed_tips tips ON tips.r = slots.r AND tips.instant <= slots.instant - INTERVAL 5 MINUTE
    )
    JOIN habits USING (r)
    WHERE tip_before IS NULL OR tip_before <> tip OR u('again', lane, day) < 0.02
"""

_GOOD = """
    CREATE TABLE good AS
    SELECT *, last_value(CASE WHEN status = 'success' THEN tip END IGNORE NULLS) OVER (
        PARTITION BY s, environment ORDER BY instant ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS good_before
    FROM runs
"""

# Half of the failures, and few successes found out later, are rolled back before the next run.
_ROLLBACKS = """
    CREATE TABLE rollbacks AS
    SELECT s, r, environment, lane, day, good_before AS tip, undone_at AS instant,
        undone_at + to_seconds(90 + pick('undo', lane, day, 300)) AS finished_at, sha_of('rollback', lane, day)[:16] AS code
    FROM (SELECT *, finished_at + to_seconds(600 + pick('noticed', lane, day, 4800)) AS undone_at FROM good)
    WHERE environment = 'production' AND good_before IS NOT NULL AND good_before <> tip
        AND u('rolled back', lane, day) < CASE status WHEN 'failure' THEN 0.5 WHEN 'success' THEN 0.03 * risk ELSE 0 END
        AND undone_at < coalesce(next_at, cut()) AND undone_at < cut()
"""

# Between two runs some services with release branches put the next merge on top of what is deployed.
_HOTFIXES = """
    CREATE TABLE hotfixes AS
    SELECT s, r, lane, day, tip AS parent, picked.id AS id, picked.tip AS picked, sha_of('hotfix', lane, day) AS sha,
        deployed_at - INTERVAL 25 MINUTE AS instant, deployed_at,
        deployed_at + to_seconds(200 + pick('hotfix time', lane, day, 400)) AS finished_at,
        sha_of('hotfix run', lane, day)[:16] AS code
    FROM (
        SELECT good.*, good.instant + INTERVAL 150 MINUTE AS deployed_at,
            {'id': merge.id, 'tip': merge.tip, 'at_instant': merge.instant} AS picked
        FROM good
        JOIN repos ON repos.r = good.r AND repos.release_branches
        ASOF JOIN (SELECT * FROM main_line WHERE kind = 'pull') merge
            ON merge.r = good.r AND merge.instant > good.tip_at
        WHERE environment = 'production' AND status = 'success' AND u('hotfix', lane, day) < 0.12
    )
    WHERE picked.at_instant < deployed_at - INTERVAL 30 MINUTE AND deployed_at < coalesce(next_at, cut()) AND deployed_at < cut()
    QUALIFY row_number() OVER (PARTITION BY picked.id ORDER BY lane, day) = 1
"""

# The merges a run brings: those of main up to its tip and after the tip of the run before.
_BROUGHT = """
    CREATE TABLE brought AS
    SELECT code, list(tip ORDER BY position) AS shas
    FROM (
        SELECT s.s, m.position, m.tip, runs.code
        FROM main_line m
        JOIN services s ON s.r = m.r
        ASOF JOIN (SELECT * FROM runs WHERE environment = 'production') runs ON runs.s = s.s AND m.instant <= runs.tip_at
        WHERE m.kind <> 'root'
    )
    GROUP BY code
"""

_DEPLOYS = """
    CREATE TABLE deploys AS
    SELECT runs.code, s, r, environment, tip AS sha, coalesce(brought.shas, []) AS shas, status, false AS rollback,
        instant AS started_at, finished_at, false AS hotfix FROM runs LEFT JOIN brought USING (code)
    UNION ALL
    SELECT code, s, r, environment, tip, [], 'success', true, instant, finished_at, false FROM rollbacks
    UNION ALL
    SELECT code, s, r, 'production', sha, [sha], 'success', false, deployed_at, finished_at, true FROM hotfixes
"""

# Incidents: some successful production runs cause one, some failures too; a few have no cause in any run.
_OUTAGES = """
    CREATE TABLE outages AS
    SELECT *, created_at + to_seconds((60 * least(14400, 8 + exp(restoring + 0.9 * normal('restored', number, 0))))::BIGINT)
        AS resolved_at
    FROM (
        SELECT row_number() OVER (ORDER BY code) AS number, code, s, r, restoring, finished_at AS after_at
        FROM deploys JOIN habits USING (r)
        WHERE environment = 'production' AND NOT rollback AND finished_at < cut()
            AND u('outage', hash(code) >> 33, 0)
                < CASE status WHEN 'success' THEN least(0.25, 0.09 * risk) WHEN 'failure' THEN 0.25 ELSE 0 END
    )
    CROSS JOIN LATERAL (SELECT after_at + to_seconds(120 + floor(expo('breaks', number, 0, 5400))::BIGINT) AS created_at) b
    WHERE created_at < cut()
"""


_CALLED = """
    CREATE MACRO called(repos, instant) AS
        CASE WHEN instant < start() + INTERVAL 40 DAY THEN coalesce(repos.former, repos.repository) ELSE repos.repository END
"""


def build(stage: Stage) -> None:
    """Makes ``habits``, ``slots``, ``runs``, ``good``, ``rollbacks``, ``hotfixes``, ``brought``, ``deploys`` and ``outages``."""
    for statement in (_CALLED, _HABITS, _SLOTS, _RUNS, _GOOD, _ROLLBACKS, _HOTFIXES, _BROUGHT, _DEPLOYS, _OUTAGES):
        stage.run(statement)


DEPLOYMENTS = """
    SELECT 'dep-' || code AS deployment_id, called(repos, started_at) AS repository, services.service, environment, sha, shas,
        services.service || '-deploy' AS pipeline, CASE WHEN finished_at < cut() THEN status ELSE 'running' END AS status,
        rollback, started_at, CASE WHEN finished_at < cut() THEN finished_at END AS finished_at,
        CASE WHEN rollback OR hotfix THEN lead.login ELSE 'github-actions[bot]' END AS triggered_by,
        CASE WHEN hotfix THEN ['hotfix'] WHEN rollback THEN ['rollback'] ELSE [] END AS tags,
        'https://ci.example.com/' || services.service || '/' || code AS url, 'github' AS source
    FROM deploys
    JOIN services ON services.s = deploys.s
    JOIN repos ON repos.r = deploys.r AND repos.told
    JOIN roots ON roots.r = deploys.r
    JOIN people lead ON lead.p = roots.p
"""

INCIDENTS = """
    SELECT 'INC-' || number AS incident_id,
        CASE WHEN u('service known', number, 0) < 0.92 THEN services.service END AS service, repos.repository,
        choice(['Errors', 'Slow answers', 'Outage', 'Wrong results', 'Jobs stuck'], 'what broke', number, 0)
            || ' in ' || services.service AS title,
        choice(['critical', 'high', 'high', 'medium', 'medium', 'low'], 'severity', number, 0) AS severity,
        CASE WHEN resolved_at < cut() THEN 'resolved' ELSE 'open' END AS status, created_at,
        CASE WHEN resolved_at < cut() THEN resolved_at END AS resolved_at,
        CASE WHEN u('cause known', number, 0) < 0.75 THEN 'dep-' || code END AS deployment_id,
        'https://incidents.example.com/' || number AS url
    FROM outages
    JOIN services ON services.s = outages.s
    JOIN repos ON repos.r = outages.r AND repos.told
"""

# Every change of main is built; a third of the repositories' builds have a second, slower pipeline.
BUILDS = """
    SELECT 'build-' || m.r || '-' || m.position || '-' || pipe AS build_id, called(repos, m.instant) AS repository,
        CASE pipe WHEN 0 THEN 'build' ELSE 'integration' END AS pipeline, 'main' AS branch, m.tip AS sha,
        CASE WHEN finished >= cut() THEN 'running' WHEN u('build', m.r * 2 + pipe, m.position) < 0.07 THEN 'failure'
             ELSE 'success' END AS status,
        m.instant + INTERVAL 20 SECOND AS started_at, CASE WHEN finished < cut() THEN finished END AS finished_at,
        'https://ci.example.com/' || repos.repository || '/' || m.position || '/' || pipe AS url
    FROM main_line m
    JOIN repos ON repos.r = m.r
    CROSS JOIN (VALUES (0), (1)) pipes(pipe)
    CROSS JOIN LATERAL (
        SELECT m.instant + to_seconds(240 + pipe * 600 + pick('build time', m.r * 2 + pipe, m.position, 900)) AS finished) f
    WHERE m.kind <> 'root' AND m.instant + INTERVAL 20 SECOND < cut() AND (pipe = 0 OR m.r % 3 = 0)
"""

# Where releases are all that is known, each has a candidate two days before.
ABSENCES = """
    SELECT people.email, dates.day, dates.free AS share FROM people JOIN dates USING (pattern)
    WHERE dates.free > 0 AND people.listed AND dates.day >= start() AND dates.day < cut()
"""
RELEASES = """
    SELECT repos.repository, 'v1.' || nth || '.0' || candidate AS tag, 'Release 1.' || nth || candidate AS name,
        main_tips.tip AS sha, releases.instant AS published_at, candidate <> '' AS prerelease,
        'https://code.example.com/' || repos.repository || '/releases/' || tag AS url
    FROM (
        SELECT r, nth, candidate, instant - to_days(days_before) AS instant
        FROM (
            SELECT r, told, thursday + INTERVAL 14 HOUR + to_minutes(r % 90) AS instant,
                row_number() OVER (PARTITION BY r ORDER BY thursday) AS nth
            FROM repos, UNNEST(generate_series(
                (date_trunc('week', start()) + INTERVAL 10 DAY)::TIMESTAMP, cut(), INTERVAL 14 DAY)) AS t(thursday)
            WHERE date_diff('day', start(), thursday) // 14 % 2 = r % 2 OR r % 5 = 0 OR NOT told
        )
        JOIN (VALUES ('', 0), ('-rc.1', 2)) parts(candidate, days_before) ON candidate = '' OR NOT told
    ) releases
    JOIN repos ON repos.r = releases.r
    ASOF JOIN main_tips ON main_tips.r = releases.r AND main_tips.instant <= releases.instant
    WHERE releases.instant < cut()
"""
REPOSITORIES = """
    SELECT repository, 'https://code.example.com/' || repository AS url, 'main' AS default_branch,
        CASE WHEN former IS NOT NULL THEN [former] ELSE [] END AS former_names FROM repos
"""
