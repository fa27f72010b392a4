"""The embedded AWS asks IAM: who calls with the credentials of an assumed role may do what that role's policies say.

moto's own check knows resources for S3 alone. What comes with other credentials, the dummy one among them, is let
through: it is the deployer, and AWS's own services. Not looked at: signatures, the end of a session, conditions, AWS's
managed policies, and what one service asks of another on the way (the key of a table or bucket).
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

from services.local.cloudformation.verify import ACCOUNT_ID
from services.local.permissions import Statement, UnknownCall, Use, may, trusts, uses

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PARTITION = "aws"
_ABOUT_AN_OBJECT = {"versionid", "partnumber", "x-id"}  # and what signs, and what names the answer's headers
_S3_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


@dataclass(frozen=True)
class Refusal:
    """What a role wanted and may not."""

    role: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.role} may not {self.wanted}"


@dataclass(frozen=True)
class IamEnforcer:
    """Stands before the services of one embedded AWS, and remembers whom it has turned away."""

    refusals: list[Refusal] = field(default_factory=list)

    def before(self, service: str, application: "WSGIApplication") -> "WSGIApplication":
        def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            if not _sts().assumed_roles:
                return application(environ, start_response)
            with _readable(environ) as request:  # which may have spooled a file
                refused = self._refused(service, request)
            return (refused or application)(environ, start_response)

        return answer

    def _refused(self, service: str, request: Request) -> Response | None:
        key_id, region = _signer(request)
        session = _sts().get_assumed_role_from_access_key(key_id)
        if session is None:
            return None
        try:
            wanted = [
                f"{use.action} on resource: {use.arn}"
                for use in uses(service, *_call(service, request), region=region)
                if not _allowed(session.role_arn, use)
            ]
        except UnknownCall as unknown:
            wanted = [f"{unknown or service} ({request.method} {request.path}), which the IAM enforcer does not know"]
        for one in wanted:
            self.refusals.append(Refusal(session.role_arn.rsplit("/", 1)[-1], one))
        if not wanted:
            return None
        return _access_denied(service, request, f"User: {session.arn} is not authorized to perform: {wanted[0]}")


def _sts() -> Any:
    return sts_backends[ACCOUNT_ID][_PARTITION]


def _allowed(role_arn: str, use: Use) -> bool:
    if not may(_statements(role_arn), use):
        return False
    return use.action != "sts:AssumeRole" or trusts(_trust(use.arn), role_arn)


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
    """The request, whose body whoever comes next can read once more. Only what is posted says in it what is asked."""
    if environ["REQUEST_METHOD"] != "POST":
        return Request(environ, populate_request=False)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return Request({**environ, "wsgi.input": io.BytesIO(body)}, populate_request=False)


def _signer(request: Request) -> tuple[str, str]:
    """The access key's id and the region, from wherever they stand: header, link or form."""
    _, _, signed = request.headers.get("Authorization", "").partition("Credential=")
    scope = signed.partition(",")[0] or request.args.get("X-Amz-Credential") or ""
    if not scope and request.mimetype == "multipart/form-data":
        scope = request.form.get("x-amz-credential", "")
    key_id, _, rest = scope.partition("/")
    return key_id, rest.split("/")[1] if rest.count("/") > 1 else ""


def _call(service: str, request: Request) -> tuple[str, Mapping[str, Any]]:
    """The operation and what it was given, as boto3 names them. Raises UnknownCall."""
    if service == "s3":
        return _call_of_s3(request)
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2], request.get_json(force=True)
    if "Action" in request.form:
        return request.form["Action"], request.form
    raise UnknownCall


def _call_of_s3(request: Request) -> tuple[str, Mapping[str, Any]]:
    bucket, _, key = request.path.removeprefix("/").partition("/")
    asked = {name.lower(): value for name, value in request.args.items()}
    about = {name for name in asked if not name.startswith(("x-amz-", "response-"))}
    version = {"VersionId": asked["versionid"]} if "versionid" in asked else {}
    match request.method:
        case "POST" if "delete" in about:
            return "DeleteObjects", {"Bucket": bucket, "Delete": {"Objects": list(_named_in(request.get_data()))}}
        case "POST" if not key and "key" in request.form:
            return "PutObject", {"Bucket": bucket, "Key": request.form["key"]}
        case "GET" if not key and "versions" in about:
            return "ListObjectVersions", {"Bucket": bucket}
        case "GET" if not key and "list-type" in about:
            return "ListObjectsV2", {"Bucket": bucket}
        case "HEAD" if not key:
            return "HeadBucket", {"Bucket": bucket}
        case method if key and method in _S3_OBJECT and about <= _ABOUT_AN_OBJECT and not _copies(request):
            return _S3_OBJECT[method], {"Bucket": bucket, "Key": key, **version}
    raise UnknownCall


def _copies(request: Request) -> bool:
    return "x-amz-copy-source" in request.headers


def _named_in(body: bytes) -> Iterator[dict[str, str]]:
    """The objects that a DeleteObjects names."""
    for element in ET.fromstring(body).iterfind("{*}Object"):  # noqa: S314 — boto3 wrote it, in a function of ours
        yield {"Key": element.findtext("{*}Key", ""), "VersionId": element.findtext("{*}VersionId", "")}


# ---------------------------------------------------------------- answers


def _access_denied(service: str, request: Request, message: str) -> Response:
    """As each protocol says it: JSON, S3's XML, or that of the query protocol."""
    if "X-Amz-Target" in request.headers:
        told = {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": message, "message": message}
        return Response(json.dumps(told), status=400, content_type="application/x-amz-json-1.0")
    error = f"<Code>AccessDenied</Code><Message>{escape(message)}</Message>"
    text = (
        f"<Error>{error}</Error>"
        if service == "s3"
        else f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
    )
    return Response(text, status=403, content_type="application/xml")
