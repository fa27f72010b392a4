"""What saturates first when 1,000 organisations upload 10,000 images a day each, on paper.

The limits are those of AWS that docs/costs.md names, and the defaults of the templates.
"""

from dataclasses import dataclass

from argus.core.dynamo import due_shards
from benchmarks.usage import (
    IMAGE_JOBS,
    IMAGE_NOTIFICATIONS,
    IMAGE_PUTS,
    IMAGE_REQUESTS,
    Measured,
    job_seconds,
    units,
)
from infra.deploy.options import Options
from infra.templates import INFRA, Template

ORGANISATIONS, IMAGES_A_DAY = 1_000, 10_000
COUNTER_SECONDS = 0.01  # for which a transaction holds an item, assumed: two phases of 5 ms
DAY_SECONDS = 8 * 3600  # in which the images of a day arrive


@dataclass(frozen=True)
class Resource:
    """Something with a limit: what the load needs of it, and the setting that moves the limit."""

    name: str
    load: float
    limit: float
    unit: str
    setting: str

    @property
    def share(self) -> float:
        return self.load / self.limit

    def row(self) -> str:
        limit = f"{_number(self.limit)} {self.unit}".strip()
        return f"| {self.name} | {_number(self.load)} | {limit} | {_percent(self.share)} | {self.setting} |"


def _percent(share: float) -> str:
    return f"{share:,.0%}" if share >= 0.1 else f"{share:.2%}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def resources(measured: Measured) -> list[Resource]:
    """Every resource that the images use, the one that saturates first at the top."""
    images = ORGANISATIONS * IMAGES_A_DAY / DAY_SECONDS  # per second
    arrived_seconds, other_seconds = job_seconds(measured)
    counted = units()
    requests = len(IMAGE_REQUESTS)
    request_calls = sum(counted[name][0] for name in IMAGE_REQUESTS)
    api_seconds = (measured.image_request_ms * requests * 1769 / 1024 + request_calls * measured.dynamodb_wait_ms) / 1e3
    writes = {name: counted[name][2] for name in (*IMAGE_REQUESTS, *IMAGE_JOBS)}
    scanning = writes["POST /scans"] + writes["job scan.run"] + writes["job scan.finalize"] - 1
    imagery = writes["POST /uploads"] + writes["job image.arrived"] - 1
    concurrency = images * (arrived_seconds + other_seconds + api_seconds)
    own_images = IMAGES_A_DAY / DAY_SECONDS  # per second, of one organisation
    rate = float(Options().requests_per_second)
    limited = sum(1 for name in IMAGE_REQUESTS if writes[name])  # each request counts for its limit
    found = [
        Resource(
            "throttle of the API's stage: requests",
            images * requests,
            rate,
            "per second",
            "`--requests-per-second`, up to the account's quota below; requests above it get 429",
        ),
        Resource(
            "table `requests`: write units",
            images * limited,
            40_000,
            "per second",
            "Service Quotas, “Table-level write throughput limit”",
        ),
        Resource(
            "mapping of the queue `jobs`: workers at once",
            images * other_seconds,
            _default("events", "JobsConcurrency"),
            "",
            "`--parameters JobsConcurrency=…`, at most 1,000",
        ),
        Resource(
            "mapping of the queue `uploads`: workers at once",
            images * arrived_seconds,
            _default("events", "UploadsConcurrency"),
            "",
            "`--parameters UploadsConcurrency=…`, at most 1,000",
        ),
        Resource(
            "Lambda: functions at once, all of them",
            concurrency,
            1000,
            "",
            "Service Quotas, “Concurrent executions”; a new account has 10",
        ),
        Resource(
            "table `scanning` with its indexes: write units",
            images * scanning,
            40_000,
            "per second",
            "Service Quotas, “Table-level write throughput limit”",
        ),
        Resource(
            "a new table `scanning` with its indexes, in its first minutes: write units",
            images * scanning,
            4_000,
            "per second",
            "on demand, it doubles within 30 minutes; or warm throughput of the table before the first day",
        ),
        Resource(
            "table `imagery` with its indexes: write units",
            images * imagery,
            40_000,
            "per second",
            "Service Quotas, “Table-level write throughput limit”",
        ),
        Resource(
            "a partition of the due index of images: writes",
            images * 2 / len(due_shards()),
            1_000,
            "per second",
            "`_DUE_SHARDS` in `core/dynamo.py`; a larger number also reads the present partitions",
        ),
        Resource(
            "partition `<organisation>#findings`: write units",
            own_images * 3,
            1_000,
            "per second",
            "none; the partition would be sharded (decisions/findings.md)",
        ),
        Resource(
            "counter of a rule of one organisation: transactions",
            own_images,
            1 / COUNTER_SECONDS,
            "per second",
            "none; a scan that ends while another holds the counter tries again",
        ),
        Resource(
            "API Gateway: requests, and messages to clients",
            images * (requests + IMAGE_NOTIFICATIONS),
            10_000,
            "per second",
            "Service Quotas, “Throttle rate”; the account shares it",
        ),
        Resource(
            "S3: puts under the prefix of one organisation",
            own_images * IMAGE_PUTS,
            3_500,
            "per second",
            "none needed: S3 divides busy prefixes",
        ),
    ]
    return sorted(found, key=lambda each: -each.share)


def _default(template: str, parameter: str) -> float:
    return float(Template.read(INFRA / f"{template}.yaml").body["Parameters"][parameter]["Default"])


def table(measured: Measured) -> str:
    """In Markdown, the resource that saturates first at the top."""
    rows = [each.row() for each in resources(measured)]
    return "\n".join(["| resource | load | limit | share | what moves the limit |", "|---|---|---|---|---|", *rows])
