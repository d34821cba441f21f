"""Whose each account is, and why (data model, "Identity"; metrics, "Bots").

``accounts`` has one row per account of a domain and source, with the developer (or none), the reason, and whether it is a
bot. It reads tables of the schema and ``people``: every developer of the project's org trees (see ``people_table``).

Domains: ``code`` for pull requests, their commits, reviews and comments; ``work`` for work items and their changes;
``git`` for commits, whose account is the author's email. Sources and accounts are in lower case, an empty source is ''.

The rules, the first that applies:

1. The mapping given (``identities``): of the row's own source if it names one; else, for ``code``, of the code hosts
   (in the order of ``CODE_HOSTS``, then any other that is no tracker, by name), then the trackers; for ``work`` the
   other way round; for ``git`` `git` first, then as for ``code``. A mapping to an email that is no developer's counts as
   given too: it leaves the account without a developer.
2. The developer whose email the account is; else the one whose email the account has: as the tool says
   (``tool_accounts``, found for a row as a mapping is). Whose name the tool says is never asked.
3. The developer whose email was seen beside the account in commits (``pull_request_commits`` names an account for a
   sha, ``commits`` the email), if that is exactly one developer. Not for git itself.
4. For a `noreply` address of a code host: the developer of the account it carries, by the rules above.
5. For an account that was renamed: the developer of what it is called besides, if that is exactly one. `noreply` addresses tell,
   whose number before the name (`12345+name@…`) stays through a renaming.

An account that is nobody's by these is a bot if its name says so (see ``bots``); AI agents are bots, too. What a tool
says and what is seen beside make no bot a person: it often goes by the address of whoever set it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import ibis
import ibis.expr.types as ir

from leadline.derive import agents
from leadline.derive.account_names import CODE, GIT, KEYS, WORK, account_name, account_source, comparable
from leadline.derive.bots import is_agent_name, is_bot_name
from leadline.derive.noreply import carried_accounts, renamed, text, through_noreply
from leadline.engine.tables import schema_table

CODE_HOSTS = ("github", "gitlab", "bitbucket", "azure", "gerrit", "gitea", "git")
TRACKERS = ("jira", "linear", "azure-boards", "youtrack", "shortcut", "asana", "trello", "clickup", "monday", "rally")

_USES = (
    (CODE, "pull_requests", "author"),
    (CODE, "pull_requests", "merged_by"),
    (CODE, "pull_request_commits", "author"),
    (CODE, "reviews", "author"),
    (CODE, "comments", "author"),
    (WORK, "work_items", "assignee"),
    (WORK, "work_items", "reporter"),
    (WORK, "work_item_changes", "author"),
    (GIT, "commits", "author_email"),
)


def people_table() -> ibis.Table:
    """The unbound table ``people`` (email in lower case, full_name): bind ``leadline.people.arrow.people`` to it."""
    return ibis.table({"email": "string", "full_name": "string"}, name="people")


def developers() -> ibis.Table:
    """Everybody known, the org trees' people and the lake's ``developers``, once: ``address``, their email as it is compared,
    and ``email``, as the trees, else the lake, have it (lower case)."""
    people, listed = (
        table.select(email=table.email.lower(), rank=ibis.literal(rank, "int64"))
        for rank, table in enumerate((people_table(), schema_table("developers")))
    )
    everybody = people.union(listed)
    everybody = everybody.mutate(place=everybody["rank"].cast("string") + everybody.email)
    return everybody.group_by(address=comparable(everybody.email)).agg(email=lambda t: t.email.argmin(t.place))


def accounts(bots: Sequence[str] = (), direct: ibis.Table | None = None, own_agents: Sequence[str] = ()) -> ibis.Table:
    """One row per (domain, source, account) seen: developer (email or NULL), reason, bot. ``bots`` and ``own_agents`` are the
    project's own.

    ``direct`` is the table that the result of ``direct_accounts`` is bound as, if it is: the planner then knows how few
    accounts are left to look for in the commits, and on millions of them chooses its joins accordingly.
    """
    direct = direct_accounts(bots, own_agents) if direct is None else direct
    resolved = renamed(through_noreply(_seen_beside(direct)))
    resolved = resolved.filter(resolved.seen)
    is_bot = resolved.bot_name & resolved.developer.isnull()
    is_agent = is_agent_name(resolved.account, own_agents)
    return resolved.select(
        *KEYS,
        "developer",
        reason=_case(
            (is_bot & is_agent, text("AI agent, by its name")),
            (is_bot, text("bot, by its name")),
            default=resolved.reason.fill_null("unmatched: no mapping, no email"),
        ),
        bot=is_bot,
    )


ACCOUNT_COLUMNS = {**dict.fromkeys((*KEYS, "developer", "reason"), "string"), "bot": "boolean"}

DIRECT_COLUMNS = {
    **dict.fromkeys(KEYS, "string"),
    "seen": "boolean",
    "bot_name": "boolean",
    "developer": "string",
    "final": "boolean",
    "reason": "string",
}


def direct_accounts(
    bots: Sequence[str] = (), own_agents: Sequence[str] = (), requesters: ibis.Table | None = None
) -> ibis.Table:
    """The first step of ``accounts``: every account with what rules 1 and 2 say; ``final`` where a mapping was given.

    ``requesters`` is the table that the result of ``agents.requesters`` is bound as, if it is.
    Accounts that only a noreply address names are among them (not ``seen``), so that they are looked for as well.
    """
    requesters = agents.requesters(agents.by_agents(own_agents)) if requesters is None else requesters
    seen = _seen(requesters)
    carried = carried_accounts(seen)
    everything = seen.mutate(carried=ibis.literal(False)).union(
        carried.select(domain=text(CODE), source="host", account="login", carried=ibis.literal(True)), distinct=True
    )
    everything = everything.group_by(list(KEYS)).agg(seen=(~everything.carried).any())
    named = everything.mutate(bot_name=is_bot_name(everything.account, bots, own_agents))
    return _direct(named).select(*DIRECT_COLUMNS)


def developer_by_name(
    table: ibis.Table, column: str, domain: str, bots: Sequence[str] = (), own_agents: Sequence[str] = ()
) -> ibis.Table:
    """Whose the accounts in a ``column`` of ``table`` are by rules 1 and 2 alone: the column and `source` as they are spelled, each
    pair once, with the ``developer`` (or NULL), ``final`` where a mapping was given. For accounts of tools that are asked for by
    themselves."""
    spelled = table.filter(table[column] != "").select("source", column).distinct()
    name = account_name(spelled[column])
    named = spelled.mutate(domain=text(domain), of_source=account_source(spelled.source), account__=name)
    keys = named.select("domain", source="of_source", account="account__").distinct()
    keys = keys.mutate(seen=ibis.literal(True), bot_name=is_bot_name(keys.account, bots, own_agents))
    owned = _direct(keys).select("developer", "final", by="source", called="account")
    joined = named.left_join(owned, [named.of_source == owned.by, named.account__ == owned.called])
    return joined.select(column, "source", "developer", "final")


def activity(accounts: ibis.Table) -> ibis.Table:
    """``known`` (the rows of ``accounts``) with how much each account did: commits, pull_requests (opened), reviews,
    comments, work_items (assigned) and their total. Accounts with the most activity that counts for nobody come first,
    bots and matched ones after."""
    counted = (
        ("commits", GIT, "commits", "author_email"),
        ("pull_requests", CODE, "pull_requests", "author"),
        ("reviews", CODE, "reviews", "author"),
        ("comments", CODE, "comments", "author"),
        ("work_items", WORK, "work_items", "assignee"),
    )
    parts = [
        _uses(domain, schema_table(table_name), column).mutate(what=text(name))
        for name, domain, table_name, column in counted
    ]
    counts = _union(parts)
    per_account = counts.group_by(list(KEYS)).agg(
        **{name: counts.uses.sum(where=counts.what == name) for name, *_ in counted}, total=counts.uses.sum()
    )
    # Engines sum whole numbers to wider ones without ibis knowing; the way over a decimal makes the cast happen.
    numbers = (
        per_account[name].cast("decimal(38, 0)").cast("int64").fill_null(0).name(name)
        for name in (*(name for name, *_ in counted), "total")
    )
    joined = accounts.left_join(per_account, list(KEYS)).select(accounts, *numbers)
    lost = (joined.developer.isnull() & ~joined.bot).ifelse(joined.total, 0)
    return joined.order_by([ibis.desc(lost), (~joined.developer.isnull()) | joined.bot, ibis.desc("total"), *KEYS])


# -- what is seen ------------------------------------------------------------------------------------------------------


def _seen(requesters: ibis.Table) -> ibis.Table:
    """Every (domain, source, account) once, those that may have asked an AI agent for a pull request among them."""
    parts = [_named(domain, _spelled(schema_table(name), column)) for domain, name, column in _USES]
    changes = schema_table("work_item_changes")
    handed = changes.filter(changes.field.lower() == "assignee")
    parts += [_named(WORK, _spelled(handed, column)) for column in ("from_value", "to_value")]
    return _union([*(part.drop("uses") for part in parts), requesters.select(*KEYS)]).distinct()


def _uses(domain: str, table: ibis.Table, column: str) -> ibis.Table:
    """How often each account is named in one column (``uses``). Counted as spelled first: that is much less to lower."""
    named = _named(domain, _spelled(table, column))
    return named.group_by(list(KEYS)).agg(uses=named.uses.sum())


def _named(domain: str, spelled: ibis.Table) -> ibis.Table:
    """What ``_spelled`` has, by how accounts are named; of some several times."""
    return spelled.select(
        domain=text(domain),
        source=account_source(spelled.spelled_source),
        account=account_name(spelled.spelled),
        uses="uses",
    )


def _spelled(table: ibis.Table, column: str) -> ibis.Table:
    used = table.filter(table[column] != "")
    return used.group_by(spelled_source=used.source, spelled=used[column]).agg(uses=used.count())


# -- the rules ---------------------------------------------------------------------------------------------------------


def _direct(named: ibis.Table) -> ibis.Table:
    """Rules 1 and 2: the mapping given, and the developer whose address the account is or, as the tool says, has."""
    mapped = _found_for(named, schema_table("identities"))
    by_tool = _found_for(named.filter(~named.bot_name), schema_table("tool_accounts"))
    people = developers()
    joined = named.left_join(mapped, list(KEYS)).select(
        named, mapping=mapped.email, mapped_source=mapped.by, mapped_to=mapped.owner
    )
    joined = joined.left_join(by_tool, list(KEYS)).select(joined, tool_email=by_tool.email, has=by_tool.owner)
    both = joined.left_join(people, joined.account == people.address).select(joined, address=people.email)
    is_mapped = both.mapping.notnull()
    return both.select(
        *KEYS,
        "seen",
        "bot_name",
        developer=is_mapped.ifelse(both.mapped_to, both.address.coalesce(both.has)),
        final=is_mapped,
        reason=_case(
            (is_mapped & both.mapped_to.notnull(), text("mapped as an account of ") + both.mapped_source),
            (
                is_mapped,
                text("mapped as an account of ") + both.mapped_source + " to " + both.mapping + ", who is no developer",
            ),
            (both.address.notnull(), text("it is the developer's email")),
            (both.has.notnull(), text("the tool says its email is ") + both.has),
            (
                both.tool_email.notnull(),
                text("unmatched: the tool says its email is ") + both.tool_email + ", which is no developer's",
            ),
        ),
    )


def _found_for(named: ibis.Table, table: ibis.Table) -> ibis.Table:
    """The ``email`` that ``table`` (source, account, email) has for each account, its source (``by``) and the developer
    of that email (``owner``): of all sources that may be meant, the one that comes first."""
    listed = table.select(
        by=account_source(table.source), name=account_name(table.account), email=account_name(table.email)
    ).filter(lambda row: row.name.notnull() & row.email.notnull())
    pairs = named.select(*KEYS).join(listed, named.account == listed.name)
    own = (pairs.source == pairs.by) & (pairs.source != "")
    tracker = pairs.by.isin(TRACKERS)
    host = _case(
        *((pairs.by == name, ibis.literal(position)) for position, name in enumerate(CODE_HOSTS, start=1)),
        default=ibis.literal(len(CODE_HOSTS) + 1),
    )
    rank = _case(
        (own, ibis.literal(0)),
        ((pairs.domain == GIT) & (pairs.by == GIT), ibis.literal(0)),
        ((pairs.domain == WORK) & tracker, ibis.literal(1)),
        (tracker, ibis.literal(200)),
        default=host + 100,
    )
    # A row that names its source is looked up there alone; only a commit's address is git's whatever brought the commit.
    ranked = pairs.mutate(rank=rank).filter(lambda row: (row.source == "") | (row["rank"] == 0))
    first = ibis.row_number().over(group_by=list(KEYS), order_by=[ranked["rank"], ranked.by, ranked.email])
    numbered = ranked.mutate(position=first)
    best = numbered.filter(numbered.position == 0).select(*KEYS, "email", "by")
    people = developers()
    return best.left_join(people, best.email == people.address).select(best, owner=people.email)


def _seen_beside(direct: ibis.Table) -> ibis.Table:
    """Rule 3, for accounts that are still nobody's."""
    open_ = direct.filter(direct.developer.isnull() & ~direct.final & ~direct.bot_name & (direct.domain != GIT)).select(
        *KEYS
    )
    listed = schema_table("pull_request_commits")
    spelled = _spelled(listed, "author")
    logins = spelled.select(
        "spelled_source", "spelled", by=account_source(spelled.spelled_source), login=account_name(spelled.spelled)
    )
    # A row without source may be any source's; a tracker's account is seen beside commits only under its own name.
    open_accounts = open_.join(logins, open_.account == logins.login)
    same = (
        (open_accounts.source == open_accounts.by)
        | (open_accounts.source == "")
        | ((open_accounts.by == "") & ~open_accounts.source.isin(TRACKERS))
    )
    open_accounts = open_accounts.filter(same)
    # The large tables are joined as they are spelled: their columns are compared while they are read.
    pairs = open_accounts.join(
        listed, [open_accounts.spelled == listed.author, open_accounts.spelled_source.identical_to(listed.source)]
    ).select(*(open_accounts[name] for name in KEYS), listed.sha)
    pairs = pairs.distinct()
    commits = schema_table("commits")
    written = pairs.join(commits, pairs.sha == commits.sha).select(
        *(pairs[name] for name in KEYS), commits.source.name("spelled_by"), commits.author_email
    )
    written = written.distinct()
    written = written.mutate(by=account_source(written.spelled_by), email=account_name(written.author_email))
    written = written.select(*KEYS, "by", "email").distinct()
    owners = direct.filter((direct.domain == GIT) & direct.developer.notnull()).select(
        email="account", by="source", owner="developer"
    )
    owned = written.join(owners, ["email", "by"])
    per_account = owned.group_by(list(KEYS)).agg(
        people=owned.owner.nunique(), owner=owned.owner.min(), beside=owned.email.min()
    )
    joined = direct.left_join(per_account, list(KEYS)).select(
        direct, per_account.people, per_account.owner, per_account.beside
    )
    one = joined.people == 1
    return joined.select(
        *KEYS,
        "seen",
        "bot_name",
        "final",
        developer=one.fill_null(False).ifelse(joined.owner, joined.developer),
        reason=_case(
            (one, text("seen in commits with the email ") + joined.beside),
            (
                joined.people > 1,
                text("unmatched: seen in commits with emails of ") + joined.people.cast("string") + " developers",
            ),
            default=joined.reason,
        ),
    )


# -- small words -------------------------------------------------------------------------------------------------------


def _case(*branches: tuple[ir.BooleanValue, ir.Value], default: ir.Value | None = None) -> ir.Value:
    return ibis.cases(*branches, else_=default)


def _union(parts: Iterable[ibis.Table]) -> ibis.Table:
    return reduce(lambda left, right: left.union(right), parts)
