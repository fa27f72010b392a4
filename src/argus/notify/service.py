"""Telling people what happens, while it happens: who listens, and what they hear."""

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
from argus.notify.errors import MayNotListen, TooManyConnections
from argus.notify.model import Change, Connection
from argus.notify.store import ConnectionsStore

MAX_CONNECTIONS = 100  # of an organisation: each change is posted to every one
MAX_CONNECTIONS_OF_ONE = 10  # of its people, so that none takes the places of all
POSTS_AT_ONCE = 10
POSTING_SECONDS = 10.0  # after which nobody else is told of a change

_log = logging.getLogger("argus.notify")


@dataclass(frozen=True)
class Notify:
    """Connections of all organisations; nobody hears of what is not their organisation's."""

    store: ConnectionsStore
    jobs: JobQueue
    socket_url: str  # where clients connect; empty where there is no socket
    events: Mapping[str, str]  # kind of thing -> scope that receives its changes
    gateway: ClientFactory | None  # the management API of the socket; None where there is no socket
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic

    # ------------------------------------------------------------ for callers

    def connect(self, caller: Caller, connection_id: str) -> None:
        """Publish to the connection what the caller may read. Two at once may pass a limit by one."""
        scopes = frozenset(self.events.values()) & caller.scopes
        if not scopes:
            raise MayNotListen(scopes=", ".join(sorted(set(self.events.values()))))
        now = self.clock()
        others = [one for one in self._listening(caller.organisation_id) if one.id != connection_id]
        own = sum(one.user_id == caller.user_id for one in others)
        if own >= MAX_CONNECTIONS_OF_ONE:
            raise TooManyConnections("of_user", connections=own, retry_after_seconds=60)
        if len(others) >= MAX_CONNECTIONS:
            raise TooManyConnections("of_organisation", connections=len(others), retry_after_seconds=60)
        self.store.add(Connection(connection_id, caller.organisation_id, caller.user_id, now, scopes))

    def disconnect(self, connection_id: str) -> None:
        """Forget a connection; one that is not known is forgotten already."""
        self.store.remove_by_id(connection_id)

    # ------------------------------------------------------------ for other capabilities

    def announce(self, organisation_id: str, change: Change) -> None:
        """Have a worker tell of a change. Whoever made it is done with it: what goes wrong here is only logged."""
        if self.gateway is None:
            return
        event: dict[str, Any] = {"type": f"{change.kind}.changed", "id": change.id, "state": change.state}
        if change.progress is not None:
            event["progress"] = change.progress
        event["at"] = rfc3339(self.clock())
        try:
            self.jobs.send("notify.deliver", {"organisation_id": organisation_id, "event": event})
        except (BotoCoreError, ClientError) as error:
            _log.warning("a change was not announced", extra={"change": change.id}, exc_info=error)

    # ------------------------------------------------------------ for workers

    def deliver(self, organisation_id: str, event: Mapping[str, Any]) -> None:
        """Post an event to everyone who listens and may read what it is about; forget those who are gone.

        No client holds up the others, or fails the job: one that missed an event will hear the next, or polls.
        """
        scope = self.events.get(str(event["type"]).partition(".")[0])
        listening = [one for one in self._listening(organisation_id) if scope in one.scopes]
        if self.gateway is None or not listening:
            return
        client, data, until = self.gateway(), json.dumps(event).encode(), self.monotonic() + POSTING_SECONDS

        def post(connection: Connection) -> Exception | None:
            if self.monotonic() > until:
                return TimeoutError(f"no time was left after {POSTING_SECONDS} s")
            try:
                client.post_to_connection(ConnectionId=connection.id, Data=data)
            except (BotoCoreError, ClientError) as error:
                return cast(Exception, error)  # botocore has no types
            return None

        with ThreadPoolExecutor(POSTS_AT_ONCE) as pool:
            ended = dict(zip(listening, pool.map(post, listening), strict=True))
        gone = [one for one, error in ended.items() if isinstance(error, client.exceptions.GoneException)]
        for connection in gone:
            if not connection.is_settling(self.clock()):
                self.store.remove(connection)
        failed = [error for one, error in ended.items() if error is not None and one not in gone]
        if failed:
            _log.warning("an event was not told to everyone", extra={"missed": len(failed)}, exc_info=failed[0])

    def give_up(self, organisation_id: str, event: Mapping[str, Any]) -> None:
        """Nobody waits for a hint: the thing itself says how it is."""
        _log.warning("an event was told to nobody", extra={"organisation": organisation_id, "about": event.get("id")})

    # ------------------------------------------------------------ inside

    def _listening(self, organisation_id: str) -> list[Connection]:
        now = self.clock()
        return [connection for connection in self.store.of(organisation_id) if now < connection.ends_at]
