-- The floor of bench/dora.py: team x month, the DORA summary, as one would write it by hand for DuckDB. Reads the attributed
-- tables that the product keeps as Parquet (views stored_…) and the same small tables of tree and periods that it binds.

-- Lead time: units of work per person and month, then per team --------------------------------------------------------
CREATE TEMP TABLE of_lead AS
WITH per_person AS (
  SELECT developer, period, count(lead_us) AS n, sum(lead_us) AS us
  FROM stored_lead JOIN days ON of_day = happened_us // 86400000000
  WHERE class = 0
  GROUP BY ALL
)
SELECT of_unit, period, sum(us) / nullif(sum(n), 0) / 86400000000 AS lead_days
FROM members JOIN per_person ON developer = member
GROUP BY ALL;

-- The repositories that each team's people merged to in each month, as numbers ------------------------------------------
CREATE TEMP TABLE repo AS
SELECT repository, row_number() OVER () AS repo FROM (
  SELECT repository FROM stored_deployments WHERE default_production AND repository IS NOT NULL
  UNION SELECT repository FROM stored_incident_repositories
);

CREATE TEMP TABLE unit_repo AS
WITH per_person AS (
  SELECT DISTINCT developer, repo, period
  FROM stored_merged JOIN days ON of_day = happened_us // 86400000000 JOIN repo USING (repository)
)
SELECT DISTINCT of_unit, period, repo FROM fallback_members JOIN per_person ON developer = member;

-- Deployments: a run has one repository -----------------------------------------------------------------------------------
CREATE TEMP TABLE of_deployments AS
WITH per_repo AS (
  SELECT repo, period, count(*) FILTER (succeeded) AS succeeded, count(*) FILTER (counted) AS finished,
         count(*) FILTER (list_contains(failed_in, 0)) AS failures
  FROM stored_deployments JOIN days ON of_day = happened_us // 86400000000 JOIN repo USING (repository)
  WHERE default_production
  GROUP BY ALL
)
SELECT of_unit, period, sum(succeeded) AS succeeded, sum(failures) AS failures, sum(finished) AS finished
FROM unit_repo JOIN per_repo USING (repo, period)
GROUP BY ALL;

-- Incidents: one may belong to several repositories, and counts once in a team ------------------------------------------
CREATE TEMP TABLE of_incidents AS
WITH per_owner AS (
  SELECT owner_key, period, count(restore_us) AS n, sum(restore_us) AS us
  FROM stored_incidents JOIN days ON of_day = happened_us // 86400000000
  GROUP BY ALL
), repo_owner AS (
  SELECT repo, period, owner_key, n, us FROM stored_incident_repositories JOIN repo USING (repository) JOIN per_owner USING (owner_key)
), unit_owner AS (
  SELECT DISTINCT of_unit, period, owner_key, n, us FROM unit_repo JOIN repo_owner USING (repo, period)
)
SELECT of_unit, period, sum(us) / nullif(sum(n), 0) / 86400000000 AS restore_days
FROM unit_owner
GROUP BY ALL;

-- Rows ------------------------------------------------------------------------------------------------------------------
CREATE TEMP TABLE finished AS
WITH value AS (
  SELECT units.unit, periods.period, Granularity, Start_Date, End_Date, Team, Team_Id, Team_Hierarchy, lead_days, restore_days,
         coalesce(succeeded, 0) AS deployments, coalesce(succeeded, 0) / period_days AS per_day,
         failures * 100 / nullif(finished, 0) AS failed
  FROM units CROSS JOIN periods
  LEFT JOIN of_lead l ON l.of_unit = unit AND l.period = periods.period
  LEFT JOIN of_deployments d ON d.of_unit = unit AND d.period = periods.period
  LEFT JOIN of_incidents i ON i.of_unit = unit AND i.period = periods.period
), score AS (
  SELECT *,
         CASE WHEN lead_days < lead_time_elite THEN 4 WHEN lead_days < lead_time_high THEN 3 WHEN lead_days < lead_time_medium THEN 2
              WHEN lead_days IS NOT NULL THEN 1 END AS lead_score,
         CASE WHEN per_day = 0 THEN 1 WHEN per_day >= deployment_frequency_elite THEN 4 WHEN per_day >= deployment_frequency_high THEN 3
              WHEN per_day >= deployment_frequency_medium THEN 2 ELSE 1 END AS deployment_score,
         CASE WHEN failed < change_failure_rate_elite THEN 4 WHEN failed < change_failure_rate_high THEN 3
              WHEN failed < change_failure_rate_medium THEN 2 WHEN failed IS NOT NULL THEN 1 END AS failure_score,
         CASE WHEN restore_days < time_to_restore_elite THEN 4 WHEN restore_days < time_to_restore_high THEN 3
              WHEN restore_days < time_to_restore_medium THEN 2 WHEN restore_days IS NOT NULL THEN 1 END AS restore_score
  FROM value CROSS JOIN rating_bands
)
SELECT Granularity, Start_Date, End_Date, Team, Team_Id, Team_Hierarchy,
       round(lead_days, 4) AS LTTC_Mean_Days, deployments AS DF_Deployment_Count, round(failed, 4) AS CFR_Percent,
       round(restore_days, 4) AS MTTR_Mean_Days,
       ['Low', 'Medium', 'High', 'Elite'][lead_score] AS LTTC_Rating, ['Low', 'Medium', 'High', 'Elite'][deployment_score] AS DF_Rating,
       ['Low', 'Medium', 'High', 'Elite'][failure_score] AS CFR_Rating, ['Low', 'Medium', 'High', 'Elite'][restore_score] AS MTTR_Rating,
       ['Low', 'Medium', 'High', 'Elite'][ceil(list_avg([lead_score, deployment_score, failure_score, restore_score]) - 0.5)::INTEGER] AS Overall_Rating
FROM score
ORDER BY period, unit;
