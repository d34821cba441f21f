"""Encodings, conditions and ranges, by the sections of RFC 9110 that settle them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.api.negotiation import ByteRange, RangeNotSatisfiable, etag, not_modified, parse_range, takes_gzip

TAG = '"abc"'


@pytest.mark.parametrize(
    "header", [None, "gzip", "gzip, deflate, br", "x-gzip", "*", "br, *;q=0.1", "GZIP;Q=0.5", "gzip;q=odd"]
)
def test_gzip_is_sent(header: str | None) -> None:
    assert takes_gzip(header)


@pytest.mark.parametrize("header", ["", "identity", "br", "gzip;q=0", "gzip;q=0.000, *", "*;q=0", "identity, *;q=0.0"])
def test_gzip_is_ruled_out(header: str) -> None:
    assert not takes_gzip(header)


def test_encodings_have_their_own_tags() -> None:
    assert etag("ab" * 32, gzip=True) != etag("ab" * 32, gzip=False)
    assert etag("ab" * 32, gzip=True).startswith('"')


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, False), (TAG, True), ('"x", W/"abc"', True), ("*", True), ('"x"', False), ("abc", False), ("", False)],
)
def test_if_none_match(header: str | None, expected: bool) -> None:
    assert not_modified(header, TAG) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", ByteRange(0, 0)),
        ("bytes=2-", ByteRange(2, 9)),
        ("bytes=-3", ByteRange(7, 9)),
        ("bytes=-30", ByteRange(0, 9)),
        ("bytes=8-99", ByteRange(8, 9)),
        ("Bytes = 1-2", ByteRange(1, 2)),
        # Ignored: no sense, another unit, several at once.
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("items=0-1", None),
        ("bytes=0-1,3-4", None),
        ("bytes=" + "9" * 40 + "-", None),
        (None, None),
    ],
)
def test_ranges_of_ten_bytes(header: str | None, expected: ByteRange | None) -> None:
    assert parse_range(header, None, TAG, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_ranges_outside(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable, match="10 bytes"):
        parse_range(header, None, TAG, 10)


def test_if_range_of_another_version_means_the_whole() -> None:
    assert parse_range("bytes=0-1", TAG, TAG, 10) == ByteRange(0, 1)
    assert parse_range("bytes=0-1", '"old"', TAG, 10) is None
    assert parse_range("bytes=0-1", f"W/{TAG}", TAG, 10) is None
    assert parse_range("bytes=0-1", "Sat, 29 Oct 1994 19:43:31 GMT", TAG, 10) is None


@given(st.binary(max_size=50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_that_slice(content: bytes, first: int, last: int) -> None:
    try:
        wanted = parse_range(f"bytes={first}-{last}", None, TAG, len(content))
    except RangeNotSatisfiable:
        assert first >= len(content)
        return
    if wanted is None:
        assert last < first
    else:
        assert content[wanted.start : wanted.end + 1] == content[first : last + 1]
        assert wanted.length == len(content[first : last + 1]) > 0
