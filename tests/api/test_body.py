"""Bodies: documented leniency in, one clear refusal for everything else."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.api.body import UnsupportedMediaType, check_headers
from leadline.api.json_text import MAX_DEPTH, is_storable, parse_object
from leadline.errors import InvalidRequest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ('\ufeff{"a": 1}', {"a": 1}),
        ('{"a": [1, 2,], // why\n "b": {"c": "d",}, /* and */ }', {"a": [1, 2], "b": {"c": "d"}}),
        ("{a: 'b'}", {"a": "b"}),
        ("{a: {a: [{a: ':a:'}]}, /* a: // */ b: 'a: {' // a: 1\n}", {"a": {"a": [{"a": ":a:"}]}, "b": "a: {"}),
        ('{a: \'it\\\'s\', "b": "}\\"", $c_: -.5e3,}', {"a": "it's", "b": '}"', "$c_": -500.0}),
        ('{"url": "http://x/*y*/"}', {"url": "http://x/*y*/"}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ("{}", {}),
    ],
)
def test_what_is_read(text: str, expected: dict[str, Any]) -> None:
    assert parse_object(text.encode()) == expected


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"[1]", "an array"),
        (b"null", "null"),
        (b"true", "a boolean"),
        (b'"text"', "a text"),
        (b"12", "a number"),
        (b'{"a": ', "not JSON"),
        (b'{"a": 1} {"b": 2}', "not JSON"),
        (b"// nothing", "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": [-Infinity]}', "NaN"),
        (b'{"a": 1e999}', "NaN"),
        (b'{"a": 1, "a": 2}', "the key 'a' is given twice"),
        (b'{"a": 1, "a": 2,}', "the key 'a' is given twice"),
        (b"{a: 1, 'a': 2}", "the key 'a' is given twice"),
        (b'{"a": [{}, {b: ":", /* b: */ "\\u0062": {}}]}', "the key 'b' is given twice"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
        (b'{"a":' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}", "nested deeper"),
        (b'{"a":' + b"[" * 500_000, ""),
        (b'{"a":' * 100_000, ""),
        (b"{a:" * 100_000, ""),
    ],
)
def test_what_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(InvalidRequest, match="The body cannot be read") as refused:
        parse_object(raw)
    assert why in refused.value.message
    assert refused.value.code == "malformed_body"
    assert len(refused.value.message) < 400


@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_a_refusal(raw: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        assert isinstance(parse_object(raw), dict)


texts = st.text(max_size=8).filter(is_storable)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(texts, values, max_size=4), st.sampled_from([None, 2]), st.booleans())
def test_json_is_read_as_json(value: dict[str, Any], indent: int | None, plain: bool) -> None:
    assert parse_object(json.dumps(value, indent=indent, ensure_ascii=plain).encode()) == value


@given(st.dictionaries(texts, values, max_size=4), st.data())
def test_a_key_given_twice_is_refused_in_every_spelling(value: dict[str, Any], data: st.DataObject) -> None:
    """A comma at the end makes it JSON5; nothing else of the text is taken for a key."""
    text = json.dumps(value)
    assert parse_object(f"{text[:-1]}{',' if value else ''}}}".encode()) == value
    if value:
        again = data.draw(st.sampled_from(sorted(value)))
        with pytest.raises(InvalidRequest, match="given twice"):
            parse_object(f"{text[:-1]}, {json.dumps(again)}: 0,}}".encode())


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", "application/problem+json", "text/json", "", None],
)
def test_json_types_are_taken(content_type: str | None) -> None:
    check_headers({} if content_type is None else {"content-type": content_type})


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "text/plain"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_other_types_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(UnsupportedMediaType, match="send"):
        check_headers(headers)
