"""The poller behaves as an event source mapping of AWS."""

import json
import os
from typing import Any

import pytest

from infra.embedded.aws import EmbeddedAws, StackOutputs
from services.local.sqs_poller import SqsPoller
from tests.conftest import LONG_SECONDS, Receiver

ARN = "arn:aws:sqs:eu-west-1:123456789012:argus-test-jobs"


@pytest.fixture
def queue(aws: EmbeddedAws) -> str:
    attributes = {"VisibilityTimeout": str(LONG_SECONDS)}
    created = aws.client("sqs").create_queue(QueueName=f"poller-{os.urandom(8).hex()}", Attributes=attributes)
    return str(created["QueueUrl"])


@pytest.fixture
def sqs(aws: EmbeddedAws) -> Receiver:
    return Receiver(aws.client("sqs"))


def test_processed_messages_are_deleted_and_failed_ones_are_redelivered(sqs: Receiver, queue: str) -> None:
    for number in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))
    batches: list[list[str]] = []

    def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
        batches.append(sorted(record["body"] for record in event["Records"]))
        failed = [record["messageId"] for record in event["Records"] if record["body"] == "1"]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

    poller = SqsPoller(sqs, queue, ARN, handler)
    assert (poller.poll(wait_seconds=0), poller.poll(wait_seconds=0)) == (3, 0)
    sqs.redeliver()
    assert poller.poll(wait_seconds=0) == 1
    assert batches == [["0", "1", "2"], ["1"]]


def test_a_record_has_lambdas_shape(sqs: Receiver, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"a": 1}))
    events: list[dict[str, Any]] = []

    def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
        events.append(event)
        return {"batchItemFailures": []}

    SqsPoller(sqs, queue, ARN, handler).poll(wait_seconds=0)
    (record,) = events[0]["Records"]
    assert set(record) == {
        "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody", "eventSource",
        "eventSourceARN", "awsRegion",
    }  # fmt: skip
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == ("aws:sqs", ARN, "eu-west-1")


@pytest.mark.parametrize("result", [None, {}, {"batchItemFailures": [{"itemIdentifier": "unknown"}]}, RuntimeError()])
def test_a_function_that_fails_or_returns_an_invalid_response_loses_no_message(
    sqs: Receiver, queue: str, result: Any
) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="x")

    def handler(_event: dict[str, Any], _context: object) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    poller = SqsPoller(sqs, queue, ARN, handler)
    assert poller.poll(wait_seconds=0) == 1
    sqs.redeliver()
    assert poller.poll(wait_seconds=0) == 1


def test_the_provisioned_queues_are_the_settings_queues(settings: Any, outputs: StackOutputs) -> None:
    assert outputs.jobs_queue_url.endswith("/argus-test-jobs")
    assert settings.queue_url("jobs").endswith("/argus-test-jobs")
    assert outputs.media_bucket == settings.media_bucket
