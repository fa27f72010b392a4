"""What one image uses: CPU time, sizes, and calls to DynamoDB, read from the pages that measure and count them."""

import re
from dataclasses import dataclass

from benchmarks.harness import read
from infra.deploy.package import ROOT

UNITS = ROOT / "docs" / "data.md"
BENCHMARKS = ROOT / "docs" / "performance.md"

# The measurements of benchmarks/bench_packages.py, and the names of their rows in docs/performance.md.
MEASURED_ROWS = {
    "image_request_ms": "packaged API: one of the seven requests for an image",
    "read_request_ms": "packaged API: GET /images/{id}",
    "arrived_ms": "packaged worker: the job that processes an image",
    "other_jobs_ms": "packaged worker: the run, the end and the report of its scan",
    "original_kb": "an image in S3: original",
    "geotiff_kb": "an image in S3: GeoTIFF",
    "preview_kb": "an image in S3: preview",
    "report_kb": "an image in S3: report",
    "responses_kb": "responses of the API for an image",
    "api_log_kb": "log of the API for an image",
    "worker_log_kb": "log of the worker for an image",
}


def unit_of(field: str) -> str:
    """The unit in the name of a measurement."""
    return field.rpartition("_")[2].replace("kb", "kB")


@dataclass(frozen=True)
class Measured:
    """CPU time of the packaged functions, warm, and sizes, for an image of 640 × 512 pixels with its report.

    The values with a default are assumed, not measured.
    """

    image_request_ms: float
    read_request_ms: float
    arrived_ms: float  # decoding and products
    other_jobs_ms: float  # one scan and its end, one JSON report
    original_kb: float
    geotiff_kb: float
    preview_kb: float
    report_kb: float
    responses_kb: float  # of all seven requests
    api_log_kb: float  # with the lines of metrics
    worker_log_kb: float
    dynamodb_wait_ms: float = 5
    s3_wait_ms: float = 25
    sqs_wait_ms: float = 10
    platform_log_kb: float = 0.35  # of Lambda for each call: START, END and REPORT
    gateway_log_kb: float = 0.3  # of API Gateway for each request
    access_log_kb: float = 0.6  # of S3 for each request
    log_compression: float = 0.15  # compressed ÷ raw
    kms_calls: float = 100_000  # of tables for each caller every five minutes, and of the bucket

    @classmethod
    def read(cls) -> "Measured":
        """Read the table that `make bench` wrote."""
        rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", BENCHMARKS.read_text(), re.M))
        return cls(**{field: read(rows[row], unit_of(field)) for field, row in MEASURED_ROWS.items()})

    @property
    def object_kb(self) -> tuple[float, ...]:
        """The size of each object of an image."""
        return self.original_kb, self.geotiff_kb, self.preview_kb, self.report_kb


def units() -> dict[str, tuple[int, float, int]]:
    """The counts in docs/data.md by endpoint or job: calls, read units, write units."""
    found = {}
    for name, calls, reads, writes in re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| ([\d.]+) \| (\d+) \|$", _part("calls"), re.M
    ):
        how_often = (re.match(r"\s*(\d+) ×", call) for call in calls.split(";"))
        found[name] = (sum(int(times[1]) if times else 1 for times in how_often), float(reads), int(writes))
    return found


def stored_kb() -> tuple[float, float]:
    """What an image leaves in DynamoDB, in kB: in tables, in indexes."""
    ((own, indexes),) = re.findall(r"^\| \*\*all\*\* \| \d+ \| ([\d.]+) \| ([\d.]+) \|$", _part("stored"), re.M)
    return float(own), float(indexes)


def _part(name: str) -> str:
    return UNITS.read_text().partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0]


# The requests of each image: one upload, one scan, one report, one view of the results.
IMAGE_REQUESTS = (
    *("POST /uploads", "GET /images/{id}", "POST /scans", "GET /scans/{id}"),
    *("GET /scans/{id}/findings", "POST /reports", "GET /reports/{id}"),
)
# Changes of the image, its scan and its report; benchmarks/bench_packages.py counts them.
IMAGE_NOTIFICATIONS = 5
IMAGE_JOBS = (
    *("job image.arrived", "job scan.run", "job scan.finalize", "job report.build"),
    *["job notify.deliver"] * IMAGE_NOTIFICATIONS,
)
IMAGE_PUTS = 4  # original, GeoTIFF, preview, report
IMAGE_GETS = 4  # the worker reads for decoding and for the scan; a viewer: preview, report
ARRIVED_S3_WAITS = 2  # of the worker: the original, the products in parallel
OTHER_S3_WAITS = 2  # the original for the scan, the report


def job_seconds(measured: Measured) -> tuple[float, float]:
    """How long a worker is busy with an image: to process it, and for all other jobs."""
    counted = units()
    arrived_calls = counted[IMAGE_JOBS[0]][0]
    other_calls = sum(counted[name][0] for name in IMAGE_JOBS[1:])
    arrived = measured.arrived_ms + arrived_calls * measured.dynamodb_wait_ms + ARRIVED_S3_WAITS * measured.s3_wait_ms
    others = measured.other_jobs_ms + other_calls * measured.dynamodb_wait_ms + OTHER_S3_WAITS * measured.s3_wait_ms
    sends = (IMAGE_NOTIFICATIONS + 1) * measured.sqs_wait_ms  # and one that ends the scan
    posts = IMAGE_NOTIFICATIONS * measured.sqs_wait_ms  # of a message to a client
    return arrived / 1e3, (others + sends + posts) / 1e3
