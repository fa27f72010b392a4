"""Wire shapes of identity."""

from collections.abc import Sequence

from marshmallow import fields, validate

from argus.core.http import (
    Schema,
    StrictInteger,
    Timestamp,
    cursor_field,
    described,
    enum_field,
    id_field,
    items_field,
    one_line,
    uri_field,
    version_field,
)
from argus.identity import key_text
from argus.identity.model import KeyState, Role

_TIER = r"^[a-z]{1,16}$(?!\n)"


class OrganisationOut(Schema):
    """A tenant: resources of one organisation do not exist for another."""

    id = id_field("org", "The id of the organisation")
    name = fields.String(required=True, **described("The name of the organisation"))
    created_at = Timestamp(required=True, **described("When the organisation was created"))


class UserOut(Schema):
    """A user."""

    id = id_field("usr", "The id of the user")


class CallingKey(Schema):
    """The API key of the request."""

    id = id_field("key", "The id of the key")
    name = fields.String(required=True, **described("The name that its creator gave it"))
    tier = fields.String(
        required=True, **described("Its rate limit: see `x-ratelimit` of this document", pattern=_TIER)
    )
    expires_at = Timestamp(required=True, **described("Until when it is accepted"))


class Me(Schema):
    """The caller: a user, or an API key and the user that it acts for."""

    user = fields.Nested(UserOut, required=True, **described("The user, or the one who created the API key"))
    organisation = fields.Nested(OrganisationOut, required=True, **described("The organisation of the user"))
    role = enum_field(Role, "The role of the user in the organisation; null for an API key", allow_none=True)
    scopes = fields.List(
        fields.String(), required=True, **described("What the caller may do: the scopes of operations")
    )
    issuer = uri_field("The issuer of the token; null for an API key", allow_none=True)
    key = fields.Nested(
        CallingKey, required=True, allow_none=True, **described("The API key of the request; null for a token")
    )
    socket_url = fields.String(
        required=True,
        allow_none=True,
        **described(
            "A WebSocket that sends events about changes: subprotocols `argus.v1` and "
            "`bearer.<access token>`. An event is a hint that may arrive twice or never: read the resource itself. "
            "Null if this stage has no WebSocket",
            format="uri",
        ),
    )


class SignIn(Schema):
    """How to get a token from one issuer, a Cognito user pool."""

    issuer = uri_field("The issuer, which is `iss` of its tokens")
    client_id = fields.String(required=True, **described("The id of the app client, `ClientId` of InitiateAuth"))
    endpoint = uri_field("The endpoint of Cognito's API, to which InitiateAuth is sent")
    region = fields.String(required=True, **described("The AWS region of the user pool"))


class SignInMethods(Schema):
    """How to get a token from each trusted issuer that is a Cognito user pool."""

    items = items_field(SignIn, "The user pools; empty if the operators use other issuers")


def api_key_in_schema(allowed: Sequence[str]) -> type[Schema]:
    """The schema of an API key to create, with any of these scopes."""

    class ApiKeyIn(Schema):
        """An API key to create."""

        name = fields.String(
            required=True,
            validate=[validate.Length(1, 100), one_line(may_be_empty=False)],
            **described("A name for the list of keys, such as that of the program"),
        )
        scopes = fields.List(
            fields.String(validate=validate.OneOf(allowed)),
            required=True,
            validate=validate.Length(1, len(allowed)),
            **described("Scopes of the key, among those of the user who creates it"),
        )
        expires_in_days = StrictInteger(
            load_default=90, validate=validate.Range(1, 365), **described("Days until the key expires")
        )
        tier = fields.String(
            load_default="standard",
            validate=validate.Regexp(_TIER),
            **described("Rate limit tier, up to the limit that the operators set for the organisation"),
        )

    return ApiKeyIn


class ApiKeyOut(Schema):
    """An API key, without its secret."""

    id = id_field("key", "The id of the key")
    name = fields.String(required=True, **described("The name that its creator gave it"))
    start = fields.String(required=True, **described("Beginning of the key, without any of its secret"))
    scopes = fields.List(fields.String(), required=True, **described("What the key may do"))
    tier = fields.String(
        required=True, **described("Its rate limit: see `x-ratelimit` of this document", pattern=_TIER)
    )
    state = enum_field(KeyState, "Only an `active` key is accepted")
    created_by = id_field("usr", "The user who created it, and for whom it acts")
    created_at = Timestamp(required=True, **described("When it was created"))
    expires_at = Timestamp(required=True, **described("Until when it is accepted"))
    last_used_at = Timestamp(
        required=True,
        allow_none=True,
        **described("When it was last used, updated at most once an hour; null if it was not"),
    )
    revoked_at = Timestamp(required=True, allow_none=True, **described("When it was revoked; null if it was not"))
    version = version_field()


class NewApiKey(ApiKeyOut):
    """A new API key with its text, which is shown only once."""

    key = fields.String(
        required=True,
        allow_none=True,
        **described(
            "Value of X-API-Key. Null if the response is replayed for the same Idempotency-Key",
            pattern=f"^{key_text.PATTERN}$",
        ),
    )


class ApiKeyPage(Schema):
    """A page of API keys, newest first."""

    items = items_field(ApiKeyOut, "API keys, newest first")
    next_cursor = cursor_field()
