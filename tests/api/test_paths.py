"""Addresses: documented prefixes, doubled and trailing slashes, all the same route."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.api.paths import normalize
from leadline.settings.server import DOCUMENTED_PREFIXES


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/x", "/v2/x"),
        ("//v2//x/", "/v2/x"),
        ("/gratis/sei/api/v2/x", "/v2/x"),
        ("/gratis/sei/api//v2/x", "/v2/x"),
        ("//prod1/sei/api///v2/x//", "/v2/x"),
        ("/sei/api", "/"),
        ("/sei/api/", "/"),
        ("/", "/"),
        ("", "/"),
        # A prefix counts as whole segments, at the start, and once.
        ("/sei/apiary/v2", "/sei/apiary/v2"),
        ("/v2/sei/api/x", "/v2/sei/api/x"),
        ("/sei/api/sei/api/v2", "/sei/api/v2"),
    ],
)
def test_one_spelling(path: str, expected: str) -> None:
    assert normalize(path, DOCUMENTED_PREFIXES) == expected


def test_the_longest_prefix_wins() -> None:
    assert normalize("/a/b/v2", ("/a", "/a/b")) == "/v2"


@given(st.text(alphabet="/ab", max_size=12), st.sampled_from(["", *DOCUMENTED_PREFIXES]))
def test_slashes_never_matter(path: str, prefix: str) -> None:
    plain = normalize(f"{prefix}/{path}", DOCUMENTED_PREFIXES)
    assert normalize(f"{prefix}///{path.replace('/', '//')}//", DOCUMENTED_PREFIXES) == plain
    assert plain.startswith("/")
    assert "//" not in plain
