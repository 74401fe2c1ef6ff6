"""What every answer of the server tells the browser to refuse, so that text of strangers cannot reach out of a page."""

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import streamlit as st

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
_INDEX: Final = Path(st.__file__).parent / "static" / "index.html"
_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def content_security_policy(index: str | None = None) -> str:
    """The policy that Streamlit, its tables and Plotly's charts work under, and nothing beyond.

    Args:
        index: The page that Streamlit serves; its own scripts in it are allowed by their hash.
    """
    text = _INDEX.read_text(encoding="utf-8") if index is None else index
    hashes = [f"'sha256-{b64encode(sha256(s.encode()).digest()).decode()}'" for s in _INLINE.findall(text)]
    return "; ".join(
        [
            "default-src 'none'",
            # Streamlit counts in 64 bits by WebAssembly; that lets no text be run as a script.
            " ".join(["script-src 'self' 'wasm-unsafe-eval'", *hashes]),
            "style-src 'self' 'unsafe-inline'",  # Streamlit writes its styles into the page
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "media-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


class Headers:
    """Middleware that adds them; what a proxy in front sets counts beside them.

    Args:
        app: What answers.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app
        told = {
            "content-security-policy": content_security_policy(),
            "x-frame-options": "DENY",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",  # a link may hold a prompt
            "cross-origin-opener-policy": "same-origin",
        }
        self._headers = [(name.encode(), value.encode()) for name, value in told.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def with_headers(message: Scope) -> None:
            if message["type"] == "http.response.start":
                mine = {name for name, _ in self._headers}
                others = [pair for pair in message.get("headers", ()) if pair[0].lower() not in mine]
                message["headers"] = [*others, *self._headers]
            await send(message)

        await self._app(scope, receive, with_headers)
