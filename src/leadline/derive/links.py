"""Links between pull requests and work items: keys found in texts that name an item we know (metrics, "Links between PRs
and work items").

A key may stand beside anything but a letter or a digit. The texts are branch, title and body of the pull request and the
messages of its commits. What they mention is found apart
from the items, which change far more often than the texts.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import ArrayValue, StringValue, Table

from leadline.derive.former_keys import mention_of, without_former
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


def links(mentioned: Table, former: Table) -> Table:
    """Those of ``mentions`` that name an item we know, by its key or by a ``former`` one (as of ``former_keys``). Columns:
    repository, number, project, key, seen; distinct."""
    items = known_items(former)
    return (
        mentioned.inner_join(items, mentioned.mention == items.item_mention)
        .select("repository", "number", "project", "key", "seen")
        .distinct()
    )


def known_items(former: Table) -> Table:
    """Work items with the forms in which ``mention`` has them (``item_mention``), those of ``former`` keys, too."""
    items = schema_table("work_items").select("project", "key")
    present = without_former(items, former)
    named = present.mutate(item_mention=mention_of(present.project, present.key))
    return named.union(former.select("project", "key", item_mention="mention"))


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
