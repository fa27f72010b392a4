"""Request and response bodies of imagery."""

from marshmallow import fields, validate

from argus.core.http import (
    BoundedList,
    CommaSeparated,
    Number,
    PageQuery,
    QueryNumber,
    Schema,
    Sentence,
    StrictBoolean,
    StrictInteger,
    Timestamp,
    count_field,
    cursor_field,
    described,
    enum_field,
    id_field,
    items_field,
    one_line,
    uri_field,
    version_field,
)
from argus.imagery.model import FORMATS, MAX_CAMERA_TEXT, AccuracyKind, DistanceSource, ImageState, PixelState
from argus.imagery.palettes import INKS, LEGEND_COLOURS, PALETTES, SIZE
from argus.imagery.service import CONTENT_TYPES, MAX_FILE_BYTES, MAX_FILES

_label = one_line(may_be_empty=True)
_camera_text = validate.Length(max=MAX_CAMERA_TEXT)
_at_least_0 = validate.Range(min=0)
_at_least_1 = validate.Range(min=1)
_STATES = tuple(state.value for state in ImageState if state is not ImageState.DELETING)  # the states that users see


def _level(description: str) -> fields.String:
    return fields.String(
        load_default="", validate=[validate.Length(max=100), _label], **described(f"{description}; empty if unknown")
    )


class SurveyFields(Schema):
    """The place of an image in the survey hierarchy."""

    site = _level("The geothermal field or plant")
    sector = _level("The part of the site")
    period = _level("The date of the survey, such as 20260503")
    pad = _level("The well pad")


class ScaleIn(Schema):
    """celsius = count × factor + offset, for 16-bit TIFFs that do not declare their scale."""

    factor = Number(required=True, validate=validate.Range(1e-6, 100.0), **described("°C per count, such as 0.01"))
    offset = Number(load_default=0.0, validate=validate.Range(-1000.0, 1000.0), **described("°C at count 0"))


def _laser_distance() -> StrictBoolean:
    return StrictBoolean(
        load_default=False,
        truthy={True},
        falsy={False},
        **described(
            "Whether the distance that a DJI drone's laser measured replaces the distance that its camera stored, if "
            "the conversion is known for it; `parameters.distance_source` says which one counted"
        ),
    )


class FileIn(SurveyFields):
    """A file to upload."""

    name = fields.String(
        required=True,
        validate=[validate.Length(1, 255), one_line(may_be_empty=False)],
        **described("The name of the file, which is shown to users; it need not be unique"),
    )
    size_bytes = StrictInteger(
        required=True,
        data_key="size",
        validate=validate.Range(1, MAX_FILE_BYTES),
        **described("The exact size of the file in bytes: S3 refuses any other"),
    )
    content_type = fields.String(
        required=True,
        validate=validate.OneOf(CONTENT_TYPES),
        **described("The media type of the file; `application/octet-stream` for a FLIR FFF file"),
    )
    scale = fields.Nested(
        ScaleIn, load_default=None, allow_none=True, **described("The temperature scale of a 16-bit TIFF without one")
    )
    laser_distance = _laser_distance()


class UploadsIn(SurveyFields):
    """A batch of files. Its survey fields apply to every file that does not state its own, `laser_distance` to all."""

    laser_distance = _laser_distance()
    files = BoundedList(
        fields.Nested(FileIn), required=True, at_most=MAX_FILES, **described(f"The files, at most {MAX_FILES}")
    )


class UploadTarget(Schema):
    """How to send a file to S3: as a multipart form with these fields first and `file` last."""

    url = uri_field("The URL to which the form is sent, without the credentials of Argus")
    method = fields.String(required=True, validate=validate.OneOf(["POST"]), **described("The method of the request"))
    fields_ = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        attribute="fields",
        data_key="fields",
        **described("The fields of the form by name, to be sent unchanged"),
    )


class UploadOut(Schema):
    """The upload of one file."""

    image_id = id_field("img", "The id of the image that the file becomes")
    upload = fields.Nested(UploadTarget, required=True, **described("How to send the file"))
    expires_at = Timestamp(required=True, **described("Until when S3 accepts the form"))


class UploadsOut(Schema):
    """One upload for each file, in the order of the request."""

    items = items_field(UploadOut, "The uploads, in the order of `files`")


class LinkOut(Schema):
    """A URL that works without credentials, and the moment it stops working."""

    url = uri_field("The URL of the file")
    expires_at = Timestamp(
        required=True,
        **described(
            "Use the link until then, and do not store it: by default it works for 45 to 60 minutes, or "
            "less if the credentials that sign it expire first"
        ),
    )


class LinksOut(Schema):
    """Links to an image's files."""

    cog = fields.Nested(LinkOut, **described("The temperatures: a Cloud-Optimised GeoTIFF of hundredths of °C"))
    previews = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(LinkOut),
        **described(
            f"PNG files by palette. `{PALETTES[0]}` leads to the file. The others lead to "
            "`GET /pictures`, which creates the file on the first request and redirects to it"
        ),
    )
    colorbar = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(LinkOut),
        **described(
            "The legends of the previews by palette, as PNG files. All lead to `GET /pictures`. "
            f"That of `{PALETTES[0]}` is also in the preview of `{PALETTES[0]}`, as the content of the chunk `cbAR`"
        ),
    )
    original = fields.Nested(LinkOut, **described("The uploaded file"))


def _camera(description: str) -> fields.String:
    text = f"{description}, as the file states it; empty if it does not"
    return fields.String(required=True, validate=_camera_text, **described(text))


class CameraOut(Schema):
    """The camera that took the image."""

    make = _camera("The maker")
    model = _camera("The model")
    serial = _camera("The serial number")
    lens = _camera("The lens")


class PositionOut(Schema):
    """Where the camera was, in WGS84."""

    latitude = fields.Float(required=True, validate=validate.Range(-90, 90), **described("Degrees, north positive"))
    longitude = fields.Float(required=True, validate=validate.Range(-180, 180), **described("Degrees, east positive"))
    altitude_metres = fields.Float(
        required=True, allow_none=True, **described("The altitude that the file states, in metres; null if it does not")
    )


def _celsius(description: str, *, data_key: str | None = None) -> fields.Float:
    return fields.Float(required=True, data_key=data_key, **described(f"{description}, in °C"))


def _setting(description: str) -> fields.Float:
    return fields.Float(required=True, allow_none=True, **described(description))


class ParametersOut(Schema):
    """The scene settings of the conversion. What the file does not state is null."""

    emissivity = _setting("Emissivity of the scene, above 0 and at most 1")
    distance_metres = _setting("Distance to the scene, in metres")
    reflected_celsius = _setting("Reflected apparent temperature, in °C")
    atmospheric_celsius = _setting("Temperature of the air, in °C")
    relative_humidity = _setting("Relative humidity of the air, from 0 to 1")
    window_celsius = _setting("Temperature of the infrared window before the lens, in °C")
    window_transmission = _setting("Transmission of the infrared window, above 0 and at most 1")
    distance_source = enum_field(
        DistanceSource,
        "Where `distance_metres` comes from: the setting in the `file`, or the drone's `laser`",
        allow_none=True,
    )


class StatsOut(Schema):
    """Temperatures of the pixels that have one."""

    min_celsius = _celsius("The lowest temperature", data_key="min_c")
    max_celsius = _celsius("The highest temperature", data_key="max_c")
    mean_celsius = _celsius("The mean temperature", data_key="mean_c")
    p5_celsius = _celsius("The 5th percentile", data_key="p5_c")
    p95_celsius = _celsius("The 95th percentile", data_key="p95_c")


class PixelCountsOut(Schema):
    """How many pixels are measured, and how many are not. `stats`, `histogram` and findings leave out the latter."""

    measured = count_field("Pixels with a temperature")
    out_of_range = count_field("Pixels colder or hotter than the camera can measure: `below_range` and `above_range`")
    below_range = count_field("Pixels colder than `limits.low_celsius`. In previews they are hatched with rising lines")
    above_range = count_field(
        "Pixels hotter than `limits.high_celsius`. In previews they are hatched with falling lines"
    )
    without = count_field("Pixels without a temperature for another reason, such as the value of a TIFF for no data")
    outside_set_range = count_field("Measured pixels outside `set_range`: they count, and are less exact")


class SpanOut(Schema):
    """Temperatures from one to another."""

    low_celsius = fields.Float(
        required=True, allow_none=True, **described("The lowest, in °C; null if it is not known")
    )
    high_celsius = fields.Float(
        required=True, allow_none=True, **described("The highest, in °C; null if it is not known")
    )


class GeoreferenceOut(Schema):
    """Where the pixels are on the ground, as the GeoTIFF states it.

    A point at (column, row), with (0, 0) at the upper left corner of the upper left pixel, is at
    x = a·column + b·row + c and y = d·column + e·row + f.
    """

    epsg = fields.Integer(
        required=True, **described("The coordinate reference system, as its number in the EPSG registry")
    )
    geographic = fields.Boolean(
        required=True, **described("Whether x and y are degrees, longitude first, rather than eastings and northings")
    )
    a = fields.Float(required=True, **described("x for each column"))
    b = fields.Float(required=True, **described("x for each row"))
    c = fields.Float(required=True, **described("x of the upper left corner"))
    d = fields.Float(required=True, **described("y for each column"))
    e = fields.Float(required=True, **described("y for each row"))
    f = fields.Float(required=True, **described("y of the upper left corner"))


class NoteOut(Schema):
    """What was assumed, kept or left out."""

    code = fields.String(required=True, **described("For programs: see `/docs/errors`"))
    text = Sentence(required=True, attribute="message", **described("A sentence in the caller’s language"))


class HistogramOut(Schema):
    """Numbers of pixels by temperature. There is one more edge than counts."""

    counts = fields.List(
        fields.Integer(validate=_at_least_0), required=True, **described("Pixels between each edge and the next")
    )
    edges_celsius = fields.List(
        fields.Float(), required=True, **described("The edges of the bins in °C, ascending; only the last is inclusive")
    )


class RangeOut(Schema):
    """The temperatures that a palette shows. Those outside it get the first or the last colour."""

    low_celsius = _celsius("The temperature of the first colour")
    high_celsius = _celsius("The temperature of the last colour")


class AccuracyOut(Schema):
    """How far temperatures can be trusted, compared with the maker's own software."""

    kind = enum_field(
        AccuracyKind,
        "`exact`: as the maker's own software, or by the operator's external decoder. `approximate`: by a curve or a "
        "constant that was measured on other files",
    )
    error_celsius = fields.Float(
        required=True,
        allow_none=True,
        data_key="error_c",
        validate=_at_least_0,
        **described(
            "The largest difference from the maker's software that was measured for such files, in °C, if the settings "
            "are right; null if it was not measured"
        ),
    )


def _degrees(description: str) -> fields.Float:
    return fields.Float(
        required=True, allow_none=True, validate=validate.Range(-360, 360), **described(f"{description}, in degrees")
    )


def _metres(description: str) -> fields.Float:
    return fields.Float(required=True, allow_none=True, **described(f"{description}, in metres"))


class AttitudeOut(Schema):
    """A direction."""

    yaw = _degrees("Clockwise from true north")
    pitch = _degrees("Upwards from the horizon; -90 is straight down")
    roll = _degrees("Rotation around the direction")


class LaserOut(Schema):
    """What the drone's rangefinder measured."""

    distance_metres = _metres("Distance from the camera to the target")
    latitude = _degrees("Latitude of the target in WGS84, north positive")
    longitude = _degrees("Longitude of the target in WGS84, east positive")
    altitude_metres = _metres("Altitude of the target above sea level")


class RtkOut(Schema):
    """The drone's satellite fix with corrections."""

    flag = fields.Integer(
        required=True, allow_none=True, **described("As the drone states it: 50 for centimetres, 34 for decimetres")
    )
    latitude_error_metres = _metres("Standard deviation of the latitude")
    longitude_error_metres = _metres("Standard deviation of the longitude")
    altitude_error_metres = _metres("Standard deviation of the altitude")


class FlightOut(Schema):
    """What a drone recorded with the image. What the file does not state is null."""

    gimbal = fields.Nested(AttitudeOut, required=True, allow_none=True, **described("The direction of the camera"))
    aircraft = fields.Nested(AttitudeOut, required=True, allow_none=True, **described("The direction of the drone"))
    altitude_above_takeoff_metres = _metres("Height above the point of take-off")
    altitude_metres = _metres("Altitude above sea level, as the drone states it")
    laser = fields.Nested(LaserOut, required=True, allow_none=True, **described("The drone's rangefinder"))
    rtk = fields.Nested(RtkOut, required=True, allow_none=True, **described("The drone's satellite fix"))


class ImageSummary(Schema):
    """An image in a list: an uploaded file. What is not known yet is null."""

    id = id_field("img", "The id of the image: `target.id` of a scan, and `image_id` elsewhere")
    name = fields.String(required=True, **described("The name of the file"))
    size_bytes = fields.Integer(required=True, validate=_at_least_1, **described("The size of the file in bytes"))
    state = fields.String(
        required=True,
        validate=validate.OneOf(_STATES),
        **described(
            "`awaiting_upload` until the file has arrived in S3, then `processing`; finally `ready`, or `rejected` "
            "with a `code` and a `reason`"
        ),
    )
    code = fields.String(
        required=True,
        allow_none=True,
        **described("Why the image was rejected, for programs: see `/docs/errors`; null if it was not"),
    )
    reason = Sentence(
        required=True, allow_none=True, **described("Why the image was rejected, in the caller's language; else null")
    )
    survey = fields.Nested(SurveyFields, required=True, **described("The place of the image, as the upload stated it"))
    accuracy = fields.Nested(
        AccuracyOut, required=True, allow_none=True, **described("How far the temperatures can be trusted")
    )
    stats = fields.Nested(StatsOut, required=True, allow_none=True, **described("Temperatures of the whole image"))
    pixels = fields.Nested(
        PixelCountsOut, required=True, allow_none=True, **described("How many pixels have a temperature, and why not")
    )
    created_at = Timestamp(required=True, **described("When the upload was requested"))


class ImageOut(ImageSummary):
    """One uploaded file, its state and its products. What is not known yet is null."""

    format = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(FORMATS), **described("The format of the file")
    )
    width = fields.Integer(required=True, allow_none=True, validate=_at_least_1, **described("Thermal pixels in a row"))
    height = fields.Integer(required=True, allow_none=True, validate=_at_least_1, **described("Rows of thermal pixels"))
    camera = fields.Nested(CameraOut, required=True, allow_none=True, **described("The camera that took it"))
    parameters = fields.Nested(
        ParametersOut, required=True, allow_none=True, **described("The scene settings of the conversion")
    )
    position = fields.Nested(
        PositionOut, required=True, allow_none=True, **described("Where the camera was; null if the file does not say")
    )
    taken_at = Timestamp(
        required=True, allow_none=True, **described("When the image was taken; null if the file does not say")
    )
    taken_at_local = fields.String(
        required=True,
        allow_none=True,
        validate=validate.Regexp(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"),
        **described(
            "When the image was taken by the camera's clock, as `YYYY-MM-DDThh:mm:ss`, if its time zone is unknown; "
            "else null"
        ),
    )
    flight = fields.Nested(
        FlightOut, required=True, allow_none=True, **described("What a drone recorded; null for other images")
    )
    limits = fields.Nested(
        SpanOut,
        required=True,
        allow_none=True,
        **described(
            "The temperatures that the camera can measure, as a FLIR file states them, or for which the conversion of "
            "a DJI file was measured: others are out of range"
        ),
    )
    set_range = fields.Nested(
        SpanOut, required=True, allow_none=True, **described("The range to which the camera was set; null if unknown")
    )
    georeference = fields.Nested(
        GeoreferenceOut,
        required=True,
        allow_none=True,
        **described("Where the pixels are on the ground; null unless the file is a GeoTIFF that says so"),
    )
    notes = fields.List(
        fields.Nested(NoteOut), required=True, **described("What was assumed, kept or left out of the file")
    )
    histogram = fields.Nested(HistogramOut, required=True, allow_none=True, **described("How many pixels are how warm"))
    palette_range = fields.Nested(
        RangeOut, required=True, allow_none=True, **described("The temperatures that the previews show")
    )
    links = fields.Nested(LinksOut, required=True, allow_none=True, **described("The files of a `ready` image"))
    uploaded_by = id_field("usr", "The user who requested the upload, or whose API key did")
    version = version_field()


class ImagePage(Schema):
    """A page of images, newest first."""

    items = items_field(ImageSummary, "Images, newest first")
    next_cursor = cursor_field()


class ImageQuery(PageQuery):
    """Filters of a list of images."""

    state = CommaSeparated(
        fields.String(validate=validate.OneOf(_STATES)), "Only images in these states", at_most=len(_STATES)
    )


class PixelQuery(Schema):
    """A pixel; (0, 0) is the upper left pixel."""

    x = QueryNumber(required=True, validate=validate.Range(0, 1_000_000), **described("The column, from 0 at the left"))
    y = QueryNumber(required=True, validate=validate.Range(0, 1_000_000), **described("The row, from 0 at the top"))


class TemperatureOut(Schema):
    """A temperature; null if the pixel has none, with the reason."""

    celsius = fields.Float(
        required=True, allow_none=True, **described("°C, rounded to 0.01 as in the GeoTIFF; null if it is unknown")
    )
    state = enum_field(
        PixelState,
        "`measured`; `below_range` or `above_range`: colder or hotter than the camera can measure (`limits` of the "
        "image); `without`: no temperature for another reason",
    )


def _colours(which: str) -> fields.String:
    return fields.String(
        required=True,
        validate=validate.Regexp(f"^[0-9a-f]{{{6 * SIZE}}}$"),
        **described(
            f"{which}, as hexadecimal digits of red, green and blue: the content of the PLTE chunk, "
            "whose checksum must be computed again"
        ),
    )


class PaletteOut(Schema):
    """A palette. A PNG file of one palette becomes that of another when its PLTE chunk is replaced."""

    name = fields.String(required=True, **described("The name of the palette, as in the links of images"))
    preview_colours = _colours(f"The {SIZE} colours of a preview, the coldest first")
    colorbar_colours = _colours(
        f"The {LEGEND_COLOURS} colours of a colour bar, the coldest first, and the {INKS} of its labels"
    )


class PaletteList(Schema):
    """All palettes, on one page."""

    items = items_field(PaletteOut, "Every palette, on one page")
    next_cursor = cursor_field(one_page=True)


class PictureQuery(Schema):
    """The picture that a link names."""

    token = fields.String(required=True, validate=validate.Length(1, 1000), **described("From the links of an image"))
