"""The imagery tool of plugins: reads the pixels of the organisation's images."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from argus.imagery.service import Imagery
    from argus.imagery.thermogram import Thermogram
    from argus.scanning.plugin import Tools

PERMISSION = "imagery"


class ImageReader(Protocol):
    """Reads images of the scan's organisation."""

    def thermogram(self, image_id: str) -> "Thermogram": ...


def images(tools: "Tools") -> ImageReader:
    """The images that a plugin may read. Raises Forbidden unless its manifest requests the permission `imagery`."""
    reader: ImageReader = tools.tool(PERMISSION)
    return reader


@dataclass(frozen=True)
class OrganisationImages:
    """Reads images of one organisation, decoded from the originals, as the products are rounded to 0.01 °C.

    The last image stays decoded, so that the plugins of a run share it.
    """

    imagery: "Imagery"
    organisation_id: str
    _last: dict[str, "Thermogram"] = field(default_factory=dict, init=False, repr=False, compare=False)

    def thermogram(self, image_id: str) -> "Thermogram":
        if image_id not in self._last:
            self._last.clear()  # before decoding: the largest image takes 100 MB, and decoding takes more
            self._last[image_id] = self._decoded(image_id)
        return self._last[image_id]

    def _decoded(self, image_id: str) -> "Thermogram":
        from argus.imagery.decode import decode_file  # imports numpy

        image, data = self.imagery.original(self.organisation_id, image_id)
        return decode_file(image.file, data, self.imagery.dji_decoder)
