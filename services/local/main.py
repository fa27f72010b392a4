"""All of Argus on a laptop: one process tree on 127.0.0.1.

    python -m services.local.main           # starts everything, scans the demo survey, keeps serving
    python -m services.local.main --once    # exits after the demo survey
    python -m services.local.main --bare    # starts everything without demo data

This process runs the embedded AWS. The API, the worker, the scanner and the WebSocket gateway are child processes and
call it over HTTP, as they would call real AWS. A process that ends unexpectedly is restarted; after repeated failures,
everything stops. Settings: ARGUS_PORT, ARGUS_AWS_PORT, ARGUS_SOCKET_PORT, ARGUS_CONSOLE_PORT, ARGUS_DEMO_PASSWORD.
Logs are in build/local.
"""

import argparse
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from argus.capabilities import variables
from argus.container import Container
from argus.core.errors import ArgusError
from argus.core.settings import BadSetting, Settings
from infra.embedded import HOST
from infra.embedded.aws import EmbeddedAws, PortInUse, StackOutputs
from infra.embedded.routers import LAPTOP
from services.local.console import Console, config_of
from services.local.demo.run import run_demo
from services.local.demo.users import USERS, create_users
from services.local.supervisor import Supervisor, supervised

LOGS = Path("build/local")
STAGE = "local"
VISIBILITY_SECONDS = 30
LEASE_SECONDS = 20  # shorter than the visibility timeout, so that the lease has expired when a message is redelivered
PROCESSES = ("api", "worker", "scanner", "sockets")

_NOT_INSTALLED = {"ARGUS_SENTRY_DSN": "sentry_sdk", "ARGUS_TRACING": "aws_xray_sdk"}  # by make run

_NEXT_STEPS = """\
  In another terminal:  . .venv/bin/activate; export ARGUS_URL={url}; argus login --user {user}
"""


@dataclass(frozen=True)
class LocalSystem:
    """The running system and its addresses."""

    url: str
    aws_url: str
    console_url: str
    socket_url: str
    password: str
    environment: Mapping[str, str]
    supervisor: Supervisor


@contextmanager
def running(
    *,
    port: int,
    aws_port: int,
    password: str,
    socket_port: int = 0,
    console_port: int = 0,
    settings: Mapping[str, str] | None = None,
    logs: Path = LOGS,
) -> Iterator[LocalSystem]:
    """Start everything, with extra settings if given; stop everything on exit.

    The WebSocket gateway and the console use free ports unless given. Raises BadSetting, PortInUse, ProcessFailed.
    """
    developer_settings = _developer_settings()
    _free_port(port, "ARGUS_PORT")
    socket_port = _free_port(socket_port, "ARGUS_SOCKET_PORT")
    with ExitStack() as stack:
        console = stack.enter_context(Console.listening(console_port))
        aws = stack.enter_context(EmbeddedAws.start(port=aws_port, stage=STAGE, services=LAPTOP))
        outputs = aws.provision(
            allowed_origins=[f"http://{HOST}:{port}", console.url], visibility_timeout_seconds=VISIBILITY_SECONDS
        )
        pid_files = Path(stack.enter_context(TemporaryDirectory(prefix="argus-")))
        stack_settings = _settings(
            aws, outputs, port=port, socket_port=socket_port, console_url=console.url, pid_files=pid_files
        )
        environment = {
            **_environment_without_aws(),
            **developer_settings,
            **aws.environment,
            **stack_settings,
            **(settings or {}),
        }
        os.environ.update(aws.environment)  # for this process's container, which creates the demo users
        argus = Container(Settings.from_env(environment))
        cognito, pool_id = aws.client("cognito-idp"), outputs.user_pool_id
        create_users(argus, cognito, issuer=outputs.issuer, pool_id=pool_id, password=password)
        commands = {name: (sys.executable, "-m", "services.local.processes", name) for name in PROCESSES}
        supervisor = stack.enter_context(supervised(commands, environment, logs=logs, pid_files=pid_files))
        console.serve(
            config_of(
                api_url=f"http://{HOST}:{port}",
                region=aws.region,
                client_id=outputs.client_id,
                issuer=outputs.issuer,
                cognito_url=aws.endpoint_url,
                socket_url=stack_settings["ARGUS_SOCKET_URL"],
            )
        )
        yield LocalSystem(
            url=f"http://{HOST}:{port}",
            aws_url=aws.endpoint_url,
            console_url=console.url,
            socket_url=stack_settings["ARGUS_SOCKET_URL"],
            password=password,
            environment=environment,
            supervisor=supervisor,
        )


def _settings(
    aws: EmbeddedAws, outputs: StackOutputs, *, port: int, socket_port: int, console_url: str, pid_files: Path
) -> dict[str, str]:
    trusted = {"issuer": outputs.issuer, "jwks_url": outputs.jwks_url, "client_ids": [outputs.client_id]}
    return {
        "ARGUS_STAGE": STAGE,
        "AWS_REGION": aws.region,
        "ARGUS_ACCOUNT_ID": aws.account_id,
        "ARGUS_AWS_ENDPOINT": aws.endpoint_url,
        "ARGUS_TRUSTED_ISSUERS": json.dumps([trusted]),
        "ARGUS_CURSOR_SECRET": secrets.token_hex(),
        "ARGUS_LEASE_SECONDS": str(LEASE_SECONDS),
        "ARGUS_PID_FILES": ",".join(str(pid_files / f"{name}.pid") for name in PROCESSES if name != "api"),
        "ARGUS_PORT": str(port),
        "ARGUS_SOCKET_PORT": str(socket_port),
        "ARGUS_SOCKET_URL": f"ws://{HOST}:{socket_port}",
        "ARGUS_CONNECTIONS_ENDPOINT": f"http://{HOST}:{socket_port}",
        "ARGUS_ALLOWED_ORIGINS": ",".join(filter(None, [os.environ.get("ARGUS_ALLOWED_ORIGINS"), console_url])),
    }


def _environment_without_aws() -> dict[str, str]:
    """This process's variables without the developer's AWS settings: nothing here may reach a real account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ARGUS_"))}


def _developer_settings() -> dict[str, str]:
    """Settings of Argus in the developer's environment, such as rate limits and the log level. Raises BadSetting."""
    given = {name: value for name, value in os.environ.items() if name in variables()}
    for name, package in _NOT_INSTALLED.items():
        if given.get(name, "off") not in ("off", "") and find_spec(package) is None:
            raise BadSetting(f"{name} needs a package that make run does not install; run make install first")
    return given


def _free_port(port: int, setting: str) -> int:
    """The port, or a free one for 0. Raises PortInUse."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortInUse(f"{HOST}:{port} is in use by another program; set {setting} to a free port") from error
        return int(probe.getsockname()[1])


def main() -> int:
    parser = argparse.ArgumentParser(description="Run all of Argus on this machine.")
    parser.add_argument("--once", action="store_true", help="exit after the demo survey was scanned")
    parser.add_argument("--bare", action="store_true", help="start without demo data")
    arguments = parser.parse_args()
    # Ctrl-C and SIGTERM both exit through the `with` block. SIGINT is set too: a shell's `&` makes a process ignore it.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # output to a file appears at once, too
    try:
        with running(
            port=_port("ARGUS_PORT", 5001),
            aws_port=_port("ARGUS_AWS_PORT", 5002),
            socket_port=_port("ARGUS_SOCKET_PORT", 5003),
            console_port=_port("ARGUS_CONSOLE_PORT", 5004),
            password=_password(),
        ) as system:
            if not arguments.bare:
                run_demo(system.url, user=USERS[0].email, password=system.password)
            _print_addresses(system)
            if arguments.once:
                print("  The demo is complete. To keep Argus running, leave out --once (ONCE=1 of make run).")
            else:
                print(_NEXT_STEPS.format(url=system.url, user=USERS[0].email))
                system.supervisor.wait()
    except KeyboardInterrupt:
        print("\nArgus has stopped.")
    except ArgusError as error:
        print(f"argus: {error}", file=sys.stderr)
        return 1
    return 0


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise BadSetting(f"{name} is {text!r}; it must be a port from 1 to 65535")
    return int(text)


def _password() -> str:
    """The demo users' password: that of ARGUS_DEMO_PASSWORD, if the user pool accepts it, or a new one."""
    given = os.environ.get("ARGUS_DEMO_PASSWORD")
    if given is None:
        return f"Demo-{secrets.token_urlsafe(9)}-1a"
    kinds = (str.islower, str.isupper, str.isdigit)
    if len(given) < 12 or not all(any(kind(letter) for letter in given) for kind in kinds):
        rule = "at least 12 characters, with a lowercase letter, an uppercase letter and a digit"
        raise BadSetting(f"ARGUS_DEMO_PASSWORD must have {rule}")
    return given


def _print_addresses(system: LocalSystem) -> None:
    print(f"""
  Console   {system.console_url}
  API       {system.url}/api/v1
  API docs  {system.url}/docs
  WebSocket {system.socket_url}
  AWS       {system.aws_url}  (embedded)
  Logs      {"  ".join(f"{LOGS}/{name}.log" for name in PROCESSES)}
  Users     {", ".join(user.email for user in USERS)}
  Password  {system.password}
""")


if __name__ == "__main__":
    sys.exit(main())
