"""Signing in at a Cognito user pool by its public API: unsigned JSON, the operation named in `X-Amz-Target`.

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

NOT_REVOKED = "The sign-in service did not revoke the session's tokens; they expire by themselves."
_CHALLENGES = {
    "NEW_PASSWORD_REQUIRED": "the password is a temporary one; choose your own in the console first",
    "SOFTWARE_TOKEN_MFA": "the account asks for a code from an authenticator app",
    "SMS_MFA": "the account asks for a code by SMS",
    "EMAIL_OTP": "the account asks for a code by mail",
    "MFA_SETUP": "the account must set up a second factor in the console first",
}
_WRONG_PASSWORD = frozenset(
    {"NotAuthorizedException", "UserNotFoundException"}
)  # different messages would reveal who has an account
_EXPIRED = _WRONG_PASSWORD | {
    "PasswordResetRequiredException",
    "UserNotConfirmedException",
    "RefreshTokenReuseException",
    "ResourceNotFoundException",  # the pool or its client is gone, as after a restart of `make run`
}


def sign_in(http: "httpx.Client", *, endpoint: str, client_id: str, user: str, password: str) -> Session:
    """Exchange a password for tokens. Raises NotSignedIn."""
    status, answer = _call(
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
        wrong = _error_code(answer) in _WRONG_PASSWORD
        raise NotSignedIn("wrong user or password" if wrong else _message(answer))
    if challenge := answer.get("ChallengeName"):
        reason = _CHALLENGES.get(challenge, f"the account asks for {challenge}")
        raise NotSignedIn(f"{reason}; this command supports passwords only; set ARGUS_TOKEN to a token from elsewhere")
    result = answer["AuthenticationResult"]
    return Session(
        user=user,
        access_token=result["AccessToken"],
        refresh_token=result.get("RefreshToken", ""),
        expires_at=time.time() + result["ExpiresIn"],
        client_id=client_id,
        endpoint=endpoint,
    )


def renewed(http: "httpx.Client", session: Session) -> Session:
    """The session with a new access token. Raises NotSignedIn when the refresh token has expired, else Unreachable."""
    status, answer = _call(
        http,
        session.endpoint,
        "InitiateAuth",
        {
            "AuthFlow": "REFRESH_TOKEN_AUTH",
            "ClientId": session.client_id,
            "AuthParameters": {"REFRESH_TOKEN": session.refresh_token},
        },
    )
    if _error_code(answer) in _EXPIRED:
        raise NotSignedIn("the session has expired; sign in again with `argus login`")
    if status != 200 or "AuthenticationResult" not in answer:
        raise Unreachable(f"{session.endpoint} does not renew the session now: {_message(answer)}")
    result = answer["AuthenticationResult"]
    return replace(
        session,
        access_token=result["AccessToken"],
        # Present only where the pool rotates refresh tokens.
        refresh_token=result.get("RefreshToken", session.refresh_token),
        expires_at=time.time() + result["ExpiresIn"],
    )


def revoke(http: "httpx.Client", session: Session) -> bool:
    """Revoke the refresh token; whether that worked."""
    try:
        status, _ = _call(
            http, session.endpoint, "RevokeToken", {"ClientId": session.client_id, "Token": session.refresh_token}
        )
    except CliError:
        return False
    return status == 200


def _call(http: "httpx.Client", endpoint: str, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    require_encryption(endpoint)
    response = with_retries(
        lambda: http.post(
            f"{endpoint.rstrip('/')}/",
            content=json.dumps(body),
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
            },
        ),
        host=endpoint,
    )
    try:
        answer = response.json() if response.content else {}
    except ValueError:
        answer = {}
    return response.status_code, answer if isinstance(answer, dict) else {}


def _error_code(answer: dict[str, Any]) -> str:
    return str(answer.get("__type", "")).rpartition("#")[2]


def _message(answer: dict[str, Any]) -> str:
    return str(answer.get("message") or answer.get("Message") or _error_code(answer) or "the sign-in service failed")
