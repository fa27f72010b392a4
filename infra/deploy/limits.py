"""Limits of a stage that no template can set: of the API's stage, of functions at once, and of the budget.

Sources: API Gateway reference, UpdateStage and its patch operations; developer guide, "Variables for access logging";
Lambda developer guide, "Configuring maximum concurrency for Amazon SQS event sources"; AWS Cost Explorer reference,
UpdateCostAllocationTagsStatus.
"""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

BURST = 2  # times the rate

# Parameters of events.yaml. SQS accepts no lower maximum than 2; a new account has 10 functions at once.
QUEUE_CONCURRENCIES = ("UploadsConcurrency", "JobsConcurrency", "ScansConcurrency")
MIN_SHARE, MAX_SHARE = 2, 10
API_MINIMUM = 4  # with the scheduler and the WebSocket API

BUDGET_TAG = "stage"  # by which the budget in alarms.yaml filters

# One line per request, also for those that the firewall rejected; AWS may leave out throttled ones when there are many.
# Neither IP address nor query string, which may contain secrets.
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "bytes": "$context.responseLength",
    "ms": "$context.responseLatency",
    "integration_status": "$context.integration.status",
    "integration_ms": "$context.integration.latency",
    "firewall": "$context.wafResponseCode",
}


def limit_api(apigateway: Any, api_id: str, stage: str, *, rate: int, log_arn: str) -> None:
    """Set throttle and access log of the stage that Zappa created; `rate` is in requests a second, of all callers."""
    settings = {
        "/*/*/throttling/rateLimit": str(rate),
        "/*/*/throttling/burstLimit": str(rate * BURST),
        "/accessLogSettings/destinationArn": log_arn,
        "/accessLogSettings/format": json.dumps(ACCESS_LOG),
    }
    operations = [{"op": "replace", "path": path, "value": value} for path, value in settings.items()]
    apigateway.update_stage(restApiId=api_id, stageName=stage, patchOperations=operations)


def shares(concurrency: int) -> dict[str, str]:
    """How many functions may work for each queue, of those that may run at once in the account."""
    share = min(MAX_SHARE, max(MIN_SHARE, concurrency // 5))
    return dict.fromkeys(QUEUE_CONCURRENCIES, str(share))


def activate_tag(billing: Any) -> str:
    """Activate the budget's tag; returns the problem, or an empty text. Only the account that pays may do it."""
    tags = [{"TagKey": BUDGET_TAG, "Status": "Active"}]
    try:
        errors = billing.update_cost_allocation_tags_status(CostAllocationTagsStatus=tags).get("Errors", [])
    except (BotoCoreError, ClientError) as error:
        return str(error)
    return "; ".join(error.get("Message") or error.get("Code", "refused") for error in errors)
