"""Own addresses: which may be called. A page must not become a way into the network that its server stands in."""

import ipaddress
import re
import socket
from typing import Final
from urllib.parse import urlsplit

from routing.errors import RequestRefused

SETTING: Final = "THALAMUS_PRIVATE_ADDRESSES"
_FORM: Final = re.compile(r"https?://[\w.\-\[\]:]+(/[^\s?#@]*)?")

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def checked_address(address: str, *, allow_private: bool = True) -> str:
    """The address without a trailing slash.

    Args:
        address: As typed.
        allow_private: Whether this machine and its private network may be called. Link-local addresses, under which
            clouds keep their credentials, may never be.

    Raises:
        RequestRefused: It is not an http or https address with a host, it holds a password, or it leads where calls
            are not allowed.
    """
    if not _FORM.fullmatch(address.strip()):
        shown = re.sub(r"//[^/@]*@", "//***@", address.strip())[:80]
        raise RequestRefused(
            f"{shown!r} is not an address that can be called: give one such as http://127.0.0.1:8000/v1 "
            "(http or https, no password, no query)."
        )
    host = _host(address.strip())
    found = _resolved(host, look_up=not allow_private)
    if any(ip.is_link_local for ip in found):
        raise RequestRefused(f"{host!r} is a link-local address, which is never called. Give another address.")
    if not allow_private and (not found or not all(ip.is_global for ip in found)):
        reason = "is not known to the name service" if not found else "lies in a private network"
        raise RequestRefused(
            f"{host!r} {reason}, and this deployment calls public addresses only. "
            f'Whoever runs it may set {SETTING} = "on".'
        )
    return address.strip().rstrip("/")


def private_allowed(setting: object, server_address: object) -> bool:
    """Whether private addresses may be called: as the setting says, else only where the app serves its own machine.

    Args:
        setting: Value of THALAMUS_PRIVATE_ADDRESSES, "on" or "off"; anything else leaves it to the server's address.
        server_address: Address that the app listens on; None is every network.

    >>> private_allowed(None, "127.0.0.1"), private_allowed(None, "0.0.0.0"), private_allowed("on", "0.0.0.0")
    (True, False, True)
    """
    if isinstance(setting, str) and setting.strip().lower() in {"on", "off"}:
        return setting.strip().lower() == "on"
    return server_address in {"127.0.0.1", "localhost", "::1"}


def _host(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port  # a port beyond 65535 raises here
    except ValueError:
        host = ""
    if not host:
        raise RequestRefused(
            f"{address[:80]!r} names no host that can be called: give one such as http://127.0.0.1:8000/v1."
        )
    return host


def _resolved(host: str, *, look_up: bool) -> list[IpAddress]:
    """Where a host leads; a name is looked up only where that decides."""
    if (literal := _literal(host)) is not None:
        return [literal]
    if host == "localhost":
        return [ipaddress.ip_address("127.0.0.1")]
    if not look_up:
        return []
    try:
        return [_unwrapped(ipaddress.ip_address(info[4][0])) for info in socket.getaddrinfo(host, None)]
    except OSError:
        return []


def _literal(host: str) -> IpAddress | None:
    """The address that a host spells out, in any form that the name service reads as one (2852039166, 0xa9fea9fe)."""
    try:
        return _unwrapped(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):
        return None


def _unwrapped(ip: IpAddress) -> IpAddress:
    """The IPv4 address within an IPv6 one, where there is one: the call ends there."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip
