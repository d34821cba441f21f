"""How webhooks' rows are to be merged is stored in the inbox: what an earlier release stored there is still read."""

from datetime import UTC, datetime

import pytest

from leadline.sources.kit.webhooks import MergePolicy

AT = datetime(2026, 1, 5, 10, 0, 0, 500, tzinfo=UTC)
STORED = [
    ('{"newer":["updated_at","state=merged"]}', MergePolicy(("updated_at", "state=merged"))),
    (
        '{"newer":["updated_at"],"unknown":["title"],"first":["created_at"],"as_of":"2026-01-05T10:00:00.000500+00:00"}',
        MergePolicy(("updated_at",), unknown=("title",), keep_first=("created_at",), observed_at=AT),
    ),
    ('{"gone":true,"in_pull_request":true}', MergePolicy((), deleted=True, in_pull_request=True)),
]


@pytest.mark.parametrize(("text", "policy"), STORED)
def test_the_stored_form_stays(text: str, policy: MergePolicy) -> None:
    assert MergePolicy.restored(text) == policy
    assert policy.stored() == text
