"""The smoke test: a user signs in, opens a WebSocket, uploads an image, scans it and fetches a report.

The user is created for the test and deleted after it, and so is the image. Records that the API cannot delete remain:
an organisation without users, with one scan, its findings and one report.
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
from services.local.demo.scenes.flir import flir_scene

SECONDS = 120  # timeout of each wait, which may include several cold starts with queues between them
OPEN_SECONDS = 60  # timeout of the WebSocket handshake: API Gateway answers after the function has
_PAUSE_SECONDS = 0.5
_OVER = frozenset({"ready", "rejected", "succeeded", "failed", "cancelled"})


class SmokeFailed(ArgusError):
    """The smoke test failed."""


@dataclass(frozen=True)
class SmokeUsers:
    """Temporary users of the user pool."""

    cognito: Any  # boto3's client
    pool_id: str
    client_id: str
    sign_in_url: str

    @contextmanager
    def user(self) -> Iterator[str]:
        """Create a user and yield an access token; the user is deleted on exit."""
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


def run(url: str, users: SmokeUsers, log: Callable[[str], None]) -> None:
    """Run the smoke test once. Raises SmokeFailed, or an error of the command line's client."""
    with httpx.Client(timeout=TIMEOUT_SECONDS) as http:
        for path in ("/health", "/ready"):
            _wait_for(http, url + path)
            log(f"GET {path}: 200")
        with users.user() as token:
            _run_journey(Api(url, Sessions(Path("unused")), http, fixed_token=token), log)


def _wait_for(http: httpx.Client, address: str) -> None:
    """Wait for status 200: a new DNS name or API stage takes time to propagate. Raises SmokeFailed."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            response = http.get(address)
        except httpx.TransportError as error:
            result = str(error)
        else:
            if response.status_code == 200:
                return
            result = f"{response.status_code}: {response.text[:500]}"
        if time.monotonic() > deadline:
            raise SmokeFailed(f"{address} does not respond with 200 after {SECONDS} s: {result}")
        time.sleep(_PAUSE_SECONDS)


def _run_journey(api: Api, log: Callable[[str], None]) -> None:
    me = api.get("/me")
    log(f"signed in as {me['role']} of {me['organisation']['id']}")
    with _websocket(me["socket_url"], api.fixed_token) as socket:
        image = _upload(api)
        try:
            log(f"image {image['id']} ready: {image['stats']['min_c']:.1f} to {image['stats']['max_c']:.1f} °C")
            scan = _scan(api, image["id"])
            log(f"scan {scan['id']} succeeded with {sum(scan['counts'].values())} findings")
            log(f"report with {_report(api, scan)} findings")
            _wait_for_message(socket, image["id"])
            log("image notification received over the WebSocket")
        finally:
            api.delete(f"/images/{image['id']}")


@contextmanager
def _websocket(url: str, token: str) -> Iterator[ClientConnection]:
    """An open WebSocket, which queues the messages that it receives. Raises SmokeFailed."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        # Without a limit: a full queue stops reading, including pongs, and a connection without pongs is closed.
        socket = connect(url, additional_headers=headers, open_timeout=OPEN_SECONDS, max_queue=None)
    except (WebSocketException, OSError) as error:
        raise SmokeFailed(f"the WebSocket {url} cannot be opened: {error}") from error
    with socket:
        yield socket


def _wait_for_message(socket: ClientConnection, image_id: str) -> None:
    """Wait for a message about the image, unless one is already queued. Raises SmokeFailed."""
    deadline = time.monotonic() + SECONDS
    try:
        while json.loads(socket.recv(timeout=deadline - time.monotonic())).get("id") != image_id:
            continue
    except TimeoutError as error:
        raise SmokeFailed(f"no message about {image_id} arrived over the WebSocket within {SECONDS} s") from error
    except WebSocketException as error:
        raise SmokeFailed(f"the WebSocket was closed before a message about {image_id}: {error}") from error


def _upload(api: Api) -> Mapping[str, Any]:
    data, _ = flir_scene(seed=1)
    file = {"name": "smoke-test.jpg", "size": len(data), "content_type": "image/jpeg"}
    (item,) = api.post("/uploads", {"files": [file]})["items"]
    upload = item["upload"]
    sent = api.http.request(upload["method"], upload["url"], data=upload["fields"], files={"file": ("file", data)})
    if not sent.is_success:
        raise SmokeFailed(f"S3 answers {sent.status_code} to the upload: {sent.text[:500]}")
    return _finished(api, f"/images/{item['image_id']}", expected="ready")


def _scan(api: Api, image_id: str) -> Mapping[str, Any]:
    request = {"target": {"kind": "image", "id": image_id}, "plugins": [{"id": "thermal_hotspots"}]}
    scan = _finished(api, f"/scans/{api.post('/scans', request)['id']}", expected="succeeded")
    if not sum(scan["counts"].values()):
        raise SmokeFailed(f"{scan['id']} found none of the leaks in the test image")
    return scan


def _report(api: Api, scan: Mapping[str, Any]) -> int:
    requested = api.post("/reports", {"scan_id": scan["id"], "format": "json"})
    report = _finished(api, f"/reports/{requested['id']}", expected="ready")
    fetched = api.http.get(report["link"]["url"])
    if not fetched.is_success:
        raise SmokeFailed(f"{report['id']}: the download link answers {fetched.status_code}")
    findings = len(fetched.json()["findings"])
    if findings != sum(scan["counts"].values()):
        raise SmokeFailed(f"{report['id']} contains {findings} findings, but the scan has {scan['counts']}")
    return findings


def _finished(api: Api, path: str, *, expected: str) -> Mapping[str, Any]:
    """Wait for the expected state; returns the resource. Raises SmokeFailed on another final state or a timeout."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found: Mapping[str, Any] = api.get(path)
        if found["state"] == expected:
            return found
        if found["state"] in _OVER:
            raise SmokeFailed(f"{path} is {found['state']} instead of {expected}: {found.get('reason')}")
        time.sleep(_PAUSE_SECONDS)
    raise SmokeFailed(f"{path} is still {found['state']} after {SECONDS} s, not {expected}")
