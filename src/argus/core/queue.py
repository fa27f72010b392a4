"""Sending jobs. A job is a name from `argus.jobs` and its arguments; a worker runs it at least once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argus.core.aws import ClientFactory
from argus.core.observability import current_work


@dataclass(frozen=True)
class Jobs:
    """The queue of jobs."""

    queue_url: str
    client: ClientFactory

    def send(self, job: str, arguments: Mapping[str, Any]) -> None:
        """Queue a job. The ids of request and caller travel along, so that log lines can be found together."""
        work = current_work()
        asked = {"request_id": work.request_id, "caller_id": work.caller_id} if work else {}
        body = {"job": job, "arguments": dict(arguments), **asked}
        self.client().send_message(QueueUrl=self.queue_url, MessageBody=json.dumps(body))
