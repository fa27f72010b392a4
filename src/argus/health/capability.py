"""Liveness, and readiness of the services that Argus depends on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from argus.core.declarations import Capability
from argus.core.functions import FUNCTIONS
from argus.core.runtime import Runtime
from argus.core.settings import BadSetting, Settings, comma_separated, setting

if TYPE_CHECKING:
    from argus.health.service import Health


@dataclass(frozen=True)
class HealthSettings:
    """Settings of the local environment, which runs processes beside the API."""

    pid_files: tuple[str, ...] = setting(
        "ARGUS_PID_FILES",
        "",
        "comma-separated files `<process>.pid`; each exists while its process is ready, and `/ready` checks it. Set by "
        "`make run`; rejected outside `local` and `test`",
        comma_separated,
    )

    def check(self, settings: Settings) -> None:
        if self.pid_files and not settings.is_local:
            raise BadSetting(f"ARGUS_PID_FILES works in the stages local and test only; unset it in {settings.stage}")


def _health(argus: Runtime) -> "Health":
    from argus.health.service import SECONDS, Health

    return Health(argus.ready_checks, seconds=SECONDS * argus.settings.timeout_factor)


def _checks(argus: Runtime) -> Mapping[str, Callable[[], object]]:
    """The services that requests and jobs need: one cheap read of DynamoDB and S3, and one of SQS per queue of jobs.
    In the local environment also the processes."""
    settings = argus.settings
    table, bucket = settings.table("requests"), settings.media_bucket
    queues = [settings.queue_url(function.queue) for function in FUNCTIONS.values()]
    missing = {"pk": {"S": "ready"}, "sk": {"S": "ready"}}
    dynamodb, s3, sqs = (argus.aws.client(name, fail_fast=True) for name in ("dynamodb", "s3", "sqs"))
    pid_files = (Path(name) for name in settings.of(HealthSettings).pid_files)
    return {
        **{f"process {file.stem}": file.stat for file in pid_files},
        "dynamodb": lambda: dynamodb.get_item(TableName=table, Key=missing),
        "s3": lambda: s3.head_bucket(Bucket=bucket),
        "sqs": lambda: [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]) for url in queues],
    }


CAPABILITY = Capability(
    name="health",
    about="Liveness and readiness",
    settings=HealthSettings,
    services={"health": _health},
    blueprints=("argus.health.routes:blueprint",),
    prefix="",
    checks=_checks,
)
