"""The worker: uploads, images, reports, and every job that does not belong to another function."""

from functools import cache

from argus.container import Container
from argus.core.functions import WORKER
from services.worker.batch import Batches, Event
from services.worker.time_limit import Context


@cache
def container() -> Container:
    return Container.from_env()


def handler(event: Event, context: Context | None) -> Event:
    """Lambda's entry point: a batch from the queue of uploads or the queue of jobs."""
    return Batches(WORKER, container).handle(event, context)
