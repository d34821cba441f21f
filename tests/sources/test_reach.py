"""A redirect leads to a web server that anybody could reach, or to the one that the source's address names."""

from __future__ import annotations

import pytest

from leadline.sources.kit.reach import why_not

OWN = "127.0.0.1"
"""An own host within a private network, which makes nothing else there allowed."""


@pytest.mark.parametrize(
    ("scheme", "host", "why"),
    [
        ("http", OWN, ""),
        ("https", OWN, ""),
        ("http", "192.168.0.8", "private network"),
        ("http", "10.0.0.1", "private network"),
        ("http", "::ffff:10.0.0.1", "private network"),
        ("http", "169.254.169.254", "private network"),
        ("https", "8.8.8.8", ""),
        ("http", "", "no web server"),
        ("", "", "no web server"),
        *(
            (scheme, host, "no web server")
            for scheme in ("file", "ext", "ssh", "git", "fd", "ftp")
            for host in ("", OWN)
        ),
    ],
)
def test_a_redirect_leads_to_a_web_server_that_the_address_names_or_to_a_public_one(
    scheme: str, host: str, why: str
) -> None:
    told = why_not(scheme, host, "http", OWN)
    assert why in told
    assert bool(told) is bool(why)
