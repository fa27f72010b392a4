"""The HTTP client of the Argus API: credentials, retries, errors."""

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
from argus.cli.addresses import require_encryption
from argus.cli.errors import Misconfigured, NotSignedIn, RequestRejected, Unreachable
from argus.cli.profiles import DEFAULT_PROFILE, Profiles, Session
from argus.cli.retries import with_retries
from argus.cli.sessions import Sessions

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 30.0
PAGE_SIZE = 100
RENEW_BEFORE_SECONDS = 30.0  # a token must stay valid for the whole request


def http_client() -> "httpx.Client":
    """A client without credentials. They are added to the requests that need them."""
    import httpx

    return httpx.Client(timeout=TIMEOUT_SECONDS, headers={"User-Agent": f"argus-cli/{__version__}"})


@dataclass
class Listing:
    """The items of a list. Each page is read when it is needed. At the end, `next_cursor` is set if there are more."""

    api: "Api"
    path: str
    query: Mapping[str, Any]
    limit: int | None
    count: int = 0
    next_cursor: str | None = None

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        while self.limit is None or self.count < self.limit:
            size = PAGE_SIZE if self.limit is None else min(PAGE_SIZE, self.limit - self.count)
            cursor = {"cursor": self.next_cursor} if self.next_cursor else {}
            page = self.api.get(self.path, {**self.query, "limit": size, **cursor})
            self.next_cursor = page["next_cursor"]
            self.count += len(page["items"])
            yield from page["items"]
            if self.next_cursor is None:
                return


@dataclass(frozen=True)
class Api:
    """The API of one server. Thread-safe."""

    url: str
    sessions: Sessions
    http: "httpx.Client" = field(repr=False)  # also for presigned URLs and sign-in: it holds no credentials
    fixed_token: str = field(default="", repr=False)  # ARGUS_TOKEN: never renewed
    key: str = field(default="", repr=False)  # ARGUS_API_KEY: for programs, instead of any token
    responded: threading.Event = field(default_factory=threading.Event, repr=False)  # a response was read
    _renewing: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, url: str, environ: Mapping[str, str] = os.environ, *, profile: str = DEFAULT_PROFILE) -> "Api":
        require_encryption(url)
        token, key = environ.get("ARGUS_TOKEN", ""), environ.get("ARGUS_API_KEY", "")
        if token and key:
            raise Misconfigured("ARGUS_TOKEN and ARGUS_API_KEY are both set. Unset one of them.")
        if not (key.isascii() and key.isprintable()):
            raise Misconfigured("ARGUS_API_KEY contains invalid characters. Copy the key again.")
        sessions = Sessions(Profiles.of(environ).path, profile)
        return cls(url.rstrip("/"), sessions, http_client(), token, key)

    def close(self) -> None:
        self.http.close()

    # ------------------------------------------------------------ calls

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return self._document(self._send("GET", path, query=query))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Create a resource. All attempts send the same Idempotency-Key, so it is created once."""
        return self._document(self._send("POST", path, body=body))

    def delete(self, path: str) -> None:
        self._document(self._send("DELETE", path))

    def public(self, path: str) -> Any:
        """Read a public resource, without credentials."""
        address = f"{self.url}/api/v1{path}"
        return self._document(with_retries(lambda: self.http.get(address), host=self.url))

    def list(self, path: str, query: Mapping[str, Any] | None = None, *, limit: int | None = None) -> "Listing":
        """The first `limit` items of a list, or all."""
        return Listing(self, path, query or {}, limit)

    def _send(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> "httpx.Response":
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}

        def send(credentials: Mapping[str, str]) -> "httpx.Response":
            return with_retries(
                lambda: self.http.request(
                    method,
                    f"{self.url}/api/v1{path}",
                    params=query,
                    json=body,
                    headers={**headers, **credentials},
                ),
                host=self.url,
            )

        if self.key:
            return send({"X-API-Key": self.key})
        token = self.token()
        response = send(_bearer(token))
        if response.status_code == 401 and not self.fixed_token:
            response = send(_bearer(self.token(instead_of=token)))  # the local clock may be wrong about the expiry
        return response

    def _document(self, response: "httpx.Response") -> Any:
        self.responded.set()
        if response.status_code == 204:
            return None
        try:
            document = response.json()
        except ValueError:
            document = None
        if response.status_code == 401:
            if self.key:
                raise NotSignedIn(f"ARGUS_API_KEY is not accepted at {self.url}. {_detail(document)}".rstrip())
            raise self.token_rejected(self.url)
        if response.status_code >= 400:
            raise RequestRejected(document if isinstance(document, dict) else _problem(response))
        if not isinstance(document, dict):
            raise Unreachable(f"{self.url} does not respond like an Argus server. Check the URL.")
        return document

    # ------------------------------------------------------------ credentials

    def token(self, *, instead_of: str = "") -> str:
        """An access token, valid for the next request. Renews it if it is `instead_of`. Raises NotSignedIn."""
        if self.fixed_token:
            return self.fixed_token
        with self._renewing:
            session = self.session()
            if session.access_token == instead_of:
                session = replace(session, expires_at=0.0)
            if session.expires_at < time.time() + RENEW_BEFORE_SECONDS:
                session = cognito.renew(self.http, session)
                self.sessions.renew(self.url, session)
            return session.access_token

    def token_rejected(self, url: str) -> NotSignedIn:
        """The error for a token that a server rejects."""
        if self.fixed_token:
            return NotSignedIn(
                f"ARGUS_TOKEN is not accepted at {url}. Set a valid access token, or unset it and sign in with "
                "`argus login`."
            )
        return NotSignedIn(f"The session is not accepted at {url}. Sign in with `argus login`.")

    def session(self) -> Session:
        session = self.sessions.get(self.url)
        if session is None:
            raise NotSignedIn(
                f"The profile {self.sessions.profile} has no session at {self.url}. "
                "Sign in with `argus login`, or set ARGUS_API_KEY."
            )
        return session


def segment(text: str) -> str:
    """Text from the command line as one segment of a path."""
    return quote(text, safe="")


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _detail(document: object) -> str:
    """The detail of a problem document."""
    return str(document.get("detail", "")) if isinstance(document, dict) else ""


def _problem(response: "httpx.Response") -> dict[str, Any]:
    """The problem for an error page that is not from Argus: from a gateway or a proxy."""
    return {
        "title": response.reason_phrase or "Request rejected",
        "status": response.status_code,
        "detail": f"{response.url.host} responded with HTTP status {response.status_code}.",
        "code": "",
    }
