"""Which addresses of hosts are public: reached over the internet, and not of this machine, its link or a private network, however
they are written."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address, IPv6Network

_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
"""IPv6 addresses whose last 32 bits are an IPv4 address that they lead to: of NAT64 (RFC 6052, RFC 8215), and the older ones that
are compatible with IPv4."""


def is_public(text: str) -> bool:
    """Whether the address ``text``, perhaps with a zone, is public; also what it is translated to must be."""
    return all(_is_global(address) for address in _meant(_address(text)))


def is_host(text: str) -> bool:
    """Whether the address ``text`` is of one host, public or not: not of many, nor of none."""
    return not any(
        address.is_multicast or address.is_unspecified or (address.version == 4 and address.is_reserved)
        for address in _meant(_address(text))
    )


def _address(text: str) -> IPv4Address | IPv6Address:
    return ipaddress.ip_address(text.partition("%")[0])


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, and those IPv4 addresses that packets to it are translated or tunnelled to."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in (IPv6Address("::"), IPv6Address("::1")):
        return [address]
    inner = [address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _TRANSLATED):
        inner.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return [address, *(one for one in inner if one is not None)]


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and (address.is_site_local or address in _TRANSLATED[1]):
        return False
    return address.is_global and not address.is_multicast
