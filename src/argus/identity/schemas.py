"""Wire shapes of identity."""

from collections.abc import Sequence

from marshmallow import fields, validate

from argus.core.http import Schema, StrictInteger, Timestamp, id_field, one_line, uri_field
from argus.identity import key_text
from argus.identity.model import KeyState, Role

_TIER = r"^[a-z]{1,16}$(?!\n)"


class OrganisationOut(Schema):
    """A tenant."""

    id = id_field("org")
    name = fields.String(required=True)
    created_at = Timestamp(required=True)


class UserOut(Schema):
    """A user."""

    id = id_field("usr")


class CallingKey(Schema):
    """The API key of the request."""

    id = id_field("key")
    name = fields.String(required=True)
    tier = fields.String(required=True, metadata={"pattern": _TIER})
    expires_at = Timestamp(required=True)


class Me(Schema):
    """The caller: a user, or an API key and the user that it acts for."""

    user = fields.Nested(UserOut, required=True)
    organisation = fields.Nested(OrganisationOut, required=True)
    role = fields.Enum(Role, by_value=True, required=True, allow_none=True, metadata={"description": "Of a user"})
    scopes = fields.List(fields.String(), required=True)
    issuer = uri_field(allow_none=True)
    key = fields.Nested(CallingKey, required=True, allow_none=True)
    socket_url = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "format": "uri",
            "description": "A WebSocket that sends events about changes: subprotocols `argus.v1` and "
            "`bearer.<access token>`. An event is a hint that may arrive twice or never: read the resource itself. "
            "Null if this stage has no WebSocket",
        },
    )


class SignIn(Schema):
    """How to get a token from one issuer."""

    issuer = uri_field()
    client_id = fields.String(required=True)
    endpoint = fields.String(required=True, metadata={"format": "uri", "description": "Endpoint of Cognito's API"})
    region = fields.String(required=True)


class SignInMethods(Schema):
    """How to get a token from each trusted issuer."""

    items = fields.List(fields.Nested(SignIn), required=True)


def api_key_in_schema(allowed: Sequence[str]) -> type[Schema]:
    """The schema of an API key to create, with any of these scopes."""

    class ApiKeyIn(Schema):
        """An API key to create."""

        name = fields.String(required=True, validate=[validate.Length(1, 100), one_line(may_be_empty=False)])
        scopes = fields.List(
            fields.String(validate=validate.OneOf(allowed)),
            required=True,
            validate=validate.Length(1, len(allowed)),
            metadata={"description": "Scopes of the key, among those of the user who creates it"},
        )
        expires_in_days = StrictInteger(load_default=90, validate=validate.Range(1, 365))
        tier = fields.String(
            load_default="standard",
            validate=validate.Regexp(_TIER),
            metadata={"description": "Rate limit tier, up to the limit that the operators set for the organisation"},
        )

    return ApiKeyIn


class ApiKeyOut(Schema):
    """An API key, without its secret."""

    id = id_field("key")
    name = fields.String(required=True)
    start = fields.String(required=True, metadata={"description": "Beginning of the key, without any of its secret"})
    scopes = fields.List(fields.String(), required=True)
    tier = fields.String(required=True, metadata={"pattern": _TIER})
    state = fields.Enum(KeyState, by_value=True, required=True)
    created_by = id_field("usr")
    created_at = Timestamp(required=True)
    expires_at = Timestamp(required=True)
    last_used_at = Timestamp(required=True, allow_none=True, metadata={"description": "To the hour"})
    revoked_at = Timestamp(required=True, allow_none=True)
    version = fields.Integer(required=True, validate=validate.Range(min=1))


class NewApiKey(ApiKeyOut):
    """A new API key with its text, which is shown only once."""

    key = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "pattern": f"^{key_text.PATTERN}$",
            "description": "Value of X-API-Key. Null if the response is replayed for the same Idempotency-Key",
        },
    )


class ApiKeyPage(Schema):
    """A page of API keys, newest first."""

    items = fields.List(fields.Nested(ApiKeyOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
