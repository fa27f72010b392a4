"""Two calls that moto does not support: RevokeToken of Cognito, and the list of function URLs, which Zappa requests."""

import functools
import json
from typing import Any

from moto.awslambda import urls
from moto.cognitoidp.models import cognitoidp_backends
from moto.cognitoidp.responses import CognitoIdpResponse


@functools.cache
def apply() -> None:
    """Patch moto, once per process, before its applications are built, which fixes their routes."""
    cognito: Any = CognitoIdpResponse
    cognito.revoke_token = _revoke_token
    urls.url_paths[r"{0}/2021-10-31/functions/(?P<function_name>[^/]+)/urls/?$"] = _no_function_urls


def _revoke_token(response: Any) -> str:
    token = json.loads(response.body)["Token"]
    for pool in cognitoidp_backends[response.current_account][response.region].user_pools.values():
        if token in pool.refresh_tokens:
            pool.refresh_tokens[token] = None
    return "{}"


def _no_function_urls(*_: Any) -> tuple[int, dict[str, str], str]:
    return 200, {"Content-Type": "application/json"}, '{"FunctionUrlConfigs": []}'
