"""The former keys of work items as a stored table: links and work items read it."""

from __future__ import annotations

from leadline.derive.former_keys import former_keys
from leadline.materialize.model import Model

FORMER_KEYS = Model(
    "former_keys",
    dict.fromkeys(("mention", "project", "key", "old_project", "old_key"), "string"),
    expression=lambda _profile: former_keys(),
)
"""``derive.former_keys`` says what its columns are."""
