-- The floor of bench/kinds.py: sprints, team x month, in story points, as one would write it by hand for DuckDB. Points are whole
-- ten-thousandths. Reads the stored tables (views stored_…) and the small tables of tree and periods that the product binds.
CREATE TEMP TABLE finished AS
WITH placed AS (
  SELECT in_place AS place, period, sprint_id, sum(commit_points) AS com, sum(creep_points) AS creep,
         sum(delivered_commit_points) AS done_com, sum(missed_commit_points) AS missed_com, sum(removed_commit_points) AS removed,
         sum(delivered_creep_points) AS done_creep, sum(missed_creep_points) AS missed_creep, sum(unestimated) AS unestimated
  FROM stored_sprint_items
  JOIN days ON of_day = happened_us // 86400000000
  JOIN dated_members ON member = developer AND happened_us >= since_us AND happened_us < before_us
  WHERE left_out IS NULL
  GROUP BY ALL
), of_sprint AS (
  SELECT of_unit, period, sprint_id, sum(com) AS com, sum(creep) AS creep, sum(done_com) AS done_com, sum(missed_com) AS missed_com,
         sum(removed) AS removed, sum(done_creep) AS done_creep, sum(missed_creep) AS missed_creep, sum(unestimated) AS unestimated
  FROM placed JOIN places USING (place)
  GROUP BY ALL
), summed AS (
  SELECT of_unit, period, sum(com) AS com, sum(creep) AS creep, sum(done_com) AS done_com, sum(missed_com) AS missed_com,
         sum(removed) AS removed, sum(done_creep) AS done_creep, sum(missed_creep) AS missed_creep, sum(unestimated) AS unestimated,
         count(*) AS sprints, stddev_samp((done_com + done_creep) / 10000) AS consistency,
         stddev_samp((done_com + done_creep) * 100 / com) FILTER (com > 0) AS reliability
  FROM of_sprint
  GROUP BY ALL
), row AS (
  SELECT unit, p.period, Granularity, Start_Date, End_Date, Team, Team_Id, Team_Hierarchy, consistency, reliability,
         coalesce(com, 0)::BIGINT AS com, coalesce(creep, 0)::BIGINT AS creep, coalesce(done_com, 0)::BIGINT AS done_com,
         coalesce(missed_com, 0)::BIGINT AS missed_com, coalesce(removed, 0)::BIGINT AS removed,
         coalesce(done_creep, 0)::BIGINT AS done_creep, coalesce(missed_creep, 0)::BIGINT AS missed_creep,
         coalesce(unestimated, 0)::BIGINT AS unestimated, coalesce(sprints, 0) AS sprints, com + creep AS size,
         done_com + done_creep AS total
  FROM dated_units CROSS JOIN periods p LEFT JOIN summed s ON s.of_unit = unit AND s.period = p.period
)
SELECT Granularity, Start_Date, End_Date, Team, Team_Id, Team_Hierarchy,
       com / 10000 AS Sprint_Commit, creep / 10000 AS Sprint_Creep, coalesce(size, 0) / 10000 AS Sprint_Size,
       round(creep * 100 / nullif(com, 0), 4) AS Scope_Creep_Percent, done_com / 10000 AS Delivered_Commit,
       missed_com / 10000 AS Missed_Commit, removed / 10000 AS Removed_Commit, done_creep / 10000 AS Delivered_Creep,
       missed_creep / 10000 AS Missed_Creep, coalesce(total, 0) / 10000 AS Total_Work_Delivered,
       round(total / nullif(sprints, 0) / 10000, 4) AS Sprint_Velocity,
       round(total / nullif(com, 0), 4) AS Total_Delivered_Work_Vs_Committed_Work,
       round(done_com * 100 / nullif(com, 0), 4) AS Committed_Work_Delivered_Percent,
       round(done_creep * 100 / nullif(creep, 0), 4) AS Creep_Work_Delivered_Percent,
       round(total * 100 / nullif(size, 0), 4) AS Total_Work_Delivered_Percent,
       round((creep + removed) * 100 / nullif(com, 0), 4) AS Churn_Rate,
       round(removed * 100 / nullif(com, 0), 4) AS Work_Removal_Rate_Percent,
       round(consistency, 4) AS Predictability_Delivery_Consistency,
       round(reliability, 4) AS Predictability_Reliability_Of_Commitment, sprints AS Sprints, unestimated AS Unestimated_Items,
       round(size / nullif(sprints, 0) / 10000, 4) AS Average_Sprint_Size
FROM row
ORDER BY period, unit;
