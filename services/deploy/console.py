"""The web console of a stage: what it is told at run time, and how it gets to whoever hosts it.

Amplify builds it itself (amplify.yml), from variables of a branch; with a domain it is built here and put into the
bucket behind CloudFront. Sources: AWS Amplify API reference, UpdateBranch and StartJob; services/console/build.mjs.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argus.core.errors import ArgusError
from services.deploy.options import BadOption
from services.deploy.package import ROOT

SOURCE = ROOT / "services" / "console"
DIST = SOURCE / "dist"

# What build.mjs writes; of anything else nobody has said yet how browsers are to take it.
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
# In this order, after all others: a page never names a file that is not there yet.
NAMED = ("config.json", "index.html")
ALWAYS_ASKED_FOR = "no-cache"
KEPT_FOR_EVER = "public, max-age=31536000, immutable"  # their names are made from what they hold


class ConsoleNotBuilt(ArgusError):
    """The console could not be built."""


def variables(region: str, known: Mapping[str, str]) -> dict[str, str]:
    """What build.mjs makes config.json and the content security policy from."""
    return {
        "ARGUS_API_URL": known["ApiUrl"],
        "ARGUS_REGION": region,
        "ARGUS_CLIENT_ID": known["ClientId"],
        "ARGUS_ISSUER": known["Issuer"],
        "ARGUS_SOCKET_URL": known["SocketUrl"],
        "ARGUS_MEDIA_BUCKET": known["MediaBucketName"],  # uploads go there
        # The API's setting of that name says the same: links lead there, whoever hosts the page.
        "ARGUS_MEDIA_ORIGIN": f"https://{known['Domain']}" if known["Domain"] else "",
    }


def npm() -> str:
    """What builds it. Raises ConsoleNotBuilt."""
    found = shutil.which("npm")
    if found is None:
        raise ConsoleNotBuilt("it takes node 20 or newer, with npm")
    return found


def build(told: Mapping[str, str]) -> Path:
    """The folder of files for a stage. Nothing is installed for it: node alone builds. Raises ConsoleNotBuilt."""
    environment = {**os.environ, **told}
    done = subprocess.run(
        [npm(), "run", "build"], cwd=SOURCE, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ConsoleNotBuilt((done.stdout + done.stderr)[-2000:].strip())
    return DIST


@dataclass(frozen=True)
class Distribution:
    """A bucket, and the CloudFront in front of it."""

    s3: Any
    cloudfront: Any
    bucket: str
    distribution_id: str

    def publish(self, folder: Path) -> int:
        """Put every file where browsers find it; how many there are. What open pages may still ask for stays."""
        files = list(_in_order(folder))
        for path in files:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=path.name,
                Body=path.read_bytes(),
                ContentType=CONTENT_TYPES[path.suffix],
                CacheControl=ALWAYS_ASKED_FOR if path.name in NAMED else KEPT_FOR_EVER,
            )
        paths = ["/", *(f"/{name}" for name in NAMED)]
        self.cloudfront.create_invalidation(
            DistributionId=self.distribution_id,
            InvalidationBatch={
                "Paths": {"Quantity": len(paths), "Items": paths},
                "CallerReference": secrets.token_hex(16),
            },
        )
        return len(files)


def _in_order(folder: Path) -> Iterator[Path]:
    """The files, flat as build.mjs leaves them. Raises ConsoleNotBuilt."""
    files = sorted(path for path in folder.iterdir() if path.name not in NAMED)
    for path in [*files, *(folder / name for name in NAMED)]:
        if not path.is_file() or path.suffix not in CONTENT_TYPES:
            raise ConsoleNotBuilt(f"{path.name} is missing, or no file that browsers are to get")
        yield path


@dataclass(frozen=True)
class Hosted:
    """A branch of an Amplify app."""

    amplify: Any
    app_id: str
    branch: str  # empty for the app's production branch

    def find(self) -> Mapping[str, Any]:
        """The branch, as Amplify tells it. Raises BadOption."""
        try:
            app = self.amplify.get_app(appId=self.app_id)["app"]
        except self.amplify.exceptions.NotFoundException as error:
            raise BadOption(f"this account and region have no Amplify app {self.app_id}") from error
        branch = self.branch or app.get("productionBranch", {}).get("branchName")
        if not branch:
            raise BadOption(f"Amplify app {self.app_id} has no production branch: say which one by --amplify-branch")
        try:
            found: Mapping[str, Any] = self.amplify.get_branch(appId=self.app_id, branchName=branch)["branch"]
        except self.amplify.exceptions.NotFoundException as error:
            raise BadOption(f"Amplify app {self.app_id} has no branch {branch}") from error
        return found

    def publish(self, told: Mapping[str, str]) -> str:
        """Tell the branch and start its build; what came of it. Variables of the branch that are not ours stay."""
        found = self.find()
        branch, had = found["branchName"], found.get("environmentVariables", {})
        place = {"appId": self.app_id, "branchName": branch}
        self.amplify.update_branch(**place, environmentVariables={**had, **told})
        try:
            job = self.amplify.start_job(**place, jobType="RELEASE", jobReason="argus was deployed")["jobSummary"]
        except self.amplify.exceptions.LimitExceededException:  # one that began with a push; it may know the old ones
            return f"branch {branch} is told, but being built already: start one more build when that is over"
        return f"branch {branch} is told; build {job['jobId']} began"
