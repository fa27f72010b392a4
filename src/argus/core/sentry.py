"""Errors to Sentry, when `ARGUS_SENTRY_DSN` names a project: whatever is logged as an error, and nothing else.

An event says what went wrong and where in the code. It carries no request, no body, no variables and no address of a
person, and every text in it has gone through the filter of the logs. The SDK is imported only when it is wanted.
"""

import logging
from typing import Any

from argus.core.masking import mask
from argus.core.observability import current_request_id

FLUSH_SECONDS = 2.0

_PERSONAL = ("request", "user", "extra", "breadcrumbs", "server_name", "modules")


class SentryHandler(logging.Handler):
    """Sends a record of level ERROR, and waits until it is sent: between two requests Lambda stops every thread."""

    def __init__(self, sdk: Any) -> None:
        super().__init__(logging.ERROR)
        self.sdk = sdk

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("sentry_sdk"):
            return  # that it cannot send is not for it to send
        error = record.exc_info[1] if record.exc_info else None
        with self.sdk.new_scope() as scope:
            scope.set_tag("request_id", current_request_id())
            scope.set_tag("logger", record.name)
            if error is not None:
                scope.capture_exception(error)
            else:
                scope.capture_message(record.getMessage(), level="error")
        self.sdk.flush(FLUSH_SECONDS)


def configure(dsn: str, *, stage: str, release: str) -> None:
    """Send errors to the project that the DSN names; without one, to none. Comes after `configure_logging`."""
    if not dsn:
        return
    import sentry_sdk
    from sentry_sdk.utils import BadDsn

    try:
        _init(sentry_sdk, dsn, stage=stage, release=release)
    except BadDsn:  # no function ends for this; and what was meant for a DSN may be a secret
        logging.getLogger("argus.sentry").warning("errors are not sent to Sentry: that is no DSN")
        return
    logging.getLogger().addHandler(SentryHandler(sentry_sdk))


def _init(sdk: Any, dsn: str, *, stage: str, release: str) -> None:
    sdk.init(
        dsn,
        environment=stage,
        release=release,
        before_send=_scrubbed,
        default_integrations=False,  # they wrap the web framework and gather requests, arguments and the process's host
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        send_client_reports=False,
        auto_session_tracking=False,
    )


def _scrubbed(event: Any, _hint: object) -> Any:
    """The event without what may be personal, and with every text masked."""
    return _masked({key: value for key, value in event.items() if key not in _PERSONAL})


def _masked(value: Any) -> Any:
    match value:
        case str():
            return mask(value)
        case dict():
            return {key: _masked(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_masked(entry) for entry in value]
    return value
