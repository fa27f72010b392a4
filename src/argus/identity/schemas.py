"""Wire shapes of identity."""

from marshmallow import fields

from argus.core.http import Schema, Timestamp, id_field, uri_field
from argus.identity.model import Role


class OrganisationOut(Schema):
    """A tenant."""

    id = id_field("org")
    name = fields.String(required=True)
    created_at = Timestamp(required=True)


class UserOut(Schema):
    """A person."""

    id = id_field("usr")


class Me(Schema):
    """The caller."""

    user = fields.Nested(UserOut, required=True)
    organisation = fields.Nested(OrganisationOut, required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    scopes = fields.List(fields.String(), required=True)
    issuer = uri_field()


class SignIn(Schema):
    """How to get a token."""

    issuer = uri_field()
    client_id = fields.String(required=True)
    endpoint = fields.String(required=True, metadata={"format": "uri", "description": "Where Cognito's API answers"})
    region = fields.String(required=True)


class SignInWays(Schema):
    """Every trusted issuer."""

    items = fields.List(fields.Nested(SignIn), required=True)
