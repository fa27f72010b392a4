"""Estimate what Argus costs: `python -m benchmarks.costs` writes the table in docs/deployment.md.

    compute   = GB of memory × seconds × price of a GB-second + calls × price of a call
    seconds   = CPU seconds ÷ share of a processor (memory ÷ 1769 MB, at most 1) + calls to AWS × wait of each
    DynamoDB  = read units × price + write units × price                (docs/data.md counts the units)
    S3        = puts × price + gets × price + GB stored × price of a GB-month
    SQS       = three calls for each message × price

A function's share of a processor: Lambda developer guide, "Configure memory". Free tiers are not counted.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from argus.imagery.palettes import PALETTES
from infra.deploy.functions import FUNCTIONS, declared_settings
from infra.deploy.package import ROOT

PAGE = ROOT / "docs" / "deployment.md"
UNITS = ROOT / "docs" / "data.md"
BENCHMARKS = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- costs -->", "<!-- /costs -->"
_PROCESSOR_MB = 1769


@dataclass(frozen=True)
class Prices:
    """US dollars, on demand, in eu-west-1, noted from memory in November 2026: check them before you rely on them."""

    lambda_gb_second: float = 0.0000166667
    lambda_call: float = 0.20e-6
    read_unit: float = 0.1415e-6
    write_unit: float = 0.705e-6
    s3_put: float = 0.005e-3
    s3_get: float = 0.0004e-3
    s3_gb_month: float = 0.023
    sqs_call: float = 0.40e-6
    rest_api_call: float = 3.50e-6


# The measurements of benchmarks/bench_packages.py, and the names of their rows in docs/performance.md.
MEASURED_ROWS = {
    "image_request_ms": "packaged API: one of the seven requests for an image",
    "read_request_ms": "packaged API: GET /images/{id}",
    "image_jobs_ms": "packaged worker: the three jobs of an image",
    "image_kilobytes": "an image in S3, with its products and report",
}


@dataclass(frozen=True)
class Measured:
    """CPU time of the packaged functions, warm, for an image of 640 × 512 pixels with its products and report.

    The waits, for one call within a region, are assumed, not measured.
    """

    image_request_ms: float
    read_request_ms: float
    image_jobs_ms: float  # decoding and products, one scan, one JSON report
    image_kilobytes: float
    dynamodb_wait_ms: float = 5
    s3_wait_ms: float = 25

    @classmethod
    def read(cls) -> "Measured":
        """Read the table that `make bench` wrote."""
        rows = dict(re.findall(r"^\| ([^|]+) \| ([\d.e+]+) [a-zA-Z]+ \|", BENCHMARKS.read_text(), re.M))
        return cls(**{field: float(rows[row]) for field, row in MEASURED_ROWS.items()})


@dataclass(frozen=True)
class Line:
    """One line of the bill, in US dollars."""

    service: str
    usage: str
    dollars: float


def units() -> dict[str, tuple[int, int, int]]:
    """The counts in docs/data.md by endpoint or job: calls, read units, write units."""
    found = {}
    for name, calls, reads, writes in re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| ([\d.]+) \| (\d+) \|$", UNITS.read_text(), re.M
    ):
        how_often = (re.match(r"\s*(\d+) ×", call) for call in calls.split(";"))
        found[name] = (sum(int(times[1]) if times else 1 for times in how_often), ceil(float(reads)), int(writes))
    return found


# The requests for each of a thousand images: one upload, one scan, one report, one view of the results.
IMAGE_REQUESTS = (
    *("POST /uploads", "GET /images/{id}", "POST /scans", "GET /scans/{id}"),
    *("GET /scans/{id}/findings", "POST /reports", "GET /reports/{id}"),
)
# Five notifications: the image, three states of its scan, the report. They cost calls and units, and hardly any CPU.
IMAGE_JOBS = ("job image.arrived", "job scan.run", "job report.build", *["job notify.deliver"] * 5)
# Original, GeoTIFF, report; a preview and a colour bar for each palette; one listing of versions, priced like a put.
IMAGE_PUTS = 4 + 2 * len(PALETTES)
IMAGE_GETS = 6  # the worker reads for decoding, for the scan, for the report; a viewer: GeoTIFF, preview, report
IMAGE_S3_WAITS = 6  # of the worker: three reads, all products in parallel, the versions, the report


def per_thousand_images(measured: Measured, prices: Prices) -> list[Line]:
    counted, count = units(), 1000
    calls, reads, writes = _sum(counted[name] for name in (*IMAGE_REQUESTS, *IMAGE_JOBS))
    job_calls, _, _ = _sum(counted[name] for name in IMAGE_JOBS)
    waits = job_calls * measured.dynamodb_wait_ms + IMAGE_S3_WAITS * measured.s3_wait_ms
    worker = _compute("_worker", measured.image_jobs_ms, waits, len(IMAGE_JOBS), prices)
    request_calls = (calls - job_calls) * measured.dynamodb_wait_ms
    api = _compute("", measured.image_request_ms * len(IMAGE_REQUESTS), request_calls, len(IMAGE_REQUESTS), prices)
    stored_gb = count * measured.image_kilobytes / 1e6
    return [
        Line("Lambda, worker", f"{worker.usage} per image", count * worker.dollars),
        Line("Lambda, API", f"{api.usage} per image", count * api.dollars),
        Line(
            "API Gateway",
            f"{len(IMAGE_REQUESTS)} requests per image",
            count * len(IMAGE_REQUESTS) * prices.rest_api_call,
        ),
        Line(
            "DynamoDB",
            f"{reads} read and {writes} write units per image",
            count * (reads * prices.read_unit + writes * prices.write_unit),
        ),
        Line(
            "S3 requests",
            f"{IMAGE_PUTS} puts and listings, {IMAGE_GETS} gets per image",
            count * (IMAGE_PUTS * prices.s3_put + IMAGE_GETS * prices.s3_get),
        ),
        Line("SQS", f"{len(IMAGE_JOBS)} messages per image", count * 3 * len(IMAGE_JOBS) * prices.sqs_call),
        Line("S3 storage, one month", f"{stored_gb:.2f} GB", stored_gb * prices.s3_gb_month),
    ]


def per_million_requests(measured: Measured, prices: Prices) -> list[Line]:
    calls, reads, writes = units()["GET /images/{id}"]
    api = _compute("", measured.read_request_ms, calls * measured.dynamodb_wait_ms, 1, prices)
    count = 1_000_000
    return [
        Line("Lambda, API", f"{api.usage} per request", count * api.dollars),
        Line("API Gateway", "REST API", count * prices.rest_api_call),
        Line(
            "DynamoDB",
            f"{reads} read and {writes} write units per request",
            count * (reads * prices.read_unit + writes * prices.write_unit),
        ),
    ]


def _compute(suffix: str, cpu_ms: float, wait_ms: float, calls: int, prices: Prices) -> Line:
    (function,) = (one for one in FUNCTIONS if one.suffix == suffix)
    memory_mb = declared_settings(function.zappa_stage("production"), suffix)["memory_size"]
    seconds = (cpu_ms / min(1.0, memory_mb / _PROCESSOR_MB) + wait_ms) / 1e3
    dollars = memory_mb / 1024 * seconds * prices.lambda_gb_second + calls * prices.lambda_call
    return Line(function.package, f"{memory_mb} MB for {seconds * 1e3:.0f} ms", dollars)


def _sum(rows: Iterable[tuple[int, int, int]]) -> tuple[int, int, int]:
    calls, reads, writes = (sum(column) for column in zip(*rows, strict=True))
    return calls, reads, writes


def table(measured: Measured, prices: Prices) -> str:
    parts: Mapping[str, list[Line]] = {
        "1,000 images": per_thousand_images(measured, prices),
        "1,000,000 requests (`GET /images/{id}`)": per_million_requests(measured, prices),
    }
    rows = []
    for workload, lines in parts.items():
        total = sum(line.dollars for line in lines)
        rows += [f"| {workload} | {line.service} | {line.usage} | {line.dollars:.3f} |" for line in lines]
        rows.append(f"| **{workload}** | **total** | | **{total:.2f}** |")
    return "\n".join(["| workload | service | usage | US dollars |", "|---|---|---|---|", *rows])


def page() -> str:
    """The text of docs/deployment.md with the current table."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(Measured.read(), Prices())}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(table(Measured.read(), Prices()) + "\n")
