"""Which addresses are public, however they are written: by the registries of special addresses (RFC 6890 and its updates)."""

from __future__ import annotations

import pytest

from leadline.public_address import is_host, is_public

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]

PRIVATE = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::7f00:1"],
    "private networks": ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fd00::1", "fc00::1"],
    "the link": ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254"],
    "of carriers (CGNAT)": ["100.64.0.1", "100.127.255.255"],
    "for tests and documents": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "2001:db8::1"],
    "sites, of old": ["fec0::1"],
    "translated to private (NAT64)": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b:1::808:808"],
    "tunnelled to private (6to4)": ["2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:1::1"],
    "compatible with private IPv4": ["::a00:1", "::c0a8:1"],
}

NO_HOST = ["0.0.0.0", "::", "224.0.0.1", "239.1.2.3", "255.255.255.255", "240.0.0.1", "ff02::1", "::ffff:0.0.0.0"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)
    assert is_host(address)


@pytest.mark.parametrize("address", [address for addresses in PRIVATE.values() for address in addresses])
def test_private_addresses_are_of_hosts_and_not_public(address: str) -> None:
    assert not is_public(address)
    assert is_host(address)


@pytest.mark.parametrize("address", NO_HOST)
def test_addresses_of_no_single_host_are_neither(address: str) -> None:
    assert not is_public(address)
    assert not is_host(address)
