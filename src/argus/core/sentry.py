"""Sends errors to Sentry if `ARGUS_SENTRY_DSN` is set: every log record of level ERROR, and nothing else.

An event contains the error and the stack trace. It contains no request, no body, no variables and no personal data, and
every text is masked like the logs. The SDK is imported only if a DSN is set.
"""

import logging
from typing import Any

from argus.core.masking import mask
from argus.core.observability import current_request_id

FLUSH_SECONDS = 2.0

_PERSONAL = ("request", "user", "extra", "breadcrumbs", "server_name", "modules")


class SentryHandler(logging.Handler):
    """Sends records of level ERROR, and waits until they are sent: Lambda freezes all threads between requests."""

    def __init__(self, sdk: Any) -> None:
        super().__init__(logging.ERROR)
        self.sdk = sdk

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("sentry_sdk"):
            return  # an error while sending must not be sent
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
    """Send errors to the project of the DSN; do nothing if it is empty. Call it after `configure_logging`."""
    if not dsn:
        return
    import sentry_sdk
    from sentry_sdk.utils import BadDsn

    try:
        _init(sentry_sdk, dsn, stage=stage, release=release)
    except BadDsn:  # the process continues; the message omits the value, which may be a secret
        logging.getLogger("argus.sentry").warning("errors are not sent to Sentry: the DSN is invalid")
        return
    logging.getLogger().addHandler(SentryHandler(sentry_sdk))


def _init(sdk: Any, dsn: str, *, stage: str, release: str) -> None:
    sdk.init(
        dsn,
        environment=stage,
        release=release,
        before_send=_scrubbed,
        default_integrations=False,  # they collect requests, arguments and host names
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        send_client_reports=False,
        auto_session_tracking=False,
    )


def _scrubbed(event: Any, _hint: object) -> Any:
    """The event without personal data, with every text masked."""
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
