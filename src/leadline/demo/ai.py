"""AI tools in the made-up organization: lines of commits that they wrote, and how much people used them. Who does began on some
day; some never do. Nothing else of the organization depends on it."""

from __future__ import annotations

_USERS = "u('ai user', person.p, 0) < 0.6"
_BEGAN = "(start() + to_seconds((u('ai began', person.p, 0) * 0.6 * epoch(cut() - start()))::BIGINT))"


def _if_used(number: str) -> str:
    return f"CASE WHEN used.active THEN {number} ELSE 0 END"


COMMIT_AI = f"""
    SELECT repos.repository, b.sha, choice(['copilot', 'claude-code', 'cursor'], 'ai tool', b.p, 0) AS tool,
        CASE WHEN u('ai told', b.id, b.i) < 0.7 THEN floor(lines.additions * u('ai share', b.id, b.i))::BIGINT END AS lines_ai
    FROM branch_commits b
    JOIN commit_lines lines ON lines.id = b.id AND lines.i = b.i
    JOIN repos ON repos.r = b.r
    JOIN people person ON person.p = b.p
    WHERE {_USERS} AND b.instant >= {_BEGAN} AND u('ai commit', b.id, b.i) < 0.35
"""

AI_USAGE = f"""
    SELECT tools.tool, strftime(d.day, '%Y-%m-%d') AS day,
        CASE tools.tool WHEN 'copilot' THEN person.login ELSE person.git_email END AS account,
        CASE tools.tool WHEN 'copilot' THEN 'github' END AS source,
        CASE tools.tool WHEN 'copilot' THEN NULL ELSE choice(['large', 'small'], 'ai model', person.p, 0) END AS model,
        person.git_email AS email, used.active,
        {_if_used("1 + pick('ai begun', person.p, d.idx, 4)")} AS sessions,
        {_if_used("1 + pick('ai asked', person.p, d.idx, 20)")} AS interactions,
        {_if_used("10 + pick('ai offered', person.p, d.idx, 60)")} AS suggestions,
        {_if_used("3 + pick('ai taken', person.p, d.idx, 8)")} AS acceptances,
        CASE tools.tool WHEN 'copilot' THEN {_if_used("40 + pick('ai lines', person.p, d.idx, 300)")} END AS lines_suggested,
        {_if_used("10 + pick('ai kept', person.p, d.idx, 30)")} AS lines_accepted,
        CASE WHEN tools.n = 1 THEN {_if_used("pick('ai commits', person.p, d.idx, 3)")} END AS commits,
        CASE WHEN tools.n = 1 THEN {_if_used("pick('ai pulls', person.p, d.idx, 2)")} END AS pull_requests,
        CASE WHEN tools.n = 1 THEN {_if_used("5000 + pick('ai read', person.p, d.idx, 90000)")} END AS input_tokens,
        CASE WHEN tools.n = 1 THEN {_if_used("500 + pick('ai said', person.p, d.idx, 9000)")} END AS output_tokens,
        CASE WHEN tools.n = 1 THEN {_if_used("round(0.2 + 6 * u('ai cost', person.p, d.idx), 2)")} END AS cost,
        CASE tools.tool WHEN 'copilot' THEN NULL ELSE 'USD' END AS currency, true AS licensed
    FROM people person
    JOIN dates d ON d.pattern = person.pattern AND d.worked AND d.day >= {_BEGAN}::DATE AND d.day < cut()::DATE
    CROSS JOIN (VALUES ('copilot', 0), ('claude-code', 1)) tools (tool, n)
    CROSS JOIN LATERAL (SELECT u('ai active', person.p * 2 + tools.n, d.idx) < 0.7 AS active) used
    WHERE {_USERS} AND (tools.n = 0 OR u('ai both', person.p, 0) < 0.4)
"""
