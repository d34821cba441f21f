"""Who touched which work item when: by commits, pull requests and reviews linked to it, and by changing its status; and who had
which item in progress. Effort is made of it."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table, Value

from leadline.derive.completion import ITEM, numbered
from leadline.derive.expressions import attach
from leadline.derive.former_keys import under_present_key, without_former
from leadline.engine import schema_table
from leadline.engine.functions import epoch_us
from leadline.facts.accounts import with_developer
from leadline.facts.commits import COMMITS
from leadline.facts.former_keys import FORMER_KEYS
from leadline.facts.phases import ALWAYS
from leadline.facts.pull_requests import LINKS, PR, authored_pull_requests
from leadline.facts.status_visits import STATUS_VISITS
from leadline.materialize.model import Model

COMMITTED, OPENED, MERGED, REVIEWED, COMMENTED = "commit", "opened", "merged", "review", "comment"
CHANGED, IN_PROGRESS = "status", "in progress"
"""How an item was touched."""


def _pull_touches() -> Table:
    """What people did to pull requests: a row for each item that these are linked to, or one without."""
    did = ibis.union(_opened(), *(_by_accounts(*one) for one in _BY_ACCOUNTS), _committed(), distinct=True)
    linked = LINKS.table().select(*PR, *ITEM).distinct()
    links = linked.select(linked_repository="repository", linked_number="number", project="project", key="key")
    same = [did.repository == links.linked_repository, did.number == links.linked_number]
    return did.left_join(links, same).select(*PULL_TOUCHES.columns)


def _opened() -> Table:
    pulls = authored_pull_requests()
    return _known(pulls, pulls.created_at, OPENED)


_BY_ACCOUNTS = (
    ("pull_requests", "merged_by", "merged_at", MERGED),
    ("reviews", "author", "submitted_at", REVIEWED),
    ("comments", "author", "created_at", COMMENTED),
)
"""Tables of what accounts did, with the columns of the account and the instant, and what it is called."""


def _by_accounts(table: str, account: str, instant: str, how: str) -> Table:
    rows = schema_table(table)
    rows = rows.select(*PR, "source", account=rows[account], at=rows[instant])
    done = with_developer(rows, "account", "code")
    return _known(done, done["at"], how)


def _known(done: Table, at: Value, how: str) -> Table:
    """What known developers did at known instants."""
    done = done.mutate(happened_us=epoch_us(at), how=ibis.literal(how))
    return done.filter(done.developer.notnull() & done.happened_us.notnull()).select(
        *PR, "developer", "happened_us", "how"
    )


def _committed() -> Table:
    """Credited commits, of each pull request that has them; those of none have no number."""
    listed = schema_table("pull_request_commits").select(*PR, "sha")
    pulls = schema_table("pull_requests")
    merged = pulls.filter(pulls.merge_commit_sha.notnull()).select(*PR, sha="merge_commit_sha")
    of_pulls = listed.union(merged, distinct=True)
    of_pulls = of_pulls.select(of_repository="repository", of_sha="sha", number="number")
    commits = COMMITS.table().select("repository", "sha", "developer", "happened_us")
    same = [commits.repository == of_pulls.of_repository, commits.sha == of_pulls.of_sha]
    committed = commits.left_join(of_pulls, same)
    return committed.select(*PR, "developer", "happened_us", how=ibis.literal(COMMITTED))


def _item_touches() -> Table:
    """Changes of the status of items that there are."""
    former = FORMER_KEYS.table()
    changes = schema_table("work_item_changes")
    changes = under_present_key(changes.filter(changes.field.lower() == "status"), former)
    changes = changes.semi_join(schema_table("work_items").select(*ITEM), ITEM)
    done = with_developer(changes.select(*ITEM, "author", "source", "changed_at"), "author", "work")
    done = done.filter(done.developer.notnull())
    return done.select(*ITEM, "developer", happened_us=epoch_us(done.changed_at), how=ibis.literal(CHANGED)).distinct()


def _had_in_progress() -> Table:
    """Who had which item in progress from when until when: it was in a status of that kind, and assigned to them."""
    visits = STATUS_VISITS.table()
    visits = visits.filter(visits.category == "in_progress")
    begun, left = epoch_us(visits.entered_at).fill_null(-ALWAYS), epoch_us(visits.left_at).fill_null(ALWAYS)
    visits = visits.select(*ITEM, begun_us=begun, left_us=left)
    had = _assigned()
    had = had.select(had_project="project", had_key="key", developer="developer", had_us="from_us", lost_us="until_us")
    both = visits.inner_join(had, [visits.project == had.had_project, visits.key == had.had_key])
    both = both.select(
        *ITEM,
        "developer",
        from_us=ibis.greatest(both.begun_us, both.had_us),
        until_us=ibis.least(both.left_us, both.lost_us),
    )
    return both.filter(both.from_us < both.until_us)


def _assigned() -> Table:
    """Whose each item was from when until when, by its changes of assignee; without any, by the assignee that it has."""
    former = FORMER_KEYS.table()
    items = without_former(schema_table("work_items"), former).select(*ITEM, "assignee", "source")
    changes = schema_table("work_item_changes")
    changes = numbered(under_present_key(changes.filter(changes.field.lower() == "assignee"), former))
    changes = changes.mutate(left_at=changes.changed_at.lead().over(group_by=ITEM, order_by=changes.number))
    first = changes.filter(changes.number == 0)
    first = first.select(*ITEM, was="from_value", first_at="changed_at")
    begun = attach(items, ITEM, first)
    had = ibis.cases((begun.first_at.notnull(), begun.was), else_=begun.assignee)
    earlier = begun.select(
        *ITEM, "source", account=had, entered_at=ibis.null(first.first_at.type()), left_at="first_at"
    )
    later = changes.select(*ITEM, "source", account="to_value", entered_at="changed_at", left_at="left_at")
    later = later.semi_join(items, ITEM)
    spans = with_developer(earlier.union(later), "account", "work")
    spans = spans.filter(spans.developer.notnull())
    return spans.select(
        *ITEM,
        "developer",
        from_us=epoch_us(spans.entered_at).fill_null(-ALWAYS),
        until_us=epoch_us(spans.left_at).fill_null(ALWAYS),
    )


PULL_TOUCHES = Model(
    "pull_touches",
    {
        "repository": "string",
        "number": "int64",
        "developer": "string",
        "happened_us": "int64",
        "how": "string",
        **dict.fromkeys(ITEM, "string"),
    },
    expression=lambda _profile: _pull_touches(),
    by_repository=True,
)
"""What known developers did to pull requests; ``project`` and ``key`` are of an item that the pull request is linked to, if any."""
ITEM_TOUCHES = Model(
    "item_touches",
    {**dict.fromkeys((*ITEM, "developer"), "string"), "happened_us": "int64", "how": "string"},
    expression=lambda _profile: _item_touches(),
)
"""Changes of status by known developers."""
HAD_IN_PROGRESS = Model(
    "had_in_progress",
    {**dict.fromkeys((*ITEM, "developer"), "string"), "from_us": "int64", "until_us": "int64"},
    expression=lambda _profile: _had_in_progress(),
)
"""Who had which item in progress, from an instant and before another."""
