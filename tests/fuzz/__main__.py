"""schemathesis against a complete local Argus, with real tokens and several seeds.

    python -m tests.fuzz                # as in CI
    python -m tests.fuzz 7 8 9          # other seeds

The exit code is not 0 if any seed finds an error. build/fuzz contains the requests.
"""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from argus.cli.cognito import sign_in
from services.local.demo.scenes import flir_scene
from services.local.demo.users import USERS
from services.local.main import running
from tests.fuzz.checks import write_credentials
from tests.ports import free_port

HERE = Path(__file__).parent
OUT = Path("build/fuzz")
SEEDS = ("1", "2", "3")
CALLERS = {"north": "owner@north.example", "south": "owner@south.example"}
NO_LIMITS = {"ARGUS_RATE_LIMIT": "1000000 per minute", "ARGUS_IP_RATE_LIMIT": "1000000 per minute"}
TIMEOUT_SECONDS = 120.0  # a busy machine is no failure
CASES = 25  # of each phase for each operation; a time limit would give different results on other machines


def main(seeds: list[str]) -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    password = f"Fuzz-{secrets.token_urlsafe(9)}-1a"
    with running(port=free_port(), aws_port=free_port(), password=password, settings=NO_LIMITS) as stack:
        credentials = OUT / "people.json"
        tokens = {name: _token(stack.url, user, password) for name, user in CALLERS.items()}
        write_credentials(credentials, tokens)
        for token in tokens.values():
            _create_resources(stack.url, token)
        return max(_run_schemathesis(stack.url, seed, credentials) for seed in seeds)


def _run_schemathesis(url: str, seed: str, credentials: Path) -> int:
    command = ("schemathesis", "--config-file", str(HERE / "schemathesis.toml"), "run", f"{url}/api/v1/openapi.json")
    options = ("--seed", seed, "--max-examples", str(CASES), "--report", "junit", "--report-dir", str(OUT / seed))
    return subprocess.run(
        [f"{Path(sys.executable).parent}/{command[0]}", *command[1:], *options],
        env={**os.environ, "ARGUS_FUZZ_AUTH": str(credentials), "PYTHONPATH": str(Path.cwd())},
        check=False,
    ).returncode


def _create_resources(url: str, token: str) -> None:
    """Create an image, a scan with findings and a report, which requests can read, leak or break."""
    data, _ = flir_scene(seed=1, width=160, height=120, leaks=2)
    file_info = {"name": "NORTH_P01_0001_T.JPG", "size": len(data), "content_type": "image/jpeg"}
    with httpx.Client(
        base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS
    ) as argus:
        (item,) = _ok(argus.post("/uploads", json={"files": [file_info]}))["items"]
        upload = item["upload"]
        file = {"file": ("frame.jpg", data)}
        httpx.post(upload["url"], data=upload["fields"], files=file, timeout=TIMEOUT_SECONDS).raise_for_status()
        _until(argus, f"/images/{item['image_id']}", "ready")
        target = {"kind": "image", "id": item["image_id"]}
        scan = _ok(argus.post("/scans", json={"target": target, "plugins": [{"id": "thermal_hotspots"}]}))
        _until(argus, f"/scans/{scan['id']}", "succeeded")
        report = _ok(argus.post("/reports", json={"scan_id": scan["id"], "format": "json"}))
        _until(argus, f"/reports/{report['id']}", "ready")


def _ok(response: httpx.Response) -> dict[str, Any]:
    return dict(response.raise_for_status().json())


def _until(argus: httpx.Client, path: str, state: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if _ok(argus.get(path))["state"] == state:
            return
        time.sleep(0.2)
    raise TimeoutError(f"{path} is not {state}")


def _token(url: str, user: str, password: str) -> str:
    assert user in {each.email for each in USERS}
    with httpx.Client(timeout=TIMEOUT_SECONDS) as http:
        (method,) = http.get(f"{url}/api/v1/sign-in").raise_for_status().json()["items"]
        session = sign_in(
            http, endpoint=method["endpoint"], client_id=method["client_id"], user=user, password=password
        )
    return session.access_token


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(SEEDS)))
