"""Sign-in, renewal of the session, sign-out."""

import json
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from argus.app import create_app
from argus.cli.profiles import Session
from argus.cli.sessions import Sessions
from argus.container import Container
from infra.embedded.aws import EmbeddedAws, StackOutputs
from services.local.sockets import Sockets
from tests.cli.conftest import PASSWORD, USER, Terminal, serving


def test_login_prints_user_and_url(signed_out_terminal: Terminal) -> None:
    result = signed_out_terminal.run("login", "--user", USER, "--password-stdin", stdin=PASSWORD + "\n")
    assert result.exit_code == 0
    assert f"Signed in to {signed_out_terminal.url} as {USER}, owner of" in result.stdout


def test_only_the_owner_can_read_the_session(signed_out_terminal: Terminal) -> None:
    terminal = signed_out_terminal
    terminal.run("login", "--user", USER, "--password-stdin", stdin=PASSWORD)
    assert stat.S_IMODE(terminal.profiles_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(terminal.profiles_file.parent.stat().st_mode) == 0o700
    assert [path.name for path in terminal.folder.iterdir()] == ["profiles.json"]


@pytest.mark.parametrize("json_option", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize("user", [USER, "nobody@cli.example"], ids=["wrong password", "unknown user"])
def test_a_wrong_password_is_rejected_and_never_printed(
    signed_out_terminal: Terminal, user: str, json_option: tuple[str, ...]
) -> None:
    result = signed_out_terminal.run(*json_option, "login", "--user", user, "--password-stdin", stdin="Wrong-secret-99")
    assert result.exit_code == 3
    assert "Wrong email or password." in result.stderr
    assert "Wrong-secret-99" not in result.output
    assert not signed_out_terminal.profiles_file.exists()


def test_login_prints_neither_password_nor_token(signed_out_terminal: Terminal) -> None:
    result = signed_out_terminal.run("--json", "login", "--user", USER, "--password-stdin", stdin=PASSWORD)
    session = signed_out_terminal.session()
    for secret in (PASSWORD, session["access_token"], session["refresh_token"]):
        assert secret not in result.output
    assert PASSWORD not in signed_out_terminal.profiles_file.read_text()


@pytest.mark.parametrize("arguments", [("login",), ("login", "--user", USER)], ids=["no user", "no password"])
def test_without_a_terminal_missing_options_are_a_usage_error(
    signed_out_terminal: Terminal, arguments: tuple[str, ...]
) -> None:
    assert signed_out_terminal.run(*arguments, stdin="").exit_code == 2


@pytest.mark.parametrize("slash", ["/", ""], ids=["slash", "plain"])
def test_whoami_shows_user_and_role(terminal: Terminal, slash: str) -> None:
    result = terminal.run("whoami", "--url", terminal.url + slash)
    assert result.exit_code == 0
    assert USER in result.stdout
    assert "owner" in result.stdout


def test_without_a_session_a_command_explains_how_to_sign_in(signed_out_terminal: Terminal) -> None:
    result = signed_out_terminal.run("image", "list")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        f"argus: Not signed in. The profile default has no session at {signed_out_terminal.url}. "
        "Sign in with `argus login`, or set ARGUS_API_KEY.\n"
    )


def test_an_expired_token_is_renewed_and_stored(terminal: Terminal) -> None:
    terminal.change_session(access_token="expired", expires_at=time.time() - 1)
    assert terminal.run("whoami").exit_code == 0
    session = terminal.session()
    assert session["access_token"] != "expired"
    assert session["expires_at"] > time.time() + 3000
    assert stat.S_IMODE(terminal.profiles_file.stat().st_mode) == 0o600


def test_a_rejected_token_is_renewed(terminal: Terminal) -> None:
    terminal.change_session(access_token="not.a.token")
    assert terminal.json("whoami")["role"] == "owner"
    assert terminal.session()["access_token"] != "not.a.token"


def test_a_token_rejected_by_the_websocket_is_renewed_once(argus: Container, terminal: Terminal) -> None:
    tokens = []

    def refuse(event: dict[str, Any], _: None) -> dict[str, Any]:
        tokens.append(event["headers"]["Authorization"].removeprefix("Bearer "))
        return {"statusCode": 401}

    first = terminal.session()["access_token"]
    with Sockets.start(refuse) as sockets:
        container = Container(argus.settings.changed(ARGUS_SOCKET_URL=sockets.url), fetch_keys=argus.fetch_keys)
        with serving(create_app(container)) as url:
            Sessions(terminal.profiles_file).put(url, Session(**terminal.session()))
            listener = replace(terminal, url=url)
            assert listener.run("watch").exit_code == 3
    assert tokens == [first, listener.session()["access_token"]]
    assert first != tokens[1]


@pytest.mark.parametrize(
    "invalid", [{"refresh_token": "revoked"}, {"client_id": "of-an-earlier-run"}], ids=["token", "pool"]
)
def test_an_expired_session_requires_a_new_sign_in(terminal: Terminal, invalid: dict[str, str]) -> None:
    terminal.change_session(expires_at=0, **invalid)
    result = terminal.run("image", "list")
    assert result.exit_code == 3
    assert "The session has expired. Sign in again with `argus login`." in result.stderr


def test_a_session_whose_pool_was_deleted_ends_the_watch(argus: Container, terminal: Terminal) -> None:
    statuses = [401, 403]  # 403 is not sent if the watch ends as expected

    def delete_pool(_: dict[str, Any], __: None) -> dict[str, Any]:
        listener.change_session(client_id="of-an-earlier-run")
        return {"statusCode": statuses.pop(0)}

    with Sockets.start(delete_pool) as sockets:
        container = Container(argus.settings.changed(ARGUS_SOCKET_URL=sockets.url), fetch_keys=argus.fetch_keys)
        with serving(create_app(container)) as url:
            Sessions(terminal.profiles_file).put(url, Session(**terminal.session()))
            listener = replace(terminal, url=url)
            result = listener.run("watch")
    assert result.exit_code == 3
    assert "The session has expired. Sign in again with `argus login`." in result.stderr


@pytest.mark.parametrize(
    "response",
    [
        Response('{"__type": "TooManyRequestsException", "message": "Rate exceeded"}', 400),
        Response("<html>Service Unavailable</html>", 503, headers={"Retry-After": "3600"}),
    ],
    ids=["too many requests", "unavailable"],
)
def test_a_session_that_cannot_be_renewed_now_is_kept(terminal: Terminal, response: Response) -> None:
    session = terminal.session()
    with serving(response) as endpoint:
        terminal.change_session(expires_at=0, endpoint=endpoint)
        result = terminal.run("image", "list")
    assert result.exit_code == 5
    assert "cannot renew the session now" in result.stderr
    assert "argus login" not in result.stderr
    terminal.change_session(endpoint=session["endpoint"])
    assert terminal.run("image", "list").exit_code == 0


def test_token_prints_only_the_token(terminal: Terminal) -> None:
    assert terminal.run("token").stdout == terminal.session()["access_token"] + "\n"


def test_a_token_in_the_environment_overrides_the_session(terminal: Terminal) -> None:
    assert terminal.run("token", ARGUS_TOKEN="another").stdout == "another\n"
    result = terminal.run("whoami", ARGUS_TOKEN="another")
    assert result.exit_code == 3
    assert f"ARGUS_TOKEN is not accepted at {terminal.url}. Set a valid access token, or unset it" in result.stderr


def test_logout_deletes_the_session(terminal: Terminal) -> None:
    result = terminal.run("logout")
    assert (result.exit_code, "expire by themselves" in result.stderr) == (0, False)
    assert json.loads(terminal.profiles_file.read_text()) == {"default": {"url": terminal.url, "session": None}}
    assert terminal.run("whoami").exit_code == 3
    assert "Not signed in to" in terminal.run("logout").stdout


def test_a_temporary_password_must_be_changed_first(
    signed_out_terminal: Terminal, aws: EmbeddedAws, outputs: StackOutputs
) -> None:
    new = {"UserPoolId": outputs.user_pool_id, "Username": "new@cli.example"}
    aws.client("cognito-idp").admin_create_user(**new, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS")
    result = signed_out_terminal.run("login", "--user", "new@cli.example", "--password-stdin", stdin=PASSWORD)
    assert result.exit_code == 3
    assert "The password is temporary." in result.stderr
    assert "passwords only" not in result.stderr


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"ChallengeName": "SOFTWARE_TOKEN_MFA"}, "authenticator app"),
        ({"ChallengeName": "MFA_SETUP"}, "a second factor that is not set up yet"),
        ({"ChallengeName": "PASSKEY_FROM_2031"}, "PASSKEY_FROM_2031"),
    ],
    ids=["authenticator", "not set up", "unknown"],
)
def test_a_second_factor_is_named(
    terminal_for: Callable[..., Terminal], document: dict[str, Any], expected: str
) -> None:
    def respond(request: Request) -> Response:
        if request.path == "/api/v1/sign-in":
            issuer = {"issuer": "i", "client_id": "c", "endpoint": request.host_url, "region": "r"}
            return Response(json.dumps({"items": [issuer]}))
        assert request.headers["X-Amz-Target"] == "AWSCognitoIdentityProviderService.InitiateAuth"
        assert "Authorization" not in request.headers
        return Response(json.dumps(document))

    result = terminal_for(respond).run("login", "--user", USER, "--password-stdin", stdin=PASSWORD)
    assert result.exit_code == 3
    assert expected in result.stderr
    assert "supports passwords only: set ARGUS_API_KEY or ARGUS_TOKEN instead." in result.stderr


def test_a_login_whose_token_the_server_rejects_stores_no_session(terminal_for: Callable[..., Terminal]) -> None:
    def respond(request: Request) -> Response:
        if request.path == "/api/v1/sign-in":
            issuer = {"issuer": "i", "client_id": "c", "endpoint": request.host_url, "region": "r"}
            return Response(json.dumps({"items": [issuer]}))
        if request.path == "/api/v1/me":
            return Response(json.dumps({"title": "Invalid token"}), 401)
        tokens = {"AccessToken": "a", "RefreshToken": "r", "ExpiresIn": 3600}
        return Response(json.dumps({"AuthenticationResult": tokens}))

    terminal = terminal_for(respond)
    result = terminal.run("login", "--user", USER, "--password-stdin", stdin=PASSWORD)
    assert (result.exit_code, terminal.profiles_file.exists()) == (3, False)
    assert "does not accept a token of its own sign-in service. Report this." in result.stderr


def test_a_password_is_not_sent_unencrypted(terminal_for: Callable[..., Terminal]) -> None:
    issuer = {"issuer": "i", "client_id": "c", "endpoint": "http://pool.example", "region": "r"}
    terminal = terminal_for(lambda _: Response(json.dumps({"items": [issuer]})))
    result = terminal.run("login", "--user", USER, "--password-stdin", stdin=PASSWORD)
    assert result.exit_code == 3
    assert "http://pool.example does not use https" in result.stderr


@pytest.mark.parametrize("url", ["http://argus.example", "ftp://127.0.0.1", "nonsense", "http://[::1"])
def test_only_https_and_loopback_urls_are_accepted(signed_out_terminal: Terminal, url: str) -> None:
    assert signed_out_terminal.run("--url", url, "whoami").exit_code == 3
