"""Own addresses: what may be called from one's own machine, and what from a shared deployment."""

import ipaddress
import os
import socket
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.addresses import AddressRefused, checked_address, connecting_to, private_allowed, proxy_of, refusal
from routing.errors import RequestRefused


@pytest.fixture
def names(monkeypatch):
    """A name service that knows two names."""
    known = {"public.example": "93.184.215.14", "inside.example": "10.0.0.7", "meta.example": "169.254.169.254"}

    def look_up(host, port):
        if host not in known:
            raise socket.gaierror
        return [(2, 1, 6, "", (known[host], 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000/v1", "http://[::1]:80", "https://10.1.2.3/v1", "http://localhost:1"]
)
def test_private_addresses_are_for_ones_own_machine(address):
    assert checked_address(address) == address
    with pytest.raises(RequestRefused, match=r"lies in a private network.*THALAMUS_PRIVATE_ADDRESSES"):
        checked_address(address, allow_private=False)


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest",
        "http://169.254.169.254./latest",
        "http://2852039166/latest",
        "http://0xa9fea9fe/latest",
        "http://[::ffff:169.254.169.254]/latest",
        "http://[64:ff9b::a9fe:a9fe]/latest",
        "http://[fe80::1]/v1",
    ],
)
@pytest.mark.parametrize("allow_private", [True, False])
def test_link_local_addresses_are_never_called(address, allow_private):
    with pytest.raises(RequestRefused, match="link-local address, which is never called"):
        checked_address(address, allow_private=allow_private)


def test_a_name_that_leads_inside_is_refused_where_only_public_ones_are_called(names):
    assert checked_address("https://public.example/v1/", allow_private=False) == "https://public.example/v1"
    with pytest.raises(RequestRefused, match=r"'inside.example' lies in a private network"):
        checked_address("https://inside.example/v1", allow_private=False)
    with pytest.raises(RequestRefused, match="link-local"):
        checked_address("https://meta.example/v1", allow_private=False)
    with pytest.raises(RequestRefused, match=r"'nobody.example' is not known to the name service"):
        checked_address("https://nobody.example/v1", allow_private=False)


@pytest.mark.parametrize(
    "address", ["ftp://a", "file:///etc/passwd", "http://u:p@h/v1", "http://a/v1?key=x", "", "http://a:99999/v1"]
)
def test_what_is_no_address_is_refused_without_repeating_a_password(address):
    with pytest.raises(RequestRefused, match="can be called") as caught:
        checked_address(address)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "server", "expected"),
    [
        (None, "127.0.0.1", True),
        (None, "192.168.1.5", False),
        (None, None, False),
        ("on", None, True),
        ("off", "127.0.0.1", False),
        (7, "localhost", True),
    ],
)
def test_the_setting_decides_and_else_whom_the_app_serves(setting, server, expected):
    assert private_allowed(setting, server) is expected


@pytest.mark.parametrize(
    ("ip", "what"),
    [
        ("169.254.170.2", "a link-local address"),
        ("fe80::1", "a link-local address"),
        ("168.63.129.16", "the address of a cloud's metadata"),
        ("100.100.100.200", "the address of a cloud's metadata"),
        ("192.0.0.192", "the address of a cloud's metadata"),
        ("fd00:ec2::254", "the address of a cloud's metadata"),
        ("fd20:ce::254", "the address of a cloud's metadata"),
        ("fd00:42::42", "the address of a cloud's metadata"),
        ("224.0.0.1", "a multicast address"),
        ("ff02::1", "a multicast address"),
        ("0.0.0.0", "no single address"),  # noqa: S104
        ("::", "no single address"),
        ("255.255.255.255", "a reserved address"),
        # the same inside of IPv6 addresses that carry an IPv4 one
        ("::ffff:169.254.169.254", "a link-local address"),
        ("::ffff:0:a9fe:a9fe", "a link-local address"),
        ("::169.254.169.254", "a link-local address"),
        ("64:ff9b::a83f:8110", "the address of a cloud's metadata"),
        ("64:ff9b:1::a9fe:a9fe", "a link-local address"),
        ("2002:a9fe:a9fe::1", "a link-local address"),
        ("2001:0:5db8:d822::5601:5601", "a link-local address"),
        ("2600::5efe:a9fe:a9fe", "a link-local address"),
        ("2600::200:5efe:a9fe:a9fe", "a link-local address"),
    ],
)
@pytest.mark.parametrize("allow_private", [True, False])
def test_some_addresses_are_never_called(ip, what, allow_private):
    assert refusal(ipaddress.ip_address(ip), allow_private=allow_private).startswith(f"is {what}")


@pytest.mark.parametrize("ip", ["10.0.0.1", "172.20.1.1", "192.168.0.9", "100.64.0.1", "127.8.8.8", "::1", "fd12::1",
                                "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::c0a8:1", "64:ff9b:1::a00:1", "fec0::1",
                                "3fff::1", "2600::5efe:a00:1"])  # fmt: skip
def test_private_ranges_go_by_the_setting(ip):
    assert refusal(ipaddress.ip_address(ip), allow_private=True) is None
    assert "private network" in refusal(ipaddress.ip_address(ip), allow_private=False)


@pytest.mark.parametrize("ip", ["64:ff9b:1:64:64:64c8::", "64:ff9b:1:a9:fea9:fe00::", "64:ff9b:1:0:64:6464:c800:0"])
def test_a_translation_that_may_end_anywhere_is_never_called(ip):
    assert "nobody can tell where it ends" in refusal(ipaddress.ip_address(ip), allow_private=True)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_form(ip):
    forms = [ipaddress.ip_address(f"::ffff:{ip}"), ipaddress.ip_address((0x2002 << 112) | (int(ip) << 80)),
             ipaddress.ip_address(int(ipaddress.ip_address("64:ff9b::")) | int(ip))]  # fmt: skip
    for allow_private in (True, False):
        assert len({refusal(one, allow_private=allow_private) for one in (ip, *forms)}) == 1


@pytest.mark.parametrize(
    "host",
    ["a" * 64 + ".example", "a..b", ".a", "-a.example", "a-.example", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
     "\uff11\uff12\uff17.0.0.1",
     ".".join(["a" * 60] * 5), "a b.example", "[::1", "[fe80::zz]", "x\u00ad.example", "a%2eb"],
)  # fmt: skip
@pytest.mark.parametrize("allow_private", [True, False])
def test_a_bad_name_gets_a_sentence(host, allow_private, names):
    with pytest.raises(RequestRefused, match=r"can be called|cannot be called|is not known|is no name"):
        checked_address(f"http://{host}/v1", allow_private=allow_private)


def test_names_of_other_scripts_and_of_ones_own_network_are_names():
    for host in ("münchen.example", "例え.example", "my_server", "model-1.lan.", "xn--mnchen-3ya.example"):
        assert checked_address(f"http://{host}:8000/v1") == f"http://{host}:8000/v1"


@pytest.fixture
def no_proxies(monkeypatch):
    """An environment that names no proxy."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server():
    """A port of this machine that counts who connects."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        came = []

        def listen():
            try:
                while True:
                    connection, who = listening.accept()
                    connection.close()
                    came.append(who)
            except OSError:
                return

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield listening.getsockname()[1], came


def dial(target):
    """A connection to an address that is not looked up first."""
    with socket.socket() as bare:
        bare.settimeout(2)
        bare.connect(target)


def test_a_connection_is_checked_when_it_is_made(server, no_proxies):
    port, came = server
    with connecting_to(f"http://127.0.0.1:{port}/v1", allow_private=True):
        socket.create_connection(("127.0.0.1", port)).close()
    for address, allow_private, target, message in [
        (f"http://models.example:{port}", False, ("127.0.0.1", port), "lies in a private network"),
        (f"http://127.0.0.1:{port}", True, ("127.0.0.1", port + 1 if port < 65535 else port - 1), "leads to port"),
        (f"http://127.0.0.1:{port}", True, ("169.254.169.254", port), "link-local address, which is never called"),
        (None, True, ("169.254.169.254", 80), "link-local address, which is never called"),
        ("http://127.0.0.1", True, ("localhost", port), "was not looked up"),
    ]:
        with connecting_to(address, allow_private=allow_private), pytest.raises(AddressRefused, match=message):
            dial(target)
    dial(("127.0.0.1", port))  # what is no call is not looked at
    assert len(came) <= 2


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("http://Models.Example:80/v1", "models.example."),
        ("http://bücher.example", "xn--bcher-kva.example"),
        ("http://0x7f.1:80", "127.0.0.1"),
        ("http://[::FFFF:1.1.1.1]:80", "::ffff:101:101"),
        (None, "anybody.example"),
    ],
)
def test_only_the_host_of_the_address_is_looked_up(address, asked, no_proxies):
    with connecting_to(address, allow_private=True):
        sys.audit("socket.getaddrinfo", asked, 80, 0, 0, 0)
        if address is not None:
            for other in ("metadata.google.internal", "127.0.0.2", b"other.example"):
                with pytest.raises(AddressRefused, match=r"instead of .* what was not checked is not called"):
                    socket.getaddrinfo(other, 80)


def test_a_proxy_may_stand_inside_and_nothing_else(monkeypatch, no_proxies):
    monkeypatch.setenv("https_proxy", "proxy.corp.example:3128")
    with connecting_to("https://models.example/v1", allow_private=False):
        sys.audit("socket.getaddrinfo", "proxy.corp.example", 3128, 0, 0, 0)
        sys.audit("socket.connect", None, ("10.0.0.7", 3128))
        for target, message in [(("10.0.0.7", 443), "leads to port"), (("169.254.169.254", 3128), "link-local")]:
            with pytest.raises(AddressRefused, match=message):
                sys.audit("socket.connect", None, target)
        sys.audit("socket.getaddrinfo", "models.example", 443, 0, 0, 0)
        with pytest.raises(AddressRefused, match="private network"):
            sys.audit("socket.connect", None, ("10.0.0.7", 443))
    assert proxy_of("https://models.example/v1") == "http://proxy.corp.example:3128"
    assert proxy_of("http://models.example/v1") is None
    monkeypatch.setenv("http_proxy", "http://10.1.1.1:80")
    monkeypatch.setenv("no_proxy", "corp.example")
    assert proxy_of("http://models.example/v1") == "http://10.1.1.1:80"
    for here in ("http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:8000/v1", "https://a.corp.example"):
        assert proxy_of(here) is None
