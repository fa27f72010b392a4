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
    StrictInteger,
    Timestamp,
    id_field,
    one_line,
    uri_field,
)
from argus.imagery.model import MAX_CAMERA_TEXT, Accuracy, ImageState
from argus.imagery.palettes import INKS, LEGEND_COLOURS, PALETTES, SIZE
from argus.imagery.service import CONTENT_TYPES, MAX_FILE_BYTES, MAX_FILES

_label = one_line(may_be_empty=True)
_camera_text = validate.Length(max=MAX_CAMERA_TEXT)
_at_least_0 = validate.Range(min=0)
_at_least_1 = validate.Range(min=1)
_FORMATS = ("flir_rjpeg", "flir_fff", "dji_rjpeg", "tiff16")
_STATES = tuple(state.value for state in ImageState if state is not ImageState.DELETING)  # the states that users see


class SurveyFields(Schema):
    """The place of an image in the survey hierarchy."""

    site = fields.String(load_default="", validate=[validate.Length(max=100), _label])
    sector = fields.String(load_default="", validate=[validate.Length(max=100), _label])
    period = fields.String(load_default="", validate=[validate.Length(max=100), _label])
    pad = fields.String(load_default="", validate=[validate.Length(max=100), _label])


class ScaleIn(Schema):
    """celsius = count × factor + offset, for 16-bit TIFFs that do not declare their scale."""

    factor = Number(required=True, validate=validate.Range(1e-6, 100.0))
    offset = Number(load_default=0.0, validate=validate.Range(-1000.0, 1000.0))


class FileIn(SurveyFields):
    """A file to upload."""

    name = fields.String(required=True, validate=[validate.Length(1, 255), one_line(may_be_empty=False)])
    size_bytes = StrictInteger(
        required=True, data_key="size", validate=validate.Range(1, MAX_FILE_BYTES), metadata={"description": "bytes"}
    )
    content_type = fields.String(required=True, validate=validate.OneOf(CONTENT_TYPES))
    scale = fields.Nested(ScaleIn, load_default=None, allow_none=True)


class UploadsIn(SurveyFields):
    """A batch of files. Its survey fields apply to every file that does not state its own."""

    files = BoundedList(fields.Nested(FileIn), required=True, at_most=MAX_FILES)


class UploadTarget(Schema):
    """How to send the bytes: as a multipart form with these fields first and `file` last."""

    url = uri_field()
    method = fields.String(required=True, validate=validate.OneOf(["POST"]))
    fields_ = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True, attribute="fields", data_key="fields"
    )


class UploadOut(Schema):
    """The upload of one file."""

    image_id = id_field("img")
    upload = fields.Nested(UploadTarget, required=True)
    expires_at = Timestamp(required=True)


class UploadsOut(Schema):
    """One upload for each file, in the order of the request."""

    items = fields.List(fields.Nested(UploadOut), required=True)


class LinkOut(Schema):
    """A URL that works without credentials, and the moment it stops working."""

    url = uri_field()
    expires_at = Timestamp(
        required=True,
        metadata={
            "description": "Use the link until then, and do not store it: by default it works for 45 to 60 minutes, or "
            "less if the credentials that sign it expire first"
        },
    )


class LinksOut(Schema):
    """Links to an image's files."""

    cog = fields.Nested(LinkOut, metadata={"description": "Cloud-Optimised GeoTIFF of temperatures"})
    previews = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(LinkOut),
        metadata={
            "description": f"PNG files by palette. `{PALETTES[0]}` leads to the file. The others lead to "
            "`GET /pictures`, which creates the file on the first request and redirects to it"
        },
    )
    colorbar = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(LinkOut),
        metadata={
            "description": "The legends of the previews by palette, as PNG files. All lead to `GET /pictures`. "
            f"That of `{PALETTES[0]}` is also in the preview of `{PALETTES[0]}`, as the content of the chunk `cbAR`"
        },
    )
    original = fields.Nested(LinkOut)


class CameraOut(Schema):
    """The camera that took the image."""

    make = fields.String(required=True, validate=_camera_text)
    model = fields.String(required=True, validate=_camera_text)
    serial = fields.String(required=True, validate=_camera_text)
    lens = fields.String(required=True, validate=_camera_text)


class PositionOut(Schema):
    """WGS84."""

    latitude = fields.Float(required=True, validate=validate.Range(-90, 90))
    longitude = fields.Float(required=True, validate=validate.Range(-180, 180))
    altitude_metres = fields.Float(required=True, allow_none=True)


class ParametersOut(Schema):
    """The scene settings of the conversion."""

    emissivity = fields.Float(required=True)
    distance_metres = fields.Float(required=True)
    reflected_celsius = fields.Float(required=True)
    atmospheric_celsius = fields.Float(required=True)
    relative_humidity = fields.Float(required=True)
    window_celsius = fields.Float(required=True)
    window_transmission = fields.Float(required=True)


class StatsOut(Schema):
    """Temperatures of the whole image in degrees Celsius."""

    min_celsius = fields.Float(required=True, data_key="min_c")
    max_celsius = fields.Float(required=True, data_key="max_c")
    mean_celsius = fields.Float(required=True, data_key="mean_c")
    p5_celsius = fields.Float(required=True, data_key="p5_c")
    p95_celsius = fields.Float(required=True, data_key="p95_c")


class HistogramOut(Schema):
    """Numbers of pixels by temperature. There is one more edge than counts."""

    counts = fields.List(fields.Integer(validate=_at_least_0), required=True)
    edges_celsius = fields.List(fields.Float(), required=True)


class RangeOut(Schema):
    """The temperature range of every palette."""

    low_celsius = fields.Float(required=True)
    high_celsius = fields.Float(required=True)


class ImageOut(Schema):
    """One uploaded file, its state and its products. What is not known yet is null."""

    id = id_field("img")
    name = fields.String(required=True)
    size_bytes = fields.Integer(required=True, validate=_at_least_1)
    state = fields.String(required=True, validate=validate.OneOf(_STATES))
    code = fields.String(
        required=True, allow_none=True, metadata={"description": "Code of the reason for rejection, for programs"}
    )
    reason = Sentence(
        required=True, allow_none=True, metadata={"description": "The reason for rejection, in the caller's language"}
    )
    survey = fields.Nested(SurveyFields, required=True)
    format = fields.String(required=True, allow_none=True, validate=validate.OneOf(_FORMATS))
    accuracy = fields.Enum(Accuracy, by_value=True, required=True, allow_none=True)
    width = fields.Integer(required=True, allow_none=True, validate=_at_least_1)
    height = fields.Integer(required=True, allow_none=True, validate=_at_least_1)
    camera = fields.Nested(CameraOut, required=True, allow_none=True)
    parameters = fields.Nested(ParametersOut, required=True, allow_none=True)
    position = fields.Nested(PositionOut, required=True, allow_none=True)
    taken_at = Timestamp(required=True, allow_none=True)
    stats = fields.Nested(StatsOut, required=True, allow_none=True)
    histogram = fields.Nested(HistogramOut, required=True, allow_none=True)
    palette_range = fields.Nested(RangeOut, required=True, allow_none=True)
    links = fields.Nested(LinksOut, required=True, allow_none=True)
    created_at = Timestamp(required=True)
    uploaded_by = id_field("usr")
    version = fields.Integer(required=True, validate=_at_least_1)


class ImageSummary(Schema):
    """An image in a list."""

    id = id_field("img")
    name = fields.String(required=True)
    size_bytes = fields.Integer(required=True, validate=_at_least_1)
    state = fields.String(required=True, validate=validate.OneOf(_STATES))
    code = fields.String(required=True, allow_none=True)
    reason = Sentence(required=True, allow_none=True)
    survey = fields.Nested(SurveyFields, required=True)
    accuracy = fields.Enum(Accuracy, by_value=True, required=True, allow_none=True)
    stats = fields.Nested(StatsOut, required=True, allow_none=True)
    created_at = Timestamp(required=True)


class ImagePage(Schema):
    """A page of images, newest first."""

    items = fields.List(fields.Nested(ImageSummary), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ImageQuery(PageQuery):
    """Filters of a list of images."""

    state = CommaSeparated(
        fields.String(validate=validate.OneOf(_STATES)), at_most=len(_STATES), about="Only images in these states"
    )


class PixelQuery(Schema):
    """A pixel; (0, 0) is the upper left pixel."""

    x = QueryNumber(required=True, validate=validate.Range(0, 1_000_000))
    y = QueryNumber(required=True, validate=validate.Range(0, 1_000_000))


class TemperatureOut(Schema):
    """A temperature; null if the pixel has none."""

    celsius = fields.Float(required=True, allow_none=True)


def _colours(which: str) -> fields.String:
    return fields.String(
        required=True,
        validate=validate.Regexp(f"^[0-9a-f]{{{6 * SIZE}}}$"),
        metadata={
            "description": f"{which}, as hexadecimal digits of red, green and blue: the content of the PLTE chunk, "
            "whose checksum must be computed again"
        },
    )


class PaletteOut(Schema):
    """A palette. A PNG file of one palette becomes that of another when its PLTE chunk is replaced."""

    name = fields.String(required=True)
    preview_colours = _colours(f"The {SIZE} colours of a preview, the coldest first")
    colorbar_colours = _colours(
        f"The {LEGEND_COLOURS} colours of a colour bar, the coldest first, and the {INKS} of its labels"
    )


class PaletteList(Schema):
    """All palettes, on one page."""

    items = fields.List(fields.Nested(PaletteOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PictureQuery(Schema):
    """The picture that a link names."""

    token = fields.String(
        required=True, validate=validate.Length(1, 1000), metadata={"description": "From the links of an image"}
    )
