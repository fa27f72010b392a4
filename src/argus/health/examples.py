"""Examples of health's responses, for the OpenAPI document."""

ALIVE = {"status": "alive"}

_OTHERS = [
    {"name": "keys of https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E", "outcome": "ok", "ms": 4.9},
    {"name": "s3", "outcome": "ok", "ms": 8.1},
    {"name": "sqs", "outcome": "ok", "ms": 9.5},
]

READY = {"status": "ready", "checks": [{"name": "dynamodb", "outcome": "ok", "ms": 10.4}, *_OTHERS]}

NOT_READY = {
    "checks": [{"name": "dynamodb", "outcome": "timeout", "ms": 1500.0}, *_OTHERS],
    "type": "urn:argus:problem:dependency_unavailable",
    "title": "Argus is not ready",
    "status": 503,
    "detail": "A service that Argus depends on does not respond. See “checks” for details.",
    "code": "dependency_unavailable",
    "request_id": "req_01k0n2xz0q4m8s6w2e9r5t7y3a",
}
