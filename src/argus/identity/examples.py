"""Examples of identity's responses, for the OpenAPI document. The examples of all capabilities share their ids."""

USER_ID = "usr_01k0n2x3b5d7f9h1k3m5p7r9t1"
ORGANISATION_ID = "org_01k0n2x3a4c6e8g0j2m4p6r8t0"
ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E"

ME = {
    "user": {"id": USER_ID},
    "organisation": {"id": ORGANISATION_ID, "name": "North Geothermal", "created_at": "2026-05-14T06:00:00.000Z"},
    "role": "owner",
    "scopes": [
        *("images:read", "images:write", "keys:read", "keys:write", "plugins:read", "profile:read"),
        *("reports:read", "reports:write", "scans:read", "scans:write"),
    ],
    "issuer": ISSUER,
    "key": None,
    "socket_url": "wss://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/production",
}

KEY_ID = "key_01k0n2x4c6e8g0j2m4p6r8t0v2"
API_KEY_IN = {
    "name": "nightly survey",
    "scopes": ["images:read", "images:write", "scans:read", "scans:write"],
    "expires_in_days": 90,
    "tier": "standard",
}
# Not a real key: its checksum is wrong.
API_KEY = {
    "id": KEY_ID,
    "name": API_KEY_IN["name"],
    "start": "argus_01k0n2x4c6e8g0j2m4p6r8t0v2",
    "scopes": API_KEY_IN["scopes"],
    "tier": "standard",
    "state": "active",
    "created_by": USER_ID,
    "created_at": "2026-05-14T06:05:00.000Z",
    "expires_at": "2026-08-12T06:05:00.000Z",
    "last_used_at": None,
    "revoked_at": None,
    "version": 1,
}
NEW_API_KEY = {
    **API_KEY,
    "key": "argus_01k0n2x4c6e8g0j2m4p6r8t0v201k0n2x3a4c6e8g0j2m4p6r8t0" + "ExampleOf" * 4 + "ASecret" + "000000",
}
API_KEY_PAGE = {"items": [API_KEY], "next_cursor": None}

SIGN_IN_METHODS = {
    "items": [
        {
            "issuer": ISSUER,
            "client_id": "4s8k2m6q0u4y8c2g6k0o4s8w2a",
            "endpoint": "https://cognito-idp.eu-west-1.amazonaws.com",
            "region": "eu-west-1",
        }
    ]
}
