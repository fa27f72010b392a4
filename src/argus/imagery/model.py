"""What a thermal image is, what is told about it, and where it stands. No arrays here: the API reads this."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from argus.core.languages import Message


class Accuracy(StrEnum):
    """How far a temperature can be trusted."""

    EXACT = "exact"  # the maker's own radiometric formula and constants
    APPROXIMATE = "approximate"  # a public approximation, several degrees off the maker's own software


# What files say of themselves has no limit of its own; it stands in every item that a listing reads.
MAX_CAMERA_TEXT = 100  # characters of each part


@dataclass(frozen=True)
class Camera:
    """Who took the picture. Unknown parts are empty."""

    make: str = ""
    model: str = ""
    serial: str = ""
    lens: str = ""


@dataclass(frozen=True)
class Parameters:
    """The scene settings a radiometric conversion depends on."""

    emissivity: float = 1.0  # 0 < e <= 1
    distance_metres: float = 1.0
    reflected_celsius: float = 20.0  # reflected apparent temperature
    atmospheric_celsius: float = 20.0
    relative_humidity: float = 0.5  # 0..1
    window_celsius: float = 20.0  # infrared window in front of the lens
    window_transmission: float = 1.0  # 0 < t <= 1


@dataclass(frozen=True)
class Position:
    """WGS84 position of the camera."""

    latitude: float  # degrees, north positive
    longitude: float  # degrees, east positive
    altitude_metres: float | None = None


@dataclass(frozen=True)
class LinearScale:
    """celsius = count * factor + offset, for files whose counts are linear in temperature."""

    factor: float
    offset: float = 0.0


@dataclass(frozen=True)
class Capture:
    """What a decoded file says about itself, without its pixels."""

    format: str  # flir_rjpeg, flir_fff, dji_rjpeg, tiff16
    width: int
    height: int
    accuracy: Accuracy
    camera: Camera
    parameters: Parameters
    position: Position | None = None
    taken_at: datetime | None = None


class ImageState(StrEnum):
    """Where an upload stands. `ready` and `rejected` are final, but for `deleting`."""

    AWAITING_UPLOAD = "awaiting_upload"
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    DELETING = "deleting"  # no longer shown; its objects are being removed


@dataclass(frozen=True)
class Survey:
    """Where and when in the survey hierarchy the image belongs. Unknown parts are empty."""

    site: str = ""
    sector: str = ""
    period: str = ""
    pad: str = ""


@dataclass(frozen=True)
class NewFile:
    """A file someone is about to upload."""

    name: str
    size: int  # bytes
    content_type: str
    survey: Survey = Survey()
    scale: LinearScale | None = None


@dataclass(frozen=True)
class Statistics:
    """Temperatures of the pixels that have one, in degrees Celsius."""

    min_c: float
    max_c: float
    mean_c: float
    p5_c: float  # percentiles, linear between neighbours
    p95_c: float


@dataclass(frozen=True)
class Histogram:
    """`counts[i]` pixels lie in `edges_c[i] <= t < edges_c[i + 1]`; the last bin holds its upper edge too."""

    counts: tuple[int, ...]
    edges_c: tuple[float, ...]  # one more than counts


@dataclass(frozen=True)
class Bounds:
    """The temperatures at the two ends of a palette, in degrees Celsius; what lies beyond takes the end colours."""

    low_c: float
    high_c: float


@dataclass(frozen=True)
class Georeference:
    """Where the pixels of an image lie on the ground.

    x = a·column + b·row + c and y = d·column + e·row + f, of the pixel's upper left corner, in the units and axes
    (easting or longitude first) of the coordinate reference system `epsg`.
    """

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float
    epsg: int
    geographic: bool = False  # whether `epsg` is in degrees (EPSG:4326) rather than projected (EPSG:32632)


@dataclass(frozen=True)
class Products:
    """What was made of an accepted image."""

    capture: Capture
    statistics: Statistics
    histogram: Histogram
    bounds: Bounds
    palettes: tuple[str, ...]


@dataclass(frozen=True)
class Image:
    """One uploaded file and what became of it."""

    id: str
    organisation_id: str
    file: NewFile
    uploaded_by: str
    created_at: datetime
    upload_until: datetime
    state: ImageState = ImageState.AWAITING_UPLOAD
    reason: Message | None = None  # why it was rejected
    object_version: str = ""  # the S3 version that was processed; later writes under the key change nothing
    products: Products | None = None
    version: int = 1
    attempts: int = 0
    checks: int = 0
    lease_until: datetime | None = None  # until then one worker has the image
    next_check_at: datetime | None = None  # None once it is ready or rejected

    def rejected(self, reason: Message) -> "Image":
        return replace(self, state=ImageState.REJECTED, reason=reason)

    def given_up(self, reason: Message) -> "Image | None":
        """The image, whose processing failed; None for one that is being deleted."""
        return None if self.state is ImageState.DELETING else self.rejected(reason)

    def deleting(self, *, next_check_at: datetime) -> "Image":
        """The image, no longer shown; its removal is checked then."""
        return replace(self, state=ImageState.DELETING, lease_until=None, next_check_at=next_check_at)

    @property
    def code(self) -> str:
        """Why it was rejected, for programs."""
        return self.reason.code if self.reason else ""

    @property
    def prefix(self) -> str:
        return f"{self.organisation_id}/images/{self.id}/"

    @property
    def original_key(self) -> str:
        return f"{self.prefix}original"

    def product_key(self, name: str) -> str:
        return f"{self.prefix}products/{name}"


COG = "temperature.tif"  # names of an image's products, under its prefix


def preview_name(palette: str) -> str:
    return f"preview/{palette}.png"


def colour_bar_name(palette: str) -> str:
    return f"colour_bar/{palette}.png"
