"""Workers with the plugins of a folder, forked from one process: `python -m tests.journeys.forked_workers FOLDER`.

A line `start` on standard input starts a worker; the answer is its process id. A line with the id of a worker that was
killed is answered with `ended` when it is gone. Workers write their logs to standard error.
"""

import os
import sys
import time
from pathlib import Path

import argus.scanning.plugins
from argus.container import Container
from argus.scanning.catalogue import Catalogue
from services.local import sqs_poller
from services.worker import main as worker


def main(folder: str) -> None:
    for line in sys.stdin:
        if line == "start\n":
            process_id = os.fork()
            if not process_id:
                os.dup2(2, 1)
                _work(folder)
            _answer(str(process_id))
        else:
            os.waitpid(int(line), 0)
            _answer("ended")


def _answer(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _work(folder: str) -> None:
    argus.scanning.plugins.__path__.append(folder)
    container = Container.from_env()
    vars(container)["catalogue"] = Catalogue.load(Path(folder))
    sqs_poller.BATCH = 1  # like the event source mapping of jobs
    url = container.settings.queue_url("jobs")
    queue = sqs_poller.SqsPoller(container.aws.client("sqs"), url, "arn:aws:sqs:x:x:x", worker.handler)
    worker.container = lambda: container  # type: ignore[assignment]
    while True:
        # Not a long poll: it would go on in SQS when this process is killed, and receive a message of the next test.
        if not queue.poll(wait_seconds=0):
            time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1])
