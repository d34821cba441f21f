"""Which commits, pull requests, work items and deployments AI tools had part in, which tool, and by what that is known (metrics,
"AI"). No other metric asks for it: only the group `ai`, comparisons and `facts commits` read these tables."""

from __future__ import annotations

import ibis
from ibis.expr.types import StringValue, Table

from leadline.derive.account_names import GIT, account_name
from leadline.derive.ai_marks import marks
from leadline.derive.ai_tools import AiTool, aliases, tools_with
from leadline.derive.bots import tool_of_account
from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach
from leadline.engine import schema_table
from leadline.facts.accounts import ACCOUNTS
from leadline.facts.agents import AGENT_PULLS
from leadline.facts.changes import carried_changes
from leadline.facts.commits import COMMITS
from leadline.facts.deployment_contents import CARRIED
from leadline.facts.deployments import by_incident
from leadline.facts.pull_request_filters import counted
from leadline.facts.pull_requests import LINKS, PR, PULL_REQUESTS
from leadline.facts.rework import PULL_REQUEST_KEY
from leadline.facts.runs import EVENT
from leadline.materialize.model import Model
from leadline.settings.profile import Profile

_COMMIT = ["repository", "sha"]
_TOLD, _TRAILER, _AUTHOR, _COMMITTER, _FOOTER = range(5)
"""What tells of a tool, the first that holds first."""
_MARK = {"ai_tool": "string", "ai_why": "string"}


def _tools(profile: Profile) -> tuple[AiTool, ...]:
    return tools_with(profile["ai.markers"], profile["ai.agents"])


def _marked(profile: Profile) -> Table:
    tools = _tools(profile)
    told = schema_table("commit_ai")
    told = told.select("repository", "lines_ai", sha=told.sha.lower(), tool=_tool_told(told.tool, tools))
    commits = schema_table("commits")
    texts = marks(commits.select(*_COMMIT, text=commits.message), _COMMIT, tools)
    by_tool = told.filter(told.tool.notnull() | (told.lines_ai > 0))
    ways = [
        by_tool.select(
            *_COMMIT,
            tool=by_tool.tool.fill_null("unknown"),
            why=ibis.literal("told of the commit (commit_ai)"),
            way=_way(_TOLD),
            position=_way(0),
        ),
        texts.select(
            *_COMMIT,
            "tool",
            "why",
            way=ibis.cases((texts["rank"] == 0, _TRAILER), else_=_FOOTER).cast("int64"),
            position="position",
        ),
        _by_account(commits, "author_email", _AUTHOR, tools),
        _by_account(commits, "committer_email", _COMMITTER, tools),
    ]
    found = ibis.union(*ways)
    order = ibis.row_number().over(ibis.window(group_by=_COMMIT, order_by=[found.way, found["position"]]))
    first = found.mutate(first=order).filter(lambda t: t.first == 0)
    first = first.select(*_COMMIT, ai_tool="tool", ai_why="why")
    keys = first.select(*_COMMIT).union(told.filter(told.lines_ai.notnull()).select(*_COMMIT), distinct=True)
    return attach(keys, _COMMIT, first, told.select(*_COMMIT, "lines_ai")).select(*AI_COMMITS.columns)


def _way(number: int) -> ibis.expr.types.IntegerScalar:
    return ibis.literal(number, "int64")


def _tool_told(tool: StringValue, tools: tuple[AiTool, ...]) -> StringValue:
    """The tool as it is told, by the name it has here."""
    name = tool.strip().lower().nullif("")
    return ibis.cases(*((name == alias, known) for alias, known in sorted(aliases(tools).items())), else_=name)


def _by_account(commits: Table, column: str, way: int, tools: tuple[AiTool, ...]) -> Table:
    """Commits whose author or committer is an agent's account, and no developer's."""
    addresses = commits.select(spelled=commits[column]).distinct()
    judged = addresses.mutate(account=account_name(addresses.spelled))
    judged = judged.mutate(tool=tool_of_account(judged.account, tools))
    accounts = ACCOUNTS.table()
    people = accounts.filter((accounts.domain == GIT) & accounts.developer.notnull()).select("account")
    judged = judged.filter(judged.tool.notnull()).anti_join(people, "account")
    found = commits.select(*_COMMIT, spelled=commits[column]).inner_join(judged, "spelled")
    who = "author" if way == _AUTHOR else "committer"
    return found.select(
        *_COMMIT, "tool", why=ibis.literal(f"its {who} is an agent's account"), way=_way(way), position=_way(0)
    )


AI_COMMITS = Model(
    "ai_commits",
    {**dict.fromkeys(_COMMIT, "string"), **_MARK, "lines_ai": "int64"},
    expression=_marked,
    by_repository=True,
)
"""Commits with a mark of an AI tool (``ai_tool``, ``ai_why``), and those of which is known how many lines such tools wrote."""


def credited_commits() -> Table:
    """What metrics count of commits, with whether each is ``marked``, its ``lines_ai`` (unknown: null), and how many of its added
    lines that makes (``ai_additions``): as many as are known, else all lines of a marked one."""
    commits = attach(COMMITS.table(), _COMMIT, AI_COMMITS.table())
    marked = commits.ai_tool.notnull()
    told = commits.lines_ai.notnull() & commits.additions.notnull()
    return commits.mutate(
        marked=marked,
        ai_additions=ibis.cases(
            (told & (commits.lines_ai < commits.additions), commits.lines_ai),
            (told | marked, commits.additions),
            else_=ibis.literal(0, "int64"),
        ),
    )


def merged_pulls() -> Table:
    """What metrics count of pull requests, with whether AI tools had part in each (``assisted``), and whether it is an agent's
    (``by_agent``)."""
    pulls = attach(counted(PULL_REQUESTS.table()), PR, AI_PULLS.table())
    return pulls.mutate(assisted=pulls.ai_tool.notnull(), by_agent=pulls.by_agent.fill_null(False))


# -- what follows for the rest -----------------------------------------------------------------------------------------


def _pulls(profile: Profile) -> Table:
    tools = _tools(profile)
    pulls = schema_table("pull_requests")
    marked = AI_COMMITS.table().filter(lambda commits: commits.ai_tool.notnull())
    listed = schema_table("pull_request_commits")
    merges = pulls.filter(pulls.merge_commit_sha.notnull()).select(*PR, sha=pulls.merge_commit_sha)
    commits = listed.select(*PR, "sha").inner_join(marked, _COMMIT)
    merged = merges.inner_join(marked, _COMMIT)
    agents = AGENT_PULLS.table().inner_join(pulls.select(*PR, "author"), PR)
    bodies = marks(pulls.select(*PR, text=pulls.body), PR, tools)
    ways = [
        agents.select(
            *PR, tool=tool_of_account(account_name(agents.author), tools), why=ibis.literal("its author is an agent")
        ),
        commits.select(*PR, tool="ai_tool", why=ibis.literal("a commit of it: ") + commits.ai_why),
        _by_listed_account(listed, tools),
        merged.select(*PR, tool="ai_tool", why=ibis.literal("its merge commit: ") + merged.ai_why),
        bodies.select(*PR, "tool", why=ibis.literal("its description: ") + bodies.why),
    ]
    found = ibis.union(*(way.mutate(way=_way(number)) for number, way in enumerate(ways)))
    order = ibis.row_number().over(ibis.window(group_by=PR, order_by=[found.way, found.tool, found.why]))
    first = found.mutate(first=order).filter(lambda t: t.first == 0)
    return first.select(*PR, ai_tool="tool", ai_why="why", by_agent=first.way == 0)


def _by_listed_account(listed: Table, tools: tuple[AiTool, ...]) -> Table:
    """Pull requests that list a commit of an agent's account, whether or not the commit is known."""
    authors = listed.select("author").distinct()
    judged = authors.mutate(tool=tool_of_account(account_name(authors.author), tools))
    found = listed.select(*PR, "author").inner_join(judged.filter(judged.tool.notnull()), "author")
    return found.select(*PR, "tool", why=ibis.literal("a commit of it: its author is an agent's account"))


AI_PULLS = Model(
    "ai_pulls",
    {**PULL_REQUEST_KEY, **_MARK, "by_agent": "boolean"},
    expression=_pulls,
    by_repository=True,
)
"""Pull requests that AI tools had part in; ``by_agent``: whose author is one."""


def _items() -> Table:
    pulls = schema_table("pull_requests")
    merged = pulls.filter(pulls.merged_at.notnull()).select(*PR)
    assisted = LINKS.table().semi_join(merged, PR).semi_join(AI_PULLS.table(), PR)
    return assisted.select(*ITEM).distinct()


AI_ITEMS = Model("ai_items", dict.fromkeys(ITEM, "string"), expression=lambda _profile: _items())
"""Work items that are linked to a merged pull request which AI tools had part in."""


def _deployments(profile: Profile) -> Table:
    """Runs that, in some class of production, carried an assisted pull request first for their service."""
    contents = carried_changes(CARRIED.table(), profile)
    order = [contents.deployed_at, contents.deployment_id, contents.way]
    first = ibis.row_number().over(ibis.window(group_by=["class", "service", *PR], order_by=order))
    contents = contents.mutate(position=first).filter(lambda t: t.position == 0)
    return contents.semi_join(AI_PULLS.table(), PR).select(*EVENT).distinct()


AI_DEPLOYMENTS = Model("ai_deployments", dict.fromkeys(EVENT, "string"), expression=_deployments)
"""Deployments that carried a pull request which AI tools had part in."""


def _incidents(profile: Profile) -> Table:
    blamed = by_incident(profile).semi_join(AI_DEPLOYMENTS.table(), EVENT)
    return blamed.select(incident_id="by").distinct()


AI_INCIDENTS = Model("ai_incidents", {"incident_id": "string"}, expression=_incidents)
"""Incidents that such a deployment caused: the one that an incident names, else the one by the rule."""
