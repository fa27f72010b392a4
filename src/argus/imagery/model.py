"""Thermal images: their facts, their survey and their state. No arrays here, as the API imports this module."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from argus.core.languages import Message


class AccuracyKind(StrEnum):
    """Whether temperatures are those of the maker's own software."""

    EXACT = "exact"
    APPROXIMATE = "approximate"


@dataclass(frozen=True)
class Accuracy:
    """How far temperatures can be trusted."""

    kind: AccuracyKind
    error_celsius: float | None = None  # the largest difference from the maker's software; None if not measured


class DistanceSource(StrEnum):
    """Where the distance of a conversion comes from."""

    FILE = "file"  # the setting that the camera stored
    LASER = "laser"  # the drone's rangefinder


# Files set no limit on these texts, and every item that a listing reads contains them.
MAX_CAMERA_TEXT = 100  # characters of each field


@dataclass(frozen=True)
class Camera:
    """The camera that took the image. Unknown fields are empty."""

    make: str = ""
    model: str = ""
    serial: str = ""
    lens: str = ""


@dataclass(frozen=True)
class Parameters:
    """The scene settings of a radiometric conversion. Those that the file does not state are None."""

    emissivity: float | None = None  # 0 < e <= 1
    distance_metres: float | None = None
    reflected_celsius: float | None = None  # reflected apparent temperature
    atmospheric_celsius: float | None = None
    relative_humidity: float | None = None  # 0..1
    window_celsius: float | None = None  # infrared window in front of the lens
    window_transmission: float | None = None  # 0 < t <= 1
    distance_source: DistanceSource | None = None


@dataclass(frozen=True)
class Position:
    """WGS84 position of the camera."""

    latitude: float  # degrees, north positive
    longitude: float  # degrees, east positive
    altitude_metres: float | None = None


@dataclass(frozen=True)
class Attitude:
    """A direction in degrees: yaw clockwise from true north, pitch up from the horizon (-90: straight down), roll."""

    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None


@dataclass(frozen=True)
class Laser:
    """What a drone's rangefinder measured. The target's position is in WGS84."""

    distance_metres: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude_metres: float | None = None  # above sea level


@dataclass(frozen=True)
class Rtk:
    """A drone's satellite fix with corrections: its flag (50: centimetres, 34: decimetres) and standard deviations."""

    flag: int | None = None
    latitude_error_metres: float | None = None
    longitude_error_metres: float | None = None
    altitude_error_metres: float | None = None


@dataclass(frozen=True)
class Flight:
    """What a drone recorded with an image. What the file does not state is None."""

    gimbal: Attitude | None = None  # of the camera
    aircraft: Attitude | None = None
    altitude_above_takeoff_metres: float | None = None
    altitude_metres: float | None = None  # above sea level, as the drone states it
    laser: Laser | None = None
    rtk: Rtk | None = None


@dataclass(frozen=True)
class LinearScale:
    """celsius = count * factor + offset, for files whose counts are linear in temperature."""

    factor: float
    offset: float = 0.0


@dataclass(frozen=True)
class Georeference:
    """The position of an image's pixels on the ground.

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

    def at(self, column: float, row: float) -> tuple[float, float]:
        """The position of a point in pixels; (0, 0) is the upper left corner of the upper left pixel."""
        return self.a * column + self.b * row + self.c, self.d * column + self.e * row + self.f


@dataclass(frozen=True)
class Span:
    """Temperatures from one to another, in °C; None if that end is not known."""

    low_celsius: float | None = None
    high_celsius: float | None = None


UNLIMITED = Span()


@dataclass(frozen=True)
class Capture:
    """The facts of a decoded file, without its pixels."""

    format: str  # one of FORMATS
    width: int
    height: int
    accuracy: Accuracy
    camera: Camera
    parameters: Parameters
    position: Position | None = None
    taken_at: datetime | None = None
    taken_at_local: str | None = None  # YYYY-MM-DDThh:mm:ss by the camera's clock, if its time zone is unknown
    flight: Flight | None = None
    limits: Span = UNLIMITED  # the temperatures that the camera can measure: others are out of range
    set_range: Span | None = None  # to which the user had set the camera; temperatures outside it are less exact
    georeference: Georeference | None = None
    notes: tuple[Message, ...] = ()


FORMATS = ("flir_rjpeg", "flir_fff", "dji_rjpeg", "tiff16", "tiff_float")


class PixelState(StrEnum):
    """Whether a pixel has a temperature, and why not."""

    MEASURED = "measured"
    BELOW_RANGE = "below_range"
    ABOVE_RANGE = "above_range"
    WITHOUT = "without"


class PictureKind(StrEnum):
    """The products that show temperatures as colours."""

    PREVIEW = "preview"
    COLOUR_BAR = "colorbar"


class ImageState(StrEnum):
    """The state of an upload. `ready` and `rejected` are final, except that the image may be deleted."""

    AWAITING_UPLOAD = "awaiting_upload"
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    DELETING = "deleting"  # no longer shown; its objects are being deleted


@dataclass(frozen=True)
class Survey:
    """The place of an image in the survey hierarchy. Unknown levels are empty."""

    site: str = ""
    sector: str = ""
    period: str = ""
    pad: str = ""


@dataclass(frozen=True)
class NewFile:
    """A file for which a user requests an upload."""

    name: str
    size_bytes: int
    content_type: str
    survey: Survey = Survey()
    scale: LinearScale | None = None
    laser_distance: bool = False  # whether the distance of the drone's laser replaces the camera's setting


@dataclass(frozen=True)
class Statistics:
    """Temperatures of the pixels that have one, in degrees Celsius."""

    min_celsius: float
    max_celsius: float
    mean_celsius: float
    p5_celsius: float  # percentiles, linear between neighbours
    p95_celsius: float


@dataclass(frozen=True)
class Histogram:
    """Numbers of pixels by temperature.

    Bin `i` counts the pixels with `edges_celsius[i] <= t < edges_celsius[i + 1]`; the last bin includes its upper edge.
    """

    counts: tuple[int, ...]
    edges_celsius: tuple[float, ...]  # one more than counts


@dataclass(frozen=True)
class Bounds:
    """The temperature range of a palette, in degrees Celsius. Temperatures outside it get the first or last colour."""

    low_celsius: float
    high_celsius: float


@dataclass(frozen=True)
class PixelCounts:
    """How many pixels are measured, and how many are not. Together they are all pixels."""

    measured: int
    below_range: int = 0  # colder than the camera can measure
    above_range: int = 0  # hotter
    without: int = 0  # no temperature for another reason: the file's value for no data, or an impossible one
    outside_set_range: int = 0  # of the measured ones

    @property
    def out_of_range(self) -> int:
        return self.below_range + self.above_range

    @property
    def reasons(self) -> tuple[PixelState, ...]:
        """The states of the pixels that have no temperature."""
        counts = {
            PixelState.BELOW_RANGE: self.below_range,
            PixelState.ABOVE_RANGE: self.above_range,
            PixelState.WITHOUT: self.without,
        }
        return tuple(state for state, count in counts.items() if count)


@dataclass(frozen=True)
class Products:
    """The results of processing an image."""

    capture: Capture
    statistics: Statistics
    histogram: Histogram
    bounds: Bounds
    palettes: tuple[str, ...]
    pixels: PixelCounts

    @property
    def stored_palette(self) -> str:
        """The palette of the preview that the worker stores."""
        return self.palettes[0]

    @property
    def stored_preview(self) -> str:
        """The only picture that the worker stores. It contains its colour bar; all others are made from it."""
        return picture_name(PictureKind.PREVIEW, self.stored_palette)


@dataclass(frozen=True)
class Image:
    """One uploaded file, its state and its products."""

    id: str
    organisation_id: str
    file: NewFile
    uploaded_by: str
    created_at: datetime
    upload_until: datetime
    state: ImageState = ImageState.AWAITING_UPLOAD
    reason: Message | None = None  # why it was rejected
    object_version: str = ""  # the S3 version that is processed; later versions of the object are ignored
    products: Products | None = None
    version: int = 1
    attempts: int = 0
    checks: int = 0
    lease_until: datetime | None = None  # one worker holds the image until then
    next_check_at: datetime | None = None  # None when the image is ready or rejected

    def rejected(self, reason: Message) -> "Image":
        return replace(self, state=ImageState.REJECTED, reason=reason)

    def given_up(self, reason: Message) -> "Image | None":
        """The image after its processing has failed; None if it is being deleted."""
        return None if self.state is ImageState.DELETING else self.rejected(reason)

    def deleting(self, *, next_check_at: datetime) -> "Image":
        """The image, no longer shown. The sweep checks its deletion at `next_check_at`."""
        return replace(self, state=ImageState.DELETING, lease_until=None, next_check_at=next_check_at)

    @property
    def code(self) -> str:
        """The code of `reason`, for programs; empty if the image is not rejected."""
        return self.reason.code if self.reason else ""

    @property
    def prefix(self) -> str:
        return f"{self.organisation_id}/images/{self.id}/"

    @property
    def original_key(self) -> str:
        return f"{self.prefix}original"

    def product_key(self, name: str) -> str:
        return f"{self.prefix}products/{name}"


# Names of an image's products, under its prefix.
COG = "temperature.tif"
STATES = "states.tif"  # the state of each pixel as its "temperature", only if pixels lack one for several reasons


def picture_name(kind: PictureKind, palette: str) -> str:
    return f"{kind}/{palette}.png"
