"""What the store of computed tables is told of the facts it keeps."""

from __future__ import annotations

from leadline.facts.names import spellings
from leadline.materialize.model import BuildPolicy

_CODE = ("schema", "settings", "people", "engine", "derive", "facts")

BUILD_POLICY = BuildPolicy(
    code=_CODE,
    query_code=(*_CODE, "metrics"),
    weighed=("commits", "commit_files", "pull_requests", "pull_request_commits"),
    spellings=spellings,
)
