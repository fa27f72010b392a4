"""The demo: the command line uploads a survey, scans it and fetches a report, with its output on the terminal.

The survey is synthetic: a drone's view of a pipeline over a fictional geothermal field, with leaks of known position
and temperature.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from argus.core.errors import ArgusError
from services.local.demo.scenes.survey import demo_survey

SURVEY = ("--site", "North field", "--sector", "P01", "--period", "2025-05")


class DemoFailed(ArgusError):
    """A command of the demo failed."""


def run_demo(url: str, *, user: str, password: str) -> None:
    """Sign in, upload and scan the demo survey, and save the report of the scan with the most findings."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ARGUS_URL": url, "ARGUS_CONFIG_DIR": folder}
        environment.pop("ARGUS_TOKEN", None)
        environment.pop("ARGUS_API_KEY", None)
        _argus(environment, "login", "--user", user, "--password-stdin", given=password)
        files = _survey_files(Path(folder))
        _argus(environment, "image", "upload", *files, *SURVEY, "--scan")
        scans = json.loads(_argus(environment, "--json", "scan", "list", captured=True))
        most_findings = max(scans["items"], key=lambda scan: sum(scan["counts"].values()))
        report = Path("build/local") / "report.pdf"
        _argus(environment, "report", "create", most_findings["id"], "--format", "pdf", "--output", str(report))


def _survey_files(folder: Path) -> list[str]:
    paths = []
    for name, data, _truth in demo_survey():
        path = folder / name
        path.write_bytes(data)
        paths.append(str(path))
    return paths


def _argus(environment: dict[str, str], *arguments: str, given: str = "", captured: bool = False) -> str:
    """Run the command line as a user would; its output goes to the terminal unless captured."""
    done = subprocess.run(
        [sys.executable, "-m", "argus.cli", *arguments],
        env=environment,
        input=given.encode(),
        stdout=subprocess.PIPE if captured else None,
        check=False,
    )
    if done.returncode:
        raise DemoFailed(f"argus {arguments[0]} exited with {done.returncode}")
    return done.stdout.decode() if captured else ""
