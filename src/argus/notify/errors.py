"""The errors of a WebSocket handshake."""

from argus.core.errors import BadRequest, Forbidden, TooManyRequests, Unauthenticated


class NotificationsNotAllowed(Forbidden):
    """The caller has no scope that receives events."""


class TooManyConnections(TooManyRequests):
    """The organisation or the user has the maximum number of connections."""


class UnknownProtocol(BadRequest):
    """The client offers no supported subprotocol."""


class ForeignOrigin(Forbidden):
    """Pages of this origin may not connect."""


class NoSocketToken(Unauthenticated):
    """The client sends no token."""
