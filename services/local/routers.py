"""moto's routers, all built before the first request.

moto builds a service's two routers, a Flask application and a router of the service's description, in the thread of
the first request that needs them. Both compile every route through `ast`. On CPython before 3.11.8 that may raise
`SystemError: AST constructor recursion depth mismatch` (python/cpython#106905) while another thread parses and Python
code runs inside a garbage collection, as hypothesis's does: such a request is answered with 500.
"""

from typing import Any

from moto.core.routing import get_router_class, get_service_router
from moto.core.utils import get_service_model

from services.local.browsers import Dispatcher

# By the names of moto's modules, which its type of names does not all have; `apigateway` serves apigatewayv2, too.
_APPLICATIONS: tuple[Any, ...] = (
    "apigateway",
    "awslambda",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "cognitoidp",
    "dynamodb",
    "events",
    "iam",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
)
# By boto3's names. Requests to the other services name their operation in a header or a form: there are no routes.
_DESCRIPTIONS_WITH_ROUTES = ("apigateway", "apigatewayv2", "cloudfront", "lambda", "s3", "sqs")


def build(dispatcher: Dispatcher) -> None:
    """Build what routes requests to this dispatcher; moto keeps the descriptions' routers for the whole process."""
    for name in _APPLICATIONS:
        dispatcher.app_instances[name] = dispatcher.create_app(name)
    for name in _DESCRIPTIONS_WITH_ROUTES:
        model = get_service_model(name)
        for protocol in model.metadata.get("protocols", [model.protocol]):
            if get_router_class(name, protocol) is not None:
                get_service_router(name)._get_router(protocol)  # noqa: SLF001 — `match` would want a request
