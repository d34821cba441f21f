"""Links between pull requests and work items: keys found in texts that name an item we know.

Pull requests (branch, title, body), the messages of their listed commits and of their merge commit, and the work items
come in; one row per link and place it was seen goes out (metrics, "Links between PRs and work items").
"""

from __future__ import annotations

import ibis
from ibis.expr.types import StringValue, Table

from leadline.derive.expressions import regexp_extract_all
from leadline.engine import schema_table

# Whole words in any case: `PROJ-123`, and `#12` unless glued to a word or a path (`org/name#12` is another's item).
_MENTION = r"\b[A-Za-z][A-Za-z0-9_]*-[0-9]+\b|(?:^|[^A-Za-z0-9_/])#[0-9]+\b"
# Cheap test that lets most texts go before the exact one.
_MAYBE = r"[-#][0-9]"
_NUMBER = r"^#?[0-9]+$"


def links() -> Table:
    """Columns: repository, number, project, key, seen (`branch`, `title`, `body`, `commit`, `merge commit`); distinct."""
    pulls = schema_table("pull_requests")
    texts = [
        _mentions(pulls.select("repository", "number", text=pulls[column]), seen)
        for column, seen in (("head_branch", "branch"), ("title", "title"), ("body", "body"))
    ]
    mentions = ibis.union(*texts, *_commit_mentions())
    items = known_items()
    joined = mentions.inner_join(items, mentions.mention == items.item_mention)
    here = joined.repository.lower()
    numbered_here = (joined.item_project == here) | (joined.item_project == here.re_extract(r"([^/]+)$", 1))
    return (
        joined.filter(~joined.numbered | numbered_here)
        .select("repository", "number", "project", "key", "seen")
        .distinct()
    )


def known_items() -> Table:
    """Work items with the form in which a text mentions them: `PROJ-123`, or `#12` for a bare number."""
    items = schema_table("work_items")
    numbered = items.key.re_search(_NUMBER)
    return items.select(
        "project",
        "key",
        item_project=items.project.lower(),
        numbered=numbered,
        item_mention=ibis.cases((numbered, ibis.literal("#") + items.key.replace("#", "")), else_=items.key.upper()),
    )


def _commit_mentions() -> list[Table]:
    commits = schema_table("commits")
    texts = commits.select("repository", "sha", text=commits.message)
    # Keys are looked for once per commit, and only commits that name a known item go on to the join with their PRs.
    found = _mentions(texts, "").drop("seen")
    found = found.semi_join(known_items().select(mention="item_mention"), "mention")
    listed = schema_table("pull_request_commits").select("repository", "number", "sha")
    pulls = schema_table("pull_requests")
    merged = pulls.select("repository", "number", sha=pulls.merge_commit_sha)
    return [
        found.inner_join(of, ["repository", "sha"]).select(
            "repository", "number", "mention", seen=ibis.literal(seen, "string")
        )
        for of, seen in ((listed, "commit"), (merged, "merge commit"))
    ]


def _mentions(texts: Table, seen: str) -> Table:
    """One row per key mentioned in ``texts.text``, upper case; the other columns stay."""
    others = [column for column in texts.columns if column != "text"]
    maybe = texts.filter(texts.text.re_search(_MAYBE))
    found = maybe.select(*others, found=regexp_extract_all(maybe.text, _MENTION).unnest())
    return found.select(*others, mention=_bare(found.found), seen=ibis.literal(seen, "string"))


def _bare(found: StringValue) -> StringValue:
    # `#12` is found with the character before it.
    return ibis.cases((found.contains("#"), found.re_extract(r"#[0-9]+", 0)), else_=found.upper())
