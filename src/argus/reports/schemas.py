"""Request and response schemas of reports."""

from marshmallow import fields, validate

from argus.core.http import Schema, Sentence, Timestamp, id_field, uri_field
from argus.reports.formats import FORMATS
from argus.reports.model import ReportState


class ReportIn(Schema):
    """A report to create."""

    scan_id = fields.String(required=True, validate=validate.Length(1, 128))
    format = fields.String(required=True, validate=validate.OneOf(list(FORMATS)))


class ReportLink(Schema):
    """A presigned URL and the time it expires."""

    url = uri_field()
    expires_at = Timestamp(required=True)


class ReportOut(Schema):
    """A report of a scan as a document."""

    id = id_field("rpt")
    scan_id = id_field("scan")
    format = fields.String(required=True, validate=validate.OneOf(list(FORMATS)))
    state = fields.Enum(ReportState, by_value=True, required=True)
    reason = Sentence(required=True)
    size_bytes = fields.Integer(required=True, validate=validate.Range(min=0))
    requested_by = id_field("usr")
    created_at = Timestamp(required=True)
    finished_at = Timestamp(required=True, allow_none=True)
    link = fields.Nested(ReportLink, required=True, allow_none=True)
    version = fields.Integer(required=True, validate=validate.Range(min=1))


class ReportPage(Schema):
    """A page of reports, newest first."""

    items = fields.List(fields.Nested(ReportOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
