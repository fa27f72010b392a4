"""Sends jobs. A job is a name from `argus.jobs` and its arguments; a function runs it at least once."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from argus.core.aws import ClientFactory
from argus.core.backoff import Backoff
from argus.core.errors import ArgusError
from argus.core.functions import FUNCTIONS, WORKER
from argus.core.observability import current_work

BATCH = 10  # messages in one call, the limit of SQS
ATTEMPTS = 4  # to send a message that SQS rejected while it accepted others of its batch
_BACKOFF = Backoff(max_attempts=ATTEMPTS, seconds=3.0, first_seconds=0.2)


class WrongFunction(ArgusError):
    """The job is not declared for this function."""


class NotQueued(ArgusError):
    """SQS did not accept some of the jobs."""


@dataclass(frozen=True)
class JobQueue:
    """The queues of jobs, one for each function."""

    queue_url: Callable[[str], str]  # by queue name
    client: ClientFactory
    functions: Mapping[str, tuple[str, ...]]  # by job: the functions that may run it
    backoff: Backoff = _BACKOFF

    def send(self, job: str, arguments: Mapping[str, Any], *, function: str = WORKER) -> None:
        """Queue a job for a function. Raises WrongFunction.

        The message contains the ids of the request and the caller, which connect log lines.
        """
        url = self._url(job, function)
        self.client().send_message(QueueUrl=url, MessageBody=_body(job, arguments))

    def send_many(self, job: str, arguments: Iterable[Mapping[str, Any]], *, function: str = WORKER) -> None:
        """Queue a job for a function with each of the arguments. Raises WrongFunction, NotQueued.

        If it raises NotQueued, some jobs may have been queued.
        """
        url = self._url(job, function)
        for batch in _batches(_body(job, each) for each in arguments):
            self._send_batch(url, batch)

    def _url(self, job: str, function: str) -> str:
        if function not in self.functions.get(job, ()):
            raise WrongFunction(f"{job} is sent to {function}; its capability declares which functions may run it")
        return self.queue_url(FUNCTIONS[function].queue)

    def _send_batch(self, url: str, bodies: list[str]) -> None:
        remaining = {str(number): body for number, body in enumerate(bodies)}
        for _ in self.backoff.attempts():
            entries = [{"Id": number, "MessageBody": body} for number, body in remaining.items()]
            failed = self.client().send_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])
            if not failed:
                return
            remaining = {failure["Id"]: remaining[failure["Id"]] for failure in failed}
        raise NotQueued(f"{len(remaining)} of {len(bodies)} jobs: {failed[0]['Code']}")


def _body(job: str, arguments: Mapping[str, Any]) -> str:
    work = current_work()
    ids = {"request_id": work.request_id, "caller_id": work.caller_id} if work else {}
    return json.dumps({"job": job, "arguments": dict(arguments), **ids})


def _batches(bodies: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(bodies)
    while batch := list(islice(remaining, BATCH)):
        yield batch
