"""Prices of AWS in US dollars: on demand, eu-west-1, free tiers not counted.

Argus cannot fetch AWS's price list while it is tested, so each price states where it was read, in November 2026.
"""

from dataclasses import dataclass, fields
from typing import Annotated, get_type_hints

LIST = "AWS Price List, eu-west-1, offer files of September 2026"
AWS_PAGE = "AWS's page about the service"
THIRD_PARTY = "a third party's page; not seen on a page of AWS"
MEMORY = "from memory; not seen"


@dataclass(frozen=True)
class Source:
    """What is paid for, and where the price was read."""

    about: str
    read_in: str


def _price(about: str, read_in: str) -> Source:
    return Source(about, read_in)


@dataclass(frozen=True)
class Prices:
    """All prices that the tables in docs/costs.md use. Storage is per GB and month."""

    lambda_gb_second: Annotated[float, _price("Lambda, GB-second, x86", LIST)] = 0.0000166667
    lambda_call: Annotated[float, _price("Lambda, call", LIST)] = 0.20e-6
    rest_api_call: Annotated[float, _price("API Gateway, REST request", LIST)] = 3.50e-6
    socket_message: Annotated[float, _price("API Gateway, WebSocket message of 32 KB", MEMORY)] = 1.14e-6
    socket_minute: Annotated[float, _price("API Gateway, minute of a WebSocket connection", MEMORY)] = 0.285e-6
    read_unit: Annotated[float, _price("DynamoDB, read unit", LIST)] = 0.1415e-6
    write_unit: Annotated[float, _price("DynamoDB, write unit", LIST)] = 0.705e-6
    table_gb: Annotated[float, _price("DynamoDB, storage, GB-month", LIST)] = 0.283
    recovery_gb: Annotated[float, _price("DynamoDB, point-in-time recovery, GB-month", LIST)] = 0.22
    table_backup_gb: Annotated[float, _price("AWS Backup, DynamoDB, warm, GB-month", MEMORY)] = 0.113
    s3_put: Annotated[float, _price("S3, PUT or LIST", LIST)] = 0.005e-3
    s3_get: Annotated[float, _price("S3, GET or HEAD", LIST)] = 0.0004e-3
    s3_gb: Annotated[float, _price("S3, storage, GB-month", LIST)] = 0.023
    media_backup_gb: Annotated[
        float, _price("AWS Backup, S3, warm, GB-month, at least 128 KB per object", THIRD_PARTY)
    ] = 0.05
    backup_event: Annotated[float, _price("EventBridge, event of a new object for AWS Backup", MEMORY)] = 1.00e-6
    sqs_call: Annotated[float, _price("SQS, request of 64 KB", LIST)] = 0.40e-6
    log_gb: Annotated[float, _price("CloudWatch Logs, ingestion, GB", LIST)] = 0.57
    log_stored_gb: Annotated[float, _price("CloudWatch Logs, storage of compressed data, GB-month", LIST)] = 0.03
    custom_metric: Annotated[float, _price("CloudWatch, custom metric, month", LIST)] = 0.30
    alarm_metric: Annotated[float, _price("CloudWatch, metric of an alarm, month", LIST)] = 0.10
    dashboard: Annotated[float, _price("CloudWatch, dashboard, month", THIRD_PARTY)] = 3.00
    trace: Annotated[float, _price("X-Ray, trace recorded", AWS_PAGE)] = 5.00e-6
    firewall: Annotated[float, _price("WAF, web ACL, month", THIRD_PARTY)] = 5.00
    firewall_rule: Annotated[float, _price("WAF, rule or group of AWS's rules, month", THIRD_PARTY)] = 1.00
    firewall_request: Annotated[float, _price("WAF, request", THIRD_PARTY)] = 0.60e-6
    traffic_gb: Annotated[float, _price("data to the internet, GB", LIST)] = 0.09
    key: Annotated[float, _price("KMS, key, month", MEMORY)] = 1.00
    key_call: Annotated[float, _price("KMS, request", THIRD_PARTY)] = 0.03e-4


def _readable(dollars: float) -> str:
    return f"{dollars * 1e6:.6g} per million" if dollars < 1e-3 else f"{dollars:g}"


def table() -> str:
    """The prices and their sources, in Markdown."""
    hints = get_type_hints(Prices, include_extras=True)
    rows, prices = [], Prices()
    for field in fields(Prices):
        (source,) = hints[field.name].__metadata__
        rows.append(f"| {source.about} | {_readable(getattr(prices, field.name))} | {source.read_in} |")
    return "\n".join(["| what | US dollars | read in |", "|---|---|---|", *rows])
