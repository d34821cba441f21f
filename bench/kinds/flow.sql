-- The floor of bench/kinds.py: flow, team x month, as one would write it by hand for DuckDB. Reads the stored tables (views stored_…)
-- and the small tables of tree and periods that the product binds.
CREATE TEMP TABLE arrived AS
SELECT of_unit, period, sum(n) AS n
FROM (
  SELECT in_place AS place, period, count(*) AS n
  FROM stored_flow_items
  JOIN days ON of_day = started_us // 86400000000
  JOIN dated_members ON member = developer AND started_us >= since_us AND started_us < before_us
  GROUP BY ALL
) JOIN places USING (place)
GROUP BY ALL;

CREATE TEMP TABLE completed AS
WITH placed AS (
  SELECT in_place AS place, period, cycle_us, working_us, under_way_us
  FROM stored_flow_items
  JOIN days ON of_day = completed_us // 86400000000
  JOIN dated_members ON member = developer AND completed_us >= since_us AND completed_us < before_us
)
SELECT of_unit, period, count(*) AS n, sum(working_us) AS working, sum(under_way_us) AS under_way,
       quantile_cont(cycle_us, [0.5, 0.85, 0.95]) AS cycle
FROM placed JOIN places USING (place)
GROUP BY ALL;

CREATE TEMP TABLE reopened AS
SELECT of_unit, period, sum(n) AS n
FROM (
  SELECT in_place AS place, period, count(*) AS n
  FROM (
    FROM stored_reopened JOIN days ON of_day = happened_us // 86400000000
    QUALIFY number = max(number) OVER (PARTITION BY project, key, period)
  ) JOIN dated_members ON member = developer AND happened_us >= since_us AND happened_us < before_us
  GROUP BY ALL
) JOIN places USING (place)
GROUP BY ALL;

CREATE TEMP TABLE progress AS
WITH whole AS (
  SELECT *, coalesce(left_us, 4611686018427387904) AS until_us FROM stored_spans_in_progress
), inside AS (
  SELECT period, first_day * 86400000000 AS begins_us, ends_us FROM periods
), pieces AS (
  SELECT in_place AS place, period,
         least(until_us, before_us, ends_us) - greatest(entered_us, since_us, begins_us) AS us
  FROM whole
  JOIN inside ON entered_us < ends_us AND until_us > begins_us
  JOIN dated_members ON member = developer AND entered_us < before_us AND until_us > since_us
)
SELECT of_unit, period, sum(us) AS us
FROM (SELECT place, period, sum(us) AS us FROM pieces WHERE us > 0 GROUP BY ALL) JOIN places USING (place)
GROUP BY ALL;

CREATE TEMP TABLE stock AS
WITH placed AS (
  SELECT in_place AS place, period, greatest(ends_us - started_us, 0) AS age_us
  FROM stored_spans_in_progress
  JOIN periods ON entered_us < ends_us AND coalesce(left_us, 4611686018427387904) >= ends_us
  JOIN dated_members ON member = developer AND ends_us - 1 >= since_us AND ends_us - 1 < before_us
)
SELECT of_unit, period, count(*) AS n, quantile_cont(age_us, [0.5, 0.85]) AS age
FROM placed JOIN places USING (place)
GROUP BY ALL;

CREATE TEMP TABLE finished AS
SELECT Granularity, Start_Date, End_Date, Team, Team_Id, Team_Hierarchy, coalesce(a.n, 0) AS Arrivals, coalesce(c.n, 0) AS Throughput,
       round(coalesce(g.us, 0) / elapsed_us, 4) AS WIP_Avg, coalesce(s.n, 0) AS WIP_End,
       round(age[1] / 86400000000, 4) AS WIP_Age_Median_Days, round(age[2] / 86400000000, 4) AS WIP_Age_P85_Days,
       round(cycle[1] / 86400000000, 4) AS Cycle_Time_Median_Days, round(cycle[2] / 86400000000, 4) AS Cycle_Time_P85_Days,
       round(cycle[3] / 86400000000, 4) AS Cycle_Time_P95_Days,
       round(working * 100 / nullif(under_way, 0), 4) AS Flow_Efficiency_Percent, coalesce(r.n, 0) AS Reopened
FROM dated_units CROSS JOIN periods p
LEFT JOIN arrived a ON a.of_unit = unit AND a.period = p.period
LEFT JOIN completed c ON c.of_unit = unit AND c.period = p.period
LEFT JOIN reopened r ON r.of_unit = unit AND r.period = p.period
LEFT JOIN progress g ON g.of_unit = unit AND g.period = p.period
LEFT JOIN stock s ON s.of_unit = unit AND s.period = p.period
ORDER BY p.period, unit;
