"""Sending jobs. A job is a name from `argus.jobs` and its arguments; a function runs it at least once."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from argus.core.aws import ClientFactory
from argus.core.errors import ArgusError
from argus.core.functions import FUNCTIONS, WORKER
from argus.core.observability import current_work

BATCH = 10  # messages in one call, the most that SQS takes
TRIES = 4  # of a message that SQS did not take while it took others of its batch
PAUSE_SECONDS = 0.1  # before the second of those tries, then twice as long each time


class WrongFunction(ArgusError):
    """The job is not declared for this function."""


class NotQueued(ArgusError):
    """SQS did not take some of the jobs."""


@dataclass(frozen=True)
class JobQueue:
    """The queues of jobs: each function takes its jobs from its own."""

    queue_url: Callable[[str], str]  # of a queue's name
    client: ClientFactory
    functions: Mapping[str, tuple[str, ...]]  # by job: those that may run it
    sleep: Callable[[float], None] = time.sleep

    def send(self, job: str, arguments: Mapping[str, Any], *, function: str = WORKER) -> None:
        """Queue a job for a function. Raises WrongFunction.

        The ids of request and caller travel along, so that log lines can be found together.
        """
        url = self._url(job, function)
        self.client().send_message(QueueUrl=url, MessageBody=_body(job, arguments))

    def send_many(self, job: str, arguments: Iterable[Mapping[str, Any]], *, function: str = WORKER) -> None:
        """Queue a job for a function with each of these arguments. Raises WrongFunction, NotQueued.

        When it raises, some may have been queued.
        """
        url = self._url(job, function)
        for batch in _batches(_body(job, each) for each in arguments):
            self._send_batch(url, batch)

    def _url(self, job: str, function: str) -> str:
        if function not in self.functions.get(job, ()):
            raise WrongFunction(f"{job} is sent to {function}; its capability declares which functions may run it")
        return self.queue_url(FUNCTIONS[function].queue)

    def _send_batch(self, url: str, bodies: list[str]) -> None:
        left = {str(number): body for number, body in enumerate(bodies)}
        for tried in range(TRIES):
            if tried:
                self.sleep(PAUSE_SECONDS * 2 ** (tried - 1))
            entries = [{"Id": number, "MessageBody": body} for number, body in left.items()]
            failed = self.client().send_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])
            if not failed:
                return
            left = {failure["Id"]: left[failure["Id"]] for failure in failed}
        raise NotQueued(f"{len(left)} of {len(bodies)} jobs: {failed[0]['Code']}")


def _body(job: str, arguments: Mapping[str, Any]) -> str:
    work = current_work()
    asked = {"request_id": work.request_id, "caller_id": work.caller_id} if work else {}
    return json.dumps({"job": job, "arguments": dict(arguments), **asked})


def _batches(bodies: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(bodies)
    while batch := list(islice(remaining, BATCH)):
        yield batch
