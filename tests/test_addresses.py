"""Own addresses: what may be called from one's own machine, and what from a shared deployment."""

import socket

import pytest

from routing.addresses import checked_address, private_allowed
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
