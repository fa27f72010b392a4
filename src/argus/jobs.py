"""The switchboard: what a worker runs for a job, what when its last try has failed, and what every tick runs."""

from collections.abc import Callable
from dataclasses import dataclass

from argus.container import Container

Verb = Callable[[Container], Callable[..., None]]


@dataclass(frozen=True)
class Job:
    """A verb of a service, and the one that tells people it could not be done."""

    run: Verb
    give_up: Verb


JOBS: dict[str, Job] = {
    "image.arrived": Job(lambda argus: argus.imagery.arrived, lambda argus: argus.imagery.give_up),
    "image.expire": Job(lambda argus: argus.imagery.expire, lambda argus: argus.imagery.give_up),
    "scan.run": Job(lambda argus: argus.scanning.run, lambda argus: argus.scanning.give_up),
    "report.build": Job(lambda argus: argus.reports.build, lambda argus: argus.reports.give_up),
    "notify.tell": Job(lambda argus: argus.notify.tell, lambda argus: argus.notify.give_up),
}

# Run at every tick of the scheduler, each on its own: one that fails does not keep the others from running.
TICKS: dict[str, Verb] = {
    "images.sweep": lambda argus: argus.imagery.sweep,
    "scans.sweep": lambda argus: argus.scanning.sweep,
    "reports.sweep": lambda argus: argus.reports.sweep,
}
