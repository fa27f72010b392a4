"""CORS responses that moto lacks: a page of another origin may call Cognito and post forms to S3."""

from typing import Any

from flask import Response, request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3.models import s3_backends
from moto.s3.utils import cors_matches_origin

from infra.embedded import ACCOUNT_ID


class Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which also answers the preflight request of a browser that calls Cognito.

    All services share one address here. A preflight request names no service, so moto passes it to S3, which refuses
    it. A preflight that announces `X-Amz-Target` is for Cognito, the only service with this header that browsers call.
    As in the real Cognito, every origin is allowed: tokens are issued for a password, not for an origin.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        announced = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
        if environ["REQUEST_METHOD"] == "OPTIONS" and "x-amz-target" in announced.lower():
            return _allowed(announced)(environ, start_response)
        return super().__call__(environ, start_response)


def allow_form_posts(response: Response) -> Response:
    """Let a page read the response to a form that it posted to a bucket, if the bucket's CORS rules allow its origin.

    moto applies the rules to all other responses about objects.
    """
    origin = request.headers.get("Origin")
    bucket = s3_backends[ACCOUNT_ID]["aws"].buckets.get(request.path.strip("/"))
    if request.method != "POST" or not origin or not bucket:
        return response
    if any(
        "POST" in rule.allowed_methods and cors_matches_origin(origin, rule.allowed_origins) for rule in bucket.cors
    ):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
    return response


def _allowed(headers: str) -> Response:
    return Response(
        headers={
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": headers,
            "Access-Control-Max-Age": "172800",
        }
    )
