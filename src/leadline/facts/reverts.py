"""Reverted pull requests: those that a later merged pull request of the same repository says it reverts (metrics, quality
group).

It says so by git's line in its body or in the message of one of its commits, or by a pull request's number in its body.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.engine import schema_table
from leadline.engine.functions import regexp_extract_all
from leadline.facts.rework import PULL_REQUEST_KEY
from leadline.materialize.model import Model

_PR = ["repository", "number"]
_COMMIT = ["repository", "sha"]

_MAYBE = "%reverts%"
"""Cheap test that lets most texts go before the exact ones, which search them in lower case."""
_SHA_LINE = r"this\s+reverts\s+commit\s+", r"[0-9a-f]", r"{7,64}"
_NUMBER_LINE = r"(?:reverts\s+(?:[a-z0-9_./-]+)?#|this\s+reverts\s+merge\s+request\s+!)", r"[0-9]", r"{1,18}"
_WORD = r"[0-9a-z_]*"
"""What else stands in the words that a line begins and ends with."""
_SHORTEST = 7
"""The fewest digits of a sha that name a commit."""


def reverted_pull_requests() -> Table:
    """Every reverted pull request once."""
    later = ibis.union(_by_sha(), _by_number())
    pulls = _merged().rename(of_repository="repository", of_number="number", reverted_at="merged_at")
    pairs = later.inner_join(pulls, [later.repository == pulls.of_repository, later.reverted == pulls.of_number])
    pairs = pairs.filter(pairs.merged_at > pairs.reverted_at)
    return pairs.select("repository", number="reverted", is_reverted=ibis.literal(True)).distinct()


def _merged() -> Table:
    pulls = schema_table("pull_requests")
    return pulls.filter(pulls.merged_at.notnull()).select(*_PR, "merged_at")


def _own_commits() -> Table:
    """The commits of each pull request: its merge commit and those that it lists."""
    pulls = schema_table("pull_requests")
    merges = pulls.filter(pulls.merge_commit_sha.notnull())
    listed = schema_table("pull_request_commits").select(*_PR, "sha")
    return ibis.union(listed, merges.select(*_PR, sha=merges.merge_commit_sha))


def _lines(texts: Table, keys: list[str], pattern: tuple[str, str, str]) -> Table:
    """One row per ``keys`` and place in ``texts.text`` that says what the first part of ``pattern`` does, with as many as the last
    part says of the digits of the second one, in whole words: what a word is at its edges differs from engine to engine."""
    says, digit, times = pattern
    maybe = texts.filter(texts.text.ilike(_MAYBE))
    in_words = f"{_WORD}{says}{digit}+{_WORD}"
    lines = maybe.select(*keys, line=regexp_extract_all(maybe.text.lower(), in_words).unnest())
    return lines.filter(lines.line.re_search(f"^{says}{digit}{times}$"))


def _body_lines(pattern: tuple[str, str, str]) -> Table:
    pulls = schema_table("pull_requests")
    merged = pulls.filter(pulls.merged_at.notnull())
    return _lines(merged.select(*_PR, "merged_at", text=merged.body), [*_PR, "merged_at"], pattern)


def _by_sha() -> Table:
    """Merged pull requests (repository, number, merged_at) and the number that each says it reverts by a sha."""
    commits = schema_table("commits")
    messages = _lines(commits.select(*_COMMIT, text=commits.message), _COMMIT, _SHA_LINE)
    in_commits = messages.inner_join(_own_commits(), _COMMIT).inner_join(_merged(), _PR)
    lines = ibis.union(_body_lines(_SHA_LINE), in_commits.select(*_PR, "merged_at", "line"))
    written = lines.select(*_PR, "merged_at", written=lines.line.re_extract(r"[0-9a-f]+$", 0)).distinct()
    named = _named_commits(written.select("repository", "written").distinct())
    said = written.inner_join(named, ["repository", "written"])
    own = _own_commits()
    own = own.select(of_repository=own.repository, reverted=own.number, of_sha=own.sha.lower())
    pairs = said.inner_join(own, [said.repository == own.of_repository, said.sha == own.of_sha])
    return pairs.select(*_PR, "merged_at", "reverted")


def _named_commits(written: Table) -> Table:
    """``written`` (repository, written) with the ``sha`` that it is or, if it is none, that alone begins so."""
    known = ibis.union(schema_table("commits").select(*_COMMIT), _own_commits().select(*_COMMIT))
    known = known.select(of_repository=known.repository, sha=known.sha.lower())
    known = known.mutate(start=known.sha.left(_SHORTEST))
    written = written.mutate(begins=written.written.left(_SHORTEST))
    near = written.inner_join(known, [written.repository == known.of_repository, written.begins == known.start])
    near = near.filter(near.sha.startswith(near.written))
    # Its own text is the least of all that begin with it: the commit itself, if there is one.
    named = near.group_by("repository", "written").agg(sha=near.sha.min(), last=near.sha.max())
    return named.filter((named.sha == named.written) | (named.sha == named.last)).select("repository", "written", "sha")


def _by_number() -> Table:
    """Merged pull requests (repository, number, merged_at) and the number that each says it reverts by that number."""
    lines = _body_lines(_NUMBER_LINE)
    repository = lines.line.re_extract(r"\s(\S*)[#!]", 1)
    own = lines.filter((repository == "") | (repository == lines.repository.lower()))
    return own.select(*_PR, "merged_at", reverted=own.line.re_extract(r"[0-9]+$", 0).cast("int64"))


REVERTED = Model(
    "reverted",
    {**PULL_REQUEST_KEY, "is_reverted": "boolean"},
    expression=lambda _profile: reverted_pull_requests(),
    by_repository=True,
)
"""Reverted pull requests."""
