"""What a plugin sees of toys."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from argus.toy.model import Toy
    from argus.toy.service import Toys

    from argus.scanning.plugin import Tools


class ToyReader(Protocol):
    """Reads the caller's own toys."""

    def toy(self, toy_id: str) -> "Toy": ...


def toys(tools: "Tools") -> ToyReader:
    """The toys that a plugin may read. Raises Forbidden unless its manifest asks for the permission `toys`."""
    reader: ToyReader = tools.tool("toys")
    return reader


@dataclass(frozen=True)
class OrganisationToys:
    """Reads toys of one organisation."""

    service: "Toys"
    organisation_id: str

    def toy(self, toy_id: str) -> "Toy":
        return self.service.of(self.organisation_id, toy_id)
