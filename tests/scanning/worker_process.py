"""A worker in a separate process, with the plugins of a folder: `python -m tests.scanning.worker_process FOLDER`."""

import sys
import time
from pathlib import Path

import argus.scanning.plugins
from argus.container import Container
from argus.scanning.catalogue import Catalogue
from services.local import sqs_poller
from services.worker import main as worker


def main(folder: str) -> None:
    argus.scanning.plugins.__path__.append(folder)
    container = Container.from_env()
    vars(container)["catalogue"] = Catalogue.load(Path(folder))
    sqs_poller.BATCH = 1  # like the event source mapping of jobs
    url = container.settings.queue_url("jobs")
    queue = sqs_poller.SqsPoller(container.aws.client("sqs"), url, "arn:aws:sqs:x:x:x", worker.handler)
    worker.container = lambda: container  # type: ignore[assignment]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        # Not a long poll: it would go on in SQS when this process is killed, and receive a message of the next test.
        if not queue.poll(wait_seconds=0):
            time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1])
