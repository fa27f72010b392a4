"""schemathesis from outside: a whole Argus on this machine, real tokens, several seeds.

    python -m tests.fuzz                # as the gate does
    python -m tests.fuzz 7 8 9          # other seeds

Ends with the first seed that finds something. What was sent is in build/fuzz.
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
from services.local.demo_users import USERS
from services.local.main import running
from tests.fuzz.checks import write_people
from tests.ports import free_port
from tests.scenes import flir_scene

HERE = Path(__file__).parent
OUT = Path("build/fuzz")
SEEDS = ("1", "2", "3")
PEOPLE = {"north": "owner@north.example", "south": "owner@south.example"}
NO_LIMITS = {"ARGUS_RATE_LIMIT": "1000000 per minute", "ARGUS_IP_RATE_LIMIT": "1000000 per minute"}
PATIENCE_SECONDS = 120.0  # a busy machine is no failure
CASES = 25  # of each phase for each operation: a bound in time would find other things on another machine


def main(seeds: list[str]) -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    password = f"Fuzz-{secrets.token_urlsafe(9)}-1a"
    with running(port=free_port(), aws_port=free_port(), password=password, settings=NO_LIMITS) as stack:
        people = OUT / "people.json"
        tokens = {name: _token(stack.url, user, password) for name, user in PEOPLE.items()}
        write_people(people, tokens)
        for token in tokens.values():
            _furnish(stack.url, token)
        return max(_attack(stack.url, seed, people) for seed in seeds)


def _attack(url: str, seed: str, people: Path) -> int:
    command = ("schemathesis", "--config-file", str(HERE / "schemathesis.toml"), "run", f"{url}/api/v1/openapi.json")
    options = ("--seed", seed, "--max-examples", str(CASES), "--report", "junit", "--report-dir", str(OUT / seed))
    return subprocess.run(
        [f"{Path(sys.executable).parent}/{command[0]}", *command[1:], *options],
        env={**os.environ, "ARGUS_FUZZ_AUTH": str(people), "PYTHONPATH": str(Path.cwd())},
        check=False,
    ).returncode


def _furnish(url: str, token: str) -> None:
    """An image, a scan with findings and a report, so that there is something to be read, leaked or broken."""
    data, _ = flir_scene(seed=1, width=160, height=120, leaks=2)
    wanted = {"name": "NORTH_P01_0001_T.JPG", "size": len(data), "content_type": "image/jpeg"}
    with httpx.Client(
        base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS
    ) as argus:
        (item,) = _ok(argus.post("/uploads", json={"files": [wanted]}))["items"]
        upload = item["upload"]
        file = {"file": ("frame.jpg", data)}
        httpx.post(upload["url"], data=upload["fields"], files=file, timeout=PATIENCE_SECONDS).raise_for_status()
        _until(argus, f"/images/{item['image_id']}", "ready")
        target = {"kind": "image", "id": item["image_id"]}
        scan = _ok(argus.post("/scans", json={"target": target, "plugins": [{"id": "thermal_hotspots"}]}))
        _until(argus, f"/scans/{scan['id']}", "succeeded")
        report = _ok(argus.post("/reports", json={"scan_id": scan["id"], "format": "json"}))
        _until(argus, f"/reports/{report['id']}", "ready")


def _ok(answer: httpx.Response) -> dict[str, Any]:
    return dict(answer.raise_for_status().json())


def _until(argus: httpx.Client, path: str, state: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if _ok(argus.get(path))["state"] == state:
            return
        time.sleep(0.2)
    raise TimeoutError(f"{path} is not {state}")


def _token(url: str, user: str, password: str) -> str:
    assert user in {known.email for known in USERS}
    with httpx.Client(timeout=PATIENCE_SECONDS) as http:
        (way,) = http.get(f"{url}/api/v1/sign-in").raise_for_status().json()["items"]
        session = sign_in(http, endpoint=way["endpoint"], client_id=way["client_id"], user=user, password=password)
    return session.access_token


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(SEEDS)))
