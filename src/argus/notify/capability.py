"""Events about changes, delivered to connected clients."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from argus.core.declarations import Capability, JobHandler, Table
from argus.core.origins import is_url
from argus.core.runtime import Runtime
from argus.core.settings import BadSetting, Settings, setting

if TYPE_CHECKING:
    from argus.notify.service import Notify


@dataclass(frozen=True)
class NotifySettings:
    """The WebSocket API."""

    socket_url: str = setting("ARGUS_SOCKET_URL", "", "`wss://` URL of the WebSocket API, where clients receive events")
    connections_endpoint: str = setting(
        "ARGUS_CONNECTIONS_ENDPOINT",
        "",
        "endpoint to which events are posted for its clients; unset, no events are sent",
    )

    def check(self, settings: Settings) -> None:
        for variable, url, scheme, unencrypted in (
            ("ARGUS_SOCKET_URL", self.socket_url, "wss", "ws"),
            ("ARGUS_CONNECTIONS_ENDPOINT", self.connections_endpoint, "https", "http"),
        ):
            if url and not is_url(url, scheme, *([unencrypted] if settings.is_local else [])):
                raise BadSetting(
                    f"{variable} is invalid: {url[:400]!r} must be a URL that begins with {scheme}:// and consists of "
                    "a host in lower case and at most a port and a path"
                )


def _notify(argus: Runtime) -> "Notify":
    from argus.notify.service import Notify
    from argus.notify.store import ConnectionsStore

    own = argus.settings.of(NotifySettings)
    gateway = partial(argus.aws.client, "apigatewaymanagementapi", fail_fast=True, endpoint=own.connections_endpoint)
    return Notify(
        store=ConnectionsStore(argus.table("notify")),
        jobs=argus.job_queue(fail_fast=True),  # work never waits for notifications
        socket_url=own.socket_url,
        events=argus.event_scopes(),
        gateway=gateway if own.connections_endpoint else None,
        clock=argus.clock,
    )


CAPABILITY = Capability(
    name="notify",
    about="Events about changes, over WebSockets",
    tables=(
        Table(
            name="notify",
            partition_key="`<organisation>#connections`",
            sort_key="`<connection>`",
            index="the organisation of a connection; keys only",
        ),
    ),
    settings=NotifySettings,
    services={"notify": _notify},
    jobs={"notify.deliver": JobHandler("notify.deliver", "notify.give_up")},
)
