"""The composition root: settings in, every service out, each made on first use."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from secrets import token_hex
from typing import TYPE_CHECKING

from argus import __version__
from argus.core import metrics, sentry, tracing
from argus.core.aws import Aws
from argus.core.clock import Clock, utc_now
from argus.core.dynamo import Table
from argus.core.idempotency import Idempotency
from argus.core.ids import Ids
from argus.core.objects import Objects
from argus.core.observability import configure_logging
from argus.core.paging import Cursors
from argus.core.presign import Credentials, Presigner
from argus.core.queue import Jobs
from argus.core.secrets import Secrets, SecretUnavailable
from argus.core.settings import BadSetting, Settings
from argus.core.signing import RoleCredentials
from argus.health.service import SECONDS as READY_SECONDS
from argus.health.service import Health
from argus.identity.key_store import KeyStore
from argus.identity.keys import Keys
from argus.identity.service import Identity
from argus.identity.store import IdentityStore
from argus.imagery.reader import OrganisationImages
from argus.imagery.service import Imagery
from argus.imagery.store import ImageryStore
from argus.notify.service import Notify
from argus.notify.store import ConnectionsStore
from argus.reports.gather import Gatherer
from argus.reports.service import Reports
from argus.reports.store import ReportsStore
from argus.scanning.catalogue import Catalogue
from argus.scanning.engine import Engine
from argus.scanning.service import Scanning
from argus.scanning.store import ScanningStore

if TYPE_CHECKING:
    from argus.identity.tokens import TokenVerifier


@dataclass(frozen=True)
class Container:
    """Everything Argus is made of. What lies outside — time, the network — can be handed in."""

    settings: Settings
    clock: Clock = utc_now
    fetch_keys: Callable[[str], bytes] | None = None  # how an issuer's JWKS is fetched

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Container":
        settings = Settings.from_env(environ)
        argus = cls(settings)
        argus.configure_sight()
        return argus

    def configure_sight(self) -> None:
        """Logs, metrics, traces and errors of this process go where the settings say."""
        configure_logging(self.settings.log_level)
        metrics.configure(stage=self.settings.stage, on=self.settings.metrics_on)
        tracing.configure(on=self.settings.tracing)
        try:
            dsn = Secrets(partial(self.aws.client, patient=False)).reveal(self.settings.sentry_dsn)
        except SecretUnavailable as error:  # errors stand in the log all the same; no work waits, or stops, for this
            logging.getLogger("argus.container").warning("errors are not sent to Sentry: no DSN from %s", error)
            dsn = ""
        sentry.configure(dsn, stage=self.settings.stage, release=__version__)

    # ------------------------------------------------------------ tools

    @cached_property
    def aws(self) -> Aws:
        return Aws(self.settings)

    @cached_property
    def secrets(self) -> Secrets:
        return Secrets(self.aws.client)

    @cached_property
    def ids(self) -> Ids:
        return Ids(self.clock)

    @cached_property
    def objects(self) -> Objects:
        return Objects(self.settings.media_bucket, self.aws.lazily("s3"))

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.settings.queue_url("jobs"), self.aws.lazily("sqs"))

    @cached_property
    def link_credentials(self) -> Callable[[], Credentials]:
        role = self.settings.link_role
        return RoleCredentials(role, self.aws.lazily("sts"), self.clock) if role else self.aws.credentials

    @cached_property
    def links(self) -> Presigner:
        return Presigner(
            bucket=self.settings.media_bucket,
            region=self.settings.region,
            endpoint=self.settings.aws_endpoint or None,
            credentials=self.link_credentials,
            clock=self.clock,
            window_seconds=self.settings.link_window_seconds,
            lifetime_seconds=self.settings.link_seconds,
            upload_seconds=self.settings.upload_seconds,
            public_origin=self.settings.media_origin,
        )

    @cached_property
    def cursors(self) -> Cursors:
        secret = self.secrets.reveal(self.settings.cursor_secret)
        if not self.settings.is_local and len(secret) < 32:
            raise BadSetting("ARGUS_CURSOR_SECRET names a secret of fewer than 32 characters")
        return Cursors(secret or token_hex())

    @cached_property
    def idempotency(self) -> Idempotency:
        return Idempotency(self.table("requests"), self.clock)

    def table(self, capability: str) -> Table:
        return Table(self.settings.table(capability), self.aws.lazily("dynamodb"))

    @cached_property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.settings.lease_seconds)

    # ------------------------------------------------------------ capabilities

    @cached_property
    def health(self) -> Health:
        return Health(self._checks, seconds=READY_SECONDS * self.settings.patience)

    def _checks(self) -> dict[str, Callable[[], object]]:
        """A cheap call of each thing that requests and jobs cannot do without; none of them changes anything."""
        settings = self.settings
        table, bucket, jobs = settings.table("requests"), settings.media_bucket, settings.queue_url("jobs")
        missing = {"pk": {"S": "ready"}, "sk": {"S": "ready"}}
        dynamodb, s3, sqs = (self.aws.client(name, patient=False) for name in ("dynamodb", "s3", "sqs"))
        return {
            "dynamodb": lambda: dynamodb.get_item(TableName=table, Key=missing),
            "s3": lambda: s3.head_bucket(Bucket=bucket),
            "sqs": lambda: sqs.get_queue_attributes(QueueUrl=jobs, AttributeNames=["QueueArn"]),
            **{f"keys of {trusted.issuer}": partial(self.tokens.ask, trusted) for trusted in settings.trusted_issuers},
        }

    @cached_property
    def identity(self) -> Identity:
        return Identity(
            store=IdentityStore(self.table("identity")),
            verify=lambda token: self.tokens.verify(token),
            clock=self.clock,
            ids=self.ids,
        )

    @cached_property
    def keys(self) -> Keys:
        table = self.table("identity")
        hurried = Table(table.name, lambda: self.aws.client("dynamodb", patient=False))
        tiers = tuple(self.settings.key_rate_limits)
        return Keys(store=KeyStore(table, hurried), tiers=tiers, clock=self.clock, ids=self.ids)

    @cached_property
    def tokens(self) -> "TokenVerifier":
        from argus.identity import tokens  # cryptography comes with it; workers do without

        fetch = partial(tokens.fetch_keys, seconds=tokens.FETCH_SECONDS * self.settings.patience)
        return tokens.TokenVerifier(
            self.settings.trusted_issuers,
            refuse_public_keys=not self.settings.is_local,
            fetch=self.fetch_keys or fetch,
        )

    @cached_property
    def notify(self) -> Notify:
        impatient = partial(self.aws.client, patient=False)  # no work waits for those who hear of it
        return Notify(
            store=ConnectionsStore(self.table("notify")),
            jobs=Jobs(self.settings.queue_url("jobs"), partial(impatient, "sqs")),
            gateway=partial(impatient, "apigatewaymanagementapi") if self.settings.connections_endpoint else None,
            clock=self.clock,
        )

    @cached_property
    def imagery(self) -> Imagery:
        return Imagery(
            store=ImageryStore(self.table("imagery")),
            objects=self.objects,
            links=self.links,
            jobs=self.jobs,
            announce=self.notify.announce,
            clock=self.clock,
            ids=self.ids,
            lease=self.lease,
            upload_life=timedelta(seconds=self.settings.upload_seconds),
        )

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue.load()

    @cached_property
    def scanning(self) -> Scanning:
        store = ScanningStore(self.table("scanning"))
        return Scanning(
            store=store,
            catalogue=self.catalogue,
            engine=Engine(
                store=store,
                catalogue=self.catalogue,
                readers=partial(OrganisationImages, self.imagery),
                announce=self.notify.announce,
                clock=self.clock,
                lease=self.lease,
            ),
            targets={"image": self.imagery.ready},
            jobs=self.jobs,
            announce=self.notify.announce,
            clock=self.clock,
            ids=self.ids,
        )

    @cached_property
    def reports(self) -> Reports:
        return Reports(
            store=ReportsStore(self.table("reports")),
            objects=self.objects,
            links=self.links,
            scanning=self.scanning,
            gather=Gatherer(self.scanning, self.imagery, self.identity, self.catalogue, self.clock).document,
            jobs=self.jobs,
            announce=self.notify.announce,
            clock=self.clock,
            ids=self.ids,
        )
