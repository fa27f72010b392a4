"""How the embedded CloudFormation makes what our templates declare, and is caught when it does not.

moto answers CREATE_COMPLETE while it skips resource types and properties it does not know. The modules per service
(`tables`, `buckets`, `queues`, `users`, `keys`, `roles`, `events`, `alarms`) say how each type of ours is made,
completed and read back; `types` is the list of them; `moto_patches` hands them to moto; `discovery` finds the templates
of capabilities; `template` reads a template as CloudFormation would; `verify` compares that with what is really there,
through the ordinary AWS APIs.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from argus.core.errors import ArgusError


class NotAsDeclared(ArgusError):
    """The embedded AWS is not what the template declares."""

    def __init__(self, stack: str, differences: Sequence[str]) -> None:
        super().__init__(f"{stack}: " + "; ".join(differences))
        self.differences = tuple(differences)


def first(found: Iterable[Any], what: str) -> Any:
    """The first that was found; raise LookupError when there is none."""
    for item in found:
        return item
    raise LookupError(f"{what} is not there")
