"""The scanner: jobs that access the network, with a role that cannot read images."""

from functools import cache

from argus.container import Container
from argus.core.functions import SCANNER
from services.worker.batch import Batches, Event
from services.worker.time_limit import Context


@cache
def container() -> Container:
    return Container.from_env()


def handler(event: Event, context: Context | None) -> Event:
    """Lambda's entry point: a batch from the queue of scans."""
    return Batches(SCANNER, container).handle(event, context)
