"""Addresses of machines, as they are kept: keyed digests, which say only whether two are the same."""

from __future__ import annotations

import hmac
from hashlib import sha256
from ipaddress import ip_address

from concours.server.settings import Settings


def digest_of(settings: Settings, address: str) -> str:
    """`sha256:…` by the platform's own secret; addresses of one network of IPv6 (64 bits) are one."""
    return "sha256:" + hmac.new(settings.secret(), network_of(address).encode(), sha256).hexdigest()


def network_of(address: str) -> str:
    """An address of IPv4 as it is; of one of IPv6 its first 64 bits, for all below them are one household's."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 6 and (mapped := found.ipv4_mapped):
        return str(mapped)
    return str(found) if found.version == 4 else ":".join(found.exploded.split(":")[:4])
