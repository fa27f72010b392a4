"""The web console of a stage: its configuration, and how it is published to its host.

Amplify builds the console itself (amplify.yml), from the variables of a branch. With a domain, the console is built
here and uploaded to the bucket behind CloudFront.
Sources: AWS Amplify API reference, UpdateBranch and StartJob; services/console/build.mjs.
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
from infra.deploy.options import BadOption
from infra.deploy.package import ROOT

SOURCE = ROOT / "services" / "console"
DIST = SOURCE / "dist"

# The types of file that build.mjs writes. A file of another type is refused: its content type is not defined.
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
# Uploaded in this order, after all other files: a page never references a file that does not exist yet.
UPLOADED_LAST = ("config.json", "index.html")
REVALIDATE = "no-cache"
IMMUTABLE = "public, max-age=31536000, immutable"  # the file name contains a hash of the content


class ConsoleNotBuilt(ArgusError):
    """The console could not be built."""


def variables(region: str, values: Mapping[str, str]) -> dict[str, str]:
    """The variables from which build.mjs writes config.json and the content security policy."""
    return {
        "ARGUS_API_URL": values["ApiUrl"],
        "ARGUS_REGION": region,
        "ARGUS_CLIENT_ID": values["ClientId"],
        "ARGUS_ISSUER": values["Issuer"],
        "ARGUS_SOCKET_URL": values["SocketUrl"],
        "ARGUS_MEDIA_BUCKET": values["MediaBucketName"],  # for uploads
        # Same value as the API's setting of this name: links lead there, whatever host serves the page.
        "ARGUS_MEDIA_ORIGIN": f"https://{values['Domain']}" if values["Domain"] else "",
    }


def npm() -> str:
    """The path of npm, which builds the console. Raises ConsoleNotBuilt."""
    found = shutil.which("npm")
    if found is None:
        raise ConsoleNotBuilt("npm was not found; install Node.js 20 or newer, with npm")
    return found


def build(values: Mapping[str, str]) -> Path:
    """Build the console for a stage; returns the folder. The build installs no packages. Raises ConsoleNotBuilt."""
    environment = {**os.environ, **values}
    done = subprocess.run(
        [npm(), "run", "build"], cwd=SOURCE, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ConsoleNotBuilt((done.stdout + done.stderr)[-2000:].strip())
    return DIST


@dataclass(frozen=True)
class Distribution:
    """A bucket and its CloudFront distribution."""

    s3: Any
    cloudfront: Any
    bucket: str
    distribution_id: str

    def publish(self, folder: Path) -> int:
        """Upload every file; returns their number. Files of earlier releases stay, for pages that are still open."""
        files = list(_upload_order(folder))
        for path in files:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=path.name,
                Body=path.read_bytes(),
                ContentType=CONTENT_TYPES[path.suffix],
                CacheControl=REVALIDATE if path.name in UPLOADED_LAST else IMMUTABLE,
            )
        paths = ["/", *(f"/{name}" for name in UPLOADED_LAST)]
        self.cloudfront.create_invalidation(
            DistributionId=self.distribution_id,
            InvalidationBatch={
                "Paths": {"Quantity": len(paths), "Items": paths},
                "CallerReference": secrets.token_hex(16),
            },
        )
        return len(files)


def _upload_order(folder: Path) -> Iterator[Path]:
    """The files in upload order; build.mjs writes them into one flat folder. Raises ConsoleNotBuilt."""
    files = sorted(path for path in folder.iterdir() if path.name not in UPLOADED_LAST)
    for path in [*files, *(folder / name for name in UPLOADED_LAST)]:
        if not path.is_file() or path.suffix not in CONTENT_TYPES:
            raise ConsoleNotBuilt(f"{path.name} is missing or is not a type of file that the console serves")
        yield path


@dataclass(frozen=True)
class AmplifyBranch:
    """A branch of an Amplify app."""

    amplify: Any
    app_id: str
    branch: str  # empty for the app's production branch

    def find(self) -> Mapping[str, Any]:
        """The branch, as Amplify's GetBranch returns it. Raises BadOption."""
        try:
            app = self.amplify.get_app(appId=self.app_id)["app"]
        except self.amplify.exceptions.NotFoundException as error:
            raise BadOption(f"Amplify app {self.app_id} does not exist in this account and region") from error
        branch = self.branch or app.get("productionBranch", {}).get("branchName")
        if not branch:
            raise BadOption(f"Amplify app {self.app_id} has no production branch; name a branch with --amplify-branch")
        try:
            found: Mapping[str, Any] = self.amplify.get_branch(appId=self.app_id, branchName=branch)["branch"]
        except self.amplify.exceptions.NotFoundException as error:
            raise BadOption(f"Amplify app {self.app_id} has no branch {branch}") from error
        return found

    def publish(self, values: Mapping[str, str]) -> str:
        """Set the variables of the branch and start a build; returns the result. Other variables stay unchanged."""
        found = self.find()
        branch, existing = found["branchName"], found.get("environmentVariables", {})
        target = {"appId": self.app_id, "branchName": branch}
        self.amplify.update_branch(**target, environmentVariables={**existing, **values})
        try:
            job = self.amplify.start_job(**target, jobType="RELEASE", jobReason="Argus was deployed")["jobSummary"]
        except self.amplify.exceptions.LimitExceededException:  # started by a push, maybe with the old variables
            return f"branch {branch}: variables set; a build is already running, start another one when it has finished"
        return f"branch {branch}: variables set, build {job['jobId']} started"
