"""The composition root: builds every service of the installed capabilities from the settings."""

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
    """A runtime with the installed capabilities."""

    capabilities: tuple[Capability, ...] = field(default_factory=installed, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Container":
        argus = cls(Settings.from_env(environ))
        argus.configure_observability()
        return argus

    def configure_observability(self) -> None:
        """Configure logs, metrics, traces and error reporting of this process from the settings."""
        configure_logging(self.settings.log_level)
        settings = self.settings
        metrics.configure(stage=settings.stage, on=settings.metrics_on, strict=settings.is_local)
        tracing.configure(on=self.settings.tracing)
        try:
            dsn = Secrets(partial(self.aws.client, fail_fast=True)).reveal(self.settings.sentry_dsn)
        except SecretUnavailable as error:  # the log still has all errors, so the process starts
            logging.getLogger("argus.container").warning("errors are not sent to Sentry: no DSN from %s", error)
            dsn = ""
        sentry.configure(dsn, stage=self.settings.stage, release=__version__)
