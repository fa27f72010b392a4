"""Pictures of an image in any palette. The worker stores one preview; each other is made when it is first requested.

An anonymous link leads to a picture that may not be stored yet: a sealed token that names the picture. The picture is
then stored, and the response leads to it, as the response of a Lambda function is too small for a picture.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from argus.core.clock import Clock
from argus.core.errors import Forbidden
from argus.core.objects import NewObject, NoSuchObject
from argus.core.presign import Link
from argus.core.sealing import Sealer, WrongSeal
from argus.imagery import palettes
from argus.imagery.model import Image, PictureKind, Products, picture_name
from argus.imagery.png import CONTENT_TYPE, colour_bar_in, with_palette
from argus.imagery.service import Imagery

_PURPOSE = "picture"  # of the seals
_COLOURS: dict[PictureKind, Callable[[str], bytes]] = {
    PictureKind.PREVIEW: palettes.table,
    PictureKind.COLOUR_BAR: palettes.legend,
}


class InvalidPictureLink(Forbidden):
    """The link to a picture was not made by Argus."""


class PictureLinkExpired(Forbidden):
    """The link to a picture has expired."""


def palette_colours() -> list[dict[str, str]]:
    """Every palette, with the colours of each kind of picture as hexadecimal digits: the content of a PLTE chunk."""
    return [
        {"name": name, **{f"{kind}_colours": colours(name).hex() for kind, colours in _COLOURS.items()}}
        for name in palettes.PALETTES
    ]


@dataclass(frozen=True)
class Pictures:
    """Pictures of all organisations. A token is the permission to see its picture, until it expires."""

    imagery: Imagery
    sealer: Callable[[], Sealer]  # called with the first token, since it may have to fetch its key
    clock: Clock

    def token(self, image: Image, kind: PictureKind, palette: str) -> tuple[str, datetime]:
        """A token for a picture, and when it expires. It stays the same for the window of a presigned link."""
        expires_at = self.imagery.links.expiry(image.product_key(picture_name(kind, palette)))
        named = [image.organisation_id, image.id, kind, palette, int(expires_at.timestamp())]
        return self.sealer().seal(named, bound_to=_PURPOSE), expires_at

    def link(self, token: str) -> Link:
        """A presigned link to the picture that a token names; the picture is stored if it is not yet.

        Raises InvalidPictureLink, PictureLinkExpired, and NoSuchImage if the image was deleted.
        """
        organisation_id, image_id, kind, palette, expires_at = self._opened(token)
        if expires_at <= self.clock().timestamp():
            raise PictureLinkExpired
        image = self.imagery.ready_in(organisation_id, image_id)
        name = picture_name(kind, palette)
        try:
            self.imagery.objects.latest_version(image.product_key(name))
        except NoSuchObject:
            self._store(image, PictureKind(kind), palette)
        return self.imagery.link(image, name)

    def _opened(self, token: str) -> Any:
        try:
            return self.sealer().open(token, bound_to=_PURPOSE)
        except (ValueError, WrongSeal) as error:
            raise InvalidPictureLink from error

    def _store(self, image: Image, kind: PictureKind, palette: str) -> None:
        colours = _COLOURS[kind](palette)
        products = cast(Products, image.products)  # a ready image has products
        preview = self.imagery.stored_product(image, products.stored_preview)
        stored = colour_bar_in(preview) if kind is PictureKind.COLOUR_BAR else preview
        copy = NewObject(image.product_key(picture_name(kind, palette)), with_palette(stored, colours), CONTENT_TYPE)
        self.imagery.add_product(image, copy)
