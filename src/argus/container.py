"""The composition root: settings in, every service of the installed capabilities out."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from argus import __version__
from argus.capabilities import installed
from argus.core import metrics, sentry, tracing
from argus.core.declarations import Capability
from argus.core.observability import configure_logging
from argus.core.runtime import Runtime
from argus.core.secrets import Secrets, SecretUnavailable
from argus.core.settings import Settings


@dataclass(frozen=True)
class Container(Runtime):
    """Everything Argus is made of."""

    capabilities: tuple[Capability, ...] = field(default_factory=installed, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Container":
        argus = cls(Settings.from_env(environ))
        argus.configure_observability()
        return argus

    def configure_observability(self) -> None:
        """Logs, metrics, traces and errors of this process go where the settings say."""
        configure_logging(self.settings.log_level)
        metrics.configure(stage=self.settings.stage, on=self.settings.metrics_on)
        tracing.configure(on=self.settings.tracing)
        try:
            dsn = Secrets(partial(self.aws.client, fail_fast=True)).reveal(self.settings.sentry_dsn)
        except SecretUnavailable as error:  # errors stand in the log all the same; no work waits, or stops, for this
            logging.getLogger("argus.container").warning("errors are not sent to Sentry: no DSN from %s", error)
            dsn = ""
        sentry.configure(dsn, stage=self.settings.stage, release=__version__)
