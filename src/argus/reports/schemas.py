"""Request and response schemas of reports."""

from marshmallow import fields, validate

from argus.core.http import (
    Schema,
    Sentence,
    Timestamp,
    count_field,
    cursor_field,
    described,
    enum_field,
    id_field,
    items_field,
    uri_field,
    version_field,
)
from argus.reports.formats import FORMATS
from argus.reports.model import ReportState

_format = validate.OneOf(list(FORMATS))


class ReportIn(Schema):
    """A report to create."""

    scan_id = fields.String(
        required=True, validate=validate.Length(1, 128), **described("The id of a scan that has ended")
    )
    format = fields.String(required=True, validate=_format, **described("The format of the document"))


class ReportLink(Schema):
    """A URL that works without credentials, and the moment it stops working."""

    url = uri_field("The URL of the document")
    expires_at = Timestamp(required=True, **described("Use the link until then, and do not store it"))


class ReportOut(Schema):
    """A report of a scan as a document."""

    id = id_field("rpt", "The id of the report")
    scan_id = id_field("scan", "The scan that it is about")
    format = fields.String(required=True, validate=_format, **described("The format of the document"))
    state = enum_field(ReportState, "`queued` until a worker has written it; finally `ready` or `failed`")
    reason = Sentence(required=True, **described("Why it failed, in the caller's language; else empty"))
    size_bytes = count_field("The size of the document in bytes; 0 until it is ready")
    requested_by = id_field("usr", "The user who requested it, or whose API key did")
    created_at = Timestamp(required=True, **described("When it was requested"))
    finished_at = Timestamp(
        required=True, allow_none=True, **described("When it became `ready` or `failed`; null before")
    )
    link = fields.Nested(
        ReportLink, required=True, allow_none=True, **described("The document; null unless the report is `ready`")
    )
    version = version_field()


class ReportPage(Schema):
    """A page of reports, newest first."""

    items = items_field(ReportOut, "Reports, newest first")
    next_cursor = cursor_field()
