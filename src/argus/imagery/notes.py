"""What a user should know about an image that was accepted: kept, assumed or left out. The texts are messages."""

from argus.core.languages import Message, Parameter
from argus.imagery.tags import Exif

UPRIGHT = 1


def note(code: str, key: str = "", /, **parameters: Parameter) -> Message:
    """A note about an image."""
    return Message("argus.imagery", code, key, parameters)


def orientation(exif: Exif) -> tuple[Message, ...]:
    """A note if the file asks viewers to turn or mirror the picture: pixels stay as the sensor recorded them."""
    return (note("not_turned", orientation=exif.orientation),) if exif.orientation != UPRIGHT else ()
