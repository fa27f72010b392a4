"""The smoke test: user signs in, listens, uploads an image, scans it and fetches a report, as anybody would.

The person is made for it and removed after it, and so is the image. What the API has no way to remove stays: an
organisation that nobody can enter, with one scan, its findings and one report.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from argus.cli import cognito
from argus.cli.api import TIMEOUT_SECONDS, Api
from argus.cli.sessions import Sessions
from argus.core.errors import ArgusError
from tests.scenes.flir import flir_scene

SECONDS = 120  # for each thing that is waited for: cold starts, and a queue between each two of them
OPEN_SECONDS = 60  # for a WebSocket: API Gateway answers when the function has
_PAUSE_SECONDS = 0.5
_OVER = frozenset({"ready", "rejected", "succeeded", "failed", "cancelled"})


class SmokeFailed(ArgusError):
    """What was deployed does not do what it is for."""


@dataclass(frozen=True)
class SmokeUsers:
    """The user pool."""

    cognito: Any  # boto3's client
    pool_id: str
    client_id: str
    sign_in_url: str

    @contextmanager
    def user(self) -> Iterator[str]:
        """An access token of a person who exists only within."""
        name = f"smoke-{secrets.token_hex(8)}@argus.invalid"
        password = f"Aa1{secrets.token_urlsafe(24)}"
        self.cognito.admin_create_user(
            UserPoolId=self.pool_id,
            Username=name,
            UserAttributes=[{"Name": "email", "Value": name}],
            MessageAction="SUPPRESS",
        )
        try:
            self.cognito.admin_set_user_password(
                UserPoolId=self.pool_id, Username=name, Password=password, Permanent=True
            )
            with httpx.Client(timeout=TIMEOUT_SECONDS) as http:
                yield cognito.sign_in(
                    http, endpoint=self.sign_in_url, client_id=self.client_id, user=name, password=password
                ).access_token
        finally:
            self.cognito.admin_delete_user(UserPoolId=self.pool_id, Username=name)


def prove(url: str, users: SmokeUsers, say: Callable[[str], None]) -> None:
    """Go the whole way once. Raises SmokeFailed, or what the command line raises when it cannot go on."""
    with httpx.Client(timeout=TIMEOUT_SECONDS) as http:
        for path in ("/health", "/ready"):
            _wait_for(http, url + path)
            say(f"{path} answers 200")
        with users.user() as token:
            _go_the_way(Api(url, Sessions(Path("unused")), http, fixed_token=token), say)


def _wait_for(http: httpx.Client, address: str) -> None:
    """A name that is new is not known everywhere at once, nor is a stage of API Gateway. Raises SmokeFailed."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            response = http.get(address)
        except httpx.TransportError as error:
            what = str(error)
        else:
            if response.status_code == 200:
                return
            what = f"{response.status_code}: {response.text[:500]}"
        if time.monotonic() > deadline:
            raise SmokeFailed(f"{address} answers {what}")
        time.sleep(_PAUSE_SECONDS)


def _go_the_way(api: Api, say: Callable[[str], None]) -> None:
    me = api.get("/me")
    say(f"signed in, {me['role']} of {me['organisation']['id']}")
    with _listening(me["socket_url"], api.fixed_token) as heard:
        image = _upload(api)
        try:
            say(f"image {image['id']} ready: {image['stats']['min_c']:.1f} to {image['stats']['max_c']:.1f} °C")
            scan = _scan(api, image["id"])
            say(f"scan {scan['id']} found {sum(scan['counts'].values())}")
            say(f"report of {_report(api, scan)} findings")
            _hear(heard, image["id"])
            say("told of the image over a WebSocket")
        finally:
            api.delete(f"/images/{image['id']}")


@contextmanager
def _listening(url: str, token: str) -> Iterator[ClientConnection]:
    """A WebSocket that is told what happens, and keeps it until user asks. Raises SmokeFailed."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        # No bound: a full queue stops reading, pongs too, and a line without pongs is given up.
        socket = connect(url, additional_headers=headers, open_timeout=OPEN_SECONDS, max_queue=None)
    except (WebSocketException, OSError) as error:
        raise SmokeFailed(f"nobody can listen at {url}: {error}") from error
    with socket:
        yield socket


def _hear(socket: ClientConnection, image_id: str) -> None:
    """See that user has told of the image since we listen, or wait until user does. Raises SmokeFailed."""
    deadline = time.monotonic() + SECONDS
    try:
        while json.loads(socket.recv(timeout=deadline - time.monotonic())).get("id") != image_id:
            continue
    except TimeoutError as error:
        raise SmokeFailed(f"nobody told of {image_id} within {SECONDS} s after all that was asked was done") from error
    except WebSocketException as error:
        raise SmokeFailed(f"nobody told of {image_id} before the WebSocket broke: {error}") from error


def _upload(api: Api) -> Mapping[str, Any]:
    data, _ = flir_scene(seed=1)
    wanted = {"name": "smoke-test.jpg", "size": len(data), "content_type": "image/jpeg"}
    (place,) = api.post("/uploads", {"files": [wanted]})["items"]
    upload = place["upload"]
    sent = api.http.request(upload["method"], upload["url"], data=upload["fields"], files={"file": ("file", data)})
    if not sent.is_success:
        raise SmokeFailed(f"S3 answers {sent.status_code} to an upload: {sent.text[:500]}")
    return _finished(api, f"/images/{place['image_id']}", wanted="ready")


def _scan(api: Api, image_id: str) -> Mapping[str, Any]:
    asked = {"target": {"kind": "image", "id": image_id}, "plugins": [{"id": "thermal_hotspots"}]}
    scan = _finished(api, f"/scans/{api.post('/scans', asked)['id']}", wanted="succeeded")
    if not sum(scan["counts"].values()):
        raise SmokeFailed(f"{scan['id']} found none of the leaks in the test image")
    return scan


def _report(api: Api, scan: Mapping[str, Any]) -> int:
    asked = api.post("/reports", {"scan_id": scan["id"], "format": "json"})
    report = _finished(api, f"/reports/{asked['id']}", wanted="ready")
    fetched = api.http.get(report["link"]["url"])
    if not fetched.is_success:
        raise SmokeFailed(f"{report['id']}: its link answers {fetched.status_code}")
    findings = len(fetched.json()["findings"])
    if findings != sum(scan["counts"].values()):
        raise SmokeFailed(f"{report['id']} tells of {findings} findings, its scan of {scan['counts']}")
    return findings


def _finished(api: Api, path: str, *, wanted: str) -> Mapping[str, Any]:
    """The thing when it is done. Raises SmokeFailed when it ends otherwise, or not in time."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found: Mapping[str, Any] = api.get(path)
        if found["state"] == wanted:
            return found
        if found["state"] in _OVER:
            raise SmokeFailed(f"{path} ended {found['state']}: {found.get('reason')}")
        time.sleep(_PAUSE_SECONDS)
    raise SmokeFailed(f"{path} is {found['state']} after {SECONDS} s")
