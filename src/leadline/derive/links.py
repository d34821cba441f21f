"""Links between pull requests and work items: keys found in texts that name an item we know (metrics, "Links between PRs
and work items").

A key may stand beside anything but a letter or a digit. The texts are branch, title and body of the pull request and the
messages of its commits. What they mention is found apart
from the items, which change far more often than the texts.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import ArrayValue, StringValue, Table

from leadline.engine import schema_table
from leadline.engine.functions import regexp_extract_all

# Letters (with their marks) and digits of any script: what a key may not be glued to.
_GLUE = r"\p{L}\p{M}\p{N}"
# `PROJ-123`, with all that `_` joins to it, and `#12` with the character before it. What is glued to the number is matched,
# too, and the match then left out: so that it is not taken for the beginning of another key.
_MENTION = rf"[{_GLUE}_]+-[0-9]+[{_GLUE}]*|(?:^|[^{_GLUE}])#[0-9]+[{_GLUE}]*"
_WHOLE = rf"\p{{L}}[{_GLUE}_]*-[0-9]+$|#[0-9]+$"
# Cheap test that lets most texts go before the exact one.
_MAYBE = r"[-#][0-9]"
_NUMBER = r"^#?[0-9]+$"


def mentions() -> Table:
    """What pull requests mention in the form of a key, whether or not there is such an item. Columns: repository, number,
    mention (in the form of ``known_items``), seen (`branch`, `title`, `body`, `commit`, `merge commit`); distinct."""
    pulls = schema_table("pull_requests")
    texts = [
        _mentions(pulls.select("repository", "number", text=pulls[column]), ["repository", "number"]).mutate(
            seen=ibis.literal(seen, "string")
        )
        for column, seen in (("head_branch", "branch"), ("title", "title"), ("body", "body"))
    ]
    mentioned = ibis.union(*texts, _commit_mentions())
    return mentioned.select("repository", "number", "mention", "seen").distinct()


def links(mentioned: Table) -> Table:
    """Those of ``mentions`` that name an item we know. Columns: repository, number, project, key, seen; distinct."""
    items = known_items()
    return (
        mentioned.inner_join(items, mentioned.mention == items.item_mention)
        .select("repository", "number", "project", "key", "seen")
        .distinct()
    )


def known_items() -> Table:
    """Work items with the form in which ``mention`` has them: `PROJ-123`, or `name#12` for a bare number, where name is
    the project in lower case."""
    items = schema_table("work_items")
    number = ibis.literal("#") + items.key.replace("#", "")
    numbered = items.key.re_search(_NUMBER)
    return items.select(
        "project", "key", item_mention=ibis.cases((numbered, items.project.lower() + number), else_=items.key.upper())
    )


def _commit_mentions() -> Table:
    commits = schema_table("commits")
    mentioned = _mentions(commits.select("repository", "sha", text=commits.message), ["repository", "sha"])
    listed = schema_table("pull_request_commits").select("repository", "number", "sha")
    pulls = schema_table("pull_requests")
    merged = pulls.filter(pulls.merge_commit_sha.notnull()).select("repository", "number", sha=pulls.merge_commit_sha)
    of = ibis.union(
        listed.mutate(seen=ibis.literal("commit", "string")), merged.mutate(seen=ibis.literal("merge commit", "string"))
    )
    return mentioned.inner_join(of, ["repository", "sha"]).select("repository", "number", "mention", "seen")


def _mentions(texts: Table, keys: list[str]) -> Table:
    """One row per ``keys`` and key mentioned in ``texts.text``, in the form of ``known_items``.

    A bare number stands for an item of the project named like the repository, or like its last part.
    """
    maybe = texts.filter(texts.text.re_search(_MAYBE))
    matches = maybe.select(*keys, match=regexp_extract_all(maybe.text, _MENTION).unnest())
    matches = matches.filter(matches.match.re_search(_WHOLE))
    repository = matches.repository.lower()
    # `#12` is found with the character before it.
    number = matches.match.re_extract(r"#[0-9]+", 0)
    forms = ibis.cases(
        (
            matches.match.contains("#"),
            ibis.array([repository + number, repository.re_extract(r"([^/]+)$", 1) + number]),
        ),
        else_=_after_underscores(matches.match.upper()),
    )
    return matches.select(*keys, mention=forms.unnest())


def _after_underscores(word: StringValue) -> ArrayValue:
    """The word, and what follows each `_` in it: `FEATURE_SHOP-12` may be an item of either project."""
    parts = word.split("_")
    return ibis.range(parts.length()).map(lambda at: parts[at:].join("_"))
