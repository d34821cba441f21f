-- The floor of bench/kinds.py: business alignment, team x month, as one would write it by hand for DuckDB for an organization where
-- no team has rules of its own. Points are whole ten-thousandths. Reads the stored tables (views stored_…) and the small tables of
-- tree, periods and rules that the product binds.
CREATE TEMP TABLE finished AS
WITH ranked AS (
  SELECT project, key, min(rank) AS rank
  FROM (SELECT project, key, unnest(rules) AS rule FROM stored_category_fits) JOIN rulesets USING (rule)
  WHERE of_ruleset = 0
  GROUP BY ALL
), placed AS (
  SELECT in_place AS place, period, coalesce(rank, 4) AS rank, sum(points) AS points, count(*) AS tickets, sum(seconds) AS seconds
  FROM stored_business_items
  JOIN days ON of_day = happened_us // 86400000000
  JOIN dated_members ON member = developer AND happened_us >= since_us AND happened_us < before_us
  LEFT JOIN ranked USING (project, key)
  GROUP BY ALL
), summed AS (
  SELECT of_unit, period, rank, sum(points) / 10000 AS points, sum(tickets) AS tickets, round(sum(seconds) / 3600, 4) AS hours
  FROM placed JOIN places USING (place)
  GROUP BY ALL
), wide AS (
  SELECT of_unit, period,
         max(points) FILTER (rank = 0) AS p0, max(tickets) FILTER (rank = 0) AS t0, max(hours) FILTER (rank = 0) AS h0,
         max(points) FILTER (rank = 1) AS p1, max(tickets) FILTER (rank = 1) AS t1, max(hours) FILTER (rank = 1) AS h1,
         max(points) FILTER (rank = 2) AS p2, max(tickets) FILTER (rank = 2) AS t2, max(hours) FILTER (rank = 2) AS h2,
         max(points) FILTER (rank = 3) AS p3, max(tickets) FILTER (rank = 3) AS t3, max(hours) FILTER (rank = 3) AS h3,
         max(points) FILTER (rank = 4) AS p4, max(tickets) FILTER (rank = 4) AS t4, max(hours) FILTER (rank = 4) AS h4
  FROM summed
  GROUP BY ALL
)
SELECT Granularity, Team, Team_Hierarchy, Start_Date, End_Date,
       coalesce(p0, 0) AS Security_and_Compliance_story_points, coalesce(t0, 0) AS Security_and_Compliance_tickets,
       coalesce(h0, 0) AS Security_and_Compliance_time_spent_hours,
       coalesce(p1, 0) AS New_Capability_story_points, coalesce(t1, 0) AS New_Capability_tickets,
       coalesce(h1, 0) AS New_Capability_time_spent_hours,
       coalesce(p2, 0) AS KTLO_story_points, coalesce(t2, 0) AS KTLO_tickets, coalesce(h2, 0) AS KTLO_time_spent_hours,
       coalesce(p3, 0) AS Quality_Improvements_story_points, coalesce(t3, 0) AS Quality_Improvements_tickets,
       coalesce(h3, 0) AS Quality_Improvements_time_spent_hours,
       coalesce(p4, 0) AS Uncategorized_story_points, coalesce(t4, 0) AS Uncategorized_tickets,
       coalesce(h4, 0) AS Uncategorized_time_spent_hours, Team_Id
FROM dated_units CROSS JOIN periods p LEFT JOIN wide w ON w.of_unit = unit AND w.period = p.period
ORDER BY p.period, unit;
