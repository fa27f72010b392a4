"""Argus over HTTP: who is asking, what is asked again, and what an answer means."""

import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from argus import __version__
from argus.cli import cognito
from argus.cli.addresses import refuse_eavesdroppers
from argus.cli.errors import Misconfigured, NotSignedIn, Refused, Unreachable
from argus.cli.retries import persistently
from argus.cli.sessions import Session, Sessions

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 30.0
PAGE = 100
RENEW_BEFORE_SECONDS = 30.0  # a token must outlive the request it goes with


@dataclass(frozen=True)
class Api:
    """One Argus. Safe to use from several threads."""

    url: str
    sessions: Sessions
    http: "httpx.Client" = field(repr=False)  # also for presigned URLs and sign-in: nothing in it says who is calling
    fixed_token: str = field(default="", repr=False)  # ARGUS_TOKEN: used as it is, never renewed
    key: str = field(default="", repr=False)  # ARGUS_API_KEY: for programs, instead of any token
    answered: threading.Event = field(default_factory=threading.Event, repr=False)  # there is something to misread
    _renewing: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, url: str, environ: Mapping[str, str] = os.environ) -> "Api":
        import httpx

        refuse_eavesdroppers(url)
        http = httpx.Client(timeout=TIMEOUT_SECONDS, headers={"User-Agent": f"argus-cli/{__version__}"})
        token, key = environ.get("ARGUS_TOKEN", ""), environ.get("ARGUS_API_KEY", "")
        if token and key:
            raise Misconfigured("ARGUS_TOKEN and ARGUS_API_KEY are both set; say with one of them who is calling")
        if not (key.isascii() and key.isprintable()):
            raise Misconfigured("ARGUS_API_KEY holds characters that no key has")
        return cls(url.rstrip("/"), Sessions.of(environ), http, token, key)

    def close(self) -> None:
        self.http.close()

    # ------------------------------------------------------------ calls

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return self._document(self._send("GET", path, query=query))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Create something, once: every attempt carries the same Idempotency-Key."""
        return self._document(self._send("POST", path, body=body))

    def delete(self, path: str) -> None:
        self._document(self._send("DELETE", path))

    def public(self, path: str) -> Any:
        """Ask what needs no token."""
        address = f"{self.url}/api/v1{path}"
        return self._document(persistently(lambda: self.http.get(address), where=self.url))

    def pages(self, path: str, query: Mapping[str, Any], *, limit: int | None) -> tuple[list[Any], str | None]:
        """The first `limit` items of a list, or all, and the cursor of what follows."""
        items: list[Any] = []
        cursor = None
        while limit is None or len(items) < limit:
            size = PAGE if limit is None else min(PAGE, limit - len(items))
            page = self.get(path, {**query, "limit": size, **({"cursor": cursor} if cursor else {})})
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return items, cursor

    def newest(self, path: str) -> Iterator[Mapping[str, Any]]:
        """A list from its newest item back, page by page."""
        cursor = None
        while True:
            page = self.get(path, {"limit": PAGE, **({"cursor": cursor} if cursor else {})})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _send(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> "httpx.Response":
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}

        def send(credentials: Mapping[str, str]) -> "httpx.Response":
            return persistently(
                lambda: self.http.request(
                    method,
                    f"{self.url}/api/v1{path}",
                    params=query,
                    json=body,
                    headers={**headers, **credentials},
                ),
                where=self.url,
            )

        if self.key:
            return send({"X-API-Key": self.key})
        token = self.token()
        response = send(_bearer(token))
        if response.status_code == 401 and not self.fixed_token:
            response = send(_bearer(self.token(instead_of=token)))  # our clock may be wrong about when a token ends
        return response

    def _document(self, response: "httpx.Response") -> Any:
        self.answered.set()
        if response.status_code == 204:
            return None
        try:
            document = response.json()
        except ValueError:
            document = None
        if response.status_code == 401:
            if self.key:
                raise NotSignedIn(f"ARGUS_API_KEY is not accepted at {self.url}: {_detail(document)}")
            what = "ARGUS_TOKEN is not accepted" if self.fixed_token else "the session is not accepted"
            raise NotSignedIn(f"{what} at {self.url}; sign in with `argus login`")
        if response.status_code >= 400:
            raise Refused(document if isinstance(document, dict) else _problem(response))
        if not isinstance(document, dict):
            raise Unreachable(f"{self.url} does not answer as Argus does")
        return document

    # ------------------------------------------------------------ who is asking

    def token(self, *, instead_of: str = "") -> str:
        """An access token that is good for a while; another one than `instead_of`. Raises NotSignedIn."""
        if self.fixed_token:
            return self.fixed_token
        with self._renewing:
            session = self.session()
            if session.access_token == instead_of:
                session = replace(session, expires_at=0.0)
            if session.expires_at < time.time() + RENEW_BEFORE_SECONDS:
                session = cognito.renewed(self.http, session)
                self.sessions.put(self.url, session)
            return session.access_token

    def session(self) -> Session:
        session = self.sessions.get(self.url)
        if session is None:
            raise NotSignedIn(f"sign in to {self.url} with `argus login`, or set ARGUS_API_KEY")
        return session


def segment(text: str) -> str:
    """One part of a path, whatever a person typed."""
    return quote(text, safe="")


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _detail(document: object) -> str:
    """Why, in Argus's words, if they are Argus's."""
    return str(document.get("detail", "")) if isinstance(document, dict) else ""


def _problem(response: "httpx.Response") -> dict[str, Any]:
    """What to say of an error page that is not Argus's: a gateway's, a proxy's."""
    return {
        "title": response.reason_phrase or "Refused",
        "status": response.status_code,
        "detail": f"HTTP {response.status_code} from {response.url.host}",
        "code": "",
    }
