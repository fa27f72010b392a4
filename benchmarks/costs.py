"""Estimate what Argus costs: `python -m benchmarks.costs` writes the tables in docs/costs.md.

    compute   = GB of memory × seconds × price of a GB-second + calls × price of a call
    seconds   = CPU seconds ÷ share of a processor (memory ÷ 1769 MB, at most 1) + calls to AWS × wait of each
    DynamoDB  = read units × price + write units × price                (docs/data.md counts the units)
    storage   = GB that are stored on average in the month × price of a GB-month

A function's share of a processor: Lambda developer guide, "Configure memory". Free tiers are not counted.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from argus.core import metrics
from argus.core.dynamo import due_shards
from benchmarks import prices, scale
from benchmarks.prices import Prices
from benchmarks.usage import (
    IMAGE_GETS,
    IMAGE_JOBS,
    IMAGE_NOTIFICATIONS,
    IMAGE_PUTS,
    IMAGE_REQUESTS,
    Measured,
    job_seconds,
    stored_kb,
    units,
)
from infra.alarms import alarm_metrics
from infra.deploy.functions import FUNCTIONS, declared_settings
from infra.deploy.package import ROOT
from infra.templates import INFRA, Template

PAGE = ROOT / "docs" / "costs.md"
_PROCESSOR_MB = 1769

IMAGES = 1_000_000  # in a month
MONTHS = (1, 2, 3, 6, 12)
WORKING_SECONDS = 22 * 8 * 3600  # of a month, in which the images arrive; X-Ray samples by the second
MONTH_SECONDS = 30.4 * 86_400
GOAL = 250  # US dollars in the first month
BACKUP_GETS = 3  # of AWS Backup for each new object, assumed: the object, its tags, its access control list


@dataclass(frozen=True)
class Line:
    """One line of the bill, in US dollars. The cost of what is stored grows each month."""

    service: str
    usage: str
    dollars: float
    grows: bool = False


def month(number: int, measured: Measured, price: Prices) -> list[Line]:
    """The bill of the month with this number since the beginning, in which a million images arrive again."""
    return [*_requests(measured, price), *_storage(number, measured, price), *_fixed(price)]


def _requests(measured: Measured, price: Prices) -> list[Line]:
    counted = units()
    calls, reads, writes = _sum(counted[name] for name in (*IMAGE_REQUESTS, *IMAGE_JOBS))
    job_calls, _, _ = _sum(counted[name] for name in IMAGE_JOBS)
    cpu_ms = measured.arrived_ms + measured.other_jobs_ms
    worker = _compute("_worker", cpu_ms, 1e3 * sum(job_seconds(measured)) - cpu_ms, len(IMAGE_JOBS), price)
    request_waits = (calls - job_calls) * measured.dynamodb_wait_ms + 2 * measured.sqs_wait_ms  # scan and report
    requests, jobs = len(IMAGE_REQUESTS), len(IMAGE_JOBS)
    api = _compute("", measured.image_request_ms * requests, request_waits, requests, price)
    log_kb = _log_kb(measured)
    viewed_kb = measured.preview_kb + measured.report_kb + measured.responses_kb
    traces = sum(_traces(calls * IMAGES) for suffix, calls in (("", requests), ("_worker", jobs)) if _is_traced(suffix))
    backed_up = IMAGE_PUTS * (price.backup_event + BACKUP_GETS * price.s3_get)

    def each(service: str, usage: str, dollars: float) -> Line:
        return Line(service, f"{usage} per image", IMAGES * dollars)

    return [
        each("Lambda, worker", worker.usage, worker.dollars),
        each("Lambda, API", api.usage, api.dollars),
        each("API Gateway, REST", f"{requests} requests", requests * price.rest_api_call),
        each(
            "DynamoDB, units",
            f"{reads:g} read and {writes:g} write units",
            reads * price.read_unit + writes * price.write_unit,
        ),
        each(
            "S3, requests",
            f"{IMAGE_PUTS} puts, {IMAGE_GETS} gets",
            IMAGE_PUTS * price.s3_put + IMAGE_GETS * price.s3_get,
        ),
        each("SQS", f"{jobs} messages of three calls", 3 * jobs * price.sqs_call),
        each(
            "API Gateway, WebSocket",
            f"{IMAGE_NOTIFICATIONS} messages to one client",
            IMAGE_NOTIFICATIONS * price.socket_message + WORKING_SECONDS / 60 / IMAGES * price.socket_minute,
        ),
        each("CloudWatch Logs, ingestion", f"{log_kb:.1f} kB", log_kb / 1e6 * price.log_gb),
        each("WAF, requests", f"{requests} requests", requests * price.firewall_request),
        each("Data to the internet", f"{viewed_kb:.0f} kB", viewed_kb / 1e6 * price.traffic_gb),
        each("AWS Backup, new objects", f"{IMAGE_PUTS} events, {BACKUP_GETS * IMAGE_PUTS} gets", backed_up),
        Line("X-Ray", f"{traces / 1e6:.1f} million traces", traces * price.trace),
    ]


def _storage(number: int, measured: Measured, price: Prices) -> list[Line]:
    """Images arrive evenly, so half of this month's are stored on average, and all of the months before."""
    images = (number - 0.5) * IMAGES
    own_kb, index_kb = stored_kb()
    media_gb = images * sum(measured.object_kb) / 1e6
    backup_gb = images * sum(max(128.0, kb) for kb in measured.object_kb) / 1e6
    tables_gb, indexes_gb = images * own_kb / 1e6, images * index_kb / 1e6
    logs_gb = min(number - 0.5, 3) * IMAGES * _log_kb(measured) * measured.log_compression / 1e6  # kept for 90 days
    access_gb = min(number - 0.5, 3) * IMAGES * (IMAGE_PUTS + IMAGE_GETS) * measured.access_log_kb / 1e6  # the same

    def stored(service: str, gigabytes: float, dollars: float, *, copies: int = 1) -> Line:
        text = f"{gigabytes:,.0f} GB" if copies == 1 else f"{copies} copies of {gigabytes:,.0f} GB"
        return Line(service, text, gigabytes * copies * dollars, grows=True)

    return [
        stored("S3, storage of media", media_gb, price.s3_gb),
        stored("S3, storage of access logs", access_gb, price.s3_gb),
        stored("AWS Backup, media", backup_gb, price.media_backup_gb),
        stored("DynamoDB, storage", tables_gb + indexes_gb, price.table_gb),
        stored("DynamoDB, point-in-time recovery", tables_gb, price.recovery_gb),
        stored("AWS Backup, tables", tables_gb, price.table_backup_gb, copies=7),
        stored("CloudWatch Logs, storage", logs_gb, price.log_stored_gb),
    ]


def _fixed(price: Prices) -> list[Line]:
    """What a stage costs without an image."""
    series, watched, rules = len(metrics.series()), len(alarm_metrics()), _firewall_rules()
    ticks = MONTH_SECONDS / 60
    queries = 4 * len(due_shards())  # images, runs, scans, reports
    tick = _compute("_scheduler", 10, queries * Measured.dynamodb_wait_ms, 1, price)
    polls = 3 * 15 * MONTH_SECONDS / 60  # three mappings, each with five pollers that wait for 20 seconds
    return [
        Line("CloudWatch, custom metrics", f"at most {series}", series * price.custom_metric),
        Line("CloudWatch, alarms", f"{watched} metrics", watched * price.alarm_metric),
        Line("CloudWatch, dashboard", "one", price.dashboard),
        Line("WAF", f"a web ACL with {rules} rules", price.firewall + rules * price.firewall_rule),
        Line(
            "KMS",
            f"a key, {Measured.kms_calls:,.0f} calls",
            price.key + Measured.kms_calls * price.key_call,
        ),
        Line(
            "Scheduler",
            f"a tick every minute with {queries} queries",
            ticks * (tick.dollars + queries * 0.5 * price.read_unit),
        ),
        Line("SQS, polls of empty queues", "three queues, at most", polls * price.sqs_call),
    ]


def per_million_requests(measured: Measured, price: Prices) -> list[Line]:
    calls, reads, writes = units()["GET /images/{id}"]
    api = _compute("", measured.read_request_ms, calls * measured.dynamodb_wait_ms, 1, price)
    count = 1_000_000
    log_kb = measured.api_log_kb / len(IMAGE_REQUESTS) + measured.platform_log_kb + measured.gateway_log_kb
    return [
        Line("Lambda, API", f"{api.usage} per request", count * api.dollars),
        Line("API Gateway", "REST API", count * price.rest_api_call),
        Line(
            "DynamoDB",
            f"{reads:g} read and {writes} write units per request",
            count * (reads * price.read_unit + writes * price.write_unit),
        ),
        Line("WAF", "requests", count * price.firewall_request),
        Line("CloudWatch Logs, ingestion", f"{log_kb:.1f} kB per request", count * log_kb / 1e6 * price.log_gb),
        Line("X-Ray", f"{_traces(count) / 1e6:.1f} million traces", _traces(count) * price.trace),
    ]


def _log_kb(measured: Measured) -> float:
    """What an image adds to the logs: lines of the functions, of Lambda, and of API Gateway."""
    requests, calls = len(IMAGE_REQUESTS), len(IMAGE_REQUESTS) + len(IMAGE_JOBS)
    own = measured.api_log_kb + measured.worker_log_kb
    return own + calls * measured.platform_log_kb + requests * measured.gateway_log_kb


def _firewall_rules() -> int:
    resources = Template.read(INFRA / "firewall.yaml").resources.values()
    (firewall,) = (one for one in resources if one["Type"] == "AWS::WAFv2::WebACL")
    return len(firewall["Properties"]["Rules"])


def _traces(calls: float) -> float:
    """Lambda records the first call of each second and 5 % of the others."""
    first = min(calls, WORKING_SECONDS)
    return first + 0.05 * (calls - first)


def _is_traced(suffix: str) -> bool:
    return bool(_settings(suffix)["xray_tracing"])


def _settings(suffix: str) -> Mapping[str, Any]:
    """The settings of a function in production."""
    (function,) = (one for one in FUNCTIONS if one.suffix == suffix)
    return declared_settings(function.zappa_stage("production"), suffix)


class Compute(NamedTuple):
    """The use of a function, and what it costs in US dollars."""

    usage: str
    dollars: float


def _compute(suffix: str, cpu_ms: float, wait_ms: float, calls: int, price: Prices) -> Compute:
    memory_mb = _settings(suffix)["memory_size"]
    seconds = (cpu_ms / min(1.0, memory_mb / _PROCESSOR_MB) + wait_ms) / 1e3
    dollars = memory_mb / 1024 * seconds * price.lambda_gb_second + calls * price.lambda_call
    return Compute(f"{memory_mb} MB for {seconds * 1e3:.0f} ms", dollars)


def _sum(rows: Iterable[tuple[int, float, int]]) -> tuple[float, float, float]:
    calls, reads, writes = (sum(column) for column in zip(*rows, strict=True))
    return calls, reads, writes


def total(lines: Iterable[Line]) -> float:
    return sum(line.dollars for line in lines)


def bill_table(lines: Sequence[Line]) -> str:
    """The lines and their sum, in Markdown."""
    rows = [f"| {line.service} | {line.usage} | {line.dollars:.2f} |" for line in lines]
    return "\n".join(
        ["| service | usage | US dollars |", "|---|---|---|", *rows, f"| **total** | | **{total(lines):.2f}** |"]
    )


def growth(measured: Measured, price: Prices) -> str:
    bills = {number: month(number, measured, price) for number in MONTHS}
    growing = [line.service for line in bills[1] if line.grows]
    constant = [sum(line.dollars for line in bill if not line.grows) for bill in bills.values()]
    rows = [f"| all that does not grow | {' | '.join(f'{dollars:.0f}' for dollars in constant)} |"]
    for service in growing:
        cells = [f"{line.dollars:.0f}" for bill in bills.values() for line in bill if line.service == service]
        rows.append(f"| {service} | {' | '.join(cells)} |")
    sums = " | ".join(f"**{total(bill):.0f}**" for bill in bills.values())
    heads = " | ".join(f"month {number}" for number in MONTHS)
    return "\n".join([f"| US dollars | {heads} |", "|---" * (len(MONTHS) + 1) + "|", *rows, f"| **total** | {sums} |"])


def page() -> str:
    """The text of docs/costs.md with the current tables."""
    measured, price = Measured.read(), Prices()
    tables: Mapping[str, Callable[[], str]] = {
        "month": lambda: bill_table(month(1, measured, price)),
        "growth": lambda: growth(measured, price),
        "requests": lambda: bill_table(per_million_requests(measured, price)),
        "scale": lambda: scale.table(measured),
        "prices": prices.table,
    }
    text = PAGE.read_text()
    for name, make in tables.items():
        before, begin, rest = text.partition(f"<!-- {name} -->")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(bill_table(month(1, Measured.read(), Prices())) + "\n")
