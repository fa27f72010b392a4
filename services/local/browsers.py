"""What moto leaves out of its answers to browsers: a page of another origin may call Cognito, and send forms to S3."""

from typing import Any

from flask import Response, request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3.models import s3_backends
from moto.s3.utils import cors_matches_origin

from services.local.cloudformation.verify import ACCOUNT_ID


class Dispatcher(DomainDispatcherApplication):
    """moto's own, and the answer to what a browser asks before it calls Cognito.

    All services share one address here, and such a preflight names none of them, so that moto gives it to S3, which
    refuses it. That `X-Amz-Target` is going to be sent tells that it is for Cognito, the only one of our services with
    that header that browsers call. As the real one does, it lets every origin ask: a token is given for a password, not
    for an origin.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        announced = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
        if environ["REQUEST_METHOD"] == "OPTIONS" and "x-amz-target" in announced.lower():
            return _allowed(announced)(environ, start_response)
        return super().__call__(environ, start_response)


def admit_forms(response: Response) -> Response:
    """Let a page read the answer to a form that it sent to a bucket, if the bucket's rules admit the page's origin.

    moto looks at the rules in every other answer about an object.
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
