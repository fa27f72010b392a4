"""The environment of a deployment: an AWS account, or the embedded AWS of a rehearsal (services/local/rehearsal)."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from infra.deploy import package
from infra.deploy.stacks import ChangeSets, Stacks


class Environment(Protocol):
    """What differs between an AWS account and a rehearsal."""

    @property
    def region(self) -> str: ...

    @property
    def account_id(self) -> str: ...

    @property
    def concurrency(self) -> int:
        """How many functions may run at once in the account and region, without those that are reserved."""

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables with which a child process reaches this AWS."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings of Argus that apply to this environment only."""

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client of a service, in the given region or that of the environment."""

    def stacks(self, region: str = "") -> Stacks:
        """The stacks of a region, as `client` chooses it."""

    def packages(self) -> Mapping[str, Path]:
        """The zips by name, built from the current sources."""

    def keys_url(self, outputs: Mapping[str, str]) -> str:
        """The URL of the user pool's JWKS."""

    def sign_in_url(self) -> str:
        """The endpoint of Cognito, where users sign in."""

    def api_endpoint(self, stage: str, outputs: Mapping[str, str]) -> Any:
        """A context manager of the API's URL, which is reachable inside it."""


@dataclass(frozen=True)
class Account:
    """An AWS account, with boto3's default credentials."""

    region: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_environment(cls) -> "Account":
        import boto3

        # boto3 reads AWS_DEFAULT_REGION and the profile; the other tools, and Lambda, use AWS_REGION.
        return cls(os.environ.get("AWS_REGION") or boto3.Session().region_name or "eu-west-1")

    @cached_property
    def account_id(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def concurrency(self) -> int:
        return int(self.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"])

    @property
    def variables(self) -> Mapping[str, str]:
        return {**os.environ, "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}

    def client(self, service: str, region: str = "") -> Any:
        import boto3

        return boto3.client(service, region_name=region or self.region)

    def stacks(self, region: str = "") -> Stacks:
        return ChangeSets(self.client("cloudformation", region))

    def packages(self) -> Mapping[str, Path]:
        return {one.name: package.build(one, package.TARGET) for one in package.PACKAGES}

    def keys_url(self, outputs: Mapping[str, str]) -> str:
        return outputs["JwksUrl"]

    def sign_in_url(self) -> str:
        return f"https://cognito-idp.{self.region}.amazonaws.com"

    @contextmanager
    def api_endpoint(self, _stage: str, outputs: Mapping[str, str]) -> Iterator[str]:
        yield outputs["ApiUrl"]
