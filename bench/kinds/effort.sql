-- The floor of bench/kinds.py: effort, team x month, as one would write it by hand for DuckDB for an organization where no team has
-- rules of its own and local days are those of UTC. A day is 55,440 x 10,000 x 1,000 parts, by items, employment and absence.
-- Reads the stored tables (views stored_…) and the small tables of tree, periods, days and rules that the product binds.
CREATE TEMP TABLE touched AS
WITH did AS (
  SELECT DISTINCT developer, happened_us // 86400000000 AS day, project, key FROM stored_pull_touches
  UNION
  SELECT DISTINCT developer, happened_us // 86400000000 AS day, project, key FROM stored_item_touches
)
SELECT developer, day, project, key
FROM did SEMI JOIN (SELECT effort_day AS day FROM effort_days) USING (day) SEMI JOIN (SELECT member AS developer FROM dated_members) USING (developer)
QUALIFY key IS NOT NULL OR count(key) OVER (PARTITION BY developer, day) = 0;

CREATE TEMP TABLE presumed AS
SELECT DISTINCT developer, effort_day AS day, project, key
FROM stored_had_in_progress
JOIN (FROM effort_days WHERE workday) ON noon_us >= from_us AND noon_us < until_us
SEMI JOIN (SELECT member AS developer FROM dated_members) USING (developer)
ANTI JOIN (SELECT DISTINCT developer, effort_day FROM (SELECT developer, day AS effort_day FROM touched)) USING (developer, effort_day);

CREATE TEMP TABLE weighed AS
WITH each AS (
  SELECT developer, day, count(*) AS items
  FROM (SELECT developer, day FROM touched UNION ALL SELECT developer, day FROM presumed)
  GROUP BY ALL
), known AS (
  SELECT developer, each.day, items, effort_period, workday, workdays, noon_us, 1000 - coalesce(share, 0) AS weight
  FROM each JOIN effort_days ON effort_day = each.day
  LEFT JOIN stored_absences a ON a.person = developer AND a.day = each.day
), room AS (
  SELECT *, workdays * 1000 - sum(weight) FILTER (workday) OVER (PARTITION BY developer, effort_period)
            - coalesce(sum(weight) FILTER (NOT workday) OVER (PARTITION BY developer, effort_period ORDER BY day
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS room
  FROM known
)
SELECT developer, day, effort_period AS period, in_place AS place,
       CASE WHEN workday THEN weight ELSE greatest(least(weight, coalesce(room, workdays * 1000)), 0) END
         * coalesce(fte, 10000) * 55440 // items AS parts
FROM room
JOIN dated_members ON member = developer AND noon_us >= since_us AND noon_us < before_us
LEFT JOIN employment ON employed = developer AND noon_us >= fte_from_us AND noon_us < fte_until_us;

CREATE TEMP TABLE finished AS
WITH ranked AS (
  SELECT project, key, min(rank) AS rank
  FROM (SELECT project, key, unnest(rules) AS rule FROM stored_category_fits) JOIN rulesets USING (rule)
  WHERE of_ruleset = 0
  GROUP BY ALL
), placed AS (
  SELECT place, period, CASE WHEN key IS NULL THEN 5 ELSE coalesce(rank, 4) END AS rank, sum(parts) AS parts
  FROM (FROM touched UNION ALL FROM presumed) JOIN weighed USING (developer, day) LEFT JOIN ranked USING (project, key)
  GROUP BY ALL
), summed AS (
  SELECT of_unit, period, sum(parts) FILTER (rank = 0) AS e0, sum(parts) FILTER (rank = 1) AS e1, sum(parts) FILTER (rank = 2) AS e2,
         sum(parts) FILTER (rank = 3) AS e3, sum(parts) FILTER (rank = 4) AS e4, sum(parts) FILTER (rank = 5) AS e5
  FROM placed JOIN places USING (place)
  GROUP BY ALL
)
SELECT Granularity, Team, Team_Hierarchy, Start_Date, End_Date,
       round(coalesce(e0, 0) / 554400000000 / workdays, 4) AS Security_and_Compliance_fte,
       round(coalesce(e1, 0) / 554400000000 / workdays, 4) AS New_Capability_fte,
       round(coalesce(e2, 0) / 554400000000 / workdays, 4) AS KTLO_fte,
       round(coalesce(e3, 0) / 554400000000 / workdays, 4) AS Quality_Improvements_fte,
       round(coalesce(e5, 0) / 554400000000 / workdays, 4) AS Unlinked_fte,
       round(coalesce(e4, 0) / 554400000000 / workdays, 4) AS Uncategorized_fte, Team_Id
FROM dated_units CROSS JOIN periods p JOIN workdays ON workdays_period = p.period
LEFT JOIN summed s ON s.of_unit = unit AND s.period = p.period
ORDER BY p.period, unit;
