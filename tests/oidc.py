"""A tiny OpenID Connect provider on loopback: whoever comes says which of its people they are.

with Provider(ADA, BOB) as provider:
    provider.secrets("http://127.0.0.1:8501")      # the [auth] section that points an app at it
"""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

EMAIL = "ada@example.org"
CLIENT = "thalamus-test"
Claims = dict[str, object]
ADA: Claims = {"sub": "ada-1", "name": "Ada", "email": EMAIL, "email_verified": True}
BOB: Claims = {"sub": "bob-2", "name": "Bob", "email": "bob@example.org", "email_verified": True}


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            self._json(self.server.configuration())
        elif url.path == "/keys":
            self._json({"keys": [self.server.key.as_dict(private=False) | {"alg": "RS256", "use": "sig"}]})
        elif url.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            if len(self.server.people) > 1 and "as" not in asked:
                links = (f'<a href="/authorize?{url.query}&as={n}">{p["name"]}</a>' for n, p in self._numbered())
                self._answer(f"<h1>Who are you?</h1>{' '.join(links)}".encode(), "text/html")
                return
            code = secrets.token_hex(8)
            self.server.given[code] = (self.server.people[int(asked.get("as", 0))], asked.get("nonce", ""))
            self.send_response(302)
            back = urlencode({"code": code, "state": asked["state"]})
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        else:
            self.send_error(404)

    def _numbered(self) -> list[tuple[int, Claims]]:
        return list(enumerate(self.server.people))

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        person, nonce = self.server.given.pop(form["code"][0])
        now = int(time.time())
        claims = {"iss": self.server.url, "aud": CLIENT, "iat": now, "exp": now + 600, "nonce": nonce, **person}
        token = jwt.encode({"alg": "RS256", "kid": self.server.key.kid}, claims, self.server.key)
        self._json({"access_token": "access", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    def _json(self, value: object) -> None:
        self._answer(json.dumps(value).encode(), "application/json")

    def _answer(self, data: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, people: tuple[Claims, ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
        self.people = people
        self.given: dict[str, tuple[Claims, str]] = {}  # by one-time code: who, and the nonce of the app

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def configuration(self) -> dict[str, object]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }


class Provider:
    """Runs the provider in a thread for the length of a ``with`` block; ``people`` may be changed meanwhile."""

    def __init__(self, *people: Claims) -> None:
        self._server = _Server(people or (ADA,))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Its issuer."""
        return self._server.url

    def now_knows(self, *people: Claims) -> None:
        """From now on these people can sign in."""
        self._server.people = people

    def secrets(self, app: str) -> str:
        """What secrets.toml of an app at that address must hold."""
        return (
            f'[auth]\nredirect_uri = "{app}/oauth2callback"\ncookie_secret = "a long random text for tests only"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "not a secret"\n'
            f'server_metadata_url = "{self._server.url}/.well-known/openid-configuration"\n'
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
