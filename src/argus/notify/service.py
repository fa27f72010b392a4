"""Delivers events about changes to the connected clients of an organisation."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from argus.core.aws import ClientFactory
from argus.core.caller import Caller
from argus.core.clock import Clock, rfc3339
from argus.core.queue import JobQueue
from argus.notify.errors import NotificationsNotAllowed, TooManyConnections
from argus.notify.model import Change, Connection
from argus.notify.store import ConnectionsStore

MAX_CONNECTIONS = 100  # of an organisation: each event is posted to all of them
MAX_CONNECTIONS_PER_USER = 10  # so that one user cannot take all connections of an organisation
PARALLEL_POSTS = 10
DELIVERY_SECONDS = 10.0  # for one event; connections that are left then miss it

_log = logging.getLogger("argus.notify")


@dataclass(frozen=True)
class Notify:
    """Connections of all organisations; a connection receives events of its own organisation only."""

    store: ConnectionsStore
    jobs: JobQueue
    socket_url: str  # where clients connect; empty where there is no socket
    events: Mapping[str, str]  # kind of resource -> scope that receives its changes
    gateway: ClientFactory | None  # the management API of the socket; None where there is no socket
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic

    # ------------------------------------------------------------ for callers

    def connect(self, caller: Caller, connection_id: str) -> None:
        """Open a connection that receives what the caller may read. Concurrent calls may exceed a limit by one."""
        scopes = frozenset(self.events.values()) & caller.scopes
        if not scopes:
            raise NotificationsNotAllowed(scopes=", ".join(sorted(set(self.events.values()))))
        now = self.clock()
        others = [one for one in self._open_connections(caller.organisation_id) if one.id != connection_id]
        own = sum(one.user_id == caller.user_id for one in others)
        if own >= MAX_CONNECTIONS_PER_USER:
            raise TooManyConnections("of_user", connections=own, retry_after_seconds=60)
        if len(others) >= MAX_CONNECTIONS:
            raise TooManyConnections("of_organisation", connections=len(others), retry_after_seconds=60)
        self.store.add(Connection(connection_id, caller.organisation_id, caller.user_id, now, scopes))

    def disconnect(self, connection_id: str) -> None:
        """Delete a connection; an unknown id changes nothing."""
        self.store.remove_by_id(connection_id)

    # ------------------------------------------------------------ for other capabilities

    def announce(self, organisation_id: str, change: Change) -> None:
        """Queue an event for delivery. Failures are only logged: the change itself has succeeded."""
        if self.gateway is None:
            return
        event: dict[str, Any] = {"type": f"{change.kind}.changed", "id": change.id, "state": change.state}
        if change.progress is not None:
            event["progress"] = change.progress
        event["at"] = rfc3339(self.clock())
        try:
            self.jobs.send("notify.deliver", {"organisation_id": organisation_id, "event": event})
        except (BotoCoreError, ClientError) as error:
            _log.warning("an event was not queued", extra={"change": change.id}, exc_info=error)

    # ------------------------------------------------------------ for workers

    def deliver(self, organisation_id: str, event: Mapping[str, Any]) -> None:
        """Post an event to every open connection with the scope, and delete connections that are gone.

        A failed post affects neither other clients nor the job: the client receives the next event, or polls.
        """
        scope = self.events.get(str(event["type"]).partition(".")[0])
        receivers = [one for one in self._open_connections(organisation_id) if scope in one.scopes]
        if self.gateway is None or not receivers:
            return
        client, data, until = self.gateway(), json.dumps(event).encode(), self.monotonic() + DELIVERY_SECONDS

        def post(connection: Connection) -> Exception | None:
            if self.monotonic() > until:
                return TimeoutError(f"no time left after {DELIVERY_SECONDS} s")
            try:
                client.post_to_connection(ConnectionId=connection.id, Data=data)
            except (BotoCoreError, ClientError) as error:
                return cast(Exception, error)  # botocore has no types
            return None

        with ThreadPoolExecutor(PARALLEL_POSTS) as pool:
            results = dict(zip(receivers, pool.map(post, receivers), strict=True))
        gone = [one for one, error in results.items() if isinstance(error, client.exceptions.GoneException)]
        for connection in gone:
            if not connection.may_be_connecting(self.clock()):
                self.store.remove(connection)
        failed = [error for one, error in results.items() if error is not None and one not in gone]
        if failed:
            _log.warning(
                "an event was not delivered to every connection", extra={"missed": len(failed)}, exc_info=failed[0]
            )

    def give_up(self, organisation_id: str, event: Mapping[str, Any]) -> None:
        """Drop the event: clients read the resource itself."""
        _log.warning("an event was not delivered", extra={"organisation": organisation_id, "about": event.get("id")})

    # ------------------------------------------------------------ inside

    def _open_connections(self, organisation_id: str) -> list[Connection]:
        now = self.clock()
        return [connection for connection in self.store.of(organisation_id) if now < connection.ends_at]
