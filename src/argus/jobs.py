"""All jobs by name, with the methods that run them and that handle their last failure, and all sweeps."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import methodcaller

from argus.capabilities import installed
from argus.container import Container
from argus.core.functions import WORKER

Method = Callable[[Container], Callable[..., None]]


@dataclass(frozen=True)
class JobHandler:
    """The method that runs a job, the method that handles its last failure, and the functions that may run it."""

    run: Method
    give_up: Method
    functions: tuple[str, ...] = (WORKER,)


def _method(name: str) -> Method:
    return methodcaller("method", name)


JOBS: dict[str, JobHandler] = {
    name: JobHandler(_method(job.run), _method(job.give_up), job.functions)
    for capability in installed()
    for name, job in capability.jobs.items()
}

# The job of an upload, by the folder of its object: `<organisation>/<folder>/…`.
UPLOADS: dict[str, str] = {folder: job for capability in installed() for folder, job in capability.objects.items()}

# Run at every tick of the scheduler. A failing sweep does not affect the others.
TICKS: dict[str, Method] = {
    name: _method(method) for capability in installed() for name, method in capability.ticks.items()
}
