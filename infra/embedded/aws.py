"""The embedded AWS: moto on 127.0.0.1, provisioned from the same templates as a real account.

    with EmbeddedAws.start(port=5002, stage="local") as aws:
        outputs = aws.provision()                 # stacks from infra/*.yaml; raises NotAsDeclared
        os.environ.update(aws.environment)        # boto3 then uses this endpoint
        aws.client("s3").list_buckets()           # or directly, with dummy credentials
        outputs.uploads_queue_url, outputs.user_pool_id, outputs.jwks_url

boto3 in this process reaches it without a socket (`transport.py`); all others use the port. The state lives as long as
this process and is shared by all servers in it. Two servers, even consecutive ones, need different stages or regions,
because all names are derived from them. The first message in the uploads queue is S3's own `s3:TestEvent`, as in a real
account. Errors: `PortInUse`, `NotAsDeclared`.
"""

import errno
import functools
import io
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from argus.core.errors import ArgusError
from infra.embedded import ACCOUNT_ID, HOST, moto_patches, routers, transport
from infra.embedded.browsers import Dispatcher, allow_form_posts
from infra.embedded.clients import Clients
from infra.embedded.iam_enforcer import IamEnforcer
from infra.embedded.stacks import EmbeddedStacks
from infra.templates import INFRA, Template, capability_templates

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class PortInUse(ArgusError):
    """The port is used by another program."""


@dataclass(frozen=True)
class StackOutputs:
    """Outputs of the stacks.

    `issuer` is the `iss` claim of tokens (always the real AWS URL); `jwks_url` is where the embedded AWS publishes the
    keys that verify them.
    """

    media_bucket: str
    uploads_queue_url: str
    uploads_dead_queue_url: str
    jobs_queue_url: str
    jobs_dead_queue_url: str
    scans_queue_url: str
    scans_dead_queue_url: str
    user_pool_id: str
    client_id: str
    issuer: str
    jwks_url: str


class EmbeddedAws:
    """A running embedded AWS; as a context manager, it stops on exit."""

    def __init__(self, server: BaseWSGIServer, enforcer: IamEnforcer, *, stage: str, region: str) -> None:
        self.stage = stage
        self.refusals = enforcer.refusals
        self.region = region
        self.account_id = ACCOUNT_ID
        self.port = server.port
        self.endpoint_url = f"http://{HOST}:{server.port}"
        self.client = Clients(endpoint_url=self.endpoint_url, region=region)
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="embedded-aws", daemon=True
        )
        self.stacks = EmbeddedStacks(self.client)

    @classmethod
    def start(
        cls,
        port: int = 0,
        *,
        stage: str,
        region: str = "eu-west-1",
        services: Iterable[str] = routers.DEPLOYMENT,
    ) -> Self:
        """Listen on 127.0.0.1; port 0 picks a free port. `services` are ready for requests. Raises PortInUse."""
        moto_patches.apply()
        enforcer = IamEnforcer()
        dispatcher = Dispatcher(functools.partial(_create_service, enforcer))
        aws = cls(_bind(port, dispatcher), enforcer, stage=stage, region=region)
        routers.build(dispatcher, services)
        aws._thread.start()
        transport.connect(aws._server)
        return aws

    def stop(self) -> None:
        transport.disconnect(self._server)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which boto3, in this process or a child process, uses this AWS only."""
        return self.client.environment

    @contextmanager
    def as_role(self, role_arn: str) -> Iterator[Clients]:
        """Clients with the permissions of the role's policies; refused actions are recorded in `refusals`."""
        credentials = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="local")["Credentials"]
        clients = Clients(endpoint_url=self.endpoint_url, region=self.region, credentials=credentials)
        try:
            yield clients
        finally:
            clients.close()

    def provision(
        self, *, allowed_origins: Sequence[str] = (), visibility_timeout_seconds: int | None = None
    ) -> StackOutputs:
        """Create the stacks that Argus needs on a laptop.

        These are the shared data, the roles, and the stack of each capability. The outputs of a stack are parameters of
        the next, as in a deployment; other parameters keep the template's defaults. Raises NotAsDeclared.
        """
        given = {"Stage": self.stage}
        if allowed_origins:
            given["AllowedOrigins"] = ",".join(allowed_origins)
        if visibility_timeout_seconds is not None:
            for name in ("VisibilityTimeoutSeconds", "ScansVisibilityTimeoutSeconds"):
                given[name] = str(visibility_timeout_seconds)
        for path in (INFRA / "data.yaml", INFRA / "roles.yaml", *capability_templates()):
            given |= self.create_stack(path, given)
        return StackOutputs(
            media_bucket=given["MediaBucketName"],
            uploads_queue_url=given["UploadsQueueUrl"],
            uploads_dead_queue_url=given["UploadsDeadQueueUrl"],
            jobs_queue_url=given["JobsQueueUrl"],
            jobs_dead_queue_url=given["JobsDeadQueueUrl"],
            scans_queue_url=given["ScansQueueUrl"],
            scans_dead_queue_url=given["ScansDeadQueueUrl"],
            user_pool_id=given["UserPoolId"],
            client_id=given["ClientId"],
            issuer=given["Issuer"],
            jwks_url=f"{self.endpoint_url}/{given['UserPoolId']}/.well-known/jwks.json",
        )

    def create_stack(self, path: Path, parameters: Mapping[str, str]) -> Mapping[str, str]:
        """Create one stack from a template; returns its outputs. Raises NotAsDeclared."""
        name = f"argus-{self.stage}-{path.stem}"
        self.stacks.deploy(name, template=Template.read(path), parameters=parameters, tags={})
        return self.stacks.outputs(name)


class _QuietHandler(MotoRequestHandler):
    """Does not log requests: the API that sends them logs its own."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def _create_service(enforcer: IamEnforcer, service: str) -> Any:  # typed as Flask in moto, which only calls it
    """One service behind the IAM enforcer of a server."""
    return enforcer.wrap(service, _application(service))


@functools.cache
def _application(service: Any) -> "WSGIApplication":
    """moto's application of one service, shared by all servers of this process, with two differences to AWS corrected.

    S3: moto allows every origin; here the bucket's own CORS rules decide. DynamoDB: moto checks conditions and writes
    without a lock, so that two concurrent requests may both meet a condition; here, as on AWS, each write is atomic.
    """
    application: Any = create_backend_app(service)
    if service == "s3":
        application.after_request_funcs.clear()
        application.after_request(allow_form_posts)
    return _one_at_a_time(application) if service == "dynamodb" else application


def _one_at_a_time(application: "WSGIApplication") -> "WSGIApplication":
    """The same application, handling one request at a time across all servers of this process."""

    def respond(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # Read the body before taking the lock: a slow sender delays only itself.
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with _dynamodb_lock:
            return application({**environ, "wsgi.input": io.BytesIO(body)}, start_response)

    return respond


_dynamodb_lock = threading.Lock()


def listen(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1; port 0 picks a free port. Raises PortInUse.

    A port whose old connections are still closing can be reused; a port with a live listener cannot.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortInUse(f"{HOST}:{port} is in use; stop that program or set another port") from error


def _bind(port: int, dispatcher: Dispatcher) -> BaseWSGIServer:
    """A listening server on a socket opened here: werkzeug would exit the process if the port is in use."""
    with listen(port) as listener:
        return make_server(
            HOST,
            listener.getsockname()[1],
            dispatcher,
            threaded=True,
            request_handler=_QuietHandler,
            fd=listener.fileno(),
        )
