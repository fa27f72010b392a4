"""Runs the jobs in batches of SQS messages, for every function behind a queue.

The response names the messages that failed (`ReportBatchItemFailures`). SQS redelivers them, and moves them to the
dead-letter queue after their last receive. If that fails, the job's `give_up` records the failure for the user.

A receive is not an attempt: if Lambda has no capacity for the function, or the batch ends first, the message was
received and its job did not run.
"""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from argus.container import Container
from argus.core.errors import ArgusError
from argus.core.ids import is_id
from argus.core.work import job
from argus.jobs import JOBS, UPLOADS
from services.worker.time_limit import Context, DeadlineExceeded, deadline, may_start

MAX_RECEIVES = 5  # maxReceiveCount of infra/data.yaml; a test compares

_log = logging.getLogger("argus.batch")

Event = dict[str, Any]


class UnknownMessage(ArgusError):
    """The message does not contain a job of this function."""


class UnknownEvent(ArgusError):
    """The event is not an SQS batch."""


@dataclass(frozen=True)
class Call:
    """One job to run."""

    job: str
    arguments: dict[str, Any]
    request_id: str = ""
    caller_id: str = ""


@dataclass(frozen=True)
class Batches:
    """The handler of a function's batches."""

    function: str  # a name in argus.core.functions
    container: Callable[[], Container]

    def handle(self, event: Event, context: Context | None) -> Event:
        """Process the messages of a batch one by one until the deadline; a failed message does not affect the others.

        Messages that were not processed in time are reported as failed, so that SQS redelivers them. Messages with the
        fewest receives left are processed first.
        """
        records = _messages(event)
        done = set()
        try:
            with deadline(context):
                for record in sorted(records, key=_receives, reverse=True):
                    if not may_start(context):
                        break
                    if self._process(record):
                        done.add(record["messageId"])
        except DeadlineExceeded:
            counts = {"messages": len(records), "done": len(done)}
            _log.warning("deadline exceeded", extra={"function": self.function, **counts})
        failed = [record["messageId"] for record in records if record["messageId"] not in done]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _process(self, record: Event) -> bool:
        try:
            calls = [self._validated(call) for call in _calls(json.loads(record["body"]))]
        except Exception as error:  # a malformed message must not fail the others
            context = {"function": self.function, "message_id": record["messageId"]}
            _log.error("unreadable message", extra=context, exc_info=error)
            return False
        receives = _receives(record)
        return not [call for call in calls if not self._run(call, receives=receives)]  # run all calls

    def _validated(self, call: Call) -> Call:
        """The call, if this function runs its job. Raises UnknownMessage."""
        if call.job not in JOBS:
            raise UnknownMessage(str(call.job)[:100])
        if self.function not in JOBS[call.job].functions:
            raise UnknownMessage(f"{call.job} is not for the {self.function}")
        return call

    def _run(self, call: Call, *, receives: int) -> bool:
        """Run one job; returns whether it succeeded."""
        last_receive = receives >= MAX_RECEIVES
        with job(
            call.job,
            function=self.function,
            request_id=call.request_id,
            caller_id=call.caller_id,
            receives=receives,
        ) as run:
            try:
                JOBS[call.job].run(self.container())(**call.arguments)
                run.mark_done()
            except DeadlineExceeded:
                run.mark_out_of_time()
                if last_receive:
                    self._give_up(call)
                raise
            except Exception as error:
                run.mark_failed()
                context = {"function": self.function, "job": call.job, "last_receive": last_receive}
                _log.error("job failed", extra=context, exc_info=error)
                if last_receive:
                    self._give_up(call)
        return run.outcome == "done"

    def _give_up(self, call: Call) -> None:
        """Record the failure; if this fails too, the scheduler's sweep records it."""
        try:
            JOBS[call.job].give_up(self.container())(**call.arguments)
        except Exception as error:
            _log.error("giving up failed", extra={"function": self.function, "job": call.job}, exc_info=error)


def _messages(event: Any) -> list[Event]:
    """The messages of an SQS batch. Other events are rejected: a response would report success to the sender."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records or not all(map(_is_message, records)):
        raise UnknownEvent(f"keys {sorted(event)[:20]}" if isinstance(event, dict) else type(event).__name__)
    return records


def _is_message(record: Any) -> bool:
    return isinstance(record, dict) and {"messageId", "body", "attributes"} <= record.keys()


def _receives(record: Event) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


def _calls(body: Any) -> Iterator[Call]:
    """The jobs of a message: one for a message of Argus, one for each object in a notification of S3."""
    if not isinstance(body, dict):
        raise UnknownMessage(type(body).__name__)
    if body.get("Event") == "s3:TestEvent":
        return  # S3 sends it once, when the notification is configured
    if "job" in body:
        yield Call(body["job"], body["arguments"], body.get("request_id", ""), body.get("caller_id", ""))
        return
    for record in body["Records"]:
        stored = record["s3"]["object"]
        key = unquote_plus(stored["key"])
        organisation_id, folder, rest = [*key.split("/", 2), "", ""][:3]
        if not (is_id(organisation_id, "org") and rest):
            _log.warning("object ignored: its key was not issued by Argus", extra={"key": key[:100]})
            continue
        if folder not in UPLOADS:  # perhaps of another release: fail, so that the message is kept
            raise UnknownMessage(f"no capability handles uploads to {folder[:100]}")
        arguments = {"key": key, "object_version": stored.get("versionId", ""), "size_bytes": stored["size"]}
        yield Call(UPLOADS[folder], arguments)
