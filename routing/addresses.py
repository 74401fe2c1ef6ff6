"""Own addresses: which may be called, checked when they are given and again when a connection is made.

A page must not become a way into the network that its server stands in, and least of all to the address under which
clouds keep their credentials.
"""

import ipaddress
import re
import socket
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies

import idna

from routing.errors import RequestRefused

SETTING: Final = "THALAMUS_PRIVATE_ADDRESSES"
_FORM: Final = re.compile(r"https?://[^\s?#@/\\]+(/[^\s?#@]*)?", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_LONGEST_NAME: Final = 253  # RFC 1035, without the dot at the end

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Called by nobody, whatever the setting: what each is, and where.
NEVER: Final[tuple[tuple[str, tuple[Network, ...]], ...]] = (
    ("a link-local address", (ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("fe80::/10"))),
    (
        "the address of a cloud's metadata",
        tuple(map(ipaddress.ip_network, ("168.63.129.16", "100.100.100.200", "192.0.0.0/24", "fd00:ec2::/32"))),
    ),
    ("a multicast address", (ipaddress.ip_network("224.0.0.0/4"), ipaddress.ip_network("ff00::/8"))),
    ("no single address (this machine is 127.0.0.1)", tuple(map(ipaddress.ip_network, ("0.0.0.0/8", "::/128")))),
    ("a reserved address", tuple(map(ipaddress.ip_network, ("240.0.0.0/4", "100::/64")))),
)
# IPv6 networks that carry an IPv4 address, and how many bits lie behind it: the call ends there.
_CARRIERS: Final = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),  # translated, RFC 2765
    (ipaddress.IPv6Network("::/96"), 0),  # compatible
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),  # NAT64 of one's own network, RFC 8215
    (ipaddress.IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)


class AddressRefused(OSError):
    """A connection that was about to be made leads where calls are not allowed; the text is for a person."""


def checked_address(address: str, *, allow_private: bool = True) -> str:
    """The address without a trailing slash.

    Args:
        address: As typed.
        allow_private: Whether this machine and its private network may be called. The addresses of ``NEVER`` never may.

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
    if not found and not allow_private:
        raise RequestRefused(
            f"{host!r} is not known to the name service, and this deployment calls public addresses only. "
            f'Whoever runs it may set {SETTING} = "on".'
        )
    for ip in found:
        if (why := refusal(ip, allow_private=allow_private)) is not None:
            raise RequestRefused(f"{host!r} {why}")
    return address.strip().rstrip("/")


def refusal(ip: IpAddress, *, allow_private: bool) -> str | None:
    """Why an address is not called, as the end of a sentence; None where it may be.

    Args:
        ip: Where the call would end, or an IPv6 address that carries it.
        allow_private: Whether this machine and its private network may be called.
    """
    ends = _unwrapped(ip)
    for one in ends:
        for what, networks in NEVER:
            if any(one in network for network in networks if network.version == one.version):
                return f"is {what}, which is never called. Give another address."
    if not allow_private and not all(one.is_global for one in ends):
        return (
            "lies in a private network, and this deployment calls public addresses only. "
            f'Whoever runs it may set {SETTING} = "on".'
        )
    return None


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


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where the connections of the present call may lead: None stands for any port."""

    port: int | None
    allow_private: bool
    is_stated: bool


_destination: ContextVar[_Destination | None] = ContextVar("destination", default=None)


@contextmanager
def connecting_to(address: str | None, *, allow_private: bool) -> Iterator[None]:
    """While this lasts, connections of this thread are checked as they are made, whichever library makes them.

    The name service is asked between check and call once more, and may then say something else; a server may redirect.
    So the address that is really dialled is looked at, by a hook on ``socket.connect``: addresses of ``NEVER`` and,
    unless allowed, private ones are refused with AddressRefused, and every port but the one of the address.

    Args:
        address: As it was checked; None for the provider's own, of which only ``NEVER`` is refused.
        allow_private: Whether this machine and its private network may be called.
    """
    _watch_connections()
    port = None
    if address is not None and not getproxies():  # through a proxy only the proxy is dialled
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    token = _destination.set(_Destination(port, allow_private or address is None, address is not None))
    try:
        yield
    finally:
        _destination.reset(token)


def is_stated() -> bool:
    """Whether the present call goes to an address that somebody stated, and not to the provider's own."""
    wanted = _destination.get()
    return wanted is not None and wanted.is_stated


@cache
def _watch_connections() -> None:
    """Look at every connection of this process from now on; a hook of the interpreter cannot be taken off again."""
    sys.addaudithook(_look)


def _look(event: str, args: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    wanted = _destination.get()
    target = args[1]
    if wanted is None or not isinstance(target, tuple) or len(target) < 2:
        return
    host, port = str(target[0]), target[1]
    ip = _literal(host.split("%", 1)[0])
    if ip is None:
        raise AddressRefused(f"{host[:80]!r} was not looked up before it was called, so it is not called.")
    if (why := refusal(ip, allow_private=wanted.allow_private)) is not None:
        raise AddressRefused(f"The call leads to {ip}, which {why}")
    if wanted.port is not None and port != wanted.port:
        raise AddressRefused(
            f"The call leads to port {port} instead of {wanted.port}: such redirects are not followed."
        )


def _host(address: str) -> str:
    """The host of an address, in the form that the name service is asked for."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        port = parts.port  # beyond 65535 raises here
    except ValueError:
        host, port = "", None
    if not host or port == 0:
        raise RequestRefused(
            f"{address[:80]!r} names no host that can be called: give one such as http://127.0.0.1:8000/v1."
        )
    if ":" in host:  # IPv6, in brackets
        if _literal(host.split("%", 1)[0]) is None:
            raise RequestRefused(f"{host[:80]!r} is no IPv6 address that can be called. Mend it.")
        return host.split("%", 1)[0]
    return _checked_name(host)


def _checked_name(host: str) -> str:
    """A name of the name service or an IPv4 address in digits."""
    if unicodedata.normalize("NFKC", host) != host:
        raise RequestRefused(
            f"{host[:80]!r} holds characters that stand for others, so it cannot be called. Write it in plain letters."
        )
    try:
        plain = host if host.isascii() else idna.encode(host).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        plain = ""
    plain = plain.removesuffix(".")
    labels = plain.split(".")
    if not plain or len(plain) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise RequestRefused(
            f"{host[:80]!r} is no name that can be called: its parts are 1 to 63 letters, digits or dashes, "
            f"{_LONGEST_NAME} characters in all. Mend it."
        )
    return plain


def _resolved(host: str, *, look_up: bool) -> list[IpAddress]:
    """Where a host leads; a name is looked up only where that decides."""
    if (literal := _literal(host)) is not None:
        return [literal]
    if host.lower() == "localhost":
        return [ipaddress.ip_address("127.0.0.1")]
    if not look_up:
        return []
    try:
        return [ipaddress.ip_address(str(info[4][0]).split("%", 1)[0]) for info in socket.getaddrinfo(host, None)]
    except (OSError, UnicodeError):
        return []


def _literal(host: str) -> IpAddress | None:
    """The address that a host spells out, in any form that the name service reads as one (2852039166, 0xa9fea9fe)."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):
        return None


def _unwrapped(ip: IpAddress) -> tuple[IpAddress, ...]:
    """The addresses at which a call may end: those that an IPv6 address carries, else the address itself."""
    if isinstance(ip, ipaddress.IPv4Address) or ip in {ipaddress.IPv6Address("::1"), ipaddress.IPv6Address("::")}:
        return (ip,)
    if ip.teredo is not None:
        return ip.teredo
    carried = [
        ipaddress.IPv4Address((int(ip) >> behind) & 0xFFFFFFFF) for network, behind in _CARRIERS if ip in network
    ]
    return tuple(carried) or (ip,)
