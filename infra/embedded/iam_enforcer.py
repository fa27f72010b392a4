"""IAM for the embedded AWS: calls with the credentials of an assumed role are limited to that role's policies.

moto's own check supports resources for S3 only. Calls with other credentials, including the dummy credential, are
allowed: they come from the deployer and from AWS's own services. Not checked: signatures, the expiry of a session,
conditions, AWS's managed policies, and calls between services (such as the KMS key of a table or bucket).
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from werkzeug.wrappers import Request, Response

from infra.embedded import ACCOUNT_ID
from infra.embedded.permissions import (
    Permission,
    Statement,
    UnknownOperation,
    is_allowed,
    is_trusted,
    required_permissions,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PARTITION = "aws"
_OBJECT_PARAMETERS = {"versionid", "partnumber", "x-id"}  # besides those of signatures and of response headers
_S3_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


@dataclass(frozen=True)
class IamEnforcer:
    """WSGI middleware in front of the services of one embedded AWS; records what it refuses."""

    refusals: list[str] = field(default_factory=list)  # which role requested which action without permission

    def wrap(self, service: str, application: "WSGIApplication") -> "WSGIApplication":
        def respond(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            if not _sts().assumed_roles:
                return application(environ, start_response)
            with _readable(environ) as request:  # closes a file that may have been spooled
                denial = self._denial(service, request)
            return (denial or application)(environ, start_response)

        return respond

    def _denial(self, service: str, request: Request) -> Response | None:
        key_id, region = _signer(request)
        session = _sts().get_assumed_role_from_access_key(key_id)
        if session is None:
            return None
        try:
            refused = [
                f"{permission.action} on resource: {permission.arn}"
                for permission in required_permissions(service, *_call(service, request), region=region)
                if not _allowed(session.role_arn, permission)
            ]
        except UnknownOperation as unknown:
            refused = [f"{unknown or service} ({request.method} {request.path}), unknown to the IAM enforcer"]
        role = session.role_arn.rsplit("/", 1)[-1]
        self.refusals.extend(f"{role} is not authorized to perform {action}" for action in refused)
        if not refused:
            return None
        return _access_denied(service, request, f"User: {session.arn} is not authorized to perform: {refused[0]}")


def _sts() -> Any:
    return sts_backends[ACCOUNT_ID][_PARTITION]


def _allowed(role_arn: str, permission: Permission) -> bool:
    if not is_allowed(_statements(role_arn), permission):
        return False
    return permission.action != "sts:AssumeRole" or is_trusted(_trust(permission.arn), role_arn)


def _statements(role_arn: str) -> Iterator[Statement]:
    for document in getattr(_role(role_arn), "policies", {}).values():
        yield from json.loads(document)["Statement"]


def _trust(role_arn: str) -> list[Statement]:
    role = _role(role_arn)
    return json.loads(role.assume_role_policy_document)["Statement"] if role else []


def _role(arn: str) -> Any:
    try:
        return iam_backends[ACCOUNT_ID][_PARTITION].get_role_by_arn(arn)
    except NotFoundException:
        return None


# ---------------------------------------------------------------- requests


def _readable(environ: "WSGIEnvironment") -> Request:
    """The request, leaving its body readable for the application. Only POST requests have parameters in the body."""
    if environ["REQUEST_METHOD"] != "POST":
        return Request(environ, populate_request=False)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return Request({**environ, "wsgi.input": io.BytesIO(body)}, populate_request=False)


def _signer(request: Request) -> tuple[str, str]:
    """The access key id and the region, from the header, the presigned link or the form."""
    _, _, signed = request.headers.get("Authorization", "").partition("Credential=")
    scope = signed.partition(",")[0] or request.args.get("X-Amz-Credential") or ""
    if not scope and request.mimetype == "multipart/form-data":
        scope = request.form.get("x-amz-credential", "")
    key_id, _, rest = scope.partition("/")
    return key_id, rest.split("/")[1] if rest.count("/") > 1 else ""


def _call(service: str, request: Request) -> tuple[str, Mapping[str, Any]]:
    """The operation and its parameters, as boto3 names them. Raises UnknownOperation."""
    if service == "s3":
        return _s3_call(request)
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2], request.get_json(force=True)
    if "Action" in request.form:
        return request.form["Action"], request.form
    raise UnknownOperation


def _s3_call(request: Request) -> tuple[str, Mapping[str, Any]]:
    bucket, _, key = request.path.removeprefix("/").partition("/")
    query = {name.lower(): value for name, value in request.args.items()}
    names = {name for name in query if not name.startswith(("x-amz-", "response-"))}
    version = {"VersionId": query["versionid"]} if "versionid" in query else {}
    match request.method:
        case "POST" if "delete" in names:
            return "DeleteObjects", {
                "Bucket": bucket,
                "Delete": {"Objects": list(_objects_to_delete(request.get_data()))},
            }
        case "POST" if not key and "key" in request.form:
            return "PutObject", {"Bucket": bucket, "Key": request.form["key"]}
        case "GET" if not key and "versions" in names:
            return "ListObjectVersions", {"Bucket": bucket}
        case "GET" if not key and "list-type" in names:
            return "ListObjectsV2", {"Bucket": bucket}
        case "HEAD" if not key:
            return "HeadBucket", {"Bucket": bucket}
        case method if key and method in _S3_OBJECT and names <= _OBJECT_PARAMETERS and not _copies(request):
            return _S3_OBJECT[method], {"Bucket": bucket, "Key": key, **version}
    raise UnknownOperation


def _copies(request: Request) -> bool:
    return "x-amz-copy-source" in request.headers


def _objects_to_delete(body: bytes) -> Iterator[dict[str, str]]:
    """The objects in the body of DeleteObjects."""
    for element in ET.fromstring(body).iterfind("{*}Object"):  # noqa: S314 — boto3 wrote it, in one of our functions
        yield {"Key": element.findtext("{*}Key", ""), "VersionId": element.findtext("{*}VersionId", "")}


# ---------------------------------------------------------------- responses


def _access_denied(service: str, request: Request, message: str) -> Response:
    """AccessDenied in the format of the protocol: JSON, S3's XML, or the query protocol's XML."""
    if "X-Amz-Target" in request.headers:
        body = {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": message, "message": message}
        return Response(json.dumps(body), status=400, content_type="application/x-amz-json-1.0")
    error = f"<Code>AccessDenied</Code><Message>{escape(message)}</Message>"
    text = (
        f"<Error>{error}</Error>"
        if service == "s3"
        else f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
    )
    return Response(text, status=403, content_type="application/xml")
