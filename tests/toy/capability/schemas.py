"""Wire shapes of toys."""

from argus.toy.model import ToyState
from marshmallow import fields, validate

from argus.core.http import Schema, Timestamp, id_field, one_line


class ToyIn(Schema):
    """A toy to make."""

    name = fields.String(required=True, validate=[validate.Length(1, 100), one_line(may_be_empty=False)])


class ToyOut(Schema):
    """A toy."""

    id = id_field("toy")
    name = fields.String(required=True)
    state = fields.Enum(ToyState, by_value=True, required=True)
    turns = fields.Integer(required=True)
    created_at = Timestamp(required=True)
    version = fields.Integer(required=True, validate=validate.Range(min=1))


class ToyPage(Schema):
    """A page of toys, newest first."""

    items = fields.List(fields.Nested(ToyOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
