"""What a plugin sees of imagery: the pixels of its own organisation's images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from argus.imagery.service import Imagery

if TYPE_CHECKING:
    from argus.imagery.thermogram import Thermogram


@dataclass(frozen=True)
class OrganisationImages:
    """Reads images of one organisation, decoded anew from the original: the products are rounded to 0.01 °C."""

    imagery: Imagery
    organisation_id: str

    def thermogram(self, image_id: str) -> "Thermogram":
        from argus.imagery.decode import decode  # numpy comes with it

        image, data = self.imagery.original(self.organisation_id, image_id)
        return decode(data, declared_scale=image.file.scale)
