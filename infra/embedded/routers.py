"""Builds moto's routers of the services that are used, before the first request.

moto builds a service's two routers, a Flask application and a router from the service description, in the thread of
the first request that needs them. Both compile every route through `ast`. On CPython before 3.11.8 this can raise
`SystemError: AST constructor recursion depth mismatch` (python/cpython#106905) while another thread parses and Python
code runs inside a garbage collection, as with hypothesis. The request then fails with 500. Other services still work,
with this risk, if what moto imports for them is installed.
"""

from collections.abc import Iterable
from typing import Any

from moto.core.routing import get_router_class, get_service_router
from moto.core.utils import get_service_model

from infra.embedded.browsers import Dispatcher

# boto3's names of the services that Argus uses on a laptop, and of those that a deployment uses besides.
LAPTOP = ("cognito-idp", "dynamodb", "iam", "kms", "s3", "secretsmanager", "sqs", "ssm", "sts")
DEPLOYMENT = (*LAPTOP, "apigateway", "cloudformation", "cloudfront", "events", "lambda", "logs")

_MODULES = {"cognito-idp": "cognitoidp", "lambda": "awslambda"}  # moto's, where they have other names
# The other services have no routes: a header or form field names the operation.
_DESCRIPTIONS_WITH_ROUTES = {"apigateway", "cloudfront", "lambda", "s3", "sqs"}


def build(dispatcher: Dispatcher, services: Iterable[str]) -> None:
    """Build the routers of this dispatcher; moto keeps those of service descriptions for the whole process."""
    for name in services:
        module: Any = _MODULES.get(name, name)  # Any, because moto's Literal type does not list all of them
        dispatcher.app_instances[module] = dispatcher.create_app(module)
        if name in _DESCRIPTIONS_WITH_ROUTES:
            model = get_service_model(name)
            for protocol in model.metadata.get("protocols", [model.protocol]):
                if get_router_class(name, protocol) is not None:
                    get_service_router(name)._get_router(protocol)  # noqa: SLF001 — `match` requires a request
