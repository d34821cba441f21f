-- The floor of bench/kinds.py: productivity by whether AI tools had part in it, team x month, all metrics, as one would write it by hand
-- for DuckDB for an organization where no team has rules of its own and local days are those of UTC. Each fact is read once: its parts
-- are summed beside each other. Reads the stored tables (views stored_…) and the small tables of tree and periods that the product binds.
CREATE TEMP TABLE of_days AS
WITH of_day AS (
  SELECT in_place AS place, person, period, of_day, bool_or(ai_tool IS NOT NULL) AS assisted, bool_or(ai_tool IS NULL) AS alone
  FROM stored_commits
  JOIN days ON of_day = happened_us // 86400000000
  JOIN dated_members ON member = developer AND happened_us >= since_us AND happened_us < before_us
  LEFT JOIN stored_ai_commits USING (repository, sha)
  GROUP BY ALL
), of_person AS (
  SELECT place, person, period, count(*) FILTER (assisted) AS assisted, count(*) FILTER (alone) AS alone, count(*) AS days
  FROM of_day
  GROUP BY ALL
), wide AS (
  SELECT of_unit, period, sum(assisted) AS assisted, count(DISTINCT person) FILTER (assisted > 0) AS assisted_people,
         sum(alone) AS alone, count(DISTINCT person) FILTER (alone > 0) AS alone_people, sum(days) AS days,
         count(DISTINCT person) AS people
  FROM of_person JOIN places USING (place)
  GROUP BY ALL
)
SELECT of_unit, period, unnest(['assisted', 'none', 'all']) AS part, unnest([assisted, alone, days]) AS days,
       unnest([assisted_people, alone_people, people]) AS people
FROM wide;

CREATE TEMP TABLE of_pulls AS
WITH placed AS (
  SELECT in_place AS place, period, CASE WHEN ai_tool IS NULL THEN 'none' ELSE 'assisted' END AS part, count(*) AS merged,
         count(*) FILTER (size = 'small') AS small, count(*) FILTER (size = 'medium') AS medium, count(*) FILTER (size = 'large') AS large,
         count(*) FILTER (work_types[1] = 'feature') AS feature, count(*) FILTER (work_types[1] = 'bug') AS bug,
         count(*) FILTER (work_types[1] = 'other') AS other, sum(refactored) AS refactored, sum(refactored_recent) AS recent,
         sum(new_work) AS fresh, sum(file_lines) AS file_lines, sum(lines) AS lines, count(*) FILTER (unlinked) AS unlinked,
         count(*) FILTER (unreviewed) AS unreviewed, count(*) FILTER (reverted) AS reverted,
         sum(cycle_us) AS cycle, count(cycle_us) AS cycles, sum(creation_us) AS creation, count(creation_us) AS creations,
         sum(first_comment_us) AS comment, count(first_comment_us) AS comments, sum(approval_us) AS approval,
         count(approval_us) AS approvals, sum(merge_us) AS merge, count(merge_us) AS merges, sum(comments) AS written,
         count(comments) AS commented
  FROM stored_pull_requests
  JOIN days ON of_day = happened_us // 86400000000
  JOIN dated_members ON member = developer AND happened_us >= since_us AND happened_us < before_us
  LEFT JOIN stored_ai_pulls USING (repository, number)
  GROUP BY ALL
)
SELECT of_unit, period, coalesce(part, 'all') AS part, sum(COLUMNS(* EXCLUDE (place, of_unit, period, part)))
FROM placed JOIN places USING (place)
GROUP BY GROUPING SETS ((of_unit, period, part), (of_unit, period));

CREATE TEMP TABLE of_items AS
WITH placed AS (
  SELECT in_place AS place, period, CASE WHEN a.key IS NULL THEN 'none' ELSE 'assisted' END AS part, count(*) AS done,
         count(*) FILTER (work_type = 'feature') AS features, count(*) FILTER (work_type = 'bug') AS bugs, sum(complete_us) AS took,
         count(complete_us) AS taken
  FROM stored_work_items i
  JOIN days ON of_day = happened_us // 86400000000
  JOIN dated_members ON member = developer AND happened_us >= since_us AND happened_us < before_us
  LEFT JOIN stored_ai_items a USING (project, key)
  LEFT JOIN work_types ON type_rule = 0 AND type_name = type
  GROUP BY ALL
)
SELECT of_unit, period, coalesce(part, 'all') AS part, sum(COLUMNS(* EXCLUDE (place, of_unit, period, part)))
FROM placed JOIN places USING (place)
GROUP BY GROUPING SETS ((of_unit, period, part), (of_unit, period));

CREATE TEMP TABLE finished AS
SELECT Granularity, Start_Date, End_Date, Team, Team_Id, Team_Hierarchy, a.part AS AI, coalesce(merged, 0) < 5 AS Small,
       round(days / nullif(people, 0), 4) AS Coding_Days, round(cycle / nullif(cycles, 0) / 86400000000, 4) AS PR_Cycle_Time_Days_Avg,
       round(creation / nullif(creations, 0) / 86400000000, 4) AS PR_Creation_Time_Days_Avg,
       round(comment / nullif(comments, 0) / 86400000000, 4) AS PR_First_Review_Time_Days_Avg,
       round(approval / nullif(approvals, 0) / 86400000000, 4) AS PR_Approval_Time_Days_Avg,
       round(merge / nullif(merges, 0) / 86400000000, 4) AS PR_Merge_Time_Days_Avg,
       coalesce(round(coalesce(merged, 0) / nullif(developers, 0), 4), 0) AS PR_Velocity,
       round(took / nullif(taken, 0) / 86400000000, 4) AS Avg_Time_To_Complete, coalesce(merged, 0) AS PR_Merged,
       coalesce(small, 0) AS PR_Merged_Small, coalesce(medium, 0) AS PR_Merged_Medium, coalesce(large, 0) AS PR_Merged_Large,
       coalesce(feature, 0) AS PR_Merged_Features, coalesce(bug, 0) AS PR_Merged_Bugs, coalesce(other, 0) AS PR_Merged_Other,
       coalesce(done, 0) AS Work_Completed, coalesce(features, 0) AS Work_Features_Completed, coalesce(bugs, 0) AS Work_Bugs_Completed,
       coalesce(done, 0) - coalesce(features, 0) - coalesce(bugs, 0) AS Work_Other_Completed,
       coalesce(refactored, 0) AS LOC_Refactored, coalesce(recent, 0) AS LOC_Refactored_Recent,
       coalesce(refactored - recent, 0) AS LOC_Refactored_Legacy, round(refactored * 100 / nullif(file_lines, 0), 4) AS Rework_Percent,
       round(recent * 100 / nullif(file_lines, 0), 4) AS Rework_Percent_Recent,
       round((refactored - recent) * 100 / nullif(file_lines, 0), 4) AS Rework_Percent_Legacy, coalesce(fresh, 0) AS LOC_New_Work,
       round(fresh * 100 / nullif(file_lines, 0), 4) AS New_Work_Percent, coalesce(lines, 0) AS LOC_Total,
       coalesce(unlinked, 0) AS PR_Missing_Tickets, coalesce(unreviewed, 0) AS PR_Without_Review,
       round(reverted * 100 / merged, 4) AS PR_Reverted_Percent, round(written / nullif(commented, 0), 4) AS Review_Comments_Per_PR_Avg,
       round(comment / nullif(comments, 0) / 3600000000, 4) AS Review_Time_To_First_Comment_Hrs_Avg
FROM dated_units CROSS JOIN periods p
CROSS JOIN (SELECT unnest(['assisted', 'none', 'all']) AS part, unnest([0, 1, 2]) AS nth) a
LEFT JOIN heads ON heads_unit = unit AND heads_period = p.period
LEFT JOIN of_days d ON d.of_unit = unit AND d.period = p.period AND d.part = a.part
LEFT JOIN of_pulls l ON l.of_unit = unit AND l.period = p.period AND l.part = a.part
LEFT JOIN of_items i ON i.of_unit = unit AND i.period = p.period AND i.part = a.part
ORDER BY p.period, unit, nth;
