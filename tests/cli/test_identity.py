"""Signing in, staying signed in, signing out."""

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
from services.local.aws import EmbeddedAws, StackOutputs
from services.local.sockets import Sockets
from tests.cli.conftest import PASSWORD, USER, Terminal, serving


def test_signing_in_says_who_and_where(stranger_terminal: Terminal) -> None:
    result = stranger_terminal.run("login", "--user", USER, "--password-stdin", given=PASSWORD + "\n")
    assert result.exit_code == 0
    assert f"Signed in to {stranger_terminal.url} as {USER}, owner of" in result.stdout


def test_the_session_is_readable_by_its_owner_alone(stranger_terminal: Terminal) -> None:
    terminal = stranger_terminal
    terminal.run("login", "--user", USER, "--password-stdin", given=PASSWORD)
    assert stat.S_IMODE(terminal.profiles_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(terminal.profiles_file.parent.stat().st_mode) == 0o700
    assert [path.name for path in terminal.folder.iterdir()] == ["profiles.json"]


@pytest.mark.parametrize("machine", [(), ("--json",)], ids=["people", "machines"])
@pytest.mark.parametrize("user", [USER, "nobody@cli.example"], ids=["wrong password", "unknown user"])
def test_a_wrong_password_is_refused_and_never_shown(
    stranger_terminal: Terminal, user: str, machine: tuple[str, ...]
) -> None:
    result = stranger_terminal.run(*machine, "login", "--user", user, "--password-stdin", given="Wrong-secret-99")
    assert result.exit_code == 3
    assert "wrong user or password" in result.stderr
    assert "Wrong-secret-99" not in result.output
    assert not stranger_terminal.profiles_file.exists()


def test_neither_password_nor_token_is_shown_at_sign_in(stranger_terminal: Terminal) -> None:
    result = stranger_terminal.run("--json", "login", "--user", USER, "--password-stdin", given=PASSWORD)
    session = stranger_terminal.session()
    for secret in (PASSWORD, session["access_token"], session["refresh_token"]):
        assert secret not in result.output
    assert PASSWORD not in stranger_terminal.profiles_file.read_text()


@pytest.mark.parametrize("arguments", [("login",), ("login", "--user", USER)], ids=["no user", "no password"])
def test_without_a_terminal_missing_options_are_wrong_usage(
    stranger_terminal: Terminal, arguments: tuple[str, ...]
) -> None:
    assert stranger_terminal.run(*arguments, given="").exit_code == 2


@pytest.mark.parametrize("kept_url", ["/", ""], ids=["slash", "plain"])
def test_whoami_names_user_organisation_and_role(terminal: Terminal, kept_url: str) -> None:
    result = terminal.run("whoami", "--url", terminal.url + kept_url)
    assert result.exit_code == 0
    assert USER in result.stdout
    assert "owner" in result.stdout


def test_without_a_session_a_command_says_how_to_get_one(stranger_terminal: Terminal) -> None:
    result = stranger_terminal.run("image", "list")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "argus login" in result.stderr


def test_an_expired_token_is_renewed_and_kept(terminal: Terminal) -> None:
    terminal.change_session(access_token="over", expires_at=time.time() - 1)
    assert terminal.run("whoami").exit_code == 0
    kept = terminal.session()
    assert kept["access_token"] != "over"
    assert kept["expires_at"] > time.time() + 3000
    assert stat.S_IMODE(terminal.profiles_file.stat().st_mode) == 0o600


def test_a_token_that_argus_no_longer_takes_is_renewed(terminal: Terminal) -> None:
    terminal.change_session(access_token="not.a.token")
    assert terminal.json("whoami")["role"] == "owner"
    assert terminal.session()["access_token"] != "not.a.token"


def test_a_token_that_no_handshake_takes_is_renewed_once(argus: Container, terminal: Terminal) -> None:
    offered = []

    def refuse(event: dict[str, Any], _: None) -> dict[str, Any]:
        offered.append(event["headers"]["Authorization"].removeprefix("Bearer "))
        return {"statusCode": 401}

    first = terminal.session()["access_token"]
    with Sockets.start(refuse) as sockets:
        listened = Container(argus.settings.changed(ARGUS_SOCKET_URL=sockets.url), fetch_keys=argus.fetch_keys)
        with serving(create_app(listened)) as url:
            Sessions(terminal.profiles_file).put(url, Session(**terminal.session()))
            listener = replace(terminal, url=url)
            assert listener.run("watch").exit_code == 3
    assert offered == [first, listener.session()["access_token"]]
    assert first != offered[1]


@pytest.mark.parametrize(
    "gone", [{"refresh_token": "revoked"}, {"client_id": "of-an-earlier-run"}], ids=["token", "pool"]
)
def test_an_expired_session_asks_to_sign_in_again(terminal: Terminal, gone: dict[str, str]) -> None:
    terminal.change_session(expires_at=0, **gone)
    result = terminal.run("image", "list")
    assert result.exit_code == 3
    assert "the session has expired; sign in again with `argus login`" in result.stderr


def test_a_session_that_ends_with_its_pool_ends_the_watch(argus: Container, terminal: Terminal) -> None:
    statuses = [401, 403]  # the second, which ends it too, is for a listener that goes on

    def start_anew(_: dict[str, Any], __: None) -> dict[str, Any]:
        listener.change_session(client_id="of-an-earlier-run")
        return {"statusCode": statuses.pop(0)}

    with Sockets.start(start_anew) as sockets:
        listened = Container(argus.settings.changed(ARGUS_SOCKET_URL=sockets.url), fetch_keys=argus.fetch_keys)
        with serving(create_app(listened)) as url:
            Sessions(terminal.profiles_file).put(url, Session(**terminal.session()))
            listener = replace(terminal, url=url)
            result = listener.run("watch")
    assert result.exit_code == 3
    assert "the session has expired; sign in again with `argus login`" in result.stderr


@pytest.mark.parametrize(
    "busy",
    [
        Response('{"__type": "TooManyRequestsException", "message": "Rate exceeded"}', 400),
        Response("<html>Service Unavailable</html>", 503, headers={"Retry-After": "3600"}),
    ],
    ids=["too many requests", "out of order"],
)
def test_a_session_that_cannot_be_renewed_now_is_kept(terminal: Terminal, busy: Response) -> None:
    before = terminal.session()
    with serving(busy) as endpoint:
        terminal.change_session(expires_at=0, endpoint=endpoint)
        result = terminal.run("image", "list")
    assert result.exit_code == 5
    assert "does not renew the session now" in result.stderr
    assert "argus login" not in result.stderr
    terminal.change_session(endpoint=before["endpoint"])
    assert terminal.run("image", "list").exit_code == 0


def test_token_prints_the_token_alone(terminal: Terminal) -> None:
    assert terminal.run("token").stdout == terminal.session()["access_token"] + "\n"


def test_a_token_in_the_environment_goes_before_the_session(terminal: Terminal) -> None:
    assert terminal.run("token", ARGUS_TOKEN="another").stdout == "another\n"
    result = terminal.run("whoami", ARGUS_TOKEN="another")
    assert result.exit_code == 3
    assert "ARGUS_TOKEN is not accepted" in result.stderr


def test_after_signing_out_nobody_is_signed_in(terminal: Terminal) -> None:
    ended = terminal.run("logout")
    assert (ended.exit_code, "expire by themselves" in ended.stderr) == (0, False)
    assert json.loads(terminal.profiles_file.read_text()) == {"default": {"url": terminal.url, "session": None}}
    assert terminal.run("whoami").exit_code == 3
    assert "Not signed in to" in terminal.run("logout").stdout


def test_a_temporary_password_must_be_changed_first(
    stranger_terminal: Terminal, aws: EmbeddedAws, outputs: StackOutputs
) -> None:
    new = {"UserPoolId": outputs.user_pool_id, "Username": "new@cli.example"}
    aws.client("cognito-idp").admin_create_user(**new, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS")
    result = stranger_terminal.run("login", "--user", "new@cli.example", "--password-stdin", given=PASSWORD)
    assert result.exit_code == 3
    assert "temporary" in result.stderr


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ChallengeName": "SOFTWARE_TOKEN_MFA"}, "authenticator app"),
        ({"ChallengeName": "PASSKEY_FROM_2031"}, "PASSKEY_FROM_2031"),
    ],
    ids=["authenticator", "unknown to us"],
)
def test_a_second_factor_is_named(before: Callable[..., Terminal], answer: dict[str, Any], expected: str) -> None:
    def respond(request: Request) -> Response:
        if request.path == "/api/v1/sign-in":
            way = {"issuer": "i", "client_id": "c", "endpoint": request.host_url, "region": "r"}
            return Response(json.dumps({"items": [way]}))
        assert request.headers["X-Amz-Target"] == "AWSCognitoIdentityProviderService.InitiateAuth"
        assert "Authorization" not in request.headers
        return Response(json.dumps(answer))

    result = before(respond).run("login", "--user", USER, "--password-stdin", given=PASSWORD)
    assert result.exit_code == 3
    assert expected in result.stderr


def test_a_password_is_not_sent_unencrypted(before: Callable[..., Terminal]) -> None:
    way = {"issuer": "i", "client_id": "c", "endpoint": "http://pool.example", "region": "r"}
    terminal = before(lambda _: Response(json.dumps({"items": [way]})))
    result = terminal.run("login", "--user", USER, "--password-stdin", given=PASSWORD)
    assert result.exit_code == 3
    assert "http://pool.example is not https" in result.stderr


@pytest.mark.parametrize("url", ["http://argus.example", "ftp://127.0.0.1", "nonsense", "http://[::1"])
def test_only_https_or_this_machine_is_called(stranger_terminal: Terminal, url: str) -> None:
    assert stranger_terminal.run("--url", url, "whoami").exit_code == 3
