"""Wire shapes of toys."""

from argus.toy.model import ToyState
from marshmallow import fields, validate

from argus.core.http import (
    Schema,
    Timestamp,
    count_field,
    cursor_field,
    described,
    enum_field,
    id_field,
    items_field,
    one_line,
    version_field,
)


class ToyIn(Schema):
    """A toy to make."""

    name = fields.String(
        required=True,
        validate=[validate.Length(1, 100), one_line(may_be_empty=False)],
        **described("What to call it"),
    )


class ToyOut(Schema):
    """A toy."""

    id = id_field("toy", "The id of the toy")
    name = fields.String(required=True, **described("What it is called"))
    state = enum_field(ToyState, "`queued` until a worker has wound it up; finally `wound` or `broken`")
    turns = count_field("How often the key was turned")
    created_at = Timestamp(required=True, **described("When it was made"))
    version = version_field()


class ToyPage(Schema):
    """A page of toys, newest first."""

    items = items_field(ToyOut, "Toys, newest first")
    next_cursor = cursor_field()
