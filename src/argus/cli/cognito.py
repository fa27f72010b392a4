"""Sign-in at a Cognito user pool through its public API: unsigned JSON, with the operation in `X-Amz-Target`.

Source: Amazon Cognito user pools API reference, InitiateAuth and RevokeToken.
"""

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from argus.cli.addresses import require_encryption
from argus.cli.errors import CliError, NotSignedIn, Unreachable
from argus.cli.profiles import Session
from argus.cli.retries import with_retries

if TYPE_CHECKING:
    import httpx

NOT_REVOKED = "The sign-in service did not revoke the session's tokens. They expire by themselves."
_TEMPORARY_PASSWORD = "The password is temporary. Choose your own in the console, then run `argus login` again."
_PASSWORDS_ONLY = "`argus login` supports passwords only: set ARGUS_API_KEY or ARGUS_TOKEN instead."
_CHALLENGES = {
    "SOFTWARE_TOKEN_MFA": "The account requires a code from an authenticator app.",
    "SMS_MFA": "The account requires a code sent by SMS.",
    "EMAIL_OTP": "The account requires a code sent by email.",
    "MFA_SETUP": "The account requires a second factor that is not set up yet.",
}
# Both get the same message: different ones would reveal who has an account.
_WRONG_PASSWORD = frozenset({"NotAuthorizedException", "UserNotFoundException"})
_EXPIRED = _WRONG_PASSWORD | {
    "PasswordResetRequiredException",
    "UserNotConfirmedException",
    "RefreshTokenReuseException",
    "ResourceNotFoundException",  # the pool or its client was deleted, as after a restart of `make run`
}


def sign_in(http: "httpx.Client", *, endpoint: str, client_id: str, user: str, password: str) -> Session:
    """Exchange a password for tokens. Raises NotSignedIn."""
    status, body = _call(
        http,
        endpoint,
        "InitiateAuth",
        {
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": client_id,
            "AuthParameters": {"USERNAME": user, "PASSWORD": password},
        },
    )
    if status != 200:
        wrong = _error_code(body) in _WRONG_PASSWORD
        raise NotSignedIn("Wrong email or password." if wrong else _message(body))
    challenge = body.get("ChallengeName")
    if challenge == "NEW_PASSWORD_REQUIRED":
        raise NotSignedIn(_TEMPORARY_PASSWORD)
    if challenge:
        reason = _CHALLENGES.get(challenge, f"The account requires {challenge}.")
        raise NotSignedIn(f"{reason} {_PASSWORDS_ONLY}")
    result = body["AuthenticationResult"]
    return Session(
        user=user,
        access_token=result["AccessToken"],
        refresh_token=result.get("RefreshToken", ""),
        expires_at=time.time() + result["ExpiresIn"],
        client_id=client_id,
        endpoint=endpoint,
    )


def renew(http: "httpx.Client", session: Session) -> Session:
    """The session with a new access token. Raises NotSignedIn if the refresh token is not valid, else Unreachable."""
    status, body = _call(
        http,
        session.endpoint,
        "InitiateAuth",
        {
            "AuthFlow": "REFRESH_TOKEN_AUTH",
            "ClientId": session.client_id,
            "AuthParameters": {"REFRESH_TOKEN": session.refresh_token},
        },
    )
    if _error_code(body) in _EXPIRED:
        raise NotSignedIn("The session has expired. Sign in again with `argus login`.")
    if status != 200 or "AuthenticationResult" not in body:
        raise Unreachable(f"{session.endpoint} cannot renew the session now. {_message(body)}")
    result = body["AuthenticationResult"]
    return replace(
        session,
        access_token=result["AccessToken"],
        # Present only where the pool rotates refresh tokens.
        refresh_token=result.get("RefreshToken", session.refresh_token),
        expires_at=time.time() + result["ExpiresIn"],
    )


def revoke(http: "httpx.Client", session: Session) -> bool:
    """Revoke the refresh token. Returns whether it succeeded."""
    try:
        status, _ = _call(
            http, session.endpoint, "RevokeToken", {"ClientId": session.client_id, "Token": session.refresh_token}
        )
    except CliError:
        return False
    return status == 200


def _call(http: "httpx.Client", endpoint: str, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    require_encryption(endpoint)
    response = with_retries(
        lambda: http.post(
            f"{endpoint.rstrip('/')}/",
            content=json.dumps(request),
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
            },
        ),
        host=endpoint,
    )
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body = {}
    return response.status_code, body if isinstance(body, dict) else {}


def _error_code(body: dict[str, Any]) -> str:
    return str(body.get("__type", "")).rpartition("#")[2]


def _message(body: dict[str, Any]) -> str:
    return str(body.get("message") or body.get("Message") or _error_code(body) or "The sign-in service failed.")
