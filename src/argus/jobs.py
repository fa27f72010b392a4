"""The switchboard: what a function runs for a job, what when its last try has failed, and what every tick runs."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import methodcaller

from argus.capabilities import installed
from argus.container import Container
from argus.core.functions import WORKER

Verb = Callable[[Container], Callable[..., None]]


@dataclass(frozen=True)
class JobHandler:
    """A method of a service, the one that reports that it could not be done, and the functions that may run it."""

    run: Verb
    give_up: Verb
    functions: tuple[str, ...] = (WORKER,)


def _method(name: str) -> Verb:
    return methodcaller("method", name)


JOBS: dict[str, JobHandler] = {
    name: JobHandler(_method(job.run), _method(job.give_up), job.functions)
    for capability in installed()
    for name, job in capability.jobs.items()
}

# The job of an upload, by the folder of its object: `<organisation>/<folder>/…`.
UPLOADS: dict[str, str] = {folder: job for capability in installed() for folder, job in capability.objects.items()}

# Run at every tick of the scheduler, each on its own: one that fails does not keep the others from running.
TICKS: dict[str, Verb] = {
    name: _method(method) for capability in installed() for name, method in capability.ticks.items()
}
