-- The floor of bench/kinds.py: time in status, team x month, as one would write it by hand for DuckDB who knows which statuses there
-- are. Reads the stored tables (views stored_…) and the small tables of tree and periods that the product binds.
CREATE TEMP TABLE ended AS
SELECT project, key, resolved_us AS ended_us, period, in_place AS place
FROM stored_ticket_ends
JOIN days ON of_day = resolved_us // 86400000000
JOIN dated_members ON member = developer AND resolved_us >= since_us AND resolved_us < before_us;

CREATE TEMP TABLE item AS
WITH visit AS (
  SELECT project, key, period, place, status,
         least(coalesce(epoch_us(left_at), ended_us), ended_us) - epoch_us(entered_at) AS us
  FROM ended LEFT JOIN stored_status_visits USING (project, key)
)
SELECT place, period, sum(us) FILTER (status = 'Done' AND us > 0)::BIGINT AS done,
       sum(us) FILTER (status = 'In Progress' AND us > 0)::BIGINT AS in_progress,
       sum(us) FILTER (status = 'In Review' AND us > 0)::BIGINT AS in_review,
       sum(us) FILTER (status = 'To Do' AND us > 0)::BIGINT AS to_do,
       sum(us) FILTER (status = 'Waiting for Review' AND us > 0)::BIGINT AS waiting
FROM visit
GROUP BY project, key, period, place;

CREATE TEMP TABLE finished AS
WITH summed AS (
  SELECT of_unit, period, count(*) AS items, sum(done) AS done, sum(in_progress) AS in_progress, sum(in_review) AS in_review,
         sum(to_do) AS to_do, sum(waiting) AS waiting,
         count(done) AS n_done, count(in_progress) AS n_in_progress, count(in_review) AS n_in_review, count(to_do) AS n_to_do,
         count(waiting) AS n_waiting, quantile_cont(done, [0.5, 0.9]) AS q_done, quantile_cont(in_progress, [0.5, 0.9]) AS q_in_progress,
         quantile_cont(in_review, [0.5, 0.9]) AS q_in_review, quantile_cont(to_do, [0.5, 0.9]) AS q_to_do,
         quantile_cont(waiting, [0.5, 0.9]) AS q_waiting
  FROM item JOIN places USING (place)
  GROUP BY ALL
)
SELECT Granularity AS granularity, Team AS team, Team_Hierarchy AS team_hierarchy, coalesce(items, 0) AS total_issues,
       round(coalesce(done, 0) / 3600000000, 4) AS done_hours, round(coalesce(in_progress, 0) / 3600000000, 4) AS in_progress_hours,
       round(coalesce(in_review, 0) / 3600000000, 4) AS in_review_hours, round(coalesce(to_do, 0) / 3600000000, 4) AS to_do_hours,
       round(coalesce(waiting, 0) / 3600000000, 4) AS waiting_for_review_hours,
       round((coalesce(done, 0) + coalesce(in_progress, 0) + coalesce(in_review, 0) + coalesce(to_do, 0) + coalesce(waiting, 0))
             / 3600000000, 4) AS total_lead_time_hours,
       Start_Date AS start_date, End_Date AS end_date, Team_Id AS team_id, coalesce(n_done, 0) AS done_issues,
       round(q_done[1] / 3600000000, 4) AS done_hours_median, round(q_done[2] / 3600000000, 4) AS done_hours_p90,
       coalesce(n_in_progress, 0) AS in_progress_issues, round(q_in_progress[1] / 3600000000, 4) AS in_progress_hours_median,
       round(q_in_progress[2] / 3600000000, 4) AS in_progress_hours_p90, coalesce(n_in_review, 0) AS in_review_issues,
       round(q_in_review[1] / 3600000000, 4) AS in_review_hours_median,
       round(q_in_review[2] / 3600000000, 4) AS in_review_hours_p90, coalesce(n_to_do, 0) AS to_do_issues,
       round(q_to_do[1] / 3600000000, 4) AS to_do_hours_median, round(q_to_do[2] / 3600000000, 4) AS to_do_hours_p90,
       coalesce(n_waiting, 0) AS waiting_for_review_issues, round(q_waiting[1] / 3600000000, 4) AS waiting_for_review_hours_median,
       round(q_waiting[2] / 3600000000, 4) AS waiting_for_review_hours_p90
FROM dated_units CROSS JOIN periods p LEFT JOIN summed s ON s.of_unit = unit AND s.period = p.period
ORDER BY p.period, unit;
