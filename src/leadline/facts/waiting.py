"""What a pull request waits for, and since when: review, changes or merge while it is open, deployment once it is merged.

An open pull request waits

- as a `draft` for its author to call it ready;
- for `changes` where the last word of a reviewer is that they are wanted, and nothing was committed since;
- for `merge` where nobody's last word is that, and somebody approved;
- else for `review`: nobody has decided, or it was changed since.

Last words are those of humans other than the author; an approval or a request that was dismissed is none. A merged one waits for
`deployment` where its repository is deployed to production, and nothing was since the merge.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import BooleanValue, Table

from leadline.derive.expressions import attach
from leadline.engine import schema_table
from leadline.engine.functions import INSTANT
from leadline.facts.deployment_contents import CARRIED
from leadline.facts.pull_requests import PR, reviews_by_others
from leadline.facts.rework import PULL_REQUEST_KEY
from leadline.materialize.model import Model

DRAFT, REVIEW, CHANGES, MERGE, DEPLOYMENT = "draft", "review", "changes", "merge", "deployment"
WAITS_FOR = (DRAFT, REVIEW, CHANGES, MERGE, DEPLOYMENT)
_DECIDING = ("approved", "changes_requested", "dismissed")


def _last_words() -> Table:
    """Per pull request when changes were wanted, and when it was approved, by the last word of whoever reviewed it."""
    reviews = reviews_by_others()
    deciding = reviews.filter(reviews.state.isin(_DECIDING))
    order = [deciding.written_at, deciding.review_id]
    last = deciding.group_by(*PR, "author").agg(
        word=deciding.state.last(order_by=order), said_at=deciding.written_at.max()
    )
    return last.group_by(PR).agg(
        wanted_at=last.said_at.max(where=last.word == "changes_requested"),
        approved_at=last.said_at.max(where=last.word == "approved"),
    )


def _last_commits() -> Table:
    commits = schema_table("pull_request_commits")
    return commits.group_by(PR).agg(committed_at=commits.committed_at.coalesce(commits.authored_at).max())


def _is_open(pulls: Table) -> BooleanValue:
    undecided = pulls.merged_at.isnull() & pulls.closed_at.isnull()
    return ibis.cases((pulls.state.notnull(), pulls.state == "open"), else_=undecided) & pulls.merged_at.isnull()


def _waits() -> Table:
    pulls = schema_table("pull_requests")
    pulls = pulls.filter(_is_open(pulls)).select(
        *PR, draft=pulls.draft.fill_null(False), opened_at=pulls.ready_at.fill_null(pulls.created_at)
    )
    table = attach(pulls, PR, _last_words(), _last_commits())
    changed = (table.committed_at > table.wanted_at).fill_null(False)
    steps = (
        (table.draft, DRAFT, table.opened_at),
        (table.wanted_at.notnull() & ~changed, CHANGES, table.wanted_at),
        (table.wanted_at.notnull(), REVIEW, table.committed_at),
        (table.approved_at.notnull(), MERGE, table.approved_at),
    )
    return table.select(
        *PR,
        waits_for=ibis.cases(*((condition, name) for condition, name, _ in steps), else_=REVIEW),
        wait_began_at=ibis.cases(*((condition, since) for condition, _, since in steps), else_=table.opened_at),
    )


def with_waiting(fact: Table) -> Table:
    """``fact`` (a row per pull request: its key, merged_at, deployed_at, class) with ``waits_for``, one of ``WAITS_FOR`` or empty,
    and ``wait_began_at``."""
    carried = CARRIED.table()
    last = carried.group_by("class", "repository").agg(last_deployed_at=carried.deployed_at.max())
    table = attach(attach(fact, PR, WAITS.table()), ["class", "repository"], last)
    waits = (table.deployed_at.isnull() & (table.merged_at > table.last_deployed_at)).fill_null(False)
    return table.mutate(
        waits_for=ibis.cases((waits, DEPLOYMENT), else_=table.waits_for),
        wait_began_at=ibis.cases((waits, table.merged_at), else_=table.wait_began_at),
    ).drop("last_deployed_at")


WAITS = Model(
    "waits",
    {**PULL_REQUEST_KEY, "waits_for": "string", "wait_began_at": INSTANT},
    expression=lambda _profile: _waits(),
    by_repository=True,
)
"""Open pull requests, and what each waits for since when."""
