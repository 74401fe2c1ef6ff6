"""Own addresses: which may be called, checked when they are given and again when a connection is made.

A page must not become a way into the network that its server stands in, and least of all to the address under which
clouds keep their credentials.
"""

import ipaddress
import re
import socket
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import idna

from routing.errors import RequestRefused

SETTING: Final = "THALAMUS_PRIVATE_ADDRESSES"
_FORM: Final = re.compile(r"https?://[^\s?#@/\\]+(/[^\s?#@]*)?", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_PORTS: Final = {"http": 80, "https": 443}
_LONGEST_NAME: Final = 253  # RFC 1035, without the dot at the end

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Called by nobody, whatever the setting: what each is, and where.
NEVER: Final[tuple[tuple[str, tuple[Network, ...]], ...]] = (
    ("a link-local address", (ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("fe80::/10"))),
    (
        "the address of a cloud's metadata",
        tuple(
            map(
                ipaddress.ip_network,
                ("168.63.129.16", "100.100.100.200", "192.0.0.0/24", "fd00:ec2::/32", "fd20:ce::254", "fd00:42::42"),
            )
        ),
    ),
    ("a multicast address", (ipaddress.ip_network("224.0.0.0/4"), ipaddress.ip_network("ff00::/8"))),
    ("no single address (this machine is 127.0.0.1)", tuple(map(ipaddress.ip_network, ("0.0.0.0/8", "::/128")))),
    ("a reserved address", tuple(map(ipaddress.ip_network, ("240.0.0.0/4", "100::/64")))),
)
# Not of the internet, though Python's list of private networks lacks them: site-local, examples, segment routing.
_NOT_PUBLIC: Final = tuple(map(ipaddress.IPv6Network, ("fec0::/10", "3fff::/20", "5f00::/16")))
# IPv6 networks that carry an IPv4 address, and how many bits lie behind it: the call ends there.
_CARRIERS: Final = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),  # translated, RFC 2765
    (ipaddress.IPv6Network("::/96"), 0),  # compatible
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (ipaddress.IPv6Network("64:ff9b:1::/96"), 0),  # NAT64 of one's own network, RFC 8215
    (ipaddress.IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)
# Here an IPv4 address may stand in any of five places (RFC 6052), so that nobody can tell where a call ends.
_UNCLEAR: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})  # before an IPv4 address at the end, RFC 5214


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
    if any(one.version == 6 and one in _UNCLEAR for one in ends):
        return "leads through a translation of which nobody can tell where it ends, which is never called."
    for one in ends:
        for what, networks in NEVER:
            if _is_listed(one, networks):
                return f"is {what}, which is never called. Give another address."
    if not allow_private and not all(one.is_global and not _is_listed(one, _NOT_PUBLIC) for one in ends):
        return (
            "lies in a private network, and this deployment calls public addresses only. "
            f'Whoever runs it may set {SETTING} = "on".'
        )
    return None


def _is_listed(ip: IpAddress, networks: Iterable[Network]) -> bool:
    return any(ip in network for network in networks if network.version == ip.version)


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


@dataclass(slots=True)
class _Destination:
    """Where the connections of the present call may lead.

    Args:
        host: The only name that is looked up, a proxy's aside; None for the provider's own.
        port: The only port that is dialled; None for any.
        allow_private: Whether this machine and its private network may be called.
        proxies: Hosts and ports of the proxies that the environment names.
        proxy: The one of them that was looked up last and is dialled next.
    """

    host: str | None
    port: int | None
    allow_private: bool
    proxies: Mapping[str, int]
    proxy: str | None = None


_destination: ContextVar[_Destination | None] = ContextVar("destination", default=None)


@contextmanager
def connecting_to(address: str | None, *, allow_private: bool) -> Iterator[None]:
    """While this lasts, connections of this thread are checked as they are made, whichever library makes them.

    The name service is asked between check and call once more, and may then say something else; a server may redirect.
    So what is really looked up and dialled is looked at, by hooks of the interpreter: only the host of the address is
    looked up, only its port is dialled, and never what ``refusal`` refuses. A proxy that the environment names may be
    dialled wherever it stands: whoever runs the app trusts it, and it looks names up by itself.

    Args:
        address: As it was checked; None for the provider's own, of which only ``NEVER`` is refused.
        allow_private: Whether this machine and its private network may be called.
    """
    _watch_connections()
    host, port = None, None
    if address is not None:
        parts = urlsplit(address)
        host, port = _plain_host(_host(address)), parts.port or _PORTS[parts.scheme.lower()]
    wanted = _Destination(host, port, allow_private or address is None, dict(_proxies()))
    token = _destination.set(wanted)
    try:
        yield
    finally:
        _destination.reset(token)


def proxy_of(url: str) -> str | None:
    """The proxy through which an address is called, as the environment says; this machine is called directly.

    Args:
        url: Where the call goes.
    """
    parts = urlsplit(url)
    literal = _literal(parts.hostname or "")
    if parts.hostname == "localhost" or (literal is not None and literal.is_loopback):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _proxies() -> Iterator[tuple[str, int]]:
    for name, proxy in getproxies().items():
        if name in {"http", "https", "all"} and proxy:
            with suppress(ValueError):
                parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
                yield _plain_host(parts.hostname or ""), parts.port or _PORTS.get(parts.scheme.lower(), 1080)


@cache
def _watch_connections() -> None:
    """Look at every connection of this process from now on; a hook of the interpreter cannot be taken off again."""
    sys.addaudithook(_look)


def _look(event: str, args: tuple[object, ...]) -> None:
    if event not in {"socket.connect", "socket.getaddrinfo"}:
        return
    wanted = _destination.get()
    if wanted is None:
        return
    if event == "socket.getaddrinfo":
        _look_up(wanted, args[0])
    elif isinstance(target := args[1], tuple) and len(target) >= 2:  # no file of this machine
        _dial(wanted, str(target[0]), target[1])


def _look_up(wanted: _Destination, asked: object) -> None:
    host = _plain_host(asked.decode("ascii", "replace") if isinstance(asked, bytes) else str(asked))
    wanted.proxy = host if host in wanted.proxies and host != wanted.host else None
    if wanted.proxy is None and wanted.host not in {None, host}:
        raise AddressRefused(
            f"The call leads to {host[:80]!r} instead of {wanted.host!r}: what was not checked is not called."
        )


def _dial(wanted: _Destination, host: str, port: object) -> None:
    ip = _literal(host.split("%", 1)[0])
    if ip is None:
        raise AddressRefused(f"{host[:80]!r} was not looked up before it was called, so it is not called.")
    is_proxy = wanted.proxy is not None
    if (why := refusal(ip, allow_private=wanted.allow_private or is_proxy)) is not None:
        raise AddressRefused(f"The call leads to {ip}, which {why}")
    expected = wanted.proxies[wanted.proxy] if wanted.proxy is not None else wanted.port
    if expected is not None and port != expected:
        raise AddressRefused(f"The call leads to port {port} instead of {expected}: such redirects are not followed.")


def _plain_host(host: str) -> str:
    """A host in the one form in which two of them can be compared."""
    host = host.lower().removesuffix(".")
    literal = _literal(host.split("%", 1)[0])
    return host if literal is None else str(literal)


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
    if (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP:
        carried += [ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)]
        return (ip, *carried)
    return tuple(carried) or (ip,)
