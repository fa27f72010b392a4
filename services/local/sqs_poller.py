"""An emulated SQS event source mapping.

It behaves as in the Lambda developer guide, "Using Lambda with Amazon SQS": receive up to ten messages, pass them to
the function as one event, and delete those that the function does not report as failed. SQS makes failed messages
visible again after the queue's visibility timeout, and moves them to the dead-letter queue after their last receive.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BATCH = 10

_log = logging.getLogger("argus.sqs_poller")

Handler = Callable[[dict[str, Any], None], dict[str, Any]]


@dataclass(frozen=True)
class SqsPoller:
    """One queue and the function that handles its messages."""

    sqs: Any
    queue_url: str
    queue_arn: str
    handler: Handler

    def poll(self, *, wait_seconds: int) -> int:
        """Receive one batch, waiting up to `wait_seconds`, and handle it; returns the number of messages."""
        received = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=wait_seconds,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if received:
            self._delete_processed(received, self._failed(received))
        return len(received)

    def _failed(self, received: list[dict[str, Any]]) -> set[str]:
        """The ids of the messages to retry: all of them if the function raised or returned an invalid response."""
        event = {"Records": [self._record(message) for message in received]}
        everything = {message["MessageId"] for message in received}
        try:
            response = json.loads(json.dumps(self.handler(json.loads(json.dumps(event)), None)))
            failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        except Exception:
            _log.exception("the function failed; the whole batch will be retried")
            return everything
        return failed if failed <= everything else everything

    def _delete_processed(self, received: list[dict[str, Any]], failed: set[str]) -> None:
        done = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(received)
            if message["MessageId"] not in failed
        ]
        if done:
            self.sqs.delete_message_batch(QueueUrl=self.queue_url, Entries=done)

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": message.get("MessageAttributes", {}),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue_arn,
            "awsRegion": self.queue_arn.split(":")[3],
        }
