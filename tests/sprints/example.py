"""The example of the guide: two sprints, ten items, one team."""

from __future__ import annotations

from collections.abc import Mapping

PEOPLE = """
email,             full_name, manager_email
mia@example.com,   Mia,
dan@example.com,   Dan,       mia@example.com
"""

TABLES: Mapping[str, str] = {
    "sprints": """
board, sprint_id, name,      state,  start_at,          end_at,            completed_at
A,     101,       Sprint 101, closed, 2026-01-05T10:00Z, 2026-01-16T16:00Z, 2026-01-16T16:00Z
A,     102,       Sprint 102, closed, 2026-01-19T10:00Z, 2026-01-30T16:00Z, 2026-01-30T16:00Z
""",
    "work_items": """
project, key,  type,  status_category, assignee,        story_points, created_at,        completed_at,      sprints
A,       A-1,  Story, done,            dan@example.com, 3,            2025-12-01T09:00Z, 2026-01-14T12:00Z, 101
A,       A-2,  Story, done,            dan@example.com, 5,            2025-12-01T09:00Z, 2026-01-27T12:00Z, 101;102
A,       A-3,  Story, done,            dan@example.com, 8,            2025-12-01T09:00Z, 2026-01-15T12:00Z, 101
A,       A-4,  Story, todo,            dan@example.com, 2,            2025-12-01T09:00Z, ,
A,       A-5,  Story, done,            dan@example.com, 2,            2025-12-01T09:00Z, 2026-01-13T12:00Z, 101
A,       A-6,  Story, todo,            dan@example.com, 1,            2026-01-08T09:00Z, ,                  101;102
A,       A-7,  Story, done,            dan@example.com, ,             2025-12-01T09:00Z, 2026-01-12T12:00Z, 101
A,       A-8,  Story, done,            dan@example.com, 13,           2025-12-01T09:00Z, 2026-01-04T12:00Z, 101
A,       A-9,  Story, todo,            dan@example.com, 3,            2025-12-01T09:00Z, ,                  102
A,       A-10, Story, done,            dan@example.com, 2,            2025-12-01T09:00Z, 2026-01-30T15:59Z, 102
""",
    "work_item_changes": """
project, key,  changed_at,        field,        from_value, to_value, from_category, to_category
A,       A-1,  2026-01-14T12:00Z, status,       Doing,      Done,     in_progress,   done
A,       A-2,  2026-01-16T16:00Z, sprint,       101,        101; 102, ,
A,       A-2,  2026-01-27T12:00Z, status,       Doing,      Done,     in_progress,   done
A,       A-3,  2026-01-08T11:00Z, story_points, 5,          8,        ,
A,       A-3,  2026-01-15T12:00Z, status,       Doing,      Done,     in_progress,   done
A,       A-4,  2026-01-09T10:00Z, sprint,       101,        ,         ,
A,       A-5,  2026-01-07T10:00Z, sprint,       ,           101,      ,
A,       A-5,  2026-01-13T12:00Z, status,       Doing,      Done,     in_progress,   done
A,       A-6,  2026-01-16T16:00Z, sprint,       101,        101; 102, ,
A,       A-7,  2026-01-12T12:00Z, status,       Doing,      Done,     in_progress,   done
A,       A-8,  2026-01-04T12:00Z, status,       Doing,      Done,     in_progress,   done
A,       A-9,  2026-01-22T11:00Z, story_points, 5,          3,        ,
A,       A-10, 2026-01-20T10:00Z, sprint,       ,           102,      ,
A,       A-10, 2026-01-21T10:00Z, sprint,       102,        ,         ,
A,       A-10, 2026-01-22T10:00Z, sprint,       ,           102,      ,
A,       A-10, 2026-01-30T15:59Z, status,       Doing,      Done,     in_progress,   done
""",
}

COLUMNS = {
    "Commit": "Sprint_Commit",
    "Creep": "Sprint_Creep",
    "Size": "Sprint_Size",
    "Del.C": "Delivered_Commit",
    "Miss.C": "Missed_Commit",
    "Rem.C": "Removed_Commit",
    "Del.Cr": "Delivered_Creep",
    "Miss.Cr": "Missed_Creep",
    "Total": "Total_Work_Delivered",
    "Creep%": "Scope_Creep_Percent",
    "vs": "Total_Delivered_Work_Vs_Committed_Work",
    "CWD%": "Committed_Work_Delivered_Percent",
    "CrWD%": "Creep_Work_Delivered_Percent",
    "TWD%": "Total_Work_Delivered_Percent",
    "Churn": "Churn_Rate",
    "Removal": "Work_Removal_Rate_Percent",
    "Removed": "Tickets_Removed_Mid_Sprint",
    "Unest.": "Unestimated_Items",
}
EXPECTED = """
|Commit|Creep|Size|Del.C|Miss.C|Rem.C|Del.Cr|Miss.Cr|Total|Creep%|vs|CWD%|CrWD%|TWD%|Churn|Removal|Removed|Unest.
101 STORY_POINTS|15|6|21|8|5|2|5|1|13|40|0.8667|53.3333|83.3333|61.9048|53.3333|13.3333|1|1
102 STORY_POINTS|11|2|13|5|4|2|2|0|7|18.1818|0.6364|45.4545|100|53.8462|36.3636|18.1818|0|0
101 TICKETS|5|2|7|3|1|1|1|1|4|40|0.8|60|50|57.1429|60|20|1|0
102 TICKETS|3|1|4|1|2|0|1|0|2|33.3333|0.6667|33.3333|100|50|33.3333|0|0|0
"""
