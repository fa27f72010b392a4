"""Creates the resources of our templates in the embedded AWS, and verifies that they are as declared.

moto reports CREATE_COMPLETE even if it skips resource types and properties that it does not support. The modules for
each service (`tables`, `buckets`, `queues`, `users`, `keys`, `roles`, `events`, `alarms`) create, complete and read
back each resource type that we use. `types` lists them, `moto_patches` registers them with moto, `discovery` finds the
templates of capabilities, `template` parses a template as CloudFormation does, and `verify` compares it with the
actual resources, through the ordinary AWS APIs.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from argus.core.errors import ArgusError


class NotAsDeclared(ArgusError):
    """The embedded AWS differs from the template."""

    def __init__(self, stack: str, differences: Sequence[str]) -> None:
        super().__init__(f"{stack}: " + "; ".join(differences))
        self.differences = tuple(differences)


def first(items: Iterable[Any], name: str) -> Any:
    """The first item. Raises LookupError if there is none."""
    for item in items:
        return item
    raise LookupError(f"{name} does not exist")
