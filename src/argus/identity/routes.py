"""HTTP of identity."""

from dataclasses import asdict
from functools import partial
from typing import Any

from argus.core.http import (
    Blueprint,
    PageQuery,
    check_if_match,
    current_caller,
    etagged,
    idempotent,
    needs,
    paged,
    public,
)
from argus.core.openapi import id_pattern, link, path_id
from argus.core.runtime import Runtime
from argus.identity import key_text
from argus.identity.capability import sign_in_methods
from argus.identity.keys import Keys
from argus.identity.model import ApiKey
from argus.identity.schemas import ApiKeyOut, ApiKeyPage, Me, NewApiKey, SignInMethods, api_key_in_schema
from argus.identity.service import Identity

_SIGN_IN = "Who calls. `GET /api/v1/sign-in` names where users get the token that every other request needs."
_API_KEYS = "Programs send `X-API-Key: <key>` instead of a token. `POST /api/v1/api-keys` creates a key."
_KEY_ID = [path_id("key_id", "The id of an API key", pattern=id_pattern("key"))]


def callers(argus: Runtime) -> Blueprint:
    identity: Identity = argus.identity
    methods, socket_url = sign_in_methods(argus.settings), argus.notify.socket_url
    blp = Blueprint("sign-in", __name__, chapter=10, description=_SIGN_IN)

    @blp.route("/sign-in")
    @public
    @blp.response(200, SignInMethods)
    def sign_in() -> dict[str, Any]:
        """List where users get a token

        If `items` is empty, ask the operators of this server. Otherwise a Cognito user pool issues tokens: send its
        `endpoint` the `client_id`, an email and a password.

        ```sh
        curl <endpoint> \\
          -H 'X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth' \\
          -H 'Content-Type: application/x-amz-json-1.1' \\
          -d '{"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": "<client_id>",
               "AuthParameters": {"USERNAME": "<email>", "PASSWORD": "<password>"}}'
        ```

        Send `AuthenticationResult.AccessToken` of the response as `Authorization: Bearer <token>`. It is valid for
        `AuthenticationResult.ExpiresIn` seconds. Programs use an API key instead.
        """
        return {"items": methods}

    @blp.route("/me")
    @needs("profile:read")
    @blp.response(200, Me)
    def me() -> dict[str, Any]:
        """Get the caller

        The user or the API key of the request, its organisation and its scopes, and the URL of the WebSocket that
        announces changes.
        """
        caller = current_caller()
        return {
            "user": {"id": caller.user_id},
            "organisation": identity.organisation(caller.organisation_id),
            "role": caller.role,
            "scopes": sorted(caller.scopes),
            "issuer": caller.issuer,
            "key": caller.key,
            "socket_url": socket_url or None,
        }

    return blp


def api_keys(argus: Runtime) -> Blueprint:
    keys: Keys = argus.keys
    api_key_in = api_key_in_schema(sorted(argus.key_scopes))
    blp = Blueprint("api-keys", __name__, chapter=70, description=_API_KEYS)

    def wire(key: ApiKey) -> dict[str, Any]:
        return {**asdict(key), "start": key_text.start(key.id), "state": key.state(keys.clock())}

    def links(where: str) -> dict[str, Any]:
        parameters = {"key_id": f"$response.body#/{where}"}
        return {"links": {name: link(name, parameters=parameters) for name in ("get_api_key", "revoke_api_key")}}

    @blp.route("/api-keys", methods=["POST"])
    @needs("keys:write", for_keys=False)
    @partial(idempotent, withheld="key")
    @blp.arguments(api_key_in)
    @blp.doc(responses={201: links("id")})
    @blp.response(201, NewApiKey)
    @blp.alt_response(409, "CONFLICT")
    def create_api_key(body: dict[str, Any]) -> dict[str, Any]:
        """Create an API key

        Only this response contains `key`, the value of `X-API-Key`: store it now. A key has at most the scopes of the
        user who creates it, and 403 `scope_not_allowed` names the others. Only users can create keys.
        """
        key, text = keys.create(current_caller(), **body)
        return {**wire(key), "key": text}

    @blp.route("/api-keys")
    @needs("keys:read", for_keys=False)
    @blp.arguments(PageQuery, location="query")
    @blp.doc(responses={200: links("items/0/id")})
    @blp.response(200, ApiKeyPage)
    def list_api_keys(query: dict[str, Any]) -> Any:
        """List API keys

        Those of the organisation, newest first. Keys that expired or were revoked stay in the list for 90 days.
        """
        caller = current_caller()
        body, headers = paged(lambda limit, after: keys.list(caller, limit=limit, after=after), query)
        return {**body, "items": [wire(key) for key in body["items"]]}, headers

    @blp.route("/api-keys/<key_id>", parameters=_KEY_ID)
    @needs("keys:read", for_keys=False)
    @etagged
    @blp.response(200, ApiKeyOut)
    def get_api_key(key_id: str) -> dict[str, Any]:
        """Get an API key

        Without its secret.
        """
        return wire(keys.get(current_caller(), key_id))

    @blp.route("/api-keys/<key_id>", parameters=_KEY_ID, methods=["DELETE"])
    @needs("keys:write", for_keys=False)
    @blp.response(204)
    @blp.alt_response(412, "PRECONDITION_FAILED")
    def revoke_api_key(key_id: str) -> None:
        """Revoke an API key

        The next request with it is rejected. Revoking it again changes nothing.
        """
        keys.revoke(current_caller(), key_id, check=check_if_match)

    return blp
