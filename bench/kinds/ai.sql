-- The floor of bench/kinds.py: the group of AI, team x month, as one would write it by hand for DuckDB for an organization whose local
-- days are those of UTC. Reads the stored tables (views stored_…) and the small tables of tree and periods that the product binds.
CREATE TEMP TABLE of_pulls AS
WITH placed AS (
  SELECT in_place AS place, period, count(*) AS merged, count(ai_tool) AS assisted, count(*) FILTER (by_agent) AS by_agents
  FROM stored_pull_requests
  JOIN days ON of_day = happened_us // 86400000000
  JOIN dated_members ON member = developer AND happened_us >= since_us AND happened_us < before_us
  LEFT JOIN stored_ai_pulls USING (repository, number)
  GROUP BY ALL
)
SELECT of_unit, period, sum(merged) AS merged, sum(assisted) AS assisted, sum(by_agents) AS by_agents
FROM placed JOIN places USING (place)
GROUP BY ALL;

CREATE TEMP TABLE of_commits AS
WITH placed AS (
  SELECT in_place AS place, period, count(*) AS commits, count(ai_tool) AS marked, sum(additions) AS added,
         count(lines_ai) AS told, count(*) FILTER (ai_tool IS NOT NULL AND lines_ai IS NULL) AS untold,
         sum(CASE WHEN lines_ai < additions THEN lines_ai WHEN lines_ai IS NOT NULL OR ai_tool IS NOT NULL THEN additions ELSE 0 END) AS ai
  FROM stored_commits
  JOIN days ON of_day = happened_us // 86400000000
  JOIN dated_members ON member = developer AND happened_us >= since_us AND happened_us < before_us
  LEFT JOIN stored_ai_commits USING (repository, sha)
  GROUP BY ALL
)
SELECT of_unit, period, sum(commits) AS commits, sum(marked) AS marked, sum(added) AS added, sum(told) AS told, sum(untold) AS untold,
       sum(ai) AS ai
FROM placed JOIN places USING (place)
GROUP BY ALL;

CREATE TEMP TABLE used AS
SELECT in_place AS place, person, period, of_day, active, licensed, suggestions, acceptances, lines_suggested, lines_accepted,
       cost_millionths
FROM stored_ai_usage
JOIN days ON of_day = happened_us // 86400000000
JOIN dated_members ON member = developer AND happened_us >= since_us AND happened_us < before_us;

CREATE TEMP TABLE of_usage AS
WITH of_day AS (
  SELECT place, person, period, of_day, bool_or(active) AS active, bool_or(licensed) AS licensed,
         sum(suggestions) FILTER (acceptances IS NOT NULL) AS offered, sum(acceptances) FILTER (suggestions IS NOT NULL) AS accepted,
         sum(lines_suggested) AS lines_suggested, sum(lines_accepted) AS lines_accepted, sum(cost_millionths) AS cost
  FROM used
  GROUP BY ALL
), of_person AS (
  SELECT place, person, period, count(*) FILTER (active) AS days, bool_or(licensed) AS licensed, sum(offered) AS offered,
         sum(accepted) AS accepted, sum(lines_suggested) AS lines_suggested, sum(lines_accepted) AS lines_accepted, sum(cost) AS cost
  FROM of_day
  GROUP BY ALL
)
SELECT of_unit, period, sum(days) AS days, count(DISTINCT person) FILTER (days > 0) AS people,
       count(DISTINCT person) FILTER (licensed) AS licensed, sum(offered) AS offered, sum(accepted) AS accepted,
       sum(lines_suggested) AS lines_suggested, sum(lines_accepted) AS lines_accepted, sum(cost) AS cost
FROM of_person JOIN places USING (place)
GROUP BY ALL;

CREATE TEMP TABLE read AS
SELECT min(day) FILTER (active IS NOT NULL) AS active_from, max(day) FILTER (active IS NOT NULL) AS active_until,
       min(day) FILTER (licensed IS NOT NULL) AS licensed_from, max(day) FILTER (licensed IS NOT NULL) AS licensed_until,
       min(day) FILTER (lines_suggested IS NOT NULL) AS suggested_from, max(day) FILTER (lines_suggested IS NOT NULL) AS suggested_until,
       min(day) FILTER (lines_accepted IS NOT NULL) AS accepted_from, max(day) FILTER (lines_accepted IS NOT NULL) AS accepted_until,
       min(day) FILTER (cost_millionths IS NOT NULL) AS cost_from, max(day) FILTER (cost_millionths IS NOT NULL) AS cost_until
FROM (SELECT *, happened_us // 86400000000 AS day FROM stored_ai_usage);

CREATE TEMP TABLE finished AS
SELECT Granularity, Start_Date, End_Date, Team, Team_Id, Team_Hierarchy, coalesce(assisted, 0) AS PR_AI_Assisted,
       round(assisted * 100 / merged, 4) AS PR_AI_Percent, round(marked * 100 / commits, 4) AS Commits_AI_Percent,
       coalesce(ai, 0) AS LOC_Added_AI, round(ai * 100 / nullif(added, 0), 4) AS Code_AI_Percent,
       CASE WHEN untold > 0 THEN 'commits' WHEN told > 0 THEN 'lines' END AS Code_AI_Basis,
       CASE WHEN last_day >= active_from AND first_day <= active_until THEN coalesce(days, 0) END AS AI_Active_Days,
       CASE WHEN last_day >= suggested_from AND first_day <= suggested_until THEN coalesce(lines_suggested, 0) END AS AI_Lines_Suggested,
       CASE WHEN last_day >= accepted_from AND first_day <= accepted_until THEN coalesce(lines_accepted, 0) END AS AI_Lines_Accepted,
       round(accepted * 100 / nullif(offered, 0), 4) AS AI_Acceptance_Percent,
       CASE WHEN last_day >= cost_from AND first_day <= cost_until THEN round(coalesce(cost, 0) / 1000000, 4) END AS AI_Cost,
       CASE WHEN last_day >= active_from AND first_day <= active_until
            THEN round(coalesce(people, 0) * 100 / nullif(developers, 0), 4) END AS AI_Adoption_Percent,
       CASE WHEN last_day >= licensed_from AND first_day <= licensed_until THEN coalesce(licensed, 0) END AS AI_Licensed,
       coalesce(by_agents, 0) AS PR_Merged_By_Agents
FROM dated_units CROSS JOIN periods p CROSS JOIN read
LEFT JOIN heads ON heads_unit = unit AND heads_period = p.period
LEFT JOIN of_pulls l ON l.of_unit = unit AND l.period = p.period
LEFT JOIN of_commits c ON c.of_unit = unit AND c.period = p.period
LEFT JOIN of_usage u ON u.of_unit = unit AND u.period = p.period
ORDER BY p.period, unit;
