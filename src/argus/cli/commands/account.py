"""Commands about who is calling."""

import sys
from dataclasses import replace
from datetime import UTC, datetime

import click

from argus.cli import cognito, words
from argus.cli.api import Api
from argus.cli.errors import Misconfigured
from argus.cli.invocation import Command, Invocation


@click.command(cls=Command)
@click.option("--user", metavar="EMAIL", help="Who signs in; asked for when left out.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_obj
def login(argus: Invocation, user: str | None, password_stdin: bool) -> None:
    """Sign in with a password.

    The session is kept in ~/.config/argus/session.json, readable by you alone, and renewed when needed.
    """
    if not user and (password_stdin or not sys.stdin.isatty()):
        raise click.UsageError("say who signs in: --user EMAIL")
    if not password_stdin and not sys.stdin.isatty():
        raise click.UsageError("no terminal to ask at: give the password with --password-stdin")
    ways = argus.api.public("/sign-in")["items"]
    if not ways:
        raise Misconfigured(f"{argus.url} trusts no issuer that takes passwords; set ARGUS_TOKEN instead")
    user = user or click.prompt("User", err=True)
    password = (
        sys.stdin.readline().rstrip("\r\n") if password_stdin else click.prompt("Password", hide_input=True, err=True)
    )
    api = replace(argus.api, fixed_token="", key="")
    session = cognito.sign_in(
        api.http, endpoint=ways[0]["endpoint"], client_id=ways[0]["client_id"], user=user, password=password
    )
    me = replace(api, fixed_token=session.access_token).get("/me")
    api.sessions.put(api.url, session)
    argus.screen.show({"url": api.url, "user": user, "expires_at": _rfc3339(session.expires_at), "me": me})
    argus.screen.line(f"Signed in to {api.url} as {user}, {me['role']} of {me['organisation']['name']}.")
    if before := "ARGUS_API_KEY" if argus.api.key else "ARGUS_TOKEN" if argus.api.fixed_token else "":
        argus.screen.note(f"{before} is set and goes before this session.")


@click.command(cls=Command)
@click.pass_obj
def logout(argus: Invocation) -> None:
    """Forget the session, and end its refresh token."""
    api = argus.api
    session = api.sessions.get(api.url)
    if session is None:
        argus.screen.show({"url": api.url, "signed_out": False})
        argus.screen.line(f"Nobody was signed in to {api.url}.")
        return
    api.sessions.forget(api.url)
    revoked = cognito.revoke(api.http, session)
    argus.screen.show({"url": api.url, "signed_out": True, "revoked": revoked})
    argus.screen.line(f"Signed out of {api.url}.")
    if not revoked:
        argus.screen.note("The sign-in service did not end the session's tokens; they run out by themselves.")


@click.command(cls=Command)
@click.pass_obj
def token(argus: Invocation) -> None:
    """Print an access token, for curl.

    curl -H "Authorization: Bearer $(argus token)" …
    """
    if argus.api.key:
        raise click.UsageError("ARGUS_API_KEY is set, and a key has no token: send it as X-API-Key")
    access_token = argus.api.token()
    argus.screen.show({"access_token": access_token})
    argus.screen.line(access_token)


@click.command(cls=Command)
@click.pass_obj
def whoami(argus: Invocation) -> None:
    """Say who is calling: user or API key, organisation, role."""
    from argus.cli import tables

    me = argus.api.get("/me")
    key = me["key"]
    argus.screen.show(
        me,
        tables.facts(
            {
                "Argus": argus.api.url,
                "User": _name(argus.api) or me["user"]["id"],
                "User id": me["user"]["id"],
                "Organisation": me["organisation"]["name"],
                "Organisation id": me["organisation"]["id"],
                "Role": me["role"],
                "API key": f"{key['name']} ({key['id']}), until {words.when(key['expires_at'])}" if key else "",
                "Scopes": ", ".join(me["scopes"]),
                "Issuer": me["issuer"],
            }
        ),
    )


def _name(api: Api) -> str:
    session = None if api.fixed_token or api.key else api.sessions.get(api.url)
    return session.user if session else ""


def _rfc3339(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
