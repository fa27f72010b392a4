"""schemathesis against a complete local Argus, with real tokens and several seeds, on a budget of cases.

    python -m tests.fuzz                # as in CI
    python -m tests.fuzz 7 8 9          # other seeds

The boundary cases of the OpenAPI document do not depend on the seed: they run once, with the documented examples. Then
each seed runs random cases and random sequences. The exit code is not 0 if any run finds an error; build/fuzz/<run>
contains the reports.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx

from argus.cli.cognito import sign_in
from services.api import openapi
from services.local.demo.scenes import flir_scene
from services.local.demo.users import USERS
from services.local.main import running
from tests.fuzz.checks import write_credentials
from tests.ports import free_port

HERE = Path(__file__).parent
OUT = Path("build/fuzz")
CREDENTIALS = OUT / "people.json"
SEEDS = ("1", "2", "3")
CALLERS = {"north": "owner@north.example", "south": "owner@south.example"}
NO_LIMITS = {"ARGUS_RATE_LIMIT": "1000000 per minute", "ARGUS_IP_RATE_LIMIT": "1000000 per minute"}
TIMEOUT_SECONDS = 120.0  # a busy machine is no failure

# The budget is cases, not time: a time limit would give different results on other machines. It does not grow with the
# document: the more operations, the fewer cases of each.
BOUNDARY_CASES = 1500
RANDOM_CASES = 1500  # of all seeds
BOUNDARY_CASES_OF_AN_OPERATION = 56  # in the document, on average
RANDOM_FLOOR = 3  # of an operation with each seed
# Each seed also runs as many sequences as it runs random cases of an operation.
SEQUENCE_CASES = 13  # of a sequence, on average, with the requests that the checks send


@dataclass(frozen=True)
class Plan:
    """What the budget allows."""

    operations: int
    random_cases: int  # of each operation with each seed, and sequences of each seed
    boundary_share: str  # of the boundary cases of each operation, as a fraction


class OverBudget(Exception):
    """The operations do not fit into the budget."""


class NotRun(Exception):
    """schemathesis sent fewer cases than there are operations."""


def plan(*, operations: int, seeds: int) -> Plan:
    """Divide the budget. Raises OverBudget."""
    shares = seeds * (operations + SEQUENCE_CASES)
    random_cases = RANDOM_CASES // shares
    if random_cases < RANDOM_FLOOR:
        raise OverBudget(
            f"RANDOM_CASES is {RANDOM_CASES}: {random_cases} for each of {operations} operations with each of {seeds} "
            f"seeds, but the floor is {RANDOM_FLOOR}. Raise RANDOM_CASES to {RANDOM_FLOOR * shares}, or use fewer seeds"
        )
    boundary_cases = operations * BOUNDARY_CASES_OF_AN_OPERATION
    return Plan(operations, random_cases, f"{min(BOUNDARY_CASES, boundary_cases)}/{boundary_cases}")


def main(seeds: list[str]) -> int:
    """The exit code. Raises OverBudget and NotRun."""
    OUT.mkdir(parents=True, exist_ok=True)
    methods = [method for path in openapi.document()["paths"].values() for method in path if method != "parameters"]
    planned = plan(operations=len(methods), seeds=len(seeds))
    password = f"Fuzz-{secrets.token_urlsafe(9)}-1a"
    with running(
        port=free_port(), aws_port=free_port(), password=password, settings=NO_LIMITS, logs=OUT / "logs"
    ) as stack:
        tokens = {name: _token(stack.url, user, password) for name, user in CALLERS.items()}
        write_credentials(CREDENTIALS, tokens)
        for token in tokens.values():
            _create_resources(stack.url, token)
        boundaries = ("--phases", "examples,coverage", "--seed", seeds[0])
        random = ("--phases", "fuzzing,stateful", "--max-examples", str(planned.random_cases))
        runs = [
            _run_schemathesis(stack.url, planned, "boundaries", *boundaries),
            *(_run_schemathesis(stack.url, planned, f"seed-{seed}", *random, "--seed", seed) for seed in seeds),
        ]
    _report(planned, [cases for _, cases in runs], seeds)
    return int(any(code for code, _ in runs))


def _report(planned: Plan, cases: list[int], seeds: list[str]) -> None:
    """Print what was spent. Raises OverBudget and NotRun."""
    boundaries, *random = cases
    of_an_operation = boundaries / planned.operations / Fraction(planned.boundary_share)
    per_seed = ", ".join(f"{count} with seed {seed}" for seed, count in zip(seeds, random, strict=True))
    sys.stdout.write(
        f"\nfuzz: {planned.operations} operations, {sum(cases)} of {BOUNDARY_CASES + RANDOM_CASES} cases\n"
        f"  boundaries: {boundaries} ({planned.boundary_share}); each operation has {of_an_operation:.0f} on average\n"
        f"  random: {planned.random_cases} for each operation with each seed; with sequences, {per_seed}\n"
    )
    if min(cases) < planned.operations:
        raise NotRun(f"a run sent {min(cases)} cases to {planned.operations} operations")
    if boundaries > BOUNDARY_CASES:
        raise OverBudget(f"{boundaries} boundary cases; set BOUNDARY_CASES_OF_AN_OPERATION to {of_an_operation:.0f}")
    if sum(random) > RANDOM_CASES:
        raise OverBudget(f"{sum(random)} random cases; raise SEQUENCE_CASES, the cases of a sequence")


def _run_schemathesis(url: str, planned: Plan, name: str, *options: str) -> tuple[int, int]:
    """Run schemathesis; returns its exit code and the number of cases that it sent."""
    junit, report = OUT / name / "junit.xml", OUT / name / "report.json"
    report.unlink(missing_ok=True)
    command = ("schemathesis", "--config-file", str(HERE / "schemathesis.toml"), "run", f"{url}/api/v1/openapi.json")
    reports = ("--report-junit-path", str(junit), "--report-json-path", str(report))
    environment = {
        **os.environ,
        "ARGUS_FUZZ_AUTH": str(CREDENTIALS),
        "ARGUS_FUZZ_BOUNDARY_SHARE": planned.boundary_share,
        "PYTHONPATH": str(Path.cwd()),
    }
    code = subprocess.run(
        [f"{Path(sys.executable).parent}/{command[0]}", *command[1:], *options, *reports], env=environment, check=False
    ).returncode
    cases = json.loads(report.read_text())["test_cases"]["generated"] if report.exists() else 0
    return code, cases


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
    try:
        sys.exit(main(sys.argv[1:] or list(SEEDS)))
    except (OverBudget, NotRun) as error:
        sys.exit(f"fuzz: {error}.")
