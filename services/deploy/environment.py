"""What a deployment stands on: an AWS account here; in a rehearsal the embedded AWS (services/deploy/rehearse.py)."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from services.deploy import package


class Environment(Protocol):
    """Whatever differs between an AWS account and its rehearsal."""

    @property
    def region(self) -> str: ...

    @property
    def account_id(self) -> str: ...

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables with which a child process finds this AWS."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings of Argus that only hold here."""

    @property
    def placeholders(self) -> Mapping[str, str]:
        """Outputs that no stack can give here."""

    def client(self, service: str, region: str = "") -> Any:
        """boto3's client of a service, in another region if one is named."""

    def packages(self) -> Mapping[str, Path]:
        """The zips by name, built from the sources as they are."""

    def template(self, path: Path) -> str:
        """The template's text, without what this AWS cannot have."""

    def verify_stack(self, name: str, path: Path, parameters: Mapping[str, str]) -> None:
        """Whether the stack is as declared. Raises NotAsDeclared."""

    def keys_url(self, outputs: Mapping[str, str]) -> str:
        """Where the user pool shows its keys."""

    def sign_in_url(self) -> str:
        """Where people sign in."""

    def api_endpoint(self, stage: str, outputs: Mapping[str, str]) -> Any:
        """A context manager of the API's address, which is open within it."""


@dataclass(frozen=True)
class Account:
    """An AWS account, with the credentials that boto3 finds."""

    region: str
    settings: Mapping[str, str] = field(default_factory=dict)
    placeholders: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_environment(cls) -> "Account":
        import boto3

        # boto3 reads AWS_DEFAULT_REGION and the profile; AWS_REGION is what the other tools, and Lambda, know.
        return cls(os.environ.get("AWS_REGION") or boto3.Session().region_name or "eu-west-1")

    @cached_property
    def account_id(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def variables(self) -> Mapping[str, str]:
        return {**os.environ, "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}

    def client(self, service: str, region: str = "") -> Any:
        import boto3

        return boto3.client(service, region_name=region or self.region)

    def packages(self) -> Mapping[str, Path]:
        return {one.name: package.build(one, package.TARGET) for one in package.PACKAGES}

    def template(self, path: Path) -> str:
        return path.read_text(encoding="utf-8")

    def verify_stack(self, name: str, path: Path, parameters: Mapping[str, str]) -> None:
        """CloudFormation's word is enough here."""

    def keys_url(self, outputs: Mapping[str, str]) -> str:
        return outputs["JwksUrl"]

    def sign_in_url(self) -> str:
        return f"https://cognito-idp.{self.region}.amazonaws.com"

    @contextmanager
    def api_endpoint(self, _stage: str, outputs: Mapping[str, str]) -> Iterator[str]:
        yield outputs["ApiUrl"]
