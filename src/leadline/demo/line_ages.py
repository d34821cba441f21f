"""Whose the lines were that the made-up commits delete: of each file, those that the commit before had written."""

from __future__ import annotations

# Merges have none, copies of commits are left out; every part: r, f, sha, authored_at, deletions.
_PARTS = (
    "SELECT b.r, t.f, b.sha, b.instant AS authored_at, t.deletions FROM touches t "
    "JOIN branch_commits b ON b.id = t.id AND b.i = t.i WHERE NOT b.is_update",
    "SELECT m.r, t.f, m.tip, m.instant, t.deletions FROM unit_files t "
    "JOIN main_line m ON m.kind = 'direct' AND m.id = t.id",
    "SELECT m.r, files.f, m.tip, m.instant, 0 FROM main_line m JOIN files ON files.r = m.r WHERE m.kind = 'root'",
)

DELETED_LINES = f"""
    SELECT repos.repository, told.sha, files.path, told.origin, told.changed_at, told.deletions AS lines
    FROM (
        SELECT *, lag(sha) OVER before AS origin, lag(authored_at) OVER before AS changed_at
        FROM ({" UNION ALL ".join(_PARTS)})
        WINDOW before AS (PARTITION BY r, f ORDER BY authored_at, sha)
    ) told
    JOIN repos ON repos.r = told.r
    JOIN files ON files.r = told.r AND files.f = told.f
    WHERE told.deletions > 0 AND told.origin IS NOT NULL AND NOT is_picture(told.f)
"""
