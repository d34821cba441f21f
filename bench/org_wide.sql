-- The floor of bench/org_wide.py: developer x month, all productivity metrics, as one would write it by hand for DuckDB.
-- Reads the lake's files (views named after the tables) and the same small tables of scope that the product binds.

-- Accounts ------------------------------------------------------------------------------------------------------------
CREATE TEMP TABLE mapped AS
SELECT lower(account) AS account,
       arg_min(lower(email), CASE lower(source) WHEN 'github' THEN 1 WHEN 'gitlab' THEN 2 WHEN 'git' THEN 7 WHEN 'jira' THEN 30 ELSE 20 END)
         FILTER (lower(source) <> 'jira') AS code,
       arg_min(lower(email), CASE lower(source) WHEN 'jira' THEN 1 WHEN 'github' THEN 20 WHEN 'gitlab' THEN 21 ELSE 30 END) AS work,
       arg_min(lower(email), CASE lower(source) WHEN 'git' THEN 0 WHEN 'github' THEN 1 ELSE 2 END)
         FILTER (lower(source) <> 'jira') AS git
FROM identities SEMI JOIN people ON lower(identities.email) = people.email
GROUP BY 1;

CREATE TEMP TABLE code_account AS
WITH spelled AS (
  SELECT author FROM pull_requests UNION SELECT author FROM comments UNION SELECT author FROM reviews
), seen AS (SELECT DISTINCT lower(author) AS account FROM spelled WHERE author IS NOT NULL),
direct AS (
  SELECT account, coalesce(m.code, p.email) AS developer
  FROM seen LEFT JOIN mapped m USING (account) LEFT JOIN people p ON p.email = seen.account
), beside AS (
  SELECT lower(l.author) AS account, any_value(coalesce(m.git, p.email)) AS developer
  FROM (SELECT repository, sha, author FROM pull_request_commits SEMI JOIN (FROM direct WHERE developer IS NULL) d ON lower(author) = d.account) l
  JOIN commits c USING (repository, sha)
  LEFT JOIN mapped m ON m.account = lower(c.author_email) LEFT JOIN people p ON p.email = lower(c.author_email)
  WHERE coalesce(m.git, p.email) IS NOT NULL
  GROUP BY 1 HAVING count(DISTINCT coalesce(m.git, p.email)) = 1
)
SELECT account, developer, developer IS NULL AND bot_name AS bot
FROM (
  SELECT d.account, (d.account LIKE '%[bot]' OR d.account LIKE '%-bot' OR d.account IN (FROM bot_names)) AS bot_name,
         CASE WHEN d.developer IS NULL AND NOT (d.account LIKE '%[bot]' OR d.account LIKE '%-bot' OR d.account IN (FROM bot_names))
              THEN b.developer ELSE d.developer END AS developer
  FROM direct d LEFT JOIN beside b USING (account)
);

CREATE TEMP TABLE git_account AS
WITH seen AS (SELECT author_email, lower(author_email) AS email FROM commits GROUP BY ALL),
carried AS (SELECT *, regexp_extract(email, '^(?:[0-9]+[+-])?([^@]+)@users\.noreply\..+$', 1) AS login FROM seen)
SELECT s.author_email, coalesce(m.git, p.email, n.code, a.developer) AS developer
FROM carried s LEFT JOIN mapped m ON m.account = s.email LEFT JOIN people p ON p.email = s.email
LEFT JOIN mapped n ON s.login <> '' AND n.account = s.login
LEFT JOIN code_account a ON s.login <> '' AND a.account = s.login;

-- Commits -------------------------------------------------------------------------------------------------------------
CREATE TEMP TABLE squash AS
SELECT m.repository, m.number, m.merge_commit_sha AS sha
FROM pull_requests m
SEMI JOIN (SELECT repository, number FROM pull_request_commits SEMI JOIN commits USING (sha)) k USING (repository, number)
ANTI JOIN pull_request_commits l ON l.repository = m.repository AND l.number = m.number AND l.sha = m.merge_commit_sha
WHERE m.merge_commit_sha IS NOT NULL;

CREATE TEMP TABLE credit AS
WITH base AS (
  SELECT repository, sha, coalesce(g.developer, lower(c.author_email)) AS person, g.developer, epoch_us(authored_at) AS t,
         committed_at, additions, deletions, sha IN (SELECT sha FROM squash) AS squashed
  FROM commits c LEFT JOIN git_account g USING (author_email)
  WHERE NOT contains(coalesce(parents, ''), ' ')
), twice AS (
  SELECT hash(repository, person, t, additions, deletions) AS h FROM base GROUP BY 1 HAVING count(*) > 1
), copies AS (
  SELECT repository, sha,
         first(sha) OVER (w ORDER BY sha IN (SELECT l.sha FROM pull_request_commits l SEMI JOIN squash USING (repository, number)) DESC,
                          squashed, committed_at NULLS LAST, sha) AS kept,
         bool_or(squashed) OVER w
           AND NOT bool_or(sha IN (SELECT l.sha FROM pull_request_commits l SEMI JOIN squash USING (repository, number))) OVER w AS gone
  FROM base SEMI JOIN twice ON h = hash(repository, person, t, additions, deletions)
  WINDOW w AS (PARTITION BY repository, person, t, additions, deletions)
), several AS (
  SELECT hash(sha) AS h FROM commits GROUP BY 1 HAVING count(*) > 1
), elsewhere AS (
  SELECT sha, min(repository) AS first_repository FROM commits SEMI JOIN several ON h = hash(sha) GROUP BY 1
)
SELECT b.developer, b.t, b.additions, b.deletions
FROM base b LEFT JOIN copies c USING (repository, sha) LEFT JOIN elsewhere e ON e.sha = b.sha
WHERE b.developer IS NOT NULL AND NOT squashed AND coalesce(c.kept = b.sha, true) AND NOT coalesce(c.gone, false)
  AND coalesce(e.first_repository = b.repository, true);

CREATE TEMP TABLE of_commits AS
SELECT developer, period, count(DISTINCT of_day) AS coding_days, sum(additions) AS added, sum(deletions) AS removed
FROM credit JOIN days ON of_day = t // 86400000000 GROUP BY ALL;

-- Pull requests -------------------------------------------------------------------------------------------------------
CREATE TEMP TABLE pr AS
SELECT repository, number, lower(author) AS account, a.developer, merged_at, coalesce(ready_at, created_at) AS opened_at,
       merge_commit_sha, additions, deletions
FROM pull_requests LEFT JOIN code_account a ON a.account = lower(author)
WHERE merged_at IS NOT NULL AND a.developer IS NOT NULL;

CREATE TEMP TABLE pr_first AS
SELECT repository, number, min(l.authored_at) AS first_at FROM pull_request_commits l SEMI JOIN pr USING (repository, number) GROUP BY ALL;

CREATE TEMP TABLE pr_file AS
SELECT repository, number, path, coalesce(f.additions, 0) AS a, coalesce(f.deletions, 0) AS d, least(a, d) AS reworked
FROM pull_request_files f SEMI JOIN pr USING (repository, number);

CREATE TEMP TABLE pr_recent AS
WITH touched AS (
  SELECT repository, number, path, reworked, epoch_us(first_at) AS start, epoch_us(first_at) // 2592000000000 AS bucket
  FROM pr_file JOIN pr_first USING (repository, number) WHERE reworked > 0
), ends AS (
  SELECT f.repository, f.path, epoch_us(c.authored_at) // 2592000000000 AS bucket,
         min(epoch_us(c.authored_at)) AS earliest, max(epoch_us(c.authored_at)) AS latest
  FROM commit_files f SEMI JOIN touched USING (repository, path)
  JOIN (SELECT repository, sha, authored_at FROM commits WHERE NOT contains(coalesce(parents, ''), ' ')) c USING (repository, sha)
  GROUP BY ALL
)
SELECT t.repository, t.number, sum(t.reworked) AS recent
FROM touched t
LEFT JOIN ends e ON e.repository = t.repository AND e.path = t.path AND e.bucket = t.bucket
LEFT JOIN ends f ON f.repository = t.repository AND f.path = t.path AND f.bucket = t.bucket - 1
WHERE (e.earliest < t.start AND t.start - e.earliest <= 2592000000000) OR t.start - f.latest <= 2592000000000
GROUP BY ALL;

CREATE TEMP TABLE pr_comment AS
SELECT repository, number, count(*) AS comments, min(created_at) AS first_at
FROM comments c JOIN code_account a ON a.account = lower(c.author) JOIN pr USING (repository, number)
WHERE NOT a.bot AND a.account <> pr.account AND a.developer IS DISTINCT FROM pr.developer
GROUP BY ALL;

CREATE TEMP TABLE pr_review AS
SELECT repository, number, min(submitted_at) AS first_at, min(submitted_at) FILTER (state = 'approved') AS approved_at
FROM reviews c JOIN code_account a ON a.account = lower(c.author) JOIN pr USING (repository, number)
WHERE NOT a.bot AND a.account <> pr.account AND a.developer IS DISTINCT FROM pr.developer
GROUP BY ALL;

CREATE TEMP TABLE pr_linked AS
WITH item AS (
  SELECT CASE WHEN regexp_matches(key, '^#?[0-9]+$') THEN '#' || ltrim(key, '#') ELSE upper(key) END AS mention,
         CASE WHEN regexp_matches(key, '^#?[0-9]+$') THEN lower(project) END AS project, lower(trim(type)) AS type
  FROM work_items
), by_pull AS (
  SELECT repository, number,
         unnest(regexp_extract_all(concat_ws(chr(10), head_branch, title, body), '\b[A-Za-z][A-Za-z0-9_]*-[0-9]+\b|(?:^|[^A-Za-z0-9_/])#[0-9]+\b')) AS found
  FROM pull_requests WHERE merged_at IS NOT NULL
), by_commit AS (
  SELECT repository, sha,
         unnest(regexp_extract_all(message, '\b[A-Za-z][A-Za-z0-9_]*-[0-9]+\b|(?:^|[^A-Za-z0-9_/])#[0-9]+\b')) AS found
  FROM commits WHERE regexp_matches(message, '[-#][0-9]')
), pull_seen AS (
  SELECT repository, number, CASE WHEN contains(found, '#') THEN regexp_extract(found, '#[0-9]+') ELSE upper(found) END AS mention FROM by_pull
), commit_seen AS (
  SELECT repository, sha, CASE WHEN contains(found, '#') THEN regexp_extract(found, '#[0-9]+') ELSE upper(found) END AS mention FROM by_commit
), known AS (
  SELECT DISTINCT repository, sha, type FROM commit_seen JOIN item USING (mention)
  WHERE project IS NULL OR project IN (lower(repository), regexp_extract(lower(repository), '([^/]+)$', 1))
)
SELECT repository, number, coalesce(bool_or(work_type = 'feature'), false) AS feature, coalesce(bool_or(work_type = 'bug'), false) AS bug
FROM (
  SELECT repository, number, type FROM pull_seen JOIN item USING (mention)
  WHERE project IS NULL OR project IN (lower(repository), regexp_extract(lower(repository), '([^/]+)$', 1))
  UNION ALL SELECT l.repository, l.number, type FROM pull_request_commits l JOIN known USING (repository, sha)
  UNION ALL SELECT p.repository, p.number, type FROM pull_requests p JOIN known k ON k.repository = p.repository AND k.sha = p.merge_commit_sha
) LEFT JOIN work_types ON type_rule = 0 AND type_name = type GROUP BY ALL;

CREATE TEMP TABLE pr_reverted AS
WITH own AS (
  SELECT repository, number, lower(sha) AS sha, merged_at
  FROM pull_request_commits JOIN (SELECT repository, number, merged_at FROM pull_requests WHERE merged_at IS NOT NULL) USING (repository, number)
  UNION ALL SELECT repository, number, lower(merge_commit_sha), merged_at
  FROM pull_requests WHERE merged_at IS NOT NULL AND merge_commit_sha IS NOT NULL
), body AS (
  SELECT repository, merged_at, lower(body) AS text FROM pull_requests WHERE merged_at IS NOT NULL AND body ILIKE '%reverts%'
), texts AS (
  SELECT repository, merged_at, text FROM body UNION ALL
  SELECT repository, merged_at, lower(message) FROM commits JOIN own USING (repository, sha) WHERE message ILIKE '%reverts%'
), written AS (
  SELECT DISTINCT repository, merged_at, unnest(regexp_extract_all(text, '\bthis\s+reverts\s+commit\s+([0-9a-f]{7,64})\b', 1)) AS sha FROM texts
), known AS (
  SELECT w.repository, w.sha AS written, min(k.sha) AS sha
  FROM (SELECT DISTINCT repository, sha FROM written) w
  JOIN (SELECT repository, lower(sha) AS sha FROM commits UNION SELECT repository, sha FROM own) k
    ON k.repository = w.repository AND left(k.sha, 7) = left(w.sha, 7) AND starts_with(k.sha, w.sha)
  GROUP BY ALL HAVING min(k.sha) = w.sha OR min(k.sha) = max(k.sha)
), numbered AS (
  SELECT repository, merged_at,
         unnest(regexp_extract_all(text, '\breverts\s+(?:[a-z0-9_./-]+)?#[0-9]{1,18}\b|\bthis\s+reverts\s+merge\s+request\s+![0-9]{1,18}\b')) AS line
  FROM body
)
SELECT o.repository, o.number FROM written w JOIN known k ON k.repository = w.repository AND k.written = w.sha
JOIN own o ON o.repository = k.repository AND o.sha = k.sha WHERE w.merged_at > o.merged_at
UNION SELECT p.repository, p.number FROM numbered n
JOIN pull_requests p ON p.repository = n.repository AND p.number = regexp_extract(line, '[0-9]+$')::BIGINT
WHERE n.merged_at > p.merged_at AND regexp_extract(line, '\s(\S*)[#!]', 1) IN ('', lower(n.repository));

CREATE TEMP TABLE of_prs AS
WITH sums AS (
  SELECT repository, number, sum(a) AS a, sum(d) AS d, sum(reworked) AS reworked, sum(a - reworked) AS fresh FROM pr_file GROUP BY ALL
), one AS (
  SELECT pr.developer, epoch_us(merged_at) // 86400000000 AS day,
         coalesce(pr.additions, s.a) + coalesce(pr.deletions, s.d) AS lines, s.a + s.d AS file_lines,
         coalesce(s.reworked, 0) AS reworked, coalesce(s.fresh, 0) AS fresh, coalesce(r.recent, 0) AS recent,
         l.number IS NULL AS missing, w.number IS NOT NULL AS reverted,
         greatest(epoch_us(merged_at) - epoch_us(f.first_at), 0) AS cycle, coalesce(c.comments, 0) AS comments,
         greatest(epoch_us(least(c.first_at, v.first_at)) - epoch_us(opened_at), 0) AS first_comment,
         f.first_at, least(c.first_at, v.first_at) AS commented_at, v.approved_at, l.feature, l.bug,
         greatest(epoch_us(opened_at) - epoch_us(f.first_at), 0) AS creation,
         epoch_us(v.approved_at) - epoch_us(least(c.first_at, v.first_at)) AS approval, epoch_us(merged_at) - epoch_us(v.approved_at) AS merge
  FROM pr LEFT JOIN sums s USING (repository, number) LEFT JOIN pr_recent r USING (repository, number)
  LEFT JOIN pr_first f USING (repository, number) LEFT JOIN pr_comment c USING (repository, number)
  LEFT JOIN pr_review v USING (repository, number) LEFT JOIN pr_linked l USING (repository, number)
  LEFT JOIN pr_reverted w USING (repository, number)
)
SELECT developer, period, count(*) AS merged, count(*) FILTER (lines < 10) AS small,
       count(*) FILTER (lines >= 10 AND lines < 100) AS medium, count(*) FILTER (lines >= 100) AS large,
       sum(reworked) AS reworked, sum(fresh) AS fresh, sum(recent) AS recent, sum(file_lines) AS file_lines,
       count(*) FILTER (missing) AS missing,
       count(*) FILTER (reverted) AS reverted, count(*) FILTER (feature) AS feature, count(*) FILTER (bug AND NOT feature) AS bug,
       count(*) FILTER (commented_at IS NULL) AS unreviewed, avg(creation) FILTER (first_at IS NOT NULL) / 86400000000 AS creation,
       avg(first_comment) FILTER (commented_at IS NOT NULL) / 86400000000 AS first_review,
       avg(approval) / 86400000000 AS approval, avg(merge) / 86400000000 AS merge,
       sum(cycle) FILTER (first_at IS NOT NULL) / count(first_at) / 86400000000 AS cycle, sum(comments) / count(*) AS comments,
       sum(first_comment) FILTER (commented_at IS NOT NULL) / nullif(count(commented_at), 0) / 3600000000 AS first_comment
FROM one JOIN days ON of_day = day GROUP BY ALL;

-- Work items ----------------------------------------------------------------------------------------------------------
CREATE TEMP TABLE of_items AS
WITH done AS (
  SELECT project, key, max(changed_at) FILTER (to_category = 'done') AS last_done, arg_max(to_category, changed_at) AS last_category
  FROM work_item_changes WHERE lower(field) = 'status' GROUP BY ALL
), item AS (
  SELECT project, key, lower(trim(type)) AS type, created_at, assignee,
         coalesce(completed_at, CASE WHEN coalesce(status_category, last_category) = 'done' THEN last_done END) AS done_at
  FROM work_items LEFT JOIN done USING (project, key)
), handed AS (
  SELECT project, key,
         arg_max(coalesce(to_value, ''), changed_at) FILTER (changed_at <= done_at) AS had_before,
         arg_min(coalesce(from_value, ''), changed_at) FILTER (changed_at > done_at) AS had_after
  FROM work_item_changes JOIN item USING (project, key) WHERE lower(field) = 'assignee' GROUP BY ALL
), mine AS (
  SELECT coalesce(m.work, p.email) AS developer, type, created_at, done_at
  FROM item LEFT JOIN handed USING (project, key)
  LEFT JOIN mapped m ON m.account = lower(coalesce(had_before, had_after, assignee))
  LEFT JOIN people p ON p.email = lower(coalesce(had_before, had_after, assignee))
  WHERE done_at IS NOT NULL
)
SELECT developer, period, count(*) AS done, count(*) FILTER (t.work_type = 'feature') AS features,
       count(*) FILTER (t.work_type = 'bug') AS bugs,
       sum(greatest(epoch_us(done_at) - epoch_us(created_at), 0)) / count(created_at) / 86400000000 AS took
FROM mine LEFT JOIN work_types t ON t.type_rule = 0 AND t.type_name = type
JOIN days ON of_day = epoch_us(done_at) // 86400000000
WHERE developer IS NOT NULL GROUP BY ALL;

-- Rows ----------------------------------------------------------------------------------------------------------------
CREATE TEMP TABLE finished AS
SELECT Granularity, Start_Date, End_Date, units."Developer", Email, Team, Team_Hierarchy,
       coalesce(coding_days, 0) AS Coding_Days, round(cycle, 4) AS PR_Cycle_Time_Days_Avg,
       round(creation, 4) AS PR_Creation_Time_Days_Avg, round(first_review, 4) AS PR_First_Review_Time_Days_Avg,
       round(approval, 4) AS PR_Approval_Time_Days_Avg, round(merge, 4) AS PR_Merge_Time_Days_Avg, round(took, 4) AS Avg_Time_To_Complete,
       coalesce(merged, 0) AS PR_Merged, coalesce(small, 0) AS PR_Merged_Small, coalesce(medium, 0) AS PR_Merged_Medium,
       coalesce(large, 0) AS PR_Merged_Large, coalesce(feature, 0) AS PR_Merged_Features, coalesce(bug, 0) AS PR_Merged_Bugs,
       coalesce(merged - missing - feature - bug, 0) AS PR_Merged_Other, coalesce(added, 0) AS LOC_Added, coalesce(removed, 0) AS LOC_Removed,
       coalesce(done, 0) AS Work_Completed, coalesce(features, 0) AS Work_Features_Completed, coalesce(bugs, 0) AS Work_Bugs_Completed,
       coalesce(done, 0) - coalesce(features, 0) - coalesce(bugs, 0) AS Work_Other_Completed,
       coalesce(reworked, 0) AS LOC_Refactored, coalesce(recent, 0) AS LOC_Refactored_Recent,
       coalesce(reworked - recent, 0) AS LOC_Refactored_Legacy, round(reworked * 100 / nullif(file_lines, 0), 4) AS Rework_Percent,
       round(recent * 100 / nullif(file_lines, 0), 4) AS Rework_Percent_Recent,
       round((reworked - recent) * 100 / nullif(file_lines, 0), 4) AS Rework_Percent_Legacy,
       coalesce(fresh, 0) AS LOC_New_Work, round(fresh * 100 / nullif(file_lines, 0), 4) AS New_Work_Percent,
       coalesce(missing, 0) AS PR_Missing_Tickets, coalesce(unreviewed, 0) AS PR_Without_Review,
       round(reverted * 100 / merged, 4) AS PR_Reverted_Percent, round(comments, 4) AS Review_Comments_Per_PR_Avg,
       round(first_comment, 4) AS Review_Time_To_First_Comment_Hrs_Avg, Team_Id
FROM units CROSS JOIN periods
LEFT JOIN of_commits c ON c.developer = units."Email" AND c.period = periods.period
LEFT JOIN of_prs r ON r.developer = units."Email" AND r.period = periods.period
LEFT JOIN of_items i ON i.developer = units."Email" AND i.period = periods.period
ORDER BY periods.period, unit;
