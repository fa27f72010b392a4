"""The one address of all embedded services: which of them a request is for."""

from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from werkzeug import Response


class Dispatcher(DomainDispatcherApplication):
    """moto's own, and the answer to what a browser asks before it calls Cognito.

    Such a preflight names neither service nor operation, so that moto gives it to S3, which refuses it. That
    `X-Amz-Target` is going to be sent tells that it is for Cognito, the only one of our services with that header that
    browsers call. As the real one does, it lets every origin ask: a token is given for a password, not for an origin.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        announced = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
        if environ["REQUEST_METHOD"] == "OPTIONS" and "x-amz-target" in announced.lower():
            return _allowed(announced)(environ, start_response)
        return super().__call__(environ, start_response)


def _allowed(headers: str) -> Response:
    return Response(
        headers={
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": headers,
            "Access-Control-Max-Age": "172800",
        }
    )
