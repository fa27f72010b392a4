"""SQS batches into jobs, for every function behind a queue.

Answers with the messages that failed (`ReportBatchItemFailures`): those come again, and after their last try are in
the dead-letter queue. By then the job's `give_up` has reported the failure to those who wait for it.
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
from services.worker.time_limit import Context, DeadlineExceeded, deadline, may_begin

MAX_RECEIVES = 3  # maxReceiveCount of infra/data.yaml; a test compares

_log = logging.getLogger("argus.batch")

Event = dict[str, Any]


class UnknownMessage(ArgusError):
    """The message names no job of this function."""


class UnknownEvent(ArgusError):
    """The event is not a batch from SQS."""


@dataclass(frozen=True)
class Call:
    """One job to run."""

    job: str
    arguments: dict[str, Any]
    request_id: str = ""
    caller_id: str = ""


@dataclass(frozen=True)
class Batches:
    """What one function does with the batches of its queues."""

    function: str  # of argus.core.functions
    container: Callable[[], Container]

    def handle(self, event: Event, context: Context | None) -> Event:
        """Run every message of a batch, each on its own, for as long as there is time.

        What there was no time for is named as failed, and comes again. Those with the fewest tries left go first.
        """
        records = _messages(event)
        done = set()
        try:
            with deadline(context):
                for record in sorted(records, key=_tries, reverse=True):
                    if not may_begin(context):
                        break
                    if self._handled(record):
                        done.add(record["messageId"])
        except DeadlineExceeded:
            counts = {"messages": len(records), "done": len(done)}
            _log.warning("time is up", extra={"function": self.function, **counts})
        failed = [record["messageId"] for record in records if record["messageId"] not in done]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _handled(self, record: Event) -> bool:
        last_try = _tries(record) >= MAX_RECEIVES
        try:
            calls = [self._checked(call) for call in _calls(json.loads(record["body"]))]
        except Exception as error:  # whatever is in it, it must not take its neighbours along
            about = {"function": self.function, "message_id": record["messageId"]}
            _log.error("unreadable message", extra=about, exc_info=error)
            return False
        return not [call for call in calls if not self._run(call, last_try=last_try)]  # every one gets its turn

    def _checked(self, call: Call) -> Call:
        """The call, if it is of a job that this function runs. Raises UnknownMessage."""
        if call.job not in JOBS:
            raise UnknownMessage(str(call.job)[:100])
        if self.function not in JOBS[call.job].functions:
            raise UnknownMessage(f"{call.job} is not for the {self.function}")
        return call

    def _run(self, call: Call, *, last_try: bool) -> bool:
        """Run one job; whether it is done."""
        with job(call.job, function=self.function, request_id=call.request_id, caller_id=call.caller_id) as run:
            try:
                JOBS[call.job].run(self.container())(**call.arguments)
                run.done()
            except DeadlineExceeded:
                run.out_of_time()
                if last_try:
                    self._give_up(call)
                raise
            except Exception as error:
                run.failed()
                about = {"function": self.function, "job": call.job, "last_try": last_try}
                _log.error("job failed", extra=about, exc_info=error)
                if last_try:
                    self._give_up(call)
        return run.outcome == "done"

    def _give_up(self, call: Call) -> None:
        """Report the failure; if that fails too, the scheduler's sweep does."""
        try:
            JOBS[call.job].give_up(self.container())(**call.arguments)
        except Exception as error:
            _log.error("giving up failed", extra={"function": self.function, "job": call.job}, exc_info=error)


def _messages(event: Any) -> list[Event]:
    """The messages of a batch from SQS. Any other event is refused: an answer would count it as done."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records or not all(map(_is_message, records)):
        raise UnknownEvent(f"keys {sorted(event)[:20]}" if isinstance(event, dict) else type(event).__name__)
    return records


def _is_message(record: Any) -> bool:
    return isinstance(record, dict) and {"messageId", "body", "attributes"} <= record.keys()


def _tries(record: Event) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


def _calls(body: Any) -> Iterator[Call]:
    """The jobs a message asks for: one of our own, or one for each object that S3 announces."""
    if not isinstance(body, dict):
        raise UnknownMessage(type(body).__name__)
    if body.get("Event") == "s3:TestEvent":
        return  # S3 sends it once, when the notification is set up
    if "job" in body:
        yield Call(body["job"], body["arguments"], body.get("request_id", ""), body.get("caller_id", ""))
        return
    for announced in body["Records"]:
        stored = announced["s3"]["object"]
        key = unquote_plus(stored["key"])
        organisation_id, folder, rest = [*key.split("/", 2), "", ""][:3]
        if not (is_id(organisation_id, "org") and rest):
            _log.warning("an object whose key was not issued is ignored", extra={"key": key[:100]})
            continue
        if folder not in UPLOADS:  # of another release, perhaps: it must not be lost
            raise UnknownMessage(f"no capability takes uploads to {folder[:100]}")
        arguments = {"key": key, "object_version": stored.get("versionId", ""), "size_bytes": stored["size"]}
        yield Call(UPLOADS[folder], arguments)
