"""Wire shapes of identity."""

from collections.abc import Sequence

from marshmallow import fields, validate

from argus.core.http import Schema, StrictInteger, Timestamp, id_field, one_line, uri_field
from argus.identity import key_text
from argus.identity.model import KeyState, Role

_TIER = "^[a-z]{1,16}$"


class OrganisationOut(Schema):
    """A tenant."""

    id = id_field("org")
    name = fields.String(required=True)
    created_at = Timestamp(required=True)


class UserOut(Schema):
    """A person."""

    id = id_field("usr")


class CallingKey(Schema):
    """The API key that a request came with."""

    id = id_field("key")
    name = fields.String(required=True)
    tier = fields.String(required=True, metadata={"pattern": _TIER})
    expires_at = Timestamp(required=True)


class Me(Schema):
    """The caller: a person, or an API key and the person it acts for."""

    user = fields.Nested(UserOut, required=True)
    organisation = fields.Nested(OrganisationOut, required=True)
    role = fields.Enum(Role, by_value=True, required=True, allow_none=True, metadata={"description": "Of a person"})
    scopes = fields.List(fields.String(), required=True)
    issuer = uri_field(allow_none=True)
    key = fields.Nested(CallingKey, required=True, allow_none=True)
    socket_url = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "format": "uri",
            "description": "A WebSocket that tells of changes: subprotocols `argus.v1` and `bearer.<access token>`. "
            "What it says is a hint, which may come twice or never: read the thing itself. Null where there is none",
        },
    )


class SignIn(Schema):
    """How to get a token."""

    issuer = uri_field()
    client_id = fields.String(required=True)
    endpoint = fields.String(required=True, metadata={"format": "uri", "description": "Where Cognito's API answers"})
    region = fields.String(required=True)


class SignInWays(Schema):
    """Every trusted issuer."""

    items = fields.List(fields.Nested(SignIn), required=True)


def api_key_in_schema(allowed: Sequence[str]) -> type[Schema]:
    """An API key to make, with any of these scopes."""

    class ApiKeyIn(Schema):
        """An API key to make."""

        name = fields.String(required=True, validate=[validate.Length(1, 100), one_line(may_be_blank=False)])
        scopes = fields.List(
            fields.String(validate=validate.OneOf(allowed)),
            required=True,
            validate=validate.Length(1, len(allowed)),
            metadata={"description": "What it may do: no more than the person who creates it"},
        )
        expires_in_days = StrictInteger(load_default=90, validate=validate.Range(1, 365))
        tier = fields.String(
            load_default="standard",
            validate=validate.Regexp(_TIER),
            metadata={"description": "Which limit holds for it, up to what the operator allows the organisation"},
        )

    return ApiKeyIn


class ApiKeyOut(Schema):
    """An API key, without what makes it one."""

    id = id_field("key")
    name = fields.String(required=True)
    start = fields.String(required=True, metadata={"description": "What the key begins with; nothing of its secret"})
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
    """An API key with its text, which is shown this once."""

    key = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "pattern": f"^{key_text.PATTERN}$",
            "description": "For X-API-Key. Null when the answer is given again to the same Idempotency-Key",
        },
    )


class ApiKeyPage(Schema):
    """A page of API keys, newest first."""

    items = fields.List(fields.Nested(ApiKeyOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
