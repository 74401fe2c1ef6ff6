"""What the tests of answers share: experts behind the loopback server, keys for them, and short calls."""

import time
from collections.abc import Callable

from routing.answer import answers, same_request
from routing.answer.client import Settings
from routing.keys import KeyRing, endpoint_key_name
from routing.schema import Answer, Expert
from tests.loopback import Loopback

KEY = "sk-test-0123456789abcdefghijklmnop"
FAST = Settings(max_tokens=50, timeout_s=8.0, retries=0)


def expert(name: str, *, title: str | None = None, price: float | None = None) -> Expert:
    return Expert(
        name=name,
        title=title or name.title(),
        provider="Loopback",
        litellm=f"openai/{name}",
        params_b=None,
        active_b=None,
        released=None,
        open_weights=None,
        licence="none",
        context_tokens=4096,
        price_in_usd_per_mtok=price,
        price_out_usd_per_mtok=price,
        price_source="a test",
        price_date=None,
        security_tier=3,
    )


def ring(server: Loopback, *names: str) -> KeyRing:
    return KeyRing(
        session={endpoint_key_name(n): KEY for n in names}, environ={}, endpoints=dict.fromkeys(names, server.url)
    )


def one(server: Loopback, name: str, settings: Settings = FAST, prompt: str = "What is new?") -> Answer:
    return answers(same_request([expert(name)], prompt, settings), keys=ring(server, name))[0]


def eventually(claim: Callable[[], object], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.05)
