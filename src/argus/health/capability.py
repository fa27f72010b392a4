"""Whether Argus is alive, and whether what it depends on answers."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from argus.core.declarations import Capability
from argus.core.runtime import Runtime

if TYPE_CHECKING:
    from argus.health.service import Health


def _health(argus: Runtime) -> "Health":
    from argus.health.service import SECONDS, Health

    return Health(argus.ready_checks, seconds=SECONDS * argus.settings.timeout_factor)


def _checks(argus: Runtime) -> Mapping[str, Callable[[], object]]:
    """A cheap call of each service of AWS that requests and jobs cannot do without; none of them changes anything."""
    settings = argus.settings
    table, bucket, jobs = settings.table("requests"), settings.media_bucket, settings.queue_url("jobs")
    missing = {"pk": {"S": "ready"}, "sk": {"S": "ready"}}
    dynamodb, s3, sqs = (argus.aws.client(name, fail_fast=True) for name in ("dynamodb", "s3", "sqs"))
    return {
        "dynamodb": lambda: dynamodb.get_item(TableName=table, Key=missing),
        "s3": lambda: s3.head_bucket(Bucket=bucket),
        "sqs": lambda: sqs.get_queue_attributes(QueueUrl=jobs, AttributeNames=["QueueArn"]),
    }


CAPABILITY = Capability(
    name="health",
    about="Whether Argus is there",
    services={"health": _health},
    blueprints=("argus.health.routes:blueprint",),
    prefix="",
    checks=_checks,
    errors=("argus.health.routes",),
)
